package stat

import "math"

// CompareDispersed tests whether two rates differ when counts vary dispersion
// times as much as chance alone has it (quasi-likelihood; at least 1), an
// estimate with df degrees of freedom. shares says that every event is one of
// the exposures, so that chance is binomial and not Poisson.
//
// The normal score of the exact test is divided by the dispersion's root and
// read from Student's distribution; the exact test on counts divided by the
// dispersion must agree. So it never claims more than [CompareRates] or
// [CompareShares] does. Effect is b's rate over a's.
func CompareDispersed(a, b Rate, shares bool, dispersion, df float64) Test {
	shares = shares && a.share() && b.share()
	exact, scaled := CompareRates(a, b), scaledP
	t := rateRatio(a, b, dispersion)
	t.Method = "quasi-Poisson rates"
	if shares {
		exact, t = CompareShares(a, b), shareRatio(a, b, dispersion)
		t.Method = "quasi-binomial shares"
		scaled = func(a, b Rate, dispersion float64) float64 {
			return fisherP(a.wholeShare(dispersion), b.wholeShare(dispersion))
		}
	}
	if math.IsNaN(exact.P) {
		return exact
	}
	t.Dispersion, t.Warnings = dispersion, exact.Warnings
	score := math.Abs(normalQuantile(max(exact.P, 1e-300) / 2))
	t.P = max(exact.P, studentTail(score/math.Sqrt(dispersion), df))
	if dispersion > 1 {
		t.P = max(t.P, scaled(a, b, dispersion))
	}
	if dispersion > 2 {
		t.Warnings = append(t.Warnings, WarnClustered)
	}
	return t
}

// ratePrior is the prior of LongRun for counts.
const ratePrior = 8

// CompareBursts tests whether two rates differ when events come in bursts of
// unknown length. Every slice is the count over a stretch of time with its
// exposure, in order of time and all about equally long. The scatter of the
// slices around their side's rate gives the dispersion of [CompareDispersed],
// from slices of one, two, four and eight times the length (see [LongRun]).
//
// Beyond rests on a less cautious dispersion: the largest of the same estimates,
// each drawn towards the one before, without what LongRun adds for longer
// bursts. The caution that spares false alarms would call half of all calm
// captures with 20 events a side too few to tell. In simulations it leaves out a
// factor of 3 for 5 in 100 pairs that truly differ by it, as it should, and for
// 12 in 100 with bursts of ten events.
//
// What it gets wrong: a side with one or two long bursts looks like another
// rate; nothing in the counts tells them apart.
func CompareBursts(a, b []Rate, shares bool) Test {
	a, b = exposed(a), exposed(b)
	suma, sumb := total(a), total(b)
	shares = shares && suma.share() && sumb.share()
	var estimates, dfs []float64
	mild, drawn := 1.0, 1.0
	for join := 1; join <= 8 && len(a)*len(b) > 0; join *= 2 {
		pooled, weighted, df, dfWeighted := dispersions(joined(a, join), joined(b, join), shares)
		if df < 1 || join > 1 && dfWeighted < 4 {
			break
		}
		estimates, dfs = append(estimates, weighted), append(dfs, dfWeighted)
		if join < 8 {
			drawn = (pooled*df + drawn*ratePrior) / (df + ratePrior)
			mild = max(mild, drawn)
		}
	}
	dispersion, df := LongRun(estimates, dfs, ratePrior)
	t := CompareDispersed(suma, sumb, shares, dispersion, df)
	if math.IsNaN(t.P) {
		return t
	}
	if shares {
		t.Beyond = shareRatio(suma, sumb, mild).Beyond
	} else {
		t.Beyond = rateRatio(suma, sumb, mild).Beyond
	}
	if len(dfs) == 0 || dfs[0] < 8 {
		t.Warnings = append(t.Warnings, WarnFewSlices)
	}
	return t
}

// exposed is the slices that have exposure. Those with less than a quarter of
// the mean, such as the ends of a capture, become part of the one before: a
// single event there, whose exposure lies just before, would look like a burst.
func exposed(slices []Rate) []Rate {
	var out []Rate
	least := 0.0
	for _, s := range slices {
		if s.Exposure > 0 {
			out = append(out, s)
			least += s.Exposure
		}
	}
	if len(out) < 2 {
		return out
	}
	least /= 4 * float64(len(out))
	kept := out[:1]
	for _, s := range out[1:] {
		last := &kept[len(kept)-1]
		if s.Exposure < least || len(kept) == 1 && last.Exposure < least {
			last.Events, last.Exposure = last.Events+s.Events, last.Exposure+s.Exposure
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

// total is the sum of slices.
func total(slices []Rate) (sum Rate) {
	for _, s := range slices {
		sum.Events += s.Events
		sum.Exposure += s.Exposure
	}
	return sum
}

// scatter is Pearson's chi-squared of the counts of slices around their common
// rate, or share; 0 without events, and when every exposure is one.
func scatter(slices []Rate, shares bool) (chi float64) {
	sum := total(slices)
	rest := 1.0 // of the variance, that a share leaves
	if shares {
		rest -= sum.Events / sum.Exposure
	}
	if sum.Events == 0 || rest <= 0 {
		return 0
	}
	for _, s := range slices {
		expected := sum.Events * s.Exposure / sum.Exposure
		chi += (s.Events - expected) * (s.Events - expected) / (expected * rest)
	}
	return chi
}

// dispersions are two estimates of the dispersion of the difference of two
// rates, with their degrees of freedom: that of both sides pooled, and Pearson's
// estimates weighted by the events, as they weigh in its variance, but at least
// the pooled one. A side without any burst says nothing about how much the
// bursts of the other one vary. Degrees of freedom by Satterthwaite 1946.
func dispersions(a, b []Rate, shares bool) (pooled, weighted, df, dfWeighted float64) {
	ea, eb := total(a).Events, total(b).Events
	chia, chib := scatter(a, shares), scatter(b, shares)
	dfa, dfb := float64(len(a)-1), float64(len(b)-1)
	pooled, df = (chia+chib)/(dfa+dfb), dfa+dfb
	if dfa < 1 || dfb < 1 || ea+eb == 0 {
		return pooled, pooled, df, df
	}
	x, y := ea*chia/dfa, eb*chib/dfb
	if w := (x + y) / (ea + eb); w > pooled {
		return pooled, w, df, (x + y) * (x + y) / (x*x/dfa + y*y/dfb)
	}
	return pooled, pooled, df, df
}

// joined takes n neighbouring slices as one.
func joined(slices []Rate, n int) []Rate {
	var out []Rate
	for i, s := range slices {
		if i%n == 0 {
			out = append(out, Rate{})
		}
		out[len(out)-1].Events += s.Events
		out[len(out)-1].Exposure += s.Exposure
	}
	return out
}
