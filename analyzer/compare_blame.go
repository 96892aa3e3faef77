package analyzer

import (
	"fmt"
	"strings"
)

// leastRest is the share of the requests that must be left on both sides when
// the places that regressed are taken out, to say anything about the rest.
const leastRest = 0.1

// blame puts regressions down to the places where they are. Totals, causes and
// clients contain every server and endpoint: when one of those regressed, rows
// that contain it do so too, although nothing happened there. So the endpoints
// that regressed are taken out of both sides, and what contains them is judged
// by the rest; D.Because says so. Improvements are left as they are, since
// nobody has to search for their place.
//
// Nothing is blamed so when more than half of the servers are concerned (or of
// the endpoints of an only server), nor when a client's timer changed: then the
// change is the client's, and endpoints only show where it was felt. What it gets wrong: a
// client's timeout that became shorter than one endpoint's answers, and closed
// nothing before, looks like a slower endpoint.
func (c *comparer) blame(out *Comparison) {
	for i := range out.Timers {
		if out.Timers[i].Verdict == VerdictChanged {
			return
		}
	}
	places, a, b := c.split(out)
	if places.names == nil || places.wide || !enoughLeft(a, c.a) || !enoughLeft(b, c.b) {
		return
	}
	rest := c.rows(familyAll, a, b)
	c.judgeAlone(rest)
	c.blameRows(out.Totals, rest, &places, a, b, nil)
	for i := range out.Clients {
		x := &out.Clients[i]
		c.blameRows(x.Rows, rest, &places, a, b, x.of)
	}
	c.blameCauses(out, &places, a, b)
	out.groupVerdicts()
}

// enoughLeft reports whether the rest of a side is worth a comparison.
func enoughLeft(rest *subject, s *side) bool {
	return rest != nil && float64(rest.requests) >= leastRest*float64(s.r.Totals.Requests) && rest.requests > 0
}

// places are the endpoints that regressed.
type places struct {
	names         []string // as sentences name them
	wide          bool     // they are so many that they are everything
	before, after *subject // all of them together; nil: a side has none
}

// split parts the endpoints into those that regressed, those of a server that
// regressed as a whole included, and the rest of both sides.
func (c *comparer) split(out *Comparison) (where places, a, b *subject) {
	whole := map[string]bool{} // servers that regressed, but none of their endpoints
	for i := range out.Peers {
		p := &out.Peers[i]
		whole[p.Server] = p.Verdict == VerdictRegressed && p.Because == ""
	}
	for i := range out.Endpoints {
		if e := &out.Endpoints[i]; e.Verdict == VerdictRegressed {
			where.names = append(where.names, e.name())
			whole[e.Server] = false
		}
	}
	var in, rest [2][]*subject
	for i := range out.Endpoints {
		e := &out.Endpoints[i]
		to := &rest
		if e.Verdict == VerdictRegressed || whole[e.Server] {
			to = &in
		}
		to[0], to[1] = append(to[0], e.of.before...), append(to[1], e.of.after...)
	}
	for i := range out.Peers {
		if p := &out.Peers[i]; whole[p.Server] {
			where.names = append(where.names, p.Server)
		}
	}
	servers := map[string]bool{}
	for i := range out.Endpoints {
		if e := &out.Endpoints[i]; e.Verdict == VerdictRegressed || whole[e.Server] {
			servers[e.Server] = true
		}
	}
	where.wide = 2*len(servers) > max(2, len(out.Peers)) || len(out.Peers) == 1 && 2*len(where.names) > len(out.Endpoints)
	where.before, where.after = allOf(in[0]), allOf(in[1])
	return where, allOf(rest[0]), allOf(rest[1])
}

// allOf is pooled, nil for nothing.
func allOf(list []*subject) *subject {
	if len(list) == 0 {
		return nil
	}
	return pooled(list)
}

// name is the endpoint as sentences name it.
func (e *EndpointDiff) name() string {
	if e.Endpoint == e.Server {
		return e.Server
	}
	return e.Endpoint + " of " + e.Server
}

// judgeAlone judges rows that belong to no other ones.
func (c *comparer) judgeAlone(rows []D) {
	var list []*D
	for i := range rows {
		list = append(list, &rows[i])
	}
	c.correct(list)
	judge(rows)
}

// blameRows judges rows that regressed by those of the rest. client is the
// client's group, nil for totals.
func (c *comparer) blameRows(rows, rest []D, where *places, a, b *subject, client *group) {
	folded := false
	for i := range rows {
		d := &rows[i]
		if d.Verdict != VerdictRegressed || len(d.follows) > 0 {
			continue
		}
		r := rowOf(rest, d.Metric)
		if r == nil || r.Verdict == VerdictRegressed || client != nil && !where.explain(d.Metric, client, a, b) {
			continue
		}
		d.takeRest(r, where)
		folded = true
	}
	for i := range rows {
		if d := &rows[i]; folded && d.Verdict == VerdictRegressed && len(d.follows) > 0 {
			if v := d.follow(rows); v != VerdictRegressed {
				d.Verdict, d.Because = v, "it follows from "+strings.Join(where.names, " and ")
			}
		}
	}
}

// takeRest gives the row the verdict of the rest.
func (d *D) takeRest(rest *D, where *places) {
	d.Verdict = rest.Verdict
	if d.Verdict == VerdictImproved {
		d.Verdict = VerdictUnsure
	}
	names := where.names
	if len(names) > 2 {
		names = append(names[:2:2], fmt.Sprintf("%d more", len(names)-2))
	}
	d.Because = fmt.Sprintf("all of it is in %s; without, %s went from %s to %s", strings.Join(names, ", "), metricWords(d.Metric), rest.value(rest.Before), rest.value(rest.After))
}

// rowOf is the row of a metric; nil without one.
func rowOf(rows []D, metric string) *D {
	for i := range rows {
		if rows[i].Metric == metric {
			return &rows[i]
		}
	}
	return nil
}

// explain reports whether the client has at most about as many more events after
// than before as the places have, and chance gave the rest (a before, b after).
func (w *places) explain(metric string, client *group, a, b *subject) bool {
	if len(client.before)*len(client.after) == 0 {
		return false
	}
	own, ok := excess(metric, pooled(client.before), pooled(client.after))
	there, _ := excess(metric, w.before, w.after)
	chance, _ := excess(metric, a, b)
	return !ok || own <= 1.25*there+max(0, chance)+fewEvents
}

// excess is how many more events there are after than the requests let expect.
// It is false for what is not counted.
func excess(metric string, a, b *subject) (float64, bool) {
	count := func(s *subject) (float64, bool) {
		switch metric {
		case "timeouts_per_1k":
			return float64(s.timedOut), true
		case "cancels_per_1k":
			return float64(s.cancelled), true
		case "aborts_per_1k":
			return float64(s.aborted), true
		case "churn_per_1k":
			return float64(s.churned), true
		}
		return 0, false
	}
	if b == nil {
		return 0, false
	}
	after, ok := count(b)
	if a == nil || a.requests == 0 {
		return after, ok
	}
	before, _ := count(a)
	return after - before*float64(b.requests)/float64(a.requests), ok
}

// blameCauses judges causes that regressed by the closes of the rest. Their times
// are not known by endpoint.
func (c *comparer) blameCauses(out *Comparison, where *places, a, b *subject) {
	ta, tb := &c.a.r.Totals, &c.b.r.Totals
	for i := range out.Causes {
		x := &out.Causes[i]
		d := &x.Rows[0]
		if d.Verdict != VerdictRegressed || ta.Requests == 0 || tb.Requests == 0 {
			continue
		}
		left := func(t *Totals, place *subject) int {
			n := t.ChurnedBy[x.Cause]
			if harmful(x.Cause) {
				n = t.Causes[x.Cause]
			}
			if place != nil {
				n -= place.causes[x.Cause]
			}
			return max(0, n)
		}
		rest := []D{c.rate(familyAll, rates{metric: d.Metric, unit: d.Unit, worse: 1, scale: 1000,
			events: [2]int{left(ta, where.before), left(tb, where.after)}, exposure: [2]int{a.requests, b.requests}})}
		c.judgeAlone(rest)
		if rest[0].Verdict != VerdictRegressed {
			d.takeRest(&rest[0], where)
		}
	}
}
