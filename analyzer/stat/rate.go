package stat

import "math"

// Rate is a count of events over an exposure: seconds, minutes, requests.
type Rate struct {
	Events   float64
	Exposure float64 // above 0; the unit must be the same on both sides
}

// CompareRates tests whether two Poisson rates differ, by the exact conditional
// test: given the sum of the events, a's share is binomial. (R: poisson.test.)
// Effect is b's rate over a's, with the matching Clopper–Pearson interval.
//
// It takes events to be independent of each other. Timeouts and churn are not:
// one slow minute brings many. Use [CompareSlices] where their times are known.
func CompareRates(a, b Rate) Test {
	const method = "Poisson rates, exact"
	if !(a.Exposure > 0 && b.Exposure > 0) {
		return noTest(method, WarnEmpty)
	}
	t := rateRatio(a, b, 1)
	t.Method = method
	if t.P = 1; a.Events+b.Events > 0 {
		t.P = binomialP(b.Events, a.Events+b.Events, b.Exposure/(a.Exposure+b.Exposure))
	}
	if a.Events+b.Events < 5 {
		t.Warnings = append(t.Warnings, WarnFew)
	}
	return t
}

// rateRatio fills in the ratio of the rates and its interval for counts that
// vary dispersion times as much as Poisson's.
func rateRatio(a, b Rate, dispersion float64) Test {
	x, y := a.Events/dispersion, b.Events/dispersion
	if x+y == 0 {
		return Test{Effect: math.NaN(), Low: 0, High: math.Inf(1)}
	}
	low, high := clopperPearson(y, x+y, 0.95)
	odds := func(p float64) float64 { return p / (1 - p) * (a.Exposure / b.Exposure) }
	return Test{Effect: (b.Events / b.Exposure) / (a.Events / a.Exposure), Low: odds(low), High: odds(high)}
}

// CompareSlices tests whether two rates differ when events may cluster. Every
// slice is the count over a stretch of time or a batch of requests, in order or
// not. The scatter of the slices around their side's rate gives the dispersion
// (quasi-Poisson, Pearson's estimate, never below 1); the exact test's normal
// score is divided by its root and read from Student's distribution with as
// many degrees of freedom as the dispersion has; the exact test on counts divided
// by the dispersion must agree. So it never claims more than [CompareRates] does.
//
// What it gets wrong: bursts longer than a slice spread over several and hide
// part of the dispersion, so choose slices longer than the bursts; and a single
// burst on a side of few slices looks like a rate (in simulations one such
// comparison in a hundred has p below 0.001).
func CompareSlices(a, b []Rate) Test {
	const method = "quasi-Poisson rates"
	a, b = exposed(a), exposed(b)
	if len(a) == 0 || len(b) == 0 {
		return noTest(method, WarnEmpty)
	}
	suma, chia := scatter(a)
	sumb, chib := scatter(b)
	exact := CompareRates(suma, sumb)
	df := float64(len(a) + len(b) - 2)
	if df < 1 {
		exact.Warnings = append(exact.Warnings, WarnFewSlices)
		return exact
	}
	dispersion := max((chia+chib)/df, 1)
	t := rateRatio(suma, sumb, dispersion)
	t.Method, t.Warnings = method, exact.Warnings
	score := math.Abs(normalQuantile(max(exact.P, 1e-300) / 2))
	t.P = max(exact.P, studentTail(score/math.Sqrt(dispersion), df), scaledP(suma, sumb, dispersion))
	if dispersion > 2 {
		t.Warnings = append(t.Warnings, WarnClustered)
	}
	if df < 8 {
		t.Warnings = append(t.Warnings, WarnFewSlices)
	}
	return t
}

// scaledP is the conditional test on the numbers of bursts that the counts
// amount to, as if each were one event. It matters when there are only a few,
// however many events they bring; the interval of the ratio agrees with it.
func scaledP(a, b Rate, dispersion float64) float64 {
	n, y := (a.Events+b.Events)/dispersion, b.Events/dispersion
	if n == 0 {
		return 1
	}
	p := b.Exposure / (a.Exposure + b.Exposure)
	return min(1, 2*betaInc(1-p, n-y, y+1), 2*betaInc(p, y, n-y+1))
}

func exposed(slices []Rate) []Rate {
	var out []Rate
	for _, s := range slices {
		if s.Exposure > 0 {
			out = append(out, s)
		}
	}
	return out
}

// scatter is the sum of slices and Pearson's chi-squared of their counts around
// the common rate; a slice without expected events cannot scatter.
func scatter(slices []Rate) (sum Rate, chi float64) {
	for _, s := range slices {
		sum.Events += s.Events
		sum.Exposure += s.Exposure
	}
	if sum.Events == 0 {
		return sum, 0
	}
	for _, s := range slices {
		expected := sum.Events * s.Exposure / sum.Exposure
		chi += (s.Events - expected) * (s.Events - expected) / expected
	}
	return sum, chi
}

// binomialP is the two-sided p-value of k successes in n trials of probability
// p: the sum over all outcomes that are at most as likely as k (R: binom.test).
func binomialP(k, n, p float64) float64 {
	if n == 0 || p <= 0 || p >= 1 {
		return 1
	}
	log := func(i float64) float64 {
		return logChoose(n, i) + i*math.Log(p) + (n-i)*math.Log1p(-p)
	}
	below := func(i float64) float64 { // P(X <= i)
		switch {
		case i < 0:
			return 0
		case i >= n:
			return 1
		}
		return betaInc(1-p, n-i, i+1)
	}
	above := func(i float64) float64 { // P(X >= i)
		switch {
		case i <= 0:
			return 1
		case i > n:
			return 0
		}
		return betaInc(p, i, n-i+1)
	}
	mode := math.Min(math.Floor((n+1)*p), n)
	limit := log(k) + 1e-7 // outcomes as likely as k, up to rounding
	switch {
	case k < mode:
		far := firstBelow(mode, n, func(i float64) bool { return log(i) <= limit })
		return min(1, below(k)+above(far))
	case k > mode:
		far := firstBelow(0, mode, func(i float64) bool { return log(mode-i) <= limit })
		return min(1, above(k)+below(mode-far))
	}
	return 1
}

// firstBelow is the smallest whole number in [lo, hi] for which rare holds, or
// hi+1; rare must not become false again.
func firstBelow(lo, hi float64, rare func(float64) bool) float64 {
	hi++
	for lo < hi {
		if mid := math.Floor((lo + hi) / 2); rare(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// clopperPearson is the exact interval of a share k of n; both may be fractions.
func clopperPearson(k, n, level float64) (low, high float64) {
	alpha := (1 - level) / 2
	low, high = 0, 1
	if k > 0 {
		low = betaQuantile(alpha, k, n-k+1)
	}
	if k < n {
		high = betaQuantile(1-alpha, k+1, n-k)
	}
	return low, high
}
