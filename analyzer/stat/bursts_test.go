package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

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
		const pairs = 500
		for range pairs {
			a := burstSlices(rng, 28, c.base, c.bursts, c.length, c.size)
			b := burstSlices(rng, 28, c.base*c.factor, c.bursts, c.length, c.size)
			if CompareBursts(a, b, false).P < 0.01 {
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
		if p := CompareBursts(c.a, c.b, false).P; math.IsNaN(p) != c.nan || p < 0 || p > 1 {
			t.Errorf("%s: p %v", c.name, p)
		}
	}
	a := []Rate{{4, 100}, {6, 100}, {5, 100}, {5, 100}, {7, 100}, {3, 100}, {5, 100}, {5, 100}}
	b := []Rate{{14, 100}, {16, 100}, {15, 100}, {15, 100}, {17, 100}, {13, 100}, {15, 100}, {15, 100}}
	if got, swapped := CompareBursts(a, b, false), CompareBursts(b, a, false); math.Abs(got.P-swapped.P) > 1e-9 || math.Abs(got.Effect*swapped.Effect-1) > 1e-9 {
		t.Errorf("swapping the sides changes p from %v to %v, the effect from %v to %v", got.P, swapped.P, got.Effect, swapped.Effect)
	}
	if exact := CompareRates(Rate{40, 800}, Rate{120, 800}).P; CompareBursts(a, b, false).P < exact {
		t.Errorf("p %v claims more than the exact test's %v", CompareBursts(a, b, false).P, exact)
	}
}

func TestCompareBurstsNeverClaimsMore(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	for range 500 {
		var sides [2][]Rate
		var sums [2]Rate
		for s := range sides {
			for range 2 + r.IntN(20) {
				slice := Rate{float64(r.IntN(20) * r.IntN(4)), 1 + float64(r.IntN(5))}
				sides[s] = append(sides[s], slice)
				sums[s].Events += slice.Events
				sums[s].Exposure += slice.Exposure
			}
		}
		if p, exact := CompareBursts(sides[0], sides[1], false).P, CompareRates(sums[0], sums[1]).P; p < exact {
			t.Fatalf("p %v is below the exact test's %v: %v", p, exact, sides)
		}
	}
}

func TestCompareBurstsWarns(t *testing.T) {
	calm := []Rate{{5, 1}, {6, 1}, {4, 1}, {5, 1}, {5, 1}, {6, 1}}
	bursts := []Rate{{0, 1}, {40, 1}, {0, 1}, {0, 1}, {30, 1}, {0, 1}}
	if got := CompareBursts(calm, calm, false); got.P != 1 || len(got.Warnings) != 0 || got.Effect != 1 {
		t.Errorf("calm: %+v", got)
	}
	if got := CompareBursts(calm, bursts, false); !slices.Contains(got.Warnings, WarnClustered) || got.P < 0.05 {
		t.Errorf("bursts: %+v", got)
	}
	if got := CompareBursts(calm[:1], bursts[:1], false); !slices.Contains(got.Warnings, WarnFewSlices) {
		t.Errorf("two slices: %+v", got)
	}
	if got := CompareBursts([]Rate{{1, 0}}, calm, false); !math.IsNaN(got.P) {
		t.Errorf("no exposure: %+v", got)
	}
}

// Counts that come in bursts fool the exact test, and must not fool this one.
func TestRateTestsBySimulation(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	poisson := func(mean float64) (n float64) {
		for sum := r.ExpFloat64(); sum < mean; sum += r.ExpFloat64() {
			n++
		}
		return n
	}
	slices := func(n int, mean, burst float64) (out []Rate, sum Rate) {
		for range n {
			s := Rate{burst * poisson(mean/burst), 1}
			out, sum.Events, sum.Exposure = append(out, s), sum.Events+s.Events, sum.Exposure+1
		}
		return out, sum
	}
	for _, test := range []struct {
		name         string
		n1, n2       int
		mean, burst  float64
		alarms, hits float64 // at most, at least, for three times the rate
	}{
		{"independent", 20, 30, 3, 1, 0.055, 0.95},
		{"bursts of 5", 20, 30, 10, 5, 0.07, 0.95},
		{"bursts of 20, rare", 30, 30, 5, 20, 0.07, 0.3},
	} {
		const rounds = 600
		alarms, fooled, hits := 0, 0, 0
		for range rounds {
			a, suma := slices(test.n1, test.mean, test.burst)
			b, sumb := slices(test.n2, test.mean, test.burst)
			if CompareBursts(a, b, false).P <= 0.05 {
				alarms++
			}
			if CompareRates(suma, sumb).P <= 0.05 {
				fooled++
			}
			if c, _ := slices(test.n2, 3*test.mean, test.burst); CompareBursts(a, c, false).P <= 0.05 {
				hits++
			}
		}
		a, h := float64(alarms)/rounds, float64(hits)/rounds
		t.Logf("%s: false alarms %.3f (exact test %.3f), hits %.3f", test.name, a, float64(fooled)/rounds, h)
		if a > test.alarms || h < test.hits {
			t.Errorf("%s: false alarms %.3f, hits %.3f", test.name, a, h)
		}
	}
}

// shareSlices are slices of 40 requests of which each fails with probability p.
func shareSlices(rng *rand.Rand, n int, p float64) []Rate {
	out := make([]Rate, n)
	for i := range out {
		out[i].Exposure = 40
		for range 40 {
			if rng.Float64() < p {
				out[i].Events++
			}
		}
	}
	return out
}

// TestBigShares shows by simulation that rates near one per request are tested
// at their level, and that taking them for Poisson's finds less.
func TestBigShares(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	const rounds = 200
	for _, c := range []struct {
		p, q      float64
		low, high float64 // share of pairs with p below 0.01
		poisson   float64 // at most
	}{
		{0.6, 0.6, 0, 0.015, 0.01},
		{0.95, 0.95, 0, 0.015, 0.01},
		{0.6, 0.75, 0.9, 1, 0.6},
		{0.9, 0.97, 0.75, 1, 0.05},
	} {
		shares, counts := 0, 0
		for range rounds {
			a, b := shareSlices(rng, 12, c.p), shareSlices(rng, 12, c.q)
			if CompareBursts(a, b, true).P < 0.01 {
				shares++
			}
			if CompareBursts(a, b, false).P < 0.01 {
				counts++
			}
		}
		x, y := float64(shares)/rounds, float64(counts)/rounds
		t.Logf("%g and %g: p < 0.01 in %.3f of the pairs as shares, in %.3f as counts", c.p, c.q, x, y)
		if x < c.low || x > c.high || y > c.poisson {
			t.Errorf("%g and %g: p < 0.01 in %.3f of the pairs as shares, in %.3f as counts", c.p, c.q, x, y)
		}
	}
}

// TestBeyond shows by simulation how often a factor of 3 is excluded: nearly
// always where the rates are alike and there are events enough, and hardly ever
// where they differ by it, which is 5 in 100 by its definition.
func TestBeyond(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 3))
	const rounds = 500
	for _, c := range []struct {
		name         string
		base, bursts float64
		size         float64
		length       int
		alike, apart float64 // at least, at most
	}{
		{"40 and 20 events", 1.43, 0, 0, 0, 0.9, 0.075},
		{"200 and 100 events", 7, 0, 0, 0, 0.99, 0.075},
		{"bursts of 8", 1, 0.1, 8, 1, 0.35, 0.11},
		{"bursts of 10 over 2 slices", 0.5, 0.05, 5, 2, 0.05, 0.15},
		{"8 and 4 events", 0.28, 0, 0, 0, 0, 0.07},
	} {
		alike, apart := 0, 0
		for range rounds {
			a := burstSlices(rng, 28, c.base, c.bursts, c.length, c.size)
			half := burstSlices(rng, 14, c.base, c.bursts, c.length, c.size)
			thrice := burstSlices(rng, 28, 3*c.base, c.bursts, c.length, 3*c.size)
			if CompareBursts(a, half, true).Beyond < 3 {
				alike++
			}
			if CompareBursts(a, thrice, true).Beyond < 3 {
				apart++
			}
		}
		x, y := float64(alike)/rounds, float64(apart)/rounds
		t.Logf("%s: a factor of 3 excluded in %.3f of the pairs that are alike, in %.3f that differ so", c.name, x, y)
		if x < c.alike || y > c.apart {
			t.Errorf("%s: a factor of 3 excluded in %.3f of the pairs that are alike, in %.3f that differ so", c.name, x, y)
		}
	}
}

// TestThinSlices has one event in a last slice with one request, as the end of
// a capture has: that is no burst.
func TestThinSlices(t *testing.T) {
	var a, b []Rate
	for i := range 28 {
		a, b = append(a, Rate{float64(1 + i%3), 41}), append(b, Rate{0, 43})
	}
	plain := CompareBursts(a, b, true)
	thin := CompareBursts(append(slices.Clone(a), Rate{1, 1}), b, true)
	if thin.Dispersion > 1.1*plain.Dispersion || thin.P > 10*plain.P {
		t.Errorf("dispersion %v became %v, p %v became %v", plain.Dispersion, thin.Dispersion, plain.P, thin.P)
	}
	for _, c := range []struct{ in, want []Rate }{
		{[]Rate{{1, 1}, {2, 40}, {3, 40}}, []Rate{{3, 41}, {3, 40}}},
		{[]Rate{{2, 40}, {1, 0}, {1, 1}}, []Rate{{3, 41}}},
		{[]Rate{{2, 0}}, nil},
		{[]Rate{{2, 1}}, []Rate{{2, 1}}},
	} {
		if got := exposed(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.in, got, c.want)
		}
	}
}
