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

// Minus is d without the observations of o, which must all be in d; what d
// lacks is passed over. Both stay as they are.
func (d *Dist) Minus(o *Dist) *Dist {
	if o == nil || o.Count() == 0 {
		return d
	}
	left := pairs(d, o)
	out := new(Dist)
	if d.sketch != nil || o.sketch != nil {
		out.sketch = new(sketch)
	}
	for _, p := range left {
		out.repeat(p.at, p.a.events-min(p.a.events, p.b.events), false)
		out.repeat(p.at, p.a.censored-min(p.a.censored, p.b.censored), true)
	}
	return out
}

// repeat counts a value n times.
func (d *Dist) repeat(at int64, n uint64, censored bool) {
	if n == 0 {
		return
	}
	if d.sketch != nil {
		t := &d.sketch.events
		if censored {
			t = &d.sketch.censored
		}
		for ; n > math.MaxUint32; n -= math.MaxUint32 {
			t.add(at, math.MaxUint32)
		}
		t.add(at, uint32(n))
		return
	}
	for range n {
		if censored {
			d.censored = append(d.censored, at)
		} else {
			d.events = append(d.events, at)
		}
	}
}
