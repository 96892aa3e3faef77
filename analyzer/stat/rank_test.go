package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aclements/go-moremath/stats"
)

func ns(vs ...time.Duration) *Dist { return of(vs, nil) }

func TestMannWhitney(t *testing.T) {
	for name, test := range map[string]struct {
		a, b      *Dist
		p, effect float64
	}{
		// wilcox.test(c(0.80,0.83,1.89,1.04,1.45,1.38,1.91,1.64,0.73,1.46), c(1.15,0.88,0.90,0.74,1.21)): 0.2544
		"placental permeability": {
			ns(80, 83, 189, 104, 145, 138, 191, 164, 73, 146), ns(115, 88, 90, 74, 121), 0.2544, 15.0 / 50},
		"apart, 3 and 3": {ns(1, 2, 3), ns(4, 5, 6), 0.1, 1},
		"apart, 4 and 4": {ns(1, 2, 3, 4), ns(5, 6, 7, 8), 2.0 / 70, 1},
		"apart, 5 and 5": {ns(1, 2, 3, 4, 5), ns(6, 7, 8, 9, 10), 2.0 / 252, 1},
		"U = 2, 5 and 5": {ns(1, 2, 3, 4, 7), ns(5, 6, 8, 9, 10), 8.0 / 252, 23.0 / 25},
		"one and one":    {ns(1), ns(2), 1, 1},
		// All 6 choices: sums 2·{3.5, 4.5, 4.5, 5.5, 5.5, 6.5} of midranks 1, 2.5, 2.5, 4.
		"ties": {ns(1, 2), ns(2, 3), 2.0 / 3, 3.5 / 4},
	} {
		got := MannWhitney(test.a, test.b)
		if !near(got.P, test.p, 5e-5) || !near(got.Effect, test.effect, 1e-9) {
			t.Errorf("%s: p %.5f, effect %.3f, want %.5f, %.3f", name, got.P, got.Effect, test.p, test.effect)
		}
		back := MannWhitney(test.b, test.a)
		if !near(back.P, got.P, 1e-12) || !near(back.Effect, 1-got.Effect, 1e-12) {
			t.Errorf("%s: the sides swapped give %+v, not the mirror of %+v", name, back, got)
		}
	}
	if got := MannWhitney(ns(), ns(1)); !math.IsNaN(got.P) || !slices.Equal(got.Warnings, []Warning{WarnEmpty}) {
		t.Errorf("an empty side: %+v", got)
	}
	if got := MannWhitney(ns(5, 5), ns(5)); got.P != 1 || !slices.Contains(got.Warnings, WarnEqual) {
		t.Errorf("all equal: %+v", got)
	}
}

// The table of critical values of Mann and Whitney, two-sided 0.05.
func TestMannWhitneyCriticalValues(t *testing.T) {
	for _, c := range []struct{ n1, n2, u int }{{4, 4, 0}, {5, 5, 2}, {6, 6, 5}, {7, 7, 8}, {8, 8, 13}, {9, 9, 17}, {10, 10, 23}, {5, 8, 6}, {20, 20, 127}} {
		if at, over := rankP(c.n1, c.n2, c.u), rankP(c.n1, c.n2, c.u+1); at > 0.05 || over <= 0.05 {
			t.Errorf("n = %d, %d: p(U=%d) = %.4f, p(U=%d) = %.4f; the critical value is %d", c.n1, c.n2, c.u, at, c.u+1, over, c.u)
		}
	}
}

// rankP is the exact p-value of U for sizes n1 and n2 without ties.
func rankP(n1, n2, u int) float64 {
	var r ranked
	for i := range n1 + n2 {
		r.twice = append(r.twice, 2*(i+1))
	}
	r.sum = 2 * (u + n2*(n2+1)/2)
	return exactRankP(r, n2)
}

func TestMannWhitneyAgreesWithMoremath(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		n1, n2 := 1+r.IntN(120), 1+r.IntN(120)
		var a, b Dist
		var x, y []float64
		for i := range n1 + n2 {
			v := r.IntN(100_000)
			if i%2 == 0 && n1 > 60 { // ties, where moremath approximates too
				v = v % 30
			}
			if i < n1 {
				a.Add(time.Duration(v))
				x = append(x, float64(v))
			} else {
				b.Add(time.Duration(v))
				y = append(y, float64(v))
			}
		}
		want, err := stats.MannWhitneyUTest(x, y, stats.LocationDiffers)
		if err != nil {
			continue
		}
		got := MannWhitney(&a, &b)
		tolerance := 1e-9
		if _, exact := exactRanks(make([]tie, 1), n1, n2); exact != (n1 <= 50 && n2 <= 50) {
			tolerance = 0.02 + 0.1/float64(min(n1, n2)) // one of the two is approximate
		}
		if !near(got.Effect, 1-want.U/float64(n1*n2), 1e-9) || !near(got.P, want.P, tolerance) {
			t.Errorf("%d and %d values: %v, %v, want %v, %v", n1, n2, got.Effect, got.P, 1-want.U/float64(n1*n2), want.P)
		}
	}
}

func TestLogRankOfLeukemia(t *testing.T) {
	// survdiff: chisq = 16.8 on 1 df, p = 4e-05; O-E = 9-19.25, V = 6.257.
	m := mantelOf(pairs(placebo, sixMP), 21, 21)
	if chi := m.swing() * m.swing() / m.variance; !near(chi, 16.793, 0.001) || m.observed != 9 || !near(m.expected, 19.2505, 1e-4) {
		t.Errorf("chi-squared %.4f of %+v, want 16.793", chi, m)
	}
	got := LogRank(placebo, sixMP)
	if want := math.Exp(-10.2505 / 6.2570); !near(got.Effect, want, 0.001) {
		t.Errorf("hazard ratio %.4f, want %.4f", got.Effect, want)
	}
	if got.P < 1e-5 || got.P > 1e-4 {
		t.Errorf("p %v, want about 4e-5", got.P)
	}
	if p := LogRank(ns(1, 2, 3), ns(4, 5, 6)).P; p < 0.05 {
		t.Errorf("three before three: p %v, but one in ten orders is as extreme", p)
	}
	back := LogRank(sixMP, placebo)
	if !near(back.P, got.P, 1e-9) || !near(back.Effect, 1/got.Effect, 1e-9) || !near(back.Low, 1/got.High, 1e-9) {
		t.Errorf("the sides swapped: %+v and %+v", got, back)
	}
	if len(got.Warnings) != 0 {
		t.Errorf("warnings %v", got.Warnings)
	}
	if got := LogRank(ns(), sixMP); !math.IsNaN(got.P) {
		t.Errorf("an empty side: %+v", got)
	}
	if got := LogRank(of(nil, []time.Duration{1, 2}), of(nil, []time.Duration{3})); !math.IsNaN(got.P) {
		t.Errorf("no durations that ended: %+v", got)
	}
}

// A side of values and one of buckets must not differ because of their form.
func TestMixedFormsCompare(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, censor := range []bool{false, true} {
		alarms := 0
		for range 200 {
			var few, many Dist
			for i := range 2400 {
				d := &few
				if i >= 400 {
					d = &many
				}
				// Everything within two buckets, where their borders matter most.
				v := time.Duration(512+8*r.Float64()) * time.Millisecond
				if censor && r.IntN(3) == 0 {
					d.AddCensored(v)
				} else {
					d.Add(v)
				}
			}
			if CompareDurations(&few, &many).P < 0.05 {
				alarms++
			}
		}
		if alarms > 20 {
			t.Errorf("censored %v: %d of 200 comparisons of the same load differ", censor, alarms)
		}
	}
}

func TestSuperiorityInterval(t *testing.T) {
	// At 0 and 1 the interval must not collapse.
	if got := MannWhitney(ns(1, 2, 3, 4, 5), ns(6, 7, 8, 9, 10)); got.High != 1 || got.Low < 0.4 || got.Low > 0.75 {
		t.Errorf("apart: %+v", got)
	}
	r := rand.New(rand.NewPCG(4, 4))
	const rounds = 2000
	inside := 0
	for range rounds {
		var a, b Dist
		for range 12 {
			a.Add(time.Duration(1e9 * r.ExpFloat64()))
			b.Add(time.Duration(3e9 * r.ExpFloat64()))
		}
		b.Add(time.Duration(3e9 * r.ExpFloat64()))
		if got := MannWhitney(&a, &b); got.Low <= 0.75 && 0.75 <= got.High {
			inside++
		}
	}
	if share := float64(inside) / rounds; share < 0.93 || share > 0.98 {
		t.Errorf("the 95 %% interval holds the truth in %.3f of the samples", share)
	}
}

func TestLogRankWarnsOfCrossing(t *testing.T) {
	var a, b Dist
	for i := range 60 {
		a.Add(time.Duration(100 + i))
		b.Add(time.Duration(i % 2 * 1000))
	}
	if got := LogRank(&a, &b); !slices.Contains(got.Warnings, WarnCrossing) {
		t.Errorf("%+v", got)
	}
}

// Few on one side must not make small p-values common: with many rows corrected
// for their number, those are the ones that count.
func TestLogRankOfFewBySimulation(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	for _, size := range [][2]int{{3, 40}, {40, 3}, {2, 100}, {5, 200}, {20, 20}} {
		draw := func(n int) *Dist {
			d := new(Dist)
			for range n {
				if v, c := r.ExpFloat64(), r.ExpFloat64(); c < v {
					d.AddCensored(time.Duration(c * 1e9))
				} else {
					d.Add(time.Duration(v * 1e9))
				}
			}
			return d
		}
		const rounds = 2000
		at5, at01 := 0, 0
		for range rounds {
			p := LogRank(draw(size[0]), draw(size[1])).P
			if p <= 0.05 {
				at5++
			}
			if p <= 0.001 {
				at01++
			}
		}
		if at5 > 0.075*rounds || at01 > 0.004*rounds {
			t.Errorf("%v values: %d of %d below 0.05, %d below 0.001", size, at5, rounds, at01)
		}
	}
}

// The share of false alarms of a test at 0.05 must not exceed it by more than
// the noise of the simulation; the power must be there.
func TestRankTestsBySimulation(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	draw := func(n int, scale, cut float64) *Dist {
		d := new(Dist)
		for range n {
			v, c := r.ExpFloat64()*scale, cut*r.ExpFloat64()
			if cut > 0 && c < v {
				d.AddCensored(time.Duration(c * 1e9))
			} else {
				d.Add(time.Duration(v * 1e9))
			}
		}
		return d
	}
	for _, test := range []struct {
		name         string
		n1, n2       int
		cut          float64
		scale        float64 // of the changed side
		alarms, hits float64 // at most, at least
	}{
		{"small", 8, 9, 0, 5, 0.065, 0.6},
		{"very small", 4, 4, 0, 30, 0.06, 0.5},
		{"few censored", 5, 5, 2, 20, 0.065, 0.35},
		{"few on one side", 3, 40, 2, 20, 0.075, 0.4},
		{"middle", 60, 80, 0, 2, 0.065, 0.85},
		{"buckets", 600, 700, 0, 1.3, 0.065, 0.85},
		{"censored", 60, 80, 2, 2, 0.07, 0.75},
		{"censored buckets", 700, 600, 1, 1.3, 0.065, 0.85},
	} {
		const rounds = 500
		alarms, hits := 0, 0
		for range rounds {
			if CompareDurations(draw(test.n1, 1, test.cut), draw(test.n2, 1, test.cut)).P <= 0.05 {
				alarms++
			}
		}
		for range rounds / 5 {
			if CompareDurations(draw(test.n1, 1, test.cut), draw(test.n2, test.scale, test.cut)).P <= 0.05 {
				hits++
			}
		}
		a, h := float64(alarms)/rounds, float64(hits)/(rounds/5)
		if a > test.alarms || h < test.hits {
			t.Errorf("%s: false alarms %.3f, hits %.3f", test.name, a, h)
		}
	}
}
