package analyzer

import (
	"math"

	"finwait/analyzer/stat"
)

// rates are the events of two subjects with the exposures they are counted
// against, by slices of time.
type rates struct {
	metric, unit       string
	worse              int
	events             [2]int
	exposure           [2]int
	scale              float64 // events per how many
	eventsAt, exposeAt [2][]int
	clocked            bool
}

// rate compares a count per exposure.
func (c *comparer) rate(f family, x rates) D {
	d := D{Metric: x.metric, Unit: x.unit, NBefore: x.exposure[0], NAfter: x.exposure[1], family: f, worse: x.worse, Verdict: VerdictUnsure}
	d.Before, d.After = per(x.events[0], x.exposure[0], x.scale), per(x.events[1], x.exposure[1], x.scale)
	d.Change = relative(d.Before, d.After)
	if d.Before == nil || d.After == nil {
		return d
	}
	d.matters = math.Abs(*d.After-*d.Before) >= leastRate*x.scale/1000 && apart(*d.Before, *d.After)
	if x.events[0]+x.events[1] < fewEvents {
		d.bounded = x.closeBy(1)
		return d
	}
	t := x.test()
	d.bounded = !(t.P < doubtful) && x.closeBy(max(1, t.Dispersion)) || within(t, muchRatio)
	d.take(t)
	if !x.clocked {
		d.Note = "the times of these events are not known, so that bursts cannot be told from a change"
	}
	d.Low, d.High = finite(t.Low-1), finite(t.High-1)
	return d
}

// test tests whether the rates differ. Every event is taken for one of the
// exposures: a request times out once, and closes one connection at most.
func (x *rates) test() stat.Test {
	if !x.clocked {
		return stat.CompareDispersed(
			stat.Rate{Events: float64(x.events[0]), Exposure: float64(x.exposure[0])},
			stat.Rate{Events: float64(x.events[1]), Exposure: float64(x.exposure[1])}, true, unclocked, math.Inf(1))
	}
	return stat.CompareBursts(sliceRates(x.eventsAt[0], x.exposeAt[0]), sliceRates(x.eventsAt[1], x.exposeAt[1]), true)
}

// sliceRates are the rates of slices. Events of a slice without exposure (a
// close some time after the last request) go to the last slice before it that
// has some.
func sliceRates(events, exposure []int) []stat.Rate {
	out := make([]stat.Rate, max(len(events), len(exposure)))
	last := -1
	early := 0.0
	for i := range out {
		n := float64(at(events, i))
		if e := at(exposure, i); e > 0 {
			out[i] = stat.Rate{Events: n + early, Exposure: float64(e)}
			last, early = i, 0
		} else if last >= 0 {
			out[last].Events += n
		} else {
			early += n
		}
	}
	return out
}

// take puts the result of a test into the row.
func (d *D) take(t stat.Test) {
	if math.IsNaN(t.P) {
		return
	}
	p := t.P
	d.PRaw, d.Test = &p, t.Method
	for _, w := range t.Warnings {
		if d.Note == "" && w != stat.WarnFew && w != stat.WarnFewSlices {
			d.Note = string(w)
		}
	}
}

// within reports whether a ratio excludes a factor of limit either way (two
// one-sided tests at 5 %), and is itself less than half as far from 1, on a
// logarithmic scale; or a quarter, when by itself it is hardly chance.
func within(t stat.Test, limit float64) bool {
	part := 0.5
	if t.P < doubtful {
		part = 0.25
	}
	return t.Beyond > 0 && t.Beyond < limit && math.Abs(math.Log(t.Effect)) < part*math.Log(limit)
}

// closeBy reports whether the 90 % interval of the difference of the rates
// excludes one that matters much. A count's variance is taken as that of one
// more, since none seen does not mean none to come.
func (x *rates) closeBy(dispersion float64) bool {
	na, nb := float64(x.exposure[0]), float64(x.exposure[1])
	a, b := float64(x.events[0]), float64(x.events[1])
	half := 1.645 * math.Sqrt(dispersion*((a+1)/(na*na)+(b+1)/(nb*nb)))
	seen := math.Abs(b/nb - a/na)
	return seen < muchRate/2000 && seen+half < muchRate/1000
}

// apart reports whether two rates differ by a tenth or more.
func apart(a, b float64) bool {
	lo, hi := min(a, b), max(a, b)
	return hi > lo*(1+leastChange)
}

// per is a count per exposure; nil without exposure.
func per(n, exposure int, scale float64) *float64 {
	if exposure <= 0 {
		return nil
	}
	v := float64(n) / float64(exposure) * scale
	return &v
}

// relative is (b-a)/a; nil when that has no value.
func relative(a, b *float64) *float64 {
	if a == nil || b == nil || *a == 0 {
		return nil
	}
	return finite((*b - *a) / *a)
}

// finite is a number that JSON can hold; nil for others.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}
