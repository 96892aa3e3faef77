package analyzer

import (
	"finwait/analyzer/stat"
)

// side is one report, made ready for comparisons.
type side struct {
	r       *Report
	minutes float64 // 0 without a clock, and when everything carries one time
}

func newSide(r *Report) *side {
	s := &side{r: r}
	if d := r.Span.DurationS; d != nil && *d > 0 {
		s.minutes = *d / 60
	}
	return s
}

// summary is the side as the comparison names it.
func (s *side) summary() Side {
	out := Side{Inputs: s.r.Inputs, Span: s.r.Span, Connections: s.r.Totals.Connections, Requests: s.r.Totals.Requests}
	if s.minutes > 0 {
		out.RequestsPerMinute = finite(float64(s.r.Totals.Requests) / s.minutes)
	}
	return out
}

// subject is a row of a report, or several of them taken together, as
// comparisons need it.
type subject struct {
	server, endpoint                      string // or the client's address in server
	name                                  *string
	connections, opened, requests         int
	timedOut, cancelled, aborted, churned int
	counts                                *Counts
	causes                                Causes // closes by cause
	response, finWait2, gaveUp, other     Quantiles
	closeWait, serverFW                   Quantiles
	finWait2Peak, timeWaitPeak            int
	wide                                  bool // connections and peaks are its own: false for an endpoint
}

// totals is the subject of everything.
func (s *side) totals() *subject {
	t, h := &s.r.Totals, &s.r.HalfClose
	x := &subject{connections: t.Connections, opened: t.Opened, requests: t.Requests, timedOut: t.TimedOut, cancelled: t.Cancelled,
		aborted: t.Aborted, churned: t.Churned, counts: t.Counts, causes: t.Causes, response: t.Response, wide: true,
		finWait2: h.Client.FinWait2, gaveUp: h.Client.GaveUp, other: h.Client.Other, closeWait: h.Client.CloseWait, serverFW: h.Server.FinWait2,
		finWait2Peak: max(0, int(h.Client.Peak.Count))}
	for i := range s.r.Timeline.Series {
		if l := &s.r.Timeline.Series[i]; l.Peer == "" && l.State == "TIME-WAIT" {
			for _, v := range l.Values {
				x.timeWaitPeak = max(x.timeWaitPeak, v)
			}
		}
	}
	return x
}

// peers are the subjects of the servers.
func (s *side) peers() []*subject {
	out := make([]*subject, len(s.r.Peers))
	for i := range s.r.Peers {
		p := &s.r.Peers[i]
		out[i] = &subject{server: p.Server, name: p.ServerName, connections: p.Connections, opened: p.Opened, requests: p.Requests,
			timedOut: p.TimedOut, cancelled: p.Cancelled, aborted: p.Aborted, churned: p.Churned, counts: p.Counts, causes: p.Causes, response: p.Response,
			finWait2: p.FinWait2, gaveUp: p.GaveUp, other: p.Other, closeWait: p.CloseWait, finWait2Peak: max(0, int(p.FinWait2Peak)), timeWaitPeak: max(0, int(p.TimeWaitPeak)), wide: true}
	}
	return out
}

// clients are the subjects of the clients. Reports keep no distribution of
// response times for each; that of a single one is that of everything.
func (s *side) clients() []*subject {
	out := make([]*subject, len(s.r.Clients))
	for i := range s.r.Clients {
		p := &s.r.Clients[i]
		out[i] = &subject{server: p.Client, connections: p.Connections, opened: p.Opened, requests: p.Requests,
			timedOut: p.TimedOut, cancelled: p.Cancelled, aborted: p.Aborted, churned: p.Churned, counts: p.Counts, causes: p.Causes, response: p.Response,
			finWait2: p.FinWait2, gaveUp: p.GaveUp, other: p.Other, finWait2Peak: max(0, int(p.FinWait2Peak)), timeWaitPeak: max(0, int(p.TimeWaitPeak)), wide: true}
	}
	if len(out) == 1 {
		out[0].response = s.r.Totals.Response
	}
	return out
}

// endpoints are the subjects of the endpoints.
func (s *side) endpoints() []*subject {
	out := make([]*subject, len(s.r.Endpoints))
	for i := range s.r.Endpoints {
		e := &s.r.Endpoints[i]
		out[i] = &subject{server: e.Server, endpoint: e.Endpoint, requests: e.Requests, timedOut: e.TimedOut, cancelled: e.Cancelled,
			aborted: e.Aborted, churned: e.Churned, connections: e.ConnectionsClosed, counts: e.Counts, causes: e.Causes, response: e.Response, gaveUp: e.GaveUp}
	}
	return out
}

// pooled is several subjects as one. Their peaks are added up, although they
// need not have come at the same time.
func pooled(list []*subject) *subject {
	if len(list) == 1 {
		return list[0]
	}
	x := &subject{server: list[0].server, endpoint: list[0].endpoint, name: list[0].name, wide: list[0].wide, causes: Causes{}}
	for _, y := range list {
		x.connections += y.connections
		x.opened += y.opened
		x.requests += y.requests
		x.timedOut += y.timedOut
		x.cancelled += y.cancelled
		x.aborted += y.aborted
		x.churned += y.churned
		x.finWait2Peak += y.finWait2Peak
		x.timeWaitPeak += y.timeWaitPeak
		x.counts = x.counts.plus(y.counts)
		for cause, n := range y.causes {
			x.causes[cause] += n
		}
		x.response = x.response.plus(&y.response)
		x.finWait2 = x.finWait2.plus(&y.finWait2)
		x.gaveUp = x.gaveUp.plus(&y.gaveUp)
		x.other = x.other.plus(&y.other)
		x.closeWait = x.closeWait.plus(&y.closeWait)
	}
	return x
}

// plus is the sum of both; nil is nothing.
func (c *Counts) plus(o *Counts) *Counts {
	switch {
	case c == nil:
		return o
	case o == nil:
		return c
	}
	return &Counts{sum(c.Requests, o.Requests), sum(c.TimedOut, o.TimedOut), sum(c.Cancelled, o.Cancelled),
		sum(c.Aborted, o.Aborted), sum(c.Churned, o.Churned), sum(c.Opened, o.Opened)}
}

// sum adds two lists; a shorter one ends in zeros.
func sum(a, b []int) []int {
	out := make([]int, max(len(a), len(b)))
	for i := range out {
		out[i] = at(a, i) + at(b, i)
	}
	return out
}

// at is element i of a list, 0 beyond its end.
func at(list []int, i int) int {
	if i < len(list) {
		return list[i]
	}
	return 0
}

// plus is the distribution of both. How their durations cluster is taken from
// the one where they do so more.
func (q Quantiles) plus(o *Quantiles) Quantiles {
	switch {
	case q.Count == 0:
		return *o
	case o.Count == 0 || q.Dist == nil || o.Dist == nil:
		return q
	}
	d := new(stat.Dist)
	d.Merge(q.Dist)
	d.Merge(o.Dist)
	out := quantiles(d)
	out.Cluster = q.Cluster
	if c := o.Cluster; c != nil && (q.Cluster == nil || c.Effect > q.Cluster.Effect) {
		out.Cluster = c
	}
	return out
}

// clocked reports whether the side's rows count events over time.
func (s *side) clocked() bool { return s.r.Slices.Count > 0 }
