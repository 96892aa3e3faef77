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
// one slow minute brings many. Use [CompareBursts] where their times are known.
// Where an event is one of the exposures, [CompareShares] is the sharper test.
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
		return Test{Effect: math.NaN(), Low: 0, High: math.Inf(1), Beyond: math.Inf(1)}
	}
	low, high := clopperPearson(y, x+y, 0.95)
	odds := func(p float64) float64 { return p / (1 - p) * (a.Exposure / b.Exposure) }
	return Test{Effect: (b.Events / b.Exposure) / (a.Events / a.Exposure), Low: odds(low), High: odds(high), Beyond: beyond(1/x+1/y, a, b)}
}

// beyond is the factor, either way, that the 90 % interval of the ratio of the
// rates leaves out (two one-sided tests at 5 %, Schuirmann 1987), by the normal
// approximation of its logarithm; +Inf when a side has no events.
func beyond(variance float64, a, b Rate) float64 {
	seen := math.Log(b.Events / b.Exposure * (a.Exposure / a.Events))
	if math.IsInf(seen, 0) || math.IsNaN(seen) {
		return math.Inf(1)
	}
	return math.Exp(math.Abs(seen) + normalQuantile(0.95)*math.Sqrt(variance))
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
