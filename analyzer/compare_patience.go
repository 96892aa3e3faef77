package analyzer

import (
	"fmt"
	"sort"
	"time"

	"finwait/analyzer/stat"
)

// patience is a client timer that one side has and the other has not: what
// clients of the one gave up, those of the other may have waited for.
type patience struct {
	timer  time.Duration // 0: the sides do not differ so
	closes string        // the timer in words
}

// leastTimer is the share of a side's timeouts that one timer must explain.
const leastTimer = 0.8

// patienceOf finds the shorter of the timers that explain nearly all timeouts
// of their side, when the other side's is another one, or closed nothing.
func (c *comparer) patienceOf() patience {
	x, y := mainTimer(c.a.r), mainTimer(c.b.r)
	switch {
	case x == nil && y == nil || x != nil && y != nil && near(x, y):
		return patience{}
	case x == nil || y != nil && y.ValueS < x.ValueS:
		x = y
	}
	return patience{time.Duration(x.ValueS * 1e9), secondsText(&x.ValueS)}
}

// mainTimer is the timer that explains nearly all timeouts; nil without one.
func mainTimer(r *Report) *Timer {
	for i := range r.Timers {
		if t := &r.Timers[i]; float64(t.Count) >= leastTimer*float64(r.Totals.TimedOut) && t.Count > 0 {
			return t
		}
	}
	return nil
}

// patient tests timeouts, or the churn that follows from them, where a timer
// changed: of the requests that took longer than the shorter one, how many
// failed? Slow times come in bursts, which is why two counts of timeouts tell
// little; but of one burst the impatient client gives up all requests, and the
// patient one none. The row keeps the better of both tests, at twice its p-value.
// What it gets wrong: it takes slow requests to fail independently of each other.
func (c *comparer) patient(d *D, a, b *subject, events [2]int) {
	if c.patience.timer == 0 || d.PRaw == nil || a.response.Dist == nil || b.response.Dist == nil {
		return
	}
	const jitter = 0.03 // of the timer
	least := time.Duration(float64(c.patience.timer) * (1 - jitter))
	slow := [2]int{atLeast(a.response.Dist, least), atLeast(b.response.Dist, least)}
	k := [2]int{min(events[0], slow[0]), min(events[1], slow[1])}
	t := stat.CompareShares(stat.Rate{Events: float64(k[0]), Exposure: float64(slow[0])}, stat.Rate{Events: float64(k[1]), Exposure: float64(slow[1])})
	if !(t.P < *d.PRaw) || (t.Effect > 1) != (*d.After > *d.Before) {
		return
	}
	p := min(*d.PRaw, 2*t.P)
	d.PRaw, d.Test = &p, t.Method+" among slow requests"
	d.Note = fmt.Sprintf("of the requests that took longer than %s, %d of %d failed so before and %d of %d after", c.patience.closes, k[0], slow[0], k[1], slow[1])
}

// atLeast counts the durations that last at least this long.
func atLeast(d *stat.Dist, least time.Duration) int {
	steps := d.Curve()
	k := sort.Search(len(steps), func(i int) bool { return steps[i].At >= least })
	if k == len(steps) {
		return 0
	}
	return int(steps[k].AtRisk)
}

// byTimeouts reports whether nearly all churn of the subject is of timeouts.
func (x *subject) byTimeouts() bool {
	return float64(min(x.causes[CauseRequestTimeout.String()], x.churned)) >= leastTimer*float64(x.churned)
}
