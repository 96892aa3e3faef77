package render

import (
	"fmt"
	"strings"

	"finwait/analyzer"
)

// peers writes the servers, worst first.
func (p *page) peers(r *analyzer.Report) {
	if len(r.Peers) == 0 {
		return
	}
	rows := r.Peers[:min(topRows, len(r.Peers))]
	wait := unitOf(rows, func(x *analyzer.Peer) []*float64 { return []*float64{x.FinWait2.P50, x.FinWait2.P99} })
	answer := unitOf(rows, func(x *analyzer.Peer) []*float64 { return []*float64{x.Response.P50, x.Response.P99} })
	fw2, response := "FIN-WAIT-2 ("+wait.name+")", "answer ("+answer.name+")"
	t := &table{indent: 2, columns: []column{
		{title: "server", shrink: 15},
		{title: "name", shrink: 9, head: true, rank: 6},
		{title: "conns", right: true, rank: 3},
		{title: "reqs", right: true, rank: 4},
		{title: "timeouts", right: true, rank: 1, style: &p.s.bad},
		{title: "churned", right: true, rank: 1, style: &p.s.warn},
		{title: "p50", group: fw2, right: true, rank: 2},
		{title: "p99", group: fw2, right: true, rank: 5},
		{title: "peak", group: fw2, right: true, rank: 3},
		{title: "TIME-WAIT", right: true, rank: 8},
		{title: "p50", group: response, right: true, rank: 9},
		{title: "p99", group: response, right: true, rank: 9},
		{title: "req/conn", right: true, rank: 10},
		{title: "churn/min", right: true, rank: 11},
		{title: "mostly", rank: 12},
	}}
	for i := range rows {
		x := &rows[i]
		t.add(clean(x.Server), peerName(x), count(int64(x.Connections)), count(int64(x.Requests)),
			count(int64(x.TimedOut)), count(int64(x.Churned)),
			wait.number(x.FinWait2.P50), wait.number(x.FinWait2.P99), peakOf(x.FinWait2Peak, x.FinWait2), measured(x.TimeWaitPeak),
			answer.number(x.Response.P50), answer.number(x.Response.P99),
			ratio(x.RequestsPerConnection), ratio(x.ChurnPerMinute), mostly(x.Causes))
	}
	p.heading("Servers", "by churn")
	p.table(t, restOfPeers(r.Peers[len(rows):], p.s))
}

// peakOf is the most sockets at once. Without any half-close there is no telling:
// an strace log does not show them.
func peakOf(peak analyzer.Measured, q analyzer.Quantiles) string {
	if peak == 0 && q.Count == 0 {
		return unknown
	}
	return measured(peak)
}

// measured formats a number that the input may not show.
func measured(m analyzer.Measured) string {
	if !m.Known() {
		return unknown
	}
	return count(int64(m))
}

// restOfPeers sums up the servers that have no row of their own.
func restOfPeers(rest []analyzer.Peer, s style) string {
	if len(rest) == 0 {
		return ""
	}
	var connections, timeouts, churned int
	for i := range rest {
		connections += rest[i].Connections
		timeouts += rest[i].TimedOut
		churned += rest[i].Churned
	}
	return fmt.Sprintf("%s and %d more: %s, %s, %s churned", s.ellipsis, len(rest),
		counted(connections, "connection"), counted(timeouts, "timeout"), count(int64(churned)))
}

// mostly names the most frequent cause with its share.
func mostly(causes analyzer.Causes) string {
	best, total := "", 0
	for cause, n := range causes {
		total += n
		if best == "" || n > causes[best] || n == causes[best] && cause < best {
			best = cause
		}
	}
	if best == "" {
		return ""
	}
	return clean(best) + " " + percent(float64(causes[best])/float64(total))
}

// unitOf picks one unit for a column over all rows.
func unitOf[T any](rows []T, values func(*T) []*float64) unit {
	var all []*float64
	for i := range rows {
		all = append(all, values(&rows[i])...)
	}
	return unitFor(all...)
}

// endpoints writes what was asked for, worst first. With a single endpoint that
// is only the server's address the table of servers has said it all.
func (p *page) endpoints(r *analyzer.Report) {
	if len(r.Endpoints) == 0 {
		return
	}
	rows := r.Endpoints[:min(topRows, len(r.Endpoints))]
	answer := unitOf(rows, func(x *analyzer.EndpointRow) []*float64 {
		return []*float64{x.Response.P50, x.Response.P99}
	})
	late := unitOf(rows, func(x *analyzer.EndpointRow) []*float64 {
		return []*float64{x.LateResponse.P50, x.LateResponse.P99}
	})
	wasted := unitOf(rows, func(x *analyzer.EndpointRow) []*float64 { return []*float64{x.WastedServerS} })
	where, only := serverLabels(r, rows)
	response, lateGroup := "answer ("+answer.name+")", "late ("+late.name+")"
	t := &table{indent: 2, columns: []column{
		{title: "endpoint", shrink: 24},
		{title: "server", shrink: 12, rank: 3},
		{title: "reqs", right: true, rank: 4},
		{title: "timeouts", right: true, rank: 1, style: &p.s.bad},
		{title: "churned", right: true, rank: 2, style: &p.s.warn},
		{title: "p50", group: response, right: true, rank: 3},
		{title: "p99", group: response, right: true, rank: 3},
		{title: "p50", group: lateGroup, right: true, rank: 4},
		{title: "p99", group: lateGroup, right: true, rank: 7},
		{title: "wasted " + wasted.name, right: true, rank: 8},
		{title: "retried", right: true, rank: 9},
		{title: "mostly", rank: 10},
	}}
	for i := range rows {
		x := &rows[i]
		t.add(clean(x.Endpoint), where[x.Server], count(int64(x.Requests)), count(int64(x.TimedOut)), count(int64(x.Churned)),
			answer.number(x.Response.P50), answer.number(x.Response.P99), late.number(x.LateResponse.P50), late.number(x.LateResponse.P99),
			wasted.number(x.WastedServerS), count(int64(x.Retries)), mostly(x.Causes))
	}
	rest := ""
	if n := len(r.Endpoints) - len(rows); n > 0 {
		requests, timeouts := 0, 0
		for _, x := range r.Endpoints[len(rows):] {
			requests += x.Requests
			timeouts += x.TimedOut
		}
		rest = fmt.Sprintf("%s and %d more: %s, %s", p.s.ellipsis, n, counted(requests, "request"), counted(timeouts, "timeout"))
	}
	note := "by churn; late: time to an answer that came after the client had gone"
	if only != "" {
		note = "of " + only + ", " + note
	}
	p.heading("Endpoints", note)
	p.table(t, rest)
}

// peerName is a server's name, when it says more than its address.
func peerName(x *analyzer.Peer) string {
	name := orEmpty(x.ServerName)
	if name == x.Server || name == hostOf(x.Server) {
		return ""
	}
	return clean(name)
}

// hostOf cuts the port off an address.
func hostOf(address string) string {
	if at := strings.LastIndexByte(address, ':'); at >= 0 {
		return address[:at]
	}
	return address
}

// serverLabels gives servers their names where these tell them apart, else their
// addresses, without the port when all have the same one. When all rows are of
// one server, only names it and no row does.
func serverLabels(r *analyzer.Report, rows []analyzer.EndpointRow) (labels map[string]string, only string) {
	labels = map[string]string{}
	ports := map[string]bool{}
	for i := range rows {
		server := rows[i].Server
		labels[server] = clean(server)
		ports[server[len(hostOf(server)):]] = true
	}
	if len(ports) == 1 && len(labels) > 1 {
		for server := range labels {
			labels[server] = clean(hostOf(server))
		}
	}
	used := map[string]int{}
	for i := range r.Peers {
		used[peerName(&r.Peers[i])]++
	}
	for i := range r.Peers {
		x := &r.Peers[i]
		if name := peerName(x); name != "" && used[name] == 1 && labels[x.Server] != "" {
			labels[x.Server] = name
		}
	}
	if len(labels) == 1 {
		only = labels[rows[0].Server]
		labels[rows[0].Server] = ""
	}
	return labels, only
}

// clients writes the client addresses when there is more than one.
func (p *page) clients(r *analyzer.Report) {
	if len(r.Clients) < 2 {
		return
	}
	rows := r.Clients[:min(topRows, len(r.Clients))]
	wait := unitOf(rows, func(x *analyzer.ClientRow) []*float64 { return []*float64{x.FinWait2.P50, x.FinWait2.P99} })
	fw2 := "FIN-WAIT-2 (" + wait.name + ")"
	t := &table{indent: 2, columns: []column{
		{title: "client", shrink: 15},
		{title: "conns", right: true, rank: 3},
		{title: "reqs", right: true, rank: 4},
		{title: "timeouts", right: true, rank: 1, style: &p.s.bad},
		{title: "churned", right: true, rank: 1, style: &p.s.warn},
		{title: "p50", group: fw2, right: true, rank: 2},
		{title: "p99", group: fw2, right: true, rank: 5},
		{title: "peak", group: fw2, right: true, rank: 3},
		{title: "TIME-WAIT", right: true, rank: 6},
		{title: "req/conn", right: true, rank: 7},
		{title: "mostly", rank: 8},
	}}
	for i := range rows {
		x := &rows[i]
		t.add(clean(x.Client), count(int64(x.Connections)), count(int64(x.Requests)), count(int64(x.TimedOut)), count(int64(x.Churned)),
			wait.number(x.FinWait2.P50), wait.number(x.FinWait2.P99), peakOf(x.FinWait2Peak, x.FinWait2), measured(x.TimeWaitPeak),
			ratio(x.RequestsPerConnection), mostly(x.Causes))
	}
	rest := ""
	if n := len(r.Clients) - len(rows); n > 0 {
		rest = fmt.Sprintf("%s and %d more", p.s.ellipsis, n)
	}
	p.heading("Clients", "by churn")
	p.table(t, rest)
}
