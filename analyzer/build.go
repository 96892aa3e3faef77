package analyzer

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// builder adds up the connections for a report.
type builder struct {
	res       *Result
	span      time.Duration // of all inputs; 0 without a clock
	grid      grid          // slices of it
	start     event.Time
	end       event.Time
	undated   bool        // start and end tell a duration only
	all       sums        // of all peers, filled in when they are complete
	halves    [2]halfSums // by client, by server
	peers     map[event.Endpoint]*peerSums
	clients   map[[16]byte]*sums
	endpoints map[endpointKey]*endpointSums
	quality   map[string]*noted
	special   map[string][]int32  // flows for findings that no cause names, by finding
	vantage   [event.Both + 1]int // connections by where the capture stood
	churnedBy [causes]int
	facts     facts   // of the connection that is being added
	counted   counted // and what it adds
	// Closes by cause over time, all of them and the churned ones.
	closedOver, churnedOver [causes]sliced
}

// halfSums is what the half-closes that one side began add up to.
type halfSums struct {
	count, censored               int
	finWait1, finWait2, closeWait stat.Dist
	spans                         stat.Spans
	endedBy                       map[string]int
}

// peerSums are the sums of one server.
type peerSums struct {
	sums
	names    map[string]int
	inFlight inFlight
}

// endpointKey names one endpoint of one server.
type endpointKey struct {
	server   event.Endpoint
	endpoint string
}

// endpointSums are the sums of one endpoint. Connections belong to the
// endpoint of their closing request.
type endpointSums struct {
	sums
	ended     [causes]int // requests outstanding at the close, by its cause
	exchanges int         // answered, over all connections
	reset     int
	aborted2  int            // HTTP/2 streams that the server gave up
	timers    map[*timer]int // closes by the timer that made them; nil none
}

// timed counts closes by a timer; nil is none.
func (e *endpointSums) timed(t *timer, n int) {
	if t == nil {
		return
	}
	if e.timers == nil {
		e.timers = map[*timer]int{}
	}
	e.timers[t] += n
}

// newBuilder returns one that has counted nothing.
func newBuilder(res *Result) *builder {
	return &builder{res: res, start: event.NoTime, end: event.NoTime,
		peers: map[event.Endpoint]*peerSums{}, clients: map[[16]byte]*sums{},
		endpoints: map[endpointKey]*endpointSums{}, quality: map[string]*noted{}, special: map[string][]int32{}}
}

// build makes the report.
func (res *Result) build() *Report {
	b := newBuilder(res)
	b.undated = !slices.ContainsFunc(res.views, func(v *view) bool { return v.start.Known() && !v.undated })
	for _, v := range res.views {
		if v.undated && !b.undated {
			continue // its moments lie decades from those of the others
		}
		if v.start.Known() && (!b.start.Known() || v.start < b.start) {
			b.start = v.start
		}
		b.end = max(b.end, v.end)
	}
	if b.start.Known() {
		b.span = b.end.Sub(b.start)
	}
	b.grid = gridOf(b.start, b.end)
	b.all.times = newTimes(b.grid)
	b.addAll()
	b.exchanges()
	r := &Report{
		Schema: ReportSchema, Tool: Tool{"finwait", res.opts.Version},
		Inputs: b.inputs(), Span: b.reportSpan(), Settings: res.opts.settings(), Slices: b.slices(), Quality: b.qualities(), Totals: b.totals(),
		HalfClose: HalfCloses{b.halfClose(0), b.halfClose(1)},
		Timers:    b.timers(), Peers: b.peerRows(), Endpoints: b.endpointRows(), Clients: b.clientRows(),
		Timeline: b.timeline(),
	}
	r.WhatIf = b.whatIf()
	r.Processes, r.Clocks = b.processes(), b.res.clocks
	r.Findings = b.findings(r)
	r.Verdict = b.verdict(r)
	b.omit(r)
	return r
}

// connection adds one flow.
func (b *builder) connection(i int, r *conn.Record) {
	res := b.res
	if l := res.view(i).log; l != nil && l.OtherEnd(int(res.flows[i].index)) {
		return // its other end is in the log as well
	}
	f, c := &b.facts, &b.counted
	res.judge(f, i, r, false)
	*c = counted{flow: int32(i), f: f, requests: requestsOf(f), churned: res.replaced[i] >= 0 && f.cause != CauseOpen}
	if res.view(i).log == nil {
		c.half, c.halfOK = halfCloseOf(f.Record, res.view(i).end, res.opts.FinTimeout)
	}
	c.retried = c.churned && f.cause == CauseRequestTimeout && res.sameRequest(i, f.Record, int(res.replaced[i]))
	c.spanEnd = f.CloseAt
	if !c.spanEnd.Known() {
		c.spanEnd = f.Last
		if f.cause == CauseOpen {
			c.spanEnd = max(f.Last, res.view(i).end)
		}
	}
	tw, placed := res.opts.TimeWait, b.placed(res.view(i))
	p := b.peer(f.Server)
	p.add(c, tw)
	if name := res.serverName(i, f.Record); name != nil && b.res.rows.server(f.Server) == f.Server {
		p.names[*name]++
	}
	cl := b.client(f.Client.Addr)
	cl.add(c, tw)
	var e *endpointSums
	if f.Sent > 0 || f.Outstanding {
		e = b.endpoint(f.Server, res.endpoint(i, f.Record))
		e.add(c, tw)
		if f.Outstanding {
			e.ended[f.cause] += int(f.Open)
			e.timed(f.timer, 1)
		}
		at := f.RequestStart
		if !placed {
			at = event.NoTime
		}
		b.survival(p, e, f, at)
	}
	if placed {
		b.addTimes(c, p, cl, e)
	}
	b.half(c)
	if f.Outstanding && f.RequestStart.Known() && c.spanEnd.Known() && placed {
		p.inFlight.add(f.RequestStart, c.spanEnd)
	}
	if c.retried {
		b.special["retried"] = append(b.special["retried"], int32(i))
	}
	if res.view(i).log == nil {
		b.mark(i, f)
	}
}

// reactionLimit is how soon after its client's close, beyond a round trip, what
// a server sends is its reaction to the close and not the answer.
const reactionLimit = 10 * time.Millisecond

// reacted reports whether the server noticed that its client had gone: what it
// sent at once tells nothing about how long the answer would have taken.
func (f *facts) reacted() bool {
	d, ok := conn.Duration(f.CloseAt, f.Late)
	return ok && d <= f.RTT+reactionLimit
}

// half adds a half-close.
func (b *builder) half(c *counted) {
	if !c.halfOK {
		return
	}
	h := &b.halves[b2i(c.half.by == event.Server)]
	if h.endedBy == nil {
		h.endedBy = map[string]int{}
	}
	h.count++
	h.censored += b2i(c.half.censored)
	h.endedBy[c.half.endedBy.String()]++
	observe(&h.finWait1, c.half.finWait1)
	observe(&h.finWait2, c.half.finWait2)
	observe(&h.closeWait, c.half.closeWait)
	if c.half.waitFrom.Known() {
		h.spans.Add(int64(c.half.waitFrom), int64(c.half.waitTo))
	}
}

// exchanges adds the answered exchanges that the shards counted.
func (b *builder) exchanges() {
	for _, v := range b.res.views {
		for _, s := range v.shards {
			for end, st := range s.servers {
				p := b.peer(end)
				if b.placed(v) {
					p.inFlight.merge(&st.inFlight)
				}
				for id, x := range st.endpoints {
					name := b.res.fold(end, s.names.String(id))
					if id == 0 {
						name = p.fallback(end)
					}
					e := b.endpoint(end, name)
					e.exchanges += x.answered
					e.reset += x.reset
					e.aborted2 += x.aborted
					e.response.Merge(&x.responses)
					p.response.Merge(&x.responses)
					b.all.response.Merge(&x.responses)
					if !b.placed(v) {
						continue
					}
					for _, t := range [...]*times{&e.times, &p.times, &b.all.times} {
						t.merge(x)
					}
				}
			}
		}
	}
}

// fallback is the name of an endpoint whose protocol shows none.
func (p *peerSums) fallback(server event.Endpoint) string {
	if n := p.name(); n != nil {
		return *n
	}
	return server.String()
}

// name is what most connections called the server; nil when none did.
func (p *peerSums) name() *string {
	best := ""
	for _, n := range slices.Sorted(maps.Keys(p.names)) {
		if best == "" || p.names[n] > p.names[best] {
			best = n
		}
	}
	return text(best)
}

// retryLimit is how soon a request is sent again that is a retry, not the next
// round of a program that asks for the same thing all the time.
const retryLimit = event.Time(time.Second)

// sameRequest reports whether flow next began with the request that was
// outstanding on flow i, while the server was still at work on it.
func (res *Result) sameRequest(i int, r *conn.Record, next int) bool {
	if r.Path == 0 {
		return false
	}
	var n conn.Record
	res.record(next, &n)
	if n.Sent != 1 || n.Opened-r.CloseAt > retryLimit || r.Late.Known() && r.Late < n.Opened || r.PeerFIN.Known() && r.PeerFIN < n.Opened {
		return false // later than a retry, after the server was done, or not the connection's first request
	}
	if n.Path == 0 {
		return n.Endpoint != 0 && res.endpoint(next, &n) == res.endpoint(i, r)
	}
	return res.name(i, r.Path) == res.name(next, n.Path) && res.name(i, r.Method) == res.name(next, n.Method)
}

// vantages counts connections by where the capture stood.
func (b *builder) vantages() Causes {
	m := Causes{}
	for side, word := range map[event.Side]string{event.Client: "client", event.Server: "server", event.Both: "middle"} {
		if n := b.vantage[side]; n > 0 {
			m[word] = n
		}
	}
	return m
}

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
		CloseWait: quantiles(&h.closeWait), EndedBy: h.endedBy, Peak: Peak{At: Stamp(event.NoTime)},
	}
	if t := &b.all.times; side == 0 {
		out.GaveUp = halfClosesOver(&b.all.gaveUp, &t.gaveUp, b.grid)
		out.Other = halfClosesOver(&b.all.other, &t.other, b.grid)
	}
	if out.EndedBy == nil {
		out.EndedBy = map[string]int{}
	}
	if n, at := h.spans.Peak(); n > 0 {
		out.Peak = Peak{Measured(n), b.stamp(event.Time(at))}
	}
	return out
}

// peerRows are the servers, those with most churn first.
func (b *builder) peerRows() []Peer {
	rows := make([]Peer, 0, len(b.peers))
	for _, end := range slices.SortedFunc(maps.Keys(b.peers), event.Endpoint.Compare) {
		p := b.peers[end]
		fw2, _ := p.fw2Spans.Peak()
		tw, _ := p.timeWaitSpans.Peak()
		open, _ := p.openSpans.Peak()
		row := Peer{
			Server: serverRow(end), ServerName: p.name(), Connections: p.connections, Opened: p.opened,
			Requests: p.requests, RequestsPerConnection: ratio(p.requests, p.connections), Answered: p.answered,
			TimedOut: p.timedOut, Cancelled: p.cancelled, Aborted: p.aborted, Churned: p.churned,
			ChurnPerMinute: rate(p.churned, b.span), ConnectionsPerMinute: rate(p.opened, b.span), Causes: words(&p.causes),
			FinWait2: quantiles(&p.finWait2), CloseWait: quantiles(&p.closeWait),
			GaveUp:       halfClosesOver(&p.gaveUp, &p.times.gaveUp, b.grid),
			Other:        halfClosesOver(&p.other, &p.times.other, b.grid),
			FinWait2Peak: Measured(fw2), TimeWaitPeak: Measured(tw),
			InFlightPeak: Measured(max(p.inFlight.peak(), b2i(p.requests > 0))), ConcurrencyPeak: Measured(open), Retries: p.retries,
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
		fw2, _ := s.fw2Spans.Peak()
		tw, _ := s.timeWaitSpans.Peak()
		row := ClientRow{
			Client: addressOf(k), Connections: s.connections, Opened: s.opened, Requests: s.requests,
			RequestsPerConnection: ratio(s.requests, s.connections), Answered: s.answered, TimedOut: s.timedOut,
			Cancelled: s.cancelled, Aborted: s.aborted, Churned: s.churned, ChurnPerMinute: rate(s.churned, b.span),
			ConnectionsPerMinute: rate(s.opened, b.span), Causes: words(&s.causes),
			FinWait2: quantiles(&s.finWait2), GaveUp: halfClosesOver(&s.gaveUp, &s.times.gaveUp, b.grid),
			Other:        halfClosesOver(&s.other, &s.times.other, b.grid),
			FinWait2Peak: Measured(fw2), TimeWaitPeak: Measured(tw), Response: quantiles(&s.response), Lifetime: quantiles(&s.lifetime),
			Counts: s.times.counts(b.grid),
		}
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

// meaning names the settings that make such a timer.
func (t *timer) meaning() string {
	if t.configured {
		return "given with --timeout"
	}
	switch t.basis {
	case basisRequestEnd:
		return "a timer for the response's head: Go ResponseHeaderTimeout, nginx proxy_read_timeout, HAProxy timeout server"
	case basisLastByte:
		return "a read timer, started anew by every byte: Python requests timeout, socket timeouts, nginx proxy_read_timeout"
	}
	return "a timer over the whole exchange: Go http.Client.Timeout or a context deadline, curl --max-time, fetch AbortSignal.timeout"
}
