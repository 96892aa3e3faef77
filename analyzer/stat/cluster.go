package stat

import "math"

// Cluster corrects a test of durations for durations that resemble their
// neighbours in time: inflation is by how much that inflates the variance of a
// mean (Kish's design effect, 1 for independent durations), df how many degrees
// of freedom it was estimated with. The normal score of the p-value is divided
// by the root of the inflation and read from Student's distribution; the
// interval of the effect becomes wider by the same root, for a ratio of hazards
// on its logarithm. With an inflation of 1 or less, or nothing to compare, t
// comes back as it is.
func (t Test) Cluster(inflation, df float64) Test {
	if math.IsNaN(t.P) || !(inflation > 1) || !(df >= 1) {
		return t
	}
	root := math.Sqrt(inflation)
	score := math.Abs(normalQuantile(max(t.P, 1e-300) / 2))
	t.P = max(t.P, studentTail(score/root, df))
	if t.Method == methodLogRank {
		t.Low = t.Effect * math.Pow(t.Low/t.Effect, root)
		t.High = t.Effect * math.Pow(t.High/t.Effect, root)
	} else {
		t.Low = max(0, t.Effect-(t.Effect-t.Low)*root)
		t.High = min(1, t.Effect+(t.High-t.Effect)*root)
	}
	if inflation > 2 {
		t.Warnings = union(t.Warnings, []Warning{WarnClustered})
	}
	return t
}

// LongRun estimates the variance of a sum over time from estimates on slices of
// growing length, each twice as long as the one before, all in units of the
// variance without clustering (1); dfs are the degrees of freedom of each. Where
// events come in bursts, the estimates grow with the length until slices are
// much longer than bursts, and miss in proportion to one over it; long slices
// are few, and their estimates noisy. So each estimate is drawn towards the one
// before it, as much as prior degrees of freedom weigh, and the last growth is
// counted once more for the lengths beyond. df are the degrees of freedom that
// the result is worth.
func LongRun(estimates, dfs []float64, prior float64) (variance, df float64) {
	variance, df = 1, prior
	grown := 0.0
	for i, e := range estimates {
		if !(dfs[i] > 0) || math.IsNaN(e) {
			break
		}
		v := (max(e, 0)*dfs[i] + variance*prior) / (dfs[i] + prior)
		grown = v - variance
		if i == 0 {
			grown = 0
		}
		if v = max(v, 1); v > variance || i == 0 {
			variance, df = v, dfs[i]+prior
		}
	}
	return variance + max(0, grown), df
}

// ratePrior is the prior of LongRun for counts.
const ratePrior = 8

// CompareBursts tests whether two rates differ when events come in bursts of
// unknown length. Every slice is the count over a stretch of time with its
// exposure, in order of time and all about equally long. It is [CompareSlices]
// with a dispersion from slices of one, two, four and eight times the length
// (see [LongRun]).
//
// What it gets wrong: a side with one or two long bursts looks like another
// rate; nothing in the counts tells them apart.
func CompareBursts(a, b []Rate) Test {
	const method = "quasi-Poisson rates"
	whole := CompareSlices(a, b)
	if math.IsNaN(whole.P) {
		return whole
	}
	suma, _ := scatter(exposed(a))
	sumb, _ := scatter(exposed(b))
	var estimates, dfs []float64
	for join := 1; join <= 8; join *= 2 {
		ja, jb := exposed(joined(a, join)), exposed(joined(b, join))
		v, df := dispersionOf(ja, jb)
		if df < 4 {
			break
		}
		estimates, dfs = append(estimates, v), append(dfs, df)
	}
	if len(dfs) == 0 {
		return whole
	}
	dispersion, df := LongRun(estimates, dfs, ratePrior)
	exact := CompareRates(suma, sumb)
	t := rateRatio(suma, sumb, dispersion)
	t.Method, t.Dispersion = method, dispersion
	score := math.Abs(normalQuantile(max(exact.P, 1e-300) / 2))
	t.P = max(exact.P, studentTail(score/math.Sqrt(dispersion), df), scaledP(suma, sumb, dispersion))
	t.Warnings = exact.Warnings
	if dispersion > 2 {
		t.Warnings = append(t.Warnings, WarnClustered)
	}
	if dfs[0] < 8 {
		t.Warnings = append(t.Warnings, WarnFewSlices)
	}
	return t
}

// dispersionOf is the dispersion of the difference of two rates: Pearson's
// estimates of both sides weighted by their events, as they weigh in its
// variance, but at least the common one. A side without any burst says nothing
// about how much the bursts of the other one vary. df are its degrees of freedom
// (Satterthwaite 1946).
func dispersionOf(a, b []Rate) (v, df float64) {
	suma, chia := scatter(a)
	sumb, chib := scatter(b)
	dfa, dfb := float64(len(a)-1), float64(len(b)-1)
	v, df = (chia+chib)/(dfa+dfb), dfa+dfb
	if dfa < 1 || dfb < 1 || suma.Events+sumb.Events == 0 {
		return v, df
	}
	x, y := suma.Events*chia/dfa, sumb.Events*chib/dfb
	if weighted := (x + y) / (suma.Events + sumb.Events); weighted > v {
		return weighted, (x + y) * (x + y) / (x*x/dfa + y*y/dfb)
	}
	return v, df
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
