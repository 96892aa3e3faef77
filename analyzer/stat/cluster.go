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
		seen := max(t.Effect, 1/t.Effect)
		t.Beyond = seen * math.Pow(t.Beyond/seen, root)
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
