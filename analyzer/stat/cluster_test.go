package stat

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestLongRun(t *testing.T) {
	for _, c := range []struct {
		name           string
		estimates, dfs []float64
		low, high      float64 // of the variance
	}{
		{"nothing known", nil, nil, 1, 1},
		{"independent", []float64{1, 1, 1, 1}, []float64{50, 24, 12, 5}, 1, 1},
		{"less than independent", []float64{0.4, 0.5, 0.3}, []float64{50, 24, 12}, 1, 1},
		{"one noisy estimate on long slices", []float64{1, 1, 1, 3}, []float64{50, 24, 12, 5}, 1, 3},
		{"bursts shorter than a slice", []float64{9, 9, 9}, []float64{50, 24, 12}, 7, 9.5},
		{"bursts of two slices", []float64{9, 14, 17}, []float64{50, 24, 12}, 14, 20},
		{"bursts of many slices", []float64{9, 18, 36}, []float64{50, 24, 12}, 30, 50},
		{"no degrees of freedom", []float64{9}, []float64{0}, 1, 1},
		{"not a number", []float64{math.NaN()}, []float64{5}, 1, 1},
	} {
		v, df := LongRun(c.estimates, c.dfs, 8)
		if !(v >= c.low && v <= c.high) || !(df >= 8) {
			t.Errorf("%s: variance %v with %v degrees of freedom, want %v to %v", c.name, v, df, c.low, c.high)
		}
	}
}

// burstSlices are counts of n slices with 100 requests each: a base rate, and
// bursts of some length that bring many events.
func burstSlices(rng *rand.Rand, n int, base, bursts float64, length int, size float64) []Rate {
	out := make([]Rate, n)
	left := 0
	for i := range out {
		mean := base
		if left == 0 && rng.Float64() < bursts {
			left = length
		}
		if left > 0 {
			mean += size
			left--
		}
		out[i] = Rate{Events: poisson(rng, mean), Exposure: 100}
	}
	return out
}

func poisson(rng *rand.Rand, mean float64) float64 {
	n, p := 0.0, math.Exp(-mean)
	for u := rng.Float64(); u > p; n++ {
		u *= rng.Float64()
	}
	return n
}

// TestCompareBurstsLevel shows by simulation how often the test calls chance a
// change, and that it finds real ones.
func TestCompareBurstsLevel(t *testing.T) {
	for _, c := range []struct {
		name         string
		base, bursts float64
		length       int
		size, factor float64 // factor: of b's base rate
		low, high    float64 // share of pairs with p below 0.01
	}{
		{"independent", 5, 0, 0, 0, 1, 0, 0.015},
		{"rare events", 0.2, 0, 0, 0, 1, 0, 0.015},
		{"short bursts", 0.5, 0.15, 1, 8, 1, 0, 0.02},
		{"long bursts", 0.5, 0.05, 4, 8, 1, 0, 0.03},
		{"doubled", 5, 0, 0, 0, 2, 0.99, 1},
		{"half as much again", 5, 0, 0, 0, 1.5, 0.6, 1},
		{"tripled among bursts", 2, 0.1, 1, 5, 3, 0.9, 1},
	} {
		rng := rand.New(rand.NewPCG(7, 7))
		hits := 0
		const pairs = 1000
		for range pairs {
			a := burstSlices(rng, 28, c.base, c.bursts, c.length, c.size)
			b := burstSlices(rng, 28, c.base*c.factor, c.bursts, c.length, c.size)
			if CompareBursts(a, b).P < 0.01 {
				hits++
			}
		}
		share := float64(hits) / pairs
		t.Logf("%s: p < 0.01 in %.4f of the pairs", c.name, share)
		if share < c.low || share > c.high {
			t.Errorf("%s: p < 0.01 in %.4f of the pairs, want %v to %v", c.name, share, c.low, c.high)
		}
	}
}

func TestCompareBurstsEdges(t *testing.T) {
	one := []Rate{{3, 10}}
	for _, c := range []struct {
		name string
		a, b []Rate
		nan  bool
	}{
		{"empty", nil, one, true},
		{"no exposure", []Rate{{3, 0}}, one, true},
		{"one slice each", one, []Rate{{5, 10}}, false},
		{"no events", []Rate{{0, 10}, {0, 10}}, []Rate{{0, 10}}, false},
		{"far apart", []Rate{{0, 1e9}, {0, 1e9}, {0, 1e9}, {0, 1e9}}, []Rate{{1e9, 1e9}, {1e9, 1e9}, {1e9, 1e9}, {1e9, 1e9}}, false},
	} {
		if p := CompareBursts(c.a, c.b).P; math.IsNaN(p) != c.nan || p < 0 || p > 1 {
			t.Errorf("%s: p %v", c.name, p)
		}
	}
	a := []Rate{{4, 100}, {6, 100}, {5, 100}, {5, 100}, {7, 100}, {3, 100}, {5, 100}, {5, 100}}
	b := []Rate{{14, 100}, {16, 100}, {15, 100}, {15, 100}, {17, 100}, {13, 100}, {15, 100}, {15, 100}}
	if got, swapped := CompareBursts(a, b), CompareBursts(b, a); math.Abs(got.P-swapped.P) > 1e-9 || math.Abs(got.Effect*swapped.Effect-1) > 1e-9 {
		t.Errorf("swapping the sides changes p from %v to %v, the effect from %v to %v", got.P, swapped.P, got.Effect, swapped.Effect)
	}
	if exact := CompareRates(Rate{40, 800}, Rate{120, 800}).P; CompareBursts(a, b).P < exact {
		t.Errorf("p %v claims more than the exact test's %v", CompareBursts(a, b).P, exact)
	}
}

func TestCluster(t *testing.T) {
	a, b := new(Dist), new(Dist)
	for i := range 100 {
		a.Add(time.Duration(i) * time.Millisecond)
		b.Add(time.Duration(i+20) * time.Millisecond)
	}
	plain := MannWhitney(a, b)
	wide := plain.Cluster(4, 30)
	if plain.Cluster(1, 30).P != plain.P || plain.Cluster(4, 0).P != plain.P {
		t.Error("no inflation must change nothing")
	}
	// z is halved: 2·Φ(-z/2), and a little more from Student's distribution.
	z := normalQuantile(plain.P / 2)
	if low, high := 2*normalCDF(z/2), 2.8*normalCDF(z/2); !(wide.P > low && wide.P < high) {
		t.Errorf("p went from %v to %v, want %v to %v", plain.P, wide.P, low, high)
	}
	if !(wide.Low < plain.Low && wide.High > plain.High) {
		t.Errorf("the interval went from %v..%v to %v..%v", plain.Low, plain.High, wide.Low, wide.High)
	}
	a.AddCensored(50 * time.Millisecond)
	ratio := LogRank(a, b)
	if wide := ratio.Cluster(4, 30); !(wide.Low < ratio.Low && wide.High > ratio.High && wide.Low > 0 && wide.P > ratio.P) {
		t.Errorf("hazards: %v..%v became %v..%v", ratio.Low, ratio.High, wide.Low, wide.High)
	}
}
