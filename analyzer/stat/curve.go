package stat

import (
	"math"
	"slices"
	"sort"
	"time"
)

// Step is a moment of a Kaplan–Meier curve at which durations ended or were cut
// off. A duration that was cut off just when another one ended counts as longer.
type Step struct {
	At       time.Duration // the duration itself, or the middle of its bucket
	AtRisk   uint64        // observations that lasted at least this long
	Events   uint64        // durations that ended here
	Censored uint64        // durations that were cut off here
	Survival float64       // estimated share of durations that last longer than At
	variance float64       // Greenwood's sum up to here; +Inf once Survival is 0
}

// Curve is the Kaplan–Meier estimate of a distribution (Kaplan and Meier 1958),
// its steps in order of time.
type Curve []Step

// point is an observed value with how often it was seen.
type point struct {
	at               int64 // ns
	events, censored uint64
}

// Curve computes the estimate. For several questions, compute it once.
func (d *Dist) Curve() Curve {
	return curveOf(d.points())
}

func curveOf(points []point) Curve {
	var left, total uint64
	for _, p := range points {
		left += p.events + p.censored
	}
	total = left
	c := make(Curve, 0, len(points))
	s, v := 1.0, 0.0
	cut := false
	for _, p := range points {
		if p.events > 0 {
			n, e := float64(left), float64(p.events)
			s *= 1 - e/n
			if !cut { // the same number without the rounding of a product
				s = float64(left-p.events) / float64(total)
			}
			v += e / (n * (n - e))
		}
		cut = cut || p.censored > 0
		c = append(c, Step{time.Duration(p.at), left, p.events, p.censored, s, v})
		left -= p.events + p.censored
	}
	return c
}

// points lists the distinct values in order.
func (d *Dist) points() []point {
	if d.sketch != nil {
		return d.sketch.points()
	}
	ps := make([]point, 0, len(d.events)+len(d.censored))
	for _, v := range d.events {
		ps = append(ps, point{at: v, events: 1})
	}
	for _, v := range d.censored {
		ps = append(ps, point{at: v, censored: 1})
	}
	return collapse(ps)
}

// collapse sorts points and joins those of the same value, in place.
func collapse(ps []point) []point {
	slices.SortFunc(ps, func(a, b point) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	out := ps[:0]
	for _, p := range ps {
		if last := len(out) - 1; last >= 0 && out[last].at == p.at {
			out[last].events += p.events
			out[last].censored += p.censored
			continue
		}
		out = append(out, p)
	}
	return out
}

func (s *sketch) points() []point {
	var ps []point
	s.events.each(func(b int, n uint64) {
		at := min(max(bucketMiddle(b), s.events.min), s.events.max)
		ps = append(ps, point{at: at, events: n})
	})
	events := len(ps)
	buckets := make(map[int]int, events) // bucket -> index in ps
	for i, p := range ps {
		buckets[bucketOf(p.at)] = i
	}
	s.censored.each(func(b int, n uint64) {
		if i, ok := buckets[b]; ok {
			ps[i].censored = n
			return
		}
		at := min(max(bucketMiddle(b), s.censored.min), s.censored.max)
		ps = append(ps, point{at: at, censored: n})
	})
	return collapse(ps)
}

// Quantile is the smallest duration that at least the share p of all durations
// do not exceed: the inverse of the curve. Without censoring it is an observed
// value, the ceil(p*n)-th smallest (type 1 of Hyndman and Fan 1996). p = 0 is
// the smallest duration seen to end. It is false when the data cannot give it:
// no observations, p outside [0, 1], or too many of the long ones cut off.
func (c Curve) Quantile(p float64) (time.Duration, bool) {
	return c.crossing(p, func(s Step) float64 { return s.Survival })
}

// crossing is the first end of a duration at which curve has come down to 1-p.
func (c Curve) crossing(p float64, curve func(Step) float64) (time.Duration, bool) {
	if !(p >= 0 && p <= 1) {
		return 0, false
	}
	const rounding = 1e-12 // 1 - 0.9 is not the float nearest to 0.1
	for _, s := range c {
		if s.Events > 0 && curve(s) <= 1-p+rounding {
			return s.At, true
		}
	}
	return 0, false
}

// Quantile is Curve().Quantile(p).
func (d *Dist) Quantile(p float64) (time.Duration, bool) {
	return d.Curve().Quantile(p)
}

// Range is a duration with a confidence interval.
type Range struct {
	Value, Low, High time.Duration
	Known            bool // Value is known
	LowKnown         bool // Low is known; else nothing is known but Value
	HighKnown        bool // High is known; else the interval is open upwards
	Warnings         []Warning
}

// QuantileRange is the quantile with its confidence interval at level (such as
// 0.95): the durations at which the bounds of the curve cross 1-p (Brookmeyer
// and Crowley 1982, with log-log bounds).
func (c Curve) QuantileRange(p, level float64) Range {
	var r Range
	r.Value, r.Known = c.Quantile(p)
	r.Warnings = c.warnings()
	r.Low, r.LowKnown = c.crossing(p, func(s Step) float64 {
		low, _ := bounds(s.Survival, s.variance, 1, s.AtRisk-s.Events, level)
		return low
	})
	var ended uint64
	r.High, r.HighKnown = c.crossing(p, func(s Step) float64 {
		ended += s.Events
		_, high := bounds(s.Survival, s.variance, ended, s.AtRisk-s.Events, level)
		return high
	})
	return r
}

// warnings says what weakens all that is read from the curve.
func (c Curve) warnings() []Warning {
	var events, censored uint64
	for _, s := range c {
		events += s.Events
		censored += s.Censored
	}
	var ws []Warning
	if events < 5 {
		ws = append(ws, WarnFew)
	}
	if censored > events {
		ws = append(ws, WarnCensored)
	}
	return ws
}

// Estimate is a share with its confidence interval.
type Estimate struct {
	Value, Low, High float64
	Known            bool // Value holds; else only Low and High do
	Warnings         []Warning
}

// Survival estimates the share of durations that last longer than t, with
// Greenwood's variance and log-log bounds at the confidence level (such as
// 0.95). Past the last observation, when that was cut off, only the bounds are
// known.
func (c Curve) Survival(t time.Duration, level float64) Estimate {
	return c.SurvivalAfter(math.MinInt64, t, level)
}

// SurvivalAfter estimates, of the durations that last longer than from, the
// share that last longer than t.
func (c Curve) SurvivalAfter(from, t time.Duration, level float64) Estimate {
	i, j := c.upTo(from), c.upTo(t)
	if i == len(c) || t < from {
		return Estimate{Low: 0, High: 1}
	}
	given, variance, s := 1.0, 0.0, 1.0
	if i > 0 {
		given, variance = c[i-1].Survival, c[i-1].variance
	}
	var events uint64
	for _, step := range c[i:j] {
		events += step.Events
	}
	v := 0.0
	if events > 0 {
		s, v = c[j-1].Survival/given, c[j-1].variance-variance
	}
	e := Estimate{Value: s, Known: true}
	var beyond uint64
	if j < len(c) {
		beyond = c[j].AtRisk
	}
	e.Low, e.High = bounds(s, v, events, beyond, level)
	if beyond == 0 && s > 0 {
		e.Known, e.Low = false, 0
	}
	if beyond < 5 && s > 0 {
		e.Warnings = append(e.Warnings, WarnFewAtRisk)
	}
	return e
}

// Survival is Curve().Survival(t, level).
func (d *Dist) Survival(t time.Duration, level float64) Estimate {
	return d.Curve().Survival(t, level)
}

// upTo is the number of steps at or before t.
func (c Curve) upTo(t time.Duration) int {
	return sort.Search(len(c), func(i int) bool { return c[i].At > t })
}

// bounds gives the confidence interval of a survival s after events ends, with
// beyond observations left. Where Greenwood's variance is 0 or infinite (nobody
// or everybody ended) the exact binomial bound stands in, on the observations
// that saw it.
func bounds(s, variance float64, events, beyond uint64, level float64) (low, high float64) {
	alpha := (1 - level) / 2
	switch {
	case s >= 1 && beyond == 0:
		return 0, 1
	case s >= 1:
		return math.Pow(alpha, 1/float64(beyond)), 1
	case s <= 0:
		return 0, 1 - math.Pow(alpha, 1/float64(events))
	}
	return logLog(s, variance, normalQuantile(1-alpha))
}

// logLog gives s^exp(±z·se), where se is the standard error of log(-log s).
func logLog(s, variance, z float64) (low, high float64) {
	if s <= 0 || s >= 1 {
		return s, s
	}
	w := z * math.Sqrt(variance) / -math.Log(s)
	return math.Pow(s, math.Exp(w)), math.Pow(s, math.Exp(-w))
}
