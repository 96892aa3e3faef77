package stat

import "math"

// Test is the result of a comparison of two sides. All tests are two-sided.
type Test struct {
	Method string  // which test, in words
	P      float64 // probability of at least such a difference by chance; NaN when there is nothing to compare
	Effect float64 // the size of the difference; its meaning is the test's
	Low    float64 // confidence interval of Effect at 95 %; NaN when there is nothing to compare
	High   float64 // as Low; +Inf when it is open
	// Dispersion is how much counts vary against what chance alone has; 0 where
	// that was not estimated.
	Dispersion float64
	// Beyond is the factor either way, of a ratio of rates or hazards, that the
	// 90 % interval leaves out (two one-sided tests at 5 %, Schuirmann 1987);
	// +Inf when there is none, 0 for other effects.
	Beyond   float64
	Warnings []Warning
}

func noTest(method string, w Warning) Test {
	nan := math.NaN()
	return Test{Method: method, P: nan, Effect: nan, Low: nan, High: nan, Warnings: []Warning{w}}
}

// pair is a value with how often each side has it.
type pair struct {
	at   int64
	a, b point
}

// pairs lists the values of both sides in order. When one side keeps buckets,
// the other's values are put in the same ones: values in one bucket must tie.
func pairs(a, b *Dist) []pair {
	a, b = alike(a, b), alike(b, a)
	pa, pb := a.points(), b.points()
	if a.sketch != nil {
		regrid(pa)
		regrid(pb)
	}
	var out []pair
	for len(pa) > 0 || len(pb) > 0 {
		switch {
		case len(pb) == 0 || len(pa) > 0 && pa[0].at < pb[0].at:
			out, pa = append(out, pair{at: pa[0].at, a: pa[0]}), pa[1:]
		case len(pa) == 0 || pb[0].at < pa[0].at:
			out, pb = append(out, pair{at: pb[0].at, b: pb[0]}), pb[1:]
		default:
			out, pa, pb = append(out, pair{pa[0].at, pa[0], pb[0]}), pa[1:], pb[1:]
		}
	}
	return out
}

// alike is d, with buckets when o has them.
func alike(d, o *Dist) *Dist {
	if d.sketch != nil || o.sketch == nil {
		return d
	}
	c := &Dist{events: d.events, censored: d.censored}
	c.toSketch()
	return c
}

// regrid undoes the fitting of the outermost buckets to the extremes.
func regrid(ps []point) {
	for i := range ps {
		ps[i].at = bucketMiddle(bucketOf(ps[i].at))
	}
}

// MannWhitney tests whether values of b tend to be larger or smaller than those
// of a. Effect is the probability that a value of b exceeds one of a, ties
// counted half: 0.5 means no difference.
//
// Up to about 40 values the distribution of U is computed exactly, ties
// included; above that it is the normal approximation with corrections for ties
// and continuity. Censored values are taken as complete: use [LogRank] then.
func MannWhitney(a, b *Dist) Test {
	const method = "Mann-Whitney"
	n1, n2 := a.Count(), b.Count()
	if n1 == 0 || n2 == 0 {
		return noTest(method, WarnEmpty)
	}
	var ties []tie
	for _, p := range pairs(a, b) {
		ties = append(ties, tie{int(p.a.events + p.a.censored), int(p.b.events + p.b.censored)})
	}
	t := Test{Method: method, Low: 0, High: 1}
	if a.Censored()+b.Censored() > 0 {
		t.Warnings = append(t.Warnings, WarnUncensored)
	}
	if len(ties) == 1 {
		t.P, t.Effect = 1, 0.5
		t.Warnings = append(t.Warnings, WarnEqual)
		return t
	}
	if min(n1, n2) < 4 {
		t.Warnings = append(t.Warnings, WarnFew)
	}
	u, spread := rankSum(ties)
	t.Effect = u / (float64(n1) * float64(n2))
	t.Low = superiorityBound(t.Effect, 0, float64(n1), float64(n2))
	t.High = superiorityBound(t.Effect, 1, float64(n1), float64(n2))
	if ranks, ok := exactRanks(ties, n1, n2); ok {
		t.P = exactRankP(ranks, n2)
		return t
	}
	off := max(math.Abs(u-float64(n1)*float64(n2)/2)-0.5, 0)
	t.P = 2 * normalCDF(-off/spread)
	return t
}

// superiorityBound is the bound of the 95 % interval of the probability theta
// that a value of one side exceeds one of the other, between the estimate and
// end (0 or 1): Newcombe 2006, method 5, which solves the score equation with
// Hanley and McNeil's variance and stays honest at 0 and 1. Ties make it wider
// than it need be.
func superiorityBound(theta, end, n1, n2 float64) float64 {
	z := normalQuantile(0.975)
	far, near := end, theta
	for range 60 {
		t := (far + near) / 2
		half := (n1+n2)/2 - 1
		v := t * (1 - t) / (n1 * n2) * (1 + half*((1-t)/(2-t)+t/(1+t)))
		if math.Abs(theta-t) > z*math.Sqrt(v) {
			far = t
		} else {
			near = t
		}
	}
	return near
}

// tie counts the values of each side that share a rank.
type tie struct{ a, b int }

// rankSum gives Mann and Whitney's U of side b (pairs in which b is larger, ties
// half) and its standard deviation when the sides are alike.
func rankSum(ties []tie) (u, deviation float64) {
	var below, n1, n2, cubes float64
	for _, t := range ties {
		a, b := float64(t.a), float64(t.b)
		u += b * (below + a/2)
		below += a
		n1, n2 = n1+a, n2+b
		s := a + b
		cubes += s*s*s - s
	}
	n := n1 + n2
	return u, math.Sqrt(n1 * n2 / 12 * (n + 1 - cubes/(n*(n-1))))
}

// exactRanks lists twice the midrank of every value, and the doubled rank sum of
// side b. It is false when counting all samples would take too long.
func exactRanks(ties []tie, n1, n2 int) (r ranked, ok bool) {
	n := n1 + n2
	if n > 200 || min(n1, n2)*n*n*n > 1_500_000 {
		return ranked{}, false
	}
	rank := 0
	for _, t := range ties {
		twice := 2*rank + t.a + t.b + 1
		for range t.a + t.b {
			r.twice = append(r.twice, twice)
		}
		r.sum += t.b * twice
		rank += t.a + t.b
	}
	return r, true
}

type ranked struct {
	twice []int // twice the midrank of each value of both sides
	sum   int   // of side b
}

// exactRankP counts, over all ways to choose k of the ranks, the share whose sum
// is at least as far from its mean as was seen.
func exactRankP(r ranked, k int) float64 {
	n, total := len(r.twice), 0
	for _, v := range r.twice {
		total += v
	}
	if 2*k > n { // the other side's choice is the complement
		k, r.sum = n-k, total-r.sum
	}
	ways := make([][]float64, k+1) // ways[j][s]: choices of j ranks with sum s, as a share
	for j := range ways {
		ways[j] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for i, v := range r.twice {
		for j := min(k, i+1); j > 0; j-- {
			for s := total; s >= v; s-- {
				ways[j][s] += ways[j-1][s-v]
			}
		}
	}
	mean := float64(total) * float64(k) / float64(n)
	off := math.Abs(float64(r.sum)-mean) - 1e-9
	var all, far float64
	for s, w := range ways[k] {
		all += w
		if math.Abs(float64(s)-mean) >= off {
			far += w
		}
	}
	return far / all
}

// CompareDurations chooses the test: [MannWhitney] when no duration is
// censored, else [LogRank]. Effect is the probability that a duration of b
// exceeds one of a, or with censoring the ratio of the hazards.
func CompareDurations(a, b *Dist) Test {
	if a.Censored()+b.Censored() > 0 {
		return LogRank(a, b)
	}
	return MannWhitney(a, b)
}
