package analyzer

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// totals are the sums over all connections.
func (b *builder) totals() Totals {
	a := &b.all
	t := Totals{
		Connections: a.connections, Opened: a.opened, Closed: a.closed, Requests: a.requests, Answered: a.answered,
		TimedOut: a.timedOut, Cancelled: a.cancelled, Aborted: a.aborted, Churned: a.churned,
		LateResponses: a.late, Retries: a.retries, RequestsPerConnection: ratio(a.requests, a.connections),
		Causes: words(&a.causes), ChurnedBy: words(&b.churnedBy), Vantage: b.vantages(),
		Response: quantilesOver(&a.response, &a.times.response, b.grid), Counts: a.times.counts(b.grid),
		CausesOver: over(&b.closedOver, b.grid), ChurnedOver: over(&b.churnedOver, b.grid),
	}
	if a.late > 0 {
		t.WastedServerS = secondsOf(a.wasted)
	}
	used := a.connections - a.reuse[0]
	if a.requests > 0 {
		t.ReuseRatio = ratio(a.requests-min(used, a.requests), a.requests)
	}
	return t
}

// halfClose is the report on the half-closes of one side.
func (b *builder) halfClose(side int) HalfClose {
	h := &b.halves[side]
	out := HalfClose{
		Count: h.count, Censored: h.censored, FinWait1: quantiles(&h.finWait1), FinWait2: quantiles(&h.finWait2),
		CloseWait: quantiles(&h.closeWait), EndedBy: map[string]int{}, Peak: Peak{At: Stamp(event.NoTime)},
	}
	if t := &b.all.times; side == 0 {
		out.GaveUp = halfClosesOver(&b.all.gaveUp, &t.gaveUp, b.grid)
		out.Other = halfClosesOver(&b.all.other, &t.other, b.grid)
	}
	for by, n := range h.endedBy {
		if n > 0 {
			out.EndedBy[conn.EndedBy(by).String()] += n
		}
	}
	if m := &b.courses[[...]state{stateFinWait2, stateServerWait}[side]].all; m.Peak > 0 {
		out.Peak = Peak{Measured(m.Peak), b.stamp(event.Time(m.At))}
	}
	return out
}

// peerRows are the servers, those with most churn first.
func (b *builder) peerRows() []Peer {
	rows := make([]Peer, 0, len(b.peers))
	for _, end := range slices.SortedFunc(maps.Keys(b.peers), event.Endpoint.Compare) {
		p := b.peers[end]
		row := Peer{
			Server: serverRow(end), ServerName: p.name(), Connections: p.connections, Opened: p.opened,
			Requests: p.requests, RequestsPerConnection: ratio(p.requests, p.connections), Answered: p.answered,
			TimedOut: p.timedOut, Cancelled: p.cancelled, Aborted: p.aborted, Churned: p.churned,
			ChurnPerMinute: rate(p.churned, b.span), ConnectionsPerMinute: rate(p.opened, b.span), Causes: words(&p.causes),
			FinWait2: quantiles(&p.finWait2), CloseWait: quantiles(&p.closeWait),
			GaveUp:       halfClosesOver(&p.gaveUp, &p.times.gaveUp, b.grid),
			Other:        halfClosesOver(&p.other, &p.times.other, b.grid),
			FinWait2Peak: Measured(b.courses[stateFinWait2].peers[p.row].Peak), TimeWaitPeak: Measured(b.courses[stateTimeWait].peers[p.row].Peak),
			InFlightPeak: Measured(max(p.inFlight.peak(), b2i(p.requests > 0))), ConcurrencyPeak: Measured(b.courses[stateOpen].peers[p.row].Peak), Retries: p.retries,
			Response: quantilesOver(&p.response, &p.times.response, b.grid), Lifetime: quantiles(&p.lifetime), Reuse: bins(&p.reuse),
			Counts: p.times.counts(b.grid),
		}
		if p.handshakes > 0 {
			row.HandshakeS = secondsOf(p.handshakes)
		}
		if p.late > 0 {
			row.WastedServerS = secondsOf(p.wasted)
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(x, y Peer) int {
		return cmp.Or(otherLast(x.Server, y.Server), cmp.Compare(y.Churned, x.Churned), cmp.Compare(y.TimedOut, x.TimedOut), cmp.Compare(y.Connections, x.Connections))
	})
	return rows
}

// bins is the histogram of requests per connection.
func bins(counts *[reuseBins]int) []Bin {
	list := []Bin{}
	for i, n := range counts {
		if n > 0 {
			lo, hi := reuseRange(i)
			list = append(list, Bin{lo, hi, n})
		}
	}
	return list
}

// endpointRows are the endpoints, those with most churn first.
func (b *builder) endpointRows() []EndpointRow {
	keys := slices.SortedFunc(maps.Keys(b.endpoints), func(x, y endpointKey) int {
		return cmp.Or(x.server.Compare(y.server), cmp.Compare(x.endpoint, y.endpoint))
	})
	rows := make([]EndpointRow, 0, len(keys))
	for _, k := range keys {
		rows = append(rows, b.endpoints[k].row(k, b.grid))
	}
	slices.SortStableFunc(rows, func(x, y EndpointRow) int {
		return cmp.Or(otherLast(x.Server, y.Server), cmp.Compare(y.Churned, x.Churned), cmp.Compare(y.TimedOut, x.TimedOut), cmp.Compare(y.Requests, x.Requests))
	})
	return rows
}

func (e *endpointSums) row(k endpointKey, g grid) EndpointRow {
	outstanding := 0
	for _, n := range e.ended {
		outstanding += n
	}
	row := EndpointRow{
		Server: serverRow(k.server), Endpoint: k.endpoint,
		Requests: e.exchanges + outstanding + e.reset + e.aborted2, Answered: e.exchanges,
		TimedOut: e.ended[CauseRequestTimeout] + e.reset, Cancelled: e.ended[CauseRequestCancelled],
		Aborted:           e.ended[CauseServerAborted] + e.ended[CauseIdleRace] + e.ended[CauseNetworkFailure] + e.aborted2,
		ConnectionsClosed: e.closed, Churned: e.churned, Causes: words(&e.causes),
		Response: quantilesOver(&e.response, &e.times.response, g), LateResponse: quantiles(&e.lateResponse), Retries: e.retries,
		GaveUp: halfClosesOver(&e.gaveUp, &e.times.gaveUp, g), Counts: e.times.counts(g),
	}
	if e.late > 0 {
		row.WastedServerS = secondsOf(e.wasted)
	}
	return row
}

// clientRows are the client addresses, those with most churn first.
func (b *builder) clientRows() []ClientRow {
	keys := slices.SortedFunc(maps.Keys(b.clients), func(x, y [16]byte) int { return bytes.Compare(x[:], y[:]) })
	rows := make([]ClientRow, 0, len(keys))
	for _, k := range keys {
		s := b.clients[k]
		row := ClientRow{
			Client: addressOf(k), Connections: s.connections, Opened: s.opened, Requests: s.requests,
			RequestsPerConnection: ratio(s.requests, s.connections), Answered: s.answered, TimedOut: s.timedOut,
			Cancelled: s.cancelled, Aborted: s.aborted, Churned: s.churned, ChurnPerMinute: rate(s.churned, b.span),
			ConnectionsPerMinute: rate(s.opened, b.span), Causes: words(&s.causes),
			FinWait2: quantiles(&s.finWait2), GaveUp: halfClosesOver(&s.gaveUp, &s.times.gaveUp, b.grid),
			Other:        halfClosesOver(&s.other, &s.times.other, b.grid),
			FinWait2Peak: Measured(b.courses[stateFinWait2].clients[s.row].Peak), TimeWaitPeak: Measured(b.courses[stateTimeWait].clients[s.row].Peak),
			Response: quantiles(&s.response), Lifetime: quantiles(&s.lifetime),
			Counts: s.times.counts(b.grid),
		}
		row.Response.Dist = nil // diff compares those of servers and endpoints
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(x, y ClientRow) int {
		return cmp.Or(otherLast(x.Client, y.Client), cmp.Compare(y.Churned, x.Churned), cmp.Compare(y.TimedOut, x.TimedOut), cmp.Compare(y.Connections, x.Connections))
	})
	return rows
}

// addressOf is an address in words; "" the unknown one, of sockets whose log
// does not show it.
func addressOf(addr [16]byte) string {
	if addr == [16]byte{} {
		return ""
	}
	if addr == otherClient {
		return otherRow
	}
	return event.Endpoint{Addr: addr}.AddrPort().Addr().String()
}

// timers are the timers that were found.
func (b *builder) timers() []Timer {
	list := []Timer{}
	for _, t := range b.res.timers.sorted() {
		row := Timer{ValueS: t.value.Seconds(), SpreadS: t.spread.Seconds(), Basis: t.basis.String(), Count: t.count,
			Servers: []string{}, Meaning: t.meaning()}
		if t.configured {
			row.Basis = "configured"
		}
		if t.client.Known() {
			row.Client = t.client.AddrPort().Addr().String()
		}
		for _, s := range slices.SortedFunc(maps.Keys(t.servers), event.Endpoint.Compare) {
			row.Servers = append(row.Servers, s.String())
		}
		list = append(list, row)
	}
	return list
}

// The settings that make timers.
const (
	overExchange = "over the whole exchange: Go http.Client.Timeout or a context deadline, curl --max-time, fetch AbortSignal.timeout"
	forHead      = "for the response's head: Go ResponseHeaderTimeout, nginx proxy_read_timeout, HAProxy timeout server"
	forBytes     = "started anew by every byte: Python requests timeout, socket timeouts, nginx proxy_read_timeout"
)

// meaning names the settings that make such a timer. While nothing of the
// answers has come, and the connections stood ready, a timer over the exchange
// and one for every read end at the same time.
func (t *timer) meaning() string {
	switch a := &t.starts; {
	case t.configured:
		return "given with --timeout"
	case t.basis == basisRequestEnd:
		return "a timer " + forHead
	case t.basis == basisLastByte:
		return "a read timer, " + forBytes
	case a.dialled > 0 || a.steady > 0:
		return "a timer " + overExchange
	case a.asked > 0:
		return "a timer that does not include the dial, " + forBytes + "; or for the response's head (Go ResponseHeaderTimeout, HAProxy timeout server): nothing came of the answers that would tell which"
	}
	return "a timer " + overExchange + "; or a read timer (Python requests, nginx proxy_read_timeout, HAProxy timeout server): these closes do not tell which"
}
