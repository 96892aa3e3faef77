package analyzer

import (
	"strings"
	"testing"
	"time"
)

// TestBlame makes one endpoint of one server slower: no row that contains it may
// be called regressed for it, and each says where the change is.
func TestBlame(t *testing.T) {
	base := calm()
	base.peers, base.endpoints, base.timeout = 3, 3, 200*time.Millisecond
	slow := base
	slow.slowPeer, slow.slowFactor = 2, 5
	const pairs = 20
	folded := 0
	for i := range uint64(pairs) {
		c := Compare(base.report(2*i+1), slow.report(2*i+2), CompareOptions{})
		if c.Verdict != VerdictRegressed {
			t.Fatalf("pair %d: verdict %s", i, c.Verdict)
		}
		check := func(where string, rows []D) {
			for k := range rows {
				d := &rows[k]
				if d.Verdict == VerdictRegressed {
					t.Errorf("pair %d: %s of %s regressed", i, d.Metric, where)
				}
				if d.Because != "" && !strings.Contains(d.Because, "GET /e1 of 10.0.1.2:80") {
					t.Errorf("pair %d: %s of %s is blamed on %q", i, d.Metric, where, d.Because)
				}
			}
		}
		check("totals", c.Totals)
		for _, x := range c.Causes {
			check(x.Cause, x.Rows)
		}
		for _, x := range c.Clients {
			check(x.Client, x.Rows)
		}
		if rowOf(c.Totals, "timeouts_per_1k").Because != "" {
			folded++
			if c.Axes.Timeouts != VerdictRegressed || !strings.Contains(c.Text, "All of it is in GET /e1 of 10.0.1.2:80") {
				t.Errorf("pair %d: axes %+v, text %q", i, c.Axes, c.Text)
			}
		}
	}
	if folded < pairs/2 {
		t.Errorf("only %d of %d pairs have a change of the timeouts to blame", folded, pairs)
	}
}

// TestBlameLeaves keeps what is not in one place: all servers slower, and a
// client's timer that became shorter.
func TestBlameLeaves(t *testing.T) {
	worse := calm()
	worse.timeout /= 4
	c := Compare(calm().report(1), worse.report(2), CompareOptions{})
	if d := rowOf(c.Totals, "timeouts_per_1k"); d.Verdict != VerdictRegressed || d.Because != "" {
		t.Errorf("everything is worse: %s, because %q", d.Verdict, d.Because)
	}
	base := calm()
	base.peers, base.endpoints, base.timeout = 3, 3, 200*time.Millisecond
	slow := base
	slow.slowPeer, slow.slowFactor = 2, 5
	a, b := base.report(1), slow.report(2)
	a.Timers = []Timer{{ValueS: 2, Basis: "request-start", Count: a.Totals.TimedOut, Client: "10.0.0.1"}}
	b.Timers = []Timer{{ValueS: 0.5, Basis: "request-start", Count: b.Totals.TimedOut, Client: "10.0.0.1"}}
	c = Compare(a, b, CompareOptions{})
	if d := rowOf(c.Totals, "timeouts_per_1k"); d.Verdict != VerdictRegressed || d.Because != "" {
		t.Errorf("the timer changed: %s, because %q", d.Verdict, d.Because)
	}
	wide := calm()
	wide.slowPeer, wide.slowFactor = everyPeer, 8
	c = Compare(calm().report(1), wide.report(2), CompareOptions{})
	if d := rowOf(c.Totals, "timeouts_per_1k"); d.Verdict != VerdictRegressed || d.Because != "" {
		t.Errorf("one endpoint of all servers: %s, because %q", d.Verdict, d.Because)
	}
	one := calm()
	one.peers, one.endpoints = 1, 1
	hit := one
	hit.timeout /= 8
	c = Compare(one.report(1), hit.report(2), CompareOptions{})
	if d := rowOf(c.Totals, "timeouts_per_1k"); d.Verdict != VerdictRegressed || d.Because != "" {
		t.Errorf("nothing else is there: %s, because %q", d.Verdict, d.Because)
	}
}

// TestExplain tells a client that has a trouble of its own from one that only
// met the slow endpoint.
func TestExplain(t *testing.T) {
	w := places{before: &subject{requests: 100, timedOut: 5}, after: &subject{requests: 100, timedOut: 45}}
	for _, c := range []struct {
		name  string
		after int // timeouts of the client after, of 1000 requests, with 20 before
		want  bool
	}{{"its share of them", 40, true}, {"all of them", 60, true}, {"more than there are", 100, false}} {
		g := &group{before: []*subject{{requests: 1000, timedOut: 20}}, after: []*subject{{requests: 1000, timedOut: c.after}}}
		if got := w.explain("timeouts_per_1k", g, &subject{requests: 900, timedOut: 15}, &subject{requests: 900, timedOut: 15}); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
