package analyzer

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// collect fills in the rows, without verdicts.
func (c *comparer) collect(out *Comparison) {
	out.Matches = append([]Match{}, c.matches...)
	out.Totals = c.rows(familyAll, c.a.totals(), c.b.totals())
	out.Causes = c.causes()
	out.Clients, out.Peers, out.Endpoints = []ClientDiff{}, []PeerDiff{}, []EndpointDiff{}
	for _, g := range c.clients {
		x, was := g.shown()
		out.Clients = append(out.Clients, ClientDiff{Client: x.server, Was: was, Rows: c.groupRows(familyHosts, &g), of: &g})
	}
	for _, g := range c.peers {
		x, was := g.shown()
		out.Peers = append(out.Peers, PeerDiff{Server: x.server, ServerName: x.name, Was: was, Rows: c.groupRows(familyHosts, &g)})
	}
	for _, g := range c.endpoints {
		x, was := g.shown()
		out.Endpoints = append(out.Endpoints, EndpointDiff{Server: x.server, Endpoint: x.endpoint, Was: was, Rows: c.groupRows(familyEndpoint, &g), of: &g})
	}
}

// shown is the subject that gives the row its name, that of after where there
// is one, and what it was called before, when that differs.
func (g *group) shown() (x *subject, was string) {
	if len(g.after) == 0 {
		return g.before[0], ""
	}
	if len(g.before) > 0 && g.by != "" {
		old := make([]string, len(g.before))
		for i, b := range g.before {
			old[i] = b.server
		}
		if was = strings.Join(old, ", "); was == g.after[0].server {
			was = ""
		}
	}
	return g.after[0], was
}

// groupRows compares a group; what only one side has is a single row.
func (c *comparer) groupRows(f family, g *group) []D {
	switch {
	case len(g.before) == 0:
		return []D{c.onlyOne(g.after, VerdictNew)}
	case len(g.after) == 0:
		return []D{c.onlyOne(g.before, VerdictGone)}
	}
	return c.rows(f, pooled(g.before), pooled(g.after))
}

// onlyOne is the row of what came or went. It is unsure when so few requests
// may be absent from the other side by chance.
func (c *comparer) onlyOne(list []*subject, verdict string) D {
	n, zero := volume(list), 0.0
	v := float64(n)
	d := D{Metric: "requests", Unit: "requests", Verdict: verdict}
	if x := pooled(list); x.requests == 0 {
		d.Metric, d.Unit = "connections", "connections"
	}
	expected := v // of the other side
	if ta, tb := c.a.r.Totals.Requests, c.b.r.Totals.Requests; ta > 0 && tb > 0 {
		expected *= float64(tb) / float64(ta)
		if verdict == VerdictNew {
			expected = v * float64(ta) / float64(tb)
		}
	}
	if verdict == VerdictNew {
		d.Before, d.After, d.NAfter = &zero, &v, n
	} else {
		d.Before, d.After, d.NBefore = &v, &zero, n
	}
	// Requests to one place come in bunches, so more are asked for than the 3
	// that chance would hide in one of twenty cases.
	if expected < 10 {
		d.Verdict, d.Note = VerdictUnsure, "so few may be absent from the other side by chance"
	}
	return d
}

// harmful are the causes of which every close does damage. Of the others those
// count that a new connection had to replace: idle connections that a program's
// end closes cost nothing.
func harmful(cause string) bool {
	switch cause {
	case CauseRequestTimeout.String(), CauseRequestCancelled.String(), CauseServerAborted.String(), CauseIdleRace.String(),
		CauseConnectTimeout.String(), CauseConnectRefused.String(), CauseNetworkFailure.String():
		return true
	}
	return false
}

// causes compares the closes by cause.
func (c *comparer) causes() []CauseDiff {
	out := []CauseDiff{}
	ta, tb := &c.a.r.Totals, &c.b.r.Totals
	for _, cause := range CauseWords() {
		if cause == CauseOpen.String() || cause == CauseUnknown.String() {
			continue // these say what the input lacks, not what happened
		}
		x := rates{metric: "churned_per_1k", worse: 1, events: [2]int{ta.ChurnedBy[cause], tb.ChurnedBy[cause]},
			eventsAt: [2][]int{ta.ChurnedOver[cause], tb.ChurnedOver[cause]}, scale: 1000}
		if harmful(cause) {
			x.metric, x.events = "closes_per_1k", [2]int{ta.Causes[cause], tb.Causes[cause]}
			x.eventsAt = [2][]int{ta.CausesOver[cause], tb.CausesOver[cause]}
		}
		if x.events == [2]int{} {
			continue
		}
		x.unit, x.exposure = "per 1000 requests", [2]int{ta.Requests, tb.Requests}
		of := func(k *Counts) []int { return k.Requests }
		if ta.Requests == 0 || tb.Requests == 0 {
			x.unit, x.exposure = "per 1000 connections", [2]int{ta.Connections, tb.Connections}
			of = func(k *Counts) []int { return k.Opened }
		}
		if !harmful(cause) && cause != CauseDeclared.String() && !c.likeLoads() {
			d := follower(x.metric, x.unit, per(x.events[0], x.exposure[0], x.scale), per(x.events[1], x.exposure[1], x.scale), x.exposure[0], x.exposure[1], 1, 0)
			d.Note = loadNote
			out = append(out, CauseDiff{cause, []D{d}})
			continue
		}
		a, b := c.a.totals(), c.b.totals()
		x.exposeAt, x.clocked = [2][]int{a.list(of), b.list(of)}, c.clocked(a, b)
		out = append(out, CauseDiff{cause, []D{c.rate(familyAll, x)}})
	}
	return out
}

// each calls f for the rows of every group.
func (out *Comparison) each(f func(label string, rows []D)) {
	f("totals", out.Totals)
	for i := range out.Causes {
		f(out.Causes[i].Cause, out.Causes[i].Rows)
	}
	for i := range out.Clients {
		f(out.Clients[i].Client, out.Clients[i].Rows)
	}
	for i := range out.Peers {
		f(out.Peers[i].Server, out.Peers[i].Rows)
	}
	for i := range out.Endpoints {
		f(out.Endpoints[i].Endpoint, out.Endpoints[i].Rows)
	}
}

// verdicts corrects the p-values and gives every row and group its verdict.
func (c *comparer) verdicts(out *Comparison) {
	var all []*D
	out.each(func(_ string, rows []D) {
		for i := range rows {
			all = append(all, &rows[i])
		}
	})
	c.correct(all)
	c.correctWithin(out)
	c.same = c.sameCapture()
	out.each(func(_ string, rows []D) {
		judge(rows)
		for i := range rows {
			if c.same {
				rows[i].Verdict = VerdictUnchanged
			}
		}
	})
}

// groupVerdicts gives the groups their verdicts and sorts them by these.
func (out *Comparison) groupVerdicts() {
	for i := range out.Clients {
		out.Clients[i].Verdict = groupVerdict(out.Clients[i].Rows)
	}
	for i := range out.Peers {
		out.Peers[i].Verdict = groupVerdict(out.Peers[i].Rows)
	}
	for i := range out.Endpoints {
		out.Endpoints[i].Verdict = groupVerdict(out.Endpoints[i].Rows)
	}
	inherit(out)
	slices.SortStableFunc(out.Clients, func(x, y ClientDiff) int { return order(x.Verdict, x.Rows, y.Verdict, y.Rows) })
	slices.SortStableFunc(out.Peers, func(x, y PeerDiff) int { return order(x.Verdict, x.Rows, y.Verdict, y.Rows) })
	slices.SortStableFunc(out.Endpoints, func(x, y EndpointDiff) int { return order(x.Verdict, x.Rows, y.Verdict, y.Rows) })
}

// inherit gives a server the verdict of its endpoints where its own rows show
// no change: one slow endpoint among many may be lost in the server's numbers.
func inherit(out *Comparison) {
	for i := range out.Peers {
		p := &out.Peers[i]
		for k := range out.Endpoints {
			e := &out.Endpoints[k]
			if e.Server == p.Server && (e.Verdict == VerdictRegressed || e.Verdict == VerdictImproved && p.Verdict != VerdictRegressed) &&
				(p.Verdict != e.Verdict) && p.Verdict != VerdictNew && p.Verdict != VerdictGone {
				p.Verdict, p.Because = e.Verdict, e.Endpoint
			}
		}
	}
}

// rank orders verdicts: what changed first.
func rank(verdict string) int {
	return slices.Index([]string{VerdictRegressed, VerdictImproved, VerdictNew, VerdictGone, VerdictUnsure, VerdictUnchanged}, verdict)
}

// order orders groups: what changed first, and of those what changed least by chance.
func order(v string, x []D, w string, y []D) int {
	return cmp.Or(cmp.Compare(rank(v), rank(w)), cmp.Compare(leastP(x), leastP(y)))
}

func leastP(rows []D) float64 {
	p := math.Inf(1)
	for i := range rows {
		if rows[i].PRaw != nil {
			p = min(p, *rows[i].PRaw)
		}
	}
	return p
}

// groupVerdict is the verdict of a group: what any row says about a change. Without
// one it is unsure when timeouts or churn are.
func groupVerdict(rows []D) string {
	verdict := VerdictUnchanged
	for i := range rows {
		d := &rows[i]
		v := d.Verdict
		if v == VerdictUnsure && len(rows) > 1 && d.Metric != "timeouts_per_1k" && !strings.HasPrefix(d.Metric, "churn_per_1k") {
			continue
		}
		if rank(v) < rank(verdict) {
			verdict = v
		}
	}
	return verdict
}
