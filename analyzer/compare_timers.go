package analyzer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// timers pairs the timers of both sides: those of a client that have the same
// value, and then of those that are left the ones with most closes, basis by
// basis. A timer that makes no close within one side is not seen there.
func (c *comparer) timers() []TimerDiff {
	as, bs := slices.Clone(c.a.r.Timers), slices.Clone(c.b.r.Timers)
	clients, servers := renamed(c.clients), renamed(c.peers)
	for i := range as {
		as[i].Client = cmp.Or(clients[as[i].Client], as[i].Client)
		own := slices.Clone(as[i].Servers)
		for _, s := range as[i].Servers {
			if now := servers[s]; now != "" {
				own = append(own, now)
			}
		}
		as[i].Servers = own
	}
	out := []TimerDiff{}
	for _, same := range []func(x, y *Timer) bool{
		func(x, y *Timer) bool { return x.Client == y.Client && x.Basis == y.Basis && near(x, y) },
		func(x, y *Timer) bool { return x.Client == y.Client && near(x, y) },
		func(x, y *Timer) bool {
			return x.Client == y.Client && x.Basis == y.Basis && share(x.Servers, y.Servers)
		},
		func(x, y *Timer) bool { return x.Client == y.Client && share(x.Servers, y.Servers) },
	} {
		as = slices.DeleteFunc(as, func(x Timer) bool {
			k := slices.IndexFunc(bs, func(y Timer) bool { return same(&x, &y) })
			if k < 0 {
				return false
			}
			out = append(out, timerDiff(&x, &bs[k]))
			bs = slices.Delete(bs, k, k+1)
			return true
		})
	}
	for i := range as {
		d := timerDiff(&as[i], nil)
		if n := c.outwaited(d.BeforeS, c.b); n > 0 {
			d.Text = fmt.Sprintf("the timer of %s at %s is longer now, or gone: %s took longer than that after, and it closed nothing", as[i].who(), secondsText(d.BeforeS), plural(n, "request"))
		}
		out = append(out, d)
	}
	for i := range bs {
		d := timerDiff(nil, &bs[i])
		if n := c.outwaited(d.AfterS, c.a); n > 0 {
			d.Text = fmt.Sprintf("the timer of %s at %s is new, or was longer: %s took longer than that before, and it closed nothing", bs[i].who(), secondsText(d.AfterS), plural(n, "request"))
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(x, y TimerDiff) int {
		return cmp.Or(cmp.Compare(b2i(x.Verdict == VerdictUnchanged), b2i(y.Verdict == VerdictUnchanged)), cmp.Compare(y.Count, x.Count))
	})
	return out
}

// outwaited is how many requests of a side took longer than the timer that
// explains the timeouts of the other one, when there are enough to say that it
// does not run there; else 0.
func (c *comparer) outwaited(timerS *float64, s *side) int {
	const enough = 5
	d := s.r.Totals.Response.Dist
	if d == nil || c.patience.timer == 0 || time.Duration(*timerS*1e9) != c.patience.timer {
		return 0
	}
	if n := atLeast(d, c.patience.timer) - s.r.Totals.TimedOut; n >= enough {
		return n
	}
	return 0
}

// who is the timer's client as sentences name it.
func (t *Timer) who() string {
	if t.Client == "" {
		return "all clients"
	}
	return t.Client
}

// renamed gives, for every address before that has a row after, the address of
// that row.
func renamed(groups []group) map[string]string {
	m := map[string]string{}
	for _, g := range groups {
		if len(g.after) == 0 {
			continue
		}
		for _, x := range g.before {
			m[x.server] = g.after[0].server
		}
	}
	return m
}

// near reports whether two timers have the same value, as far as their closes
// can tell.
func near(x, y *Timer) bool {
	return math.Abs(x.ValueS-y.ValueS) <= max(0.03*max(x.ValueS, y.ValueS), x.SpreadS, y.SpreadS)
}

// share reports whether two lists have an element in common, or either is empty.
func share(x, y []string) bool {
	return len(x) == 0 || len(y) == 0 || slices.ContainsFunc(x, func(s string) bool { return slices.Contains(y, s) })
}

// timerDiff compares a timer of both sides; either may be nil.
func timerDiff(x, y *Timer) TimerDiff {
	d := TimerDiff{}
	if x != nil {
		v := x.ValueS
		d.BeforeS, d.Client, d.Basis, d.CountBefore = &v, x.Client, x.Basis, x.Count
	}
	if y != nil {
		v := y.ValueS
		d.AfterS, d.Client, d.Basis, d.CountAfter = &v, y.Client, y.Basis, y.Count
	}
	d.Count = d.CountBefore + d.CountAfter
	who := (&Timer{Client: d.Client}).who()
	switch {
	case y == nil:
		d.Verdict = VerdictGone
		d.Text = fmt.Sprintf("the timer of %s at %s closed nothing after: it was removed, made longer than any wait, or nothing ran into it", who, secondsText(d.BeforeS))
	case x == nil:
		d.Verdict = VerdictNew
		d.Text = fmt.Sprintf("a timer of %s at %s closed nothing before", who, secondsText(d.AfterS))
	case near(x, y):
		d.Verdict = VerdictUnchanged
		d.Text = fmt.Sprintf("the timer of %s stayed at %s", who, secondsText(d.AfterS))
	default:
		d.Verdict = VerdictChanged
		d.Text = fmt.Sprintf("the timer of %s went from %s to %s", who, secondsText(d.BeforeS), secondsText(d.AfterS))
	}
	return d
}

// verdictAt is the verdict on the row that a finding speaks of.
func verdictAt(all *Comparison, server, endpoint string) string {
	for i := range all.Endpoints {
		if e := &all.Endpoints[i]; endpoint != "" && e.Endpoint == endpoint && e.Server == server {
			return e.Verdict
		}
	}
	for i := range all.Peers {
		if p := &all.Peers[i]; p.Server == server {
			return p.Verdict
		}
	}
	return groupVerdict(all.Totals)
}

// findings pairs the findings of both sides. A finding that only one side has
// counts only when the row that it speaks of changed: findings have thresholds,
// and what lies near one crosses it by chance.
func (c *comparer) findings(all *Comparison) []FindingDiff {
	type key struct{ id, server, endpoint string }
	after := renamed(c.peers)
	index := map[key]int{}
	out := []FindingDiff{}
	add := func(f *Finding, server string, old bool) {
		k := key{f.ID, server, f.Endpoint}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out = append(out, FindingDiff{ID: f.ID, Severity: f.Severity, Title: f.Title, Server: server, Endpoint: f.Endpoint})
		}
		if old {
			out[i].Before += max(1, f.Count)
			return
		}
		out[i].After += max(1, f.Count)
		out[i].Severity, out[i].Title = f.Severity, f.Title
	}
	for i := range c.a.r.Findings {
		f := &c.a.r.Findings[i]
		add(f, cmp.Or(after[f.Server], f.Server), true)
	}
	for i := range c.b.r.Findings {
		f := &c.b.r.Findings[i]
		add(f, f.Server, false)
	}
	for i := range out {
		f := &out[i]
		v := verdictAt(all, f.Server, f.Endpoint)
		switch {
		case f.Before > 0 && f.After > 0:
			f.Verdict = VerdictUnchanged
		case f.Before > 0 && (v == VerdictImproved || v == VerdictGone):
			f.Verdict = VerdictGone
		case f.After > 0 && (v == VerdictRegressed || v == VerdictNew):
			f.Verdict = VerdictNew
		default:
			f.Verdict = VerdictUnsure
		}
	}
	slices.SortStableFunc(out, func(x, y FindingDiff) int {
		return cmp.Or(cmp.Compare(rank(x.Verdict), rank(y.Verdict)), cmp.Compare(max(y.Before, y.After), max(x.Before, x.After)))
	})
	return out
}
