package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCompareRates(t *testing.T) {
	// poisson.test(c(11, 6+8+7), c(800, 1083+1050+878)): p = 0.07967, ratio
	// 1.971488, 95 % from 0.8584264 to 4.2772659.
	got := CompareRates(Rate{21, 1083 + 1050 + 878}, Rate{11, 800})
	if !near(got.P, 0.07967, 5e-6) || !near(got.Effect, 1.971488, 1e-6) ||
		!near(got.Low, 0.8584264, 1e-6) || !near(got.High, 4.2772659, 1e-6) {
		t.Errorf("got %+v", got)
	}
	if got := CompareRates(Rate{0, 10}, Rate{0, 3}); got.P != 1 || !math.IsNaN(got.Effect) || got.Low != 0 || !math.IsInf(got.High, 1) {
		t.Errorf("no events: %+v", got)
	}
	if got := CompareRates(Rate{0, 10}, Rate{10, 10}); !near(got.P, 2.0/1024, 1e-9) || !math.IsInf(got.Effect, 1) || !math.IsInf(got.High, 1) || got.Low < 1 {
		t.Errorf("0 and 10: %+v", got)
	}
	if got := CompareRates(Rate{3, 0}, Rate{1, 1}); !math.IsNaN(got.P) {
		t.Errorf("no exposure: %+v", got)
	}
	if got := CompareRates(Rate{1e8, 1}, Rate{1e8 + 1e5, 1}); !near(got.P, 1.558e-12, 0.001e-12) {
		t.Errorf("large counts: %+v, want what the normal distribution gives", got)
	}
}

func TestBinomialP(t *testing.T) {
	for _, test := range []struct{ k, n, p, want float64 }{
		{682, 925, 0.75, 0.3825}, // binom.test(682, 925, p = 0.75): 0.3825
		{0, 10, 0.5, 2.0 / 1024},
		{10, 10, 0.5, 2.0 / 1024},
		{5, 10, 0.5, 1},
		{3, 10, 0.5, 2 * 176.0 / 1024},
		{1, 1, 0.3, 0.3},
		{0, 1, 0.3, 1},
		{0, 0, 0.3, 1},
	} {
		if got := binomialP(test.k, test.n, test.p); !near(got, test.want, 5e-5) {
			t.Errorf("%v of %v at %v: %v, want %v", test.k, test.n, test.p, got, test.want)
		}
	}
}

// The definition, added up term by term.
func TestExactTestsAgainstSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 8))
	sum := func(log func(float64) float64, lo, hi, k float64) (p float64) {
		for i := lo; i <= hi; i++ {
			if log(i) <= log(k)+1e-7 {
				p += math.Exp(log(i))
			}
		}
		return min(p, 1)
	}
	for range 2000 {
		n, p := float64(1+r.IntN(60)), r.Float64()
		k := float64(r.IntN(int(n) + 1))
		log := func(i float64) float64 {
			return logChoose(n, i) + i*math.Log(p) + (n-i)*math.Log1p(-p)
		}
		if got, want := binomialP(k, n, p), sum(log, 0, n, k); !near(got, want, 1e-9) {
			t.Fatalf("binomial %v of %v at %v: %v, want %v", k, n, p, got, want)
		}
		a, b := Share{0, 1 + r.IntN(40)}, Share{0, 1 + r.IntN(40)}
		a.Part, b.Part = r.IntN(a.Whole+1), r.IntN(b.Whole+1)
		hits := float64(a.Part + b.Part)
		log = func(i float64) float64 {
			return logChoose(float64(a.Whole), i) + logChoose(float64(b.Whole), hits-i) - logChoose(float64(a.Whole+b.Whole), hits)
		}
		want := sum(log, max(0, hits-float64(b.Whole)), min(hits, float64(a.Whole)), float64(a.Part))
		if got := fisherP(a, b); !near(got, want, 1e-9) {
			t.Fatalf("fisher %v %v: %v, want %v", a, b, got, want)
		}
	}
}

func TestCompareShares(t *testing.T) {
	for name, test := range map[string]struct {
		a, b Share
		want float64
	}{
		"tea tasting":     {Share{3, 4}, Share{1, 4}, 0.4857},
		"convictions":     {Share{2, 17}, Share{10, 13}, 0.0005367}, // fisher.test(Convictions)
		"none":            {Share{0, 5}, Share{0, 9}, 1},
		"all":             {Share{5, 5}, Share{9, 9}, 1},
		"all and none":    {Share{5, 5}, Share{0, 5}, 2.0 / 252},
		"large and alike": {Share{500_000, 1_000_000}, Share{500_000, 1_000_000}, 1},
	} {
		if got := CompareShares(test.a, test.b); !near(got.P, test.want, 5e-5*max(test.want, 0.01)) && !near(got.P, test.want, 5e-5) {
			t.Errorf("%s: p %v, want %v", name, got.P, test.want)
		}
	}
	// Newcombe 1998, table II (a): 56/70 - 48/80, method 10.
	got := CompareShares(Share{48, 80}, Share{56, 70})
	if !near(got.Effect, 0.2, 1e-9) || !near(got.Low, 0.0524, 5e-5) || !near(got.High, 0.3339, 5e-5) {
		t.Errorf("difference %+v, want 0.2 (0.0524, 0.3339)", got)
	}
	if got := CompareShares(Share{0, 0}, Share{1, 2}); !math.IsNaN(got.P) {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestWilson(t *testing.T) {
	for _, test := range []struct {
		s         Share
		low, high float64
	}{
		// Newcombe 1998, table I, method 3.
		{Share{81, 263}, 0.2553, 0.3662},
		{Share{15, 148}, 0.0624, 0.1605},
		{Share{0, 20}, 0, 0.1611},
		{Share{1, 29}, 0.0061, 0.1718},
		{Share{29, 29}, 0.8830, 1},
	} {
		if e := test.s.Wilson(0.95); !near(e.Low, test.low, 5e-5) || !near(e.High, test.high, 5e-5) || !e.Known {
			t.Errorf("%v: %.4f to %.4f, want %v to %v", test.s, e.Low, e.High, test.low, test.high)
		}
	}
	for _, s := range []Share{{0, 0}, {-1, 5}, {6, 5}} {
		if e := s.Wilson(0.95); e.Known || e.Low != 0 || e.High != 1 {
			t.Errorf("%v: %+v", s, e)
		}
	}
}

func TestCorrections(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct{ ps, holm, bh []float64 }{
		{nil, nil, nil},
		{[]float64{0.2}, []float64{0.2}, []float64{0.2}},
		// p.adjust(c(0.01, 0.04, 0.03, 0.005))
		{[]float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}, []float64{0.02, 0.04, 0.04, 0.02}},
		{[]float64{nan, 0.02, 0.9, nan}, []float64{nan, 0.04, 0.9, nan}, []float64{nan, 0.04, 0.9, nan}},
		{[]float64{0.9, 0.8, 0.7}, []float64{1, 1, 1}, []float64{0.9, 0.9, 0.9}},
	} {
		if got := Holm(test.ps); !sameNumbers(got, test.holm) {
			t.Errorf("Holm(%v) = %v, want %v", test.ps, got, test.holm)
		}
		if got := BenjaminiHochberg(test.ps); !sameNumbers(got, test.bh) {
			t.Errorf("BenjaminiHochberg(%v) = %v, want %v", test.ps, got, test.bh)
		}
	}
}

func sameNumbers(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool {
		return math.IsNaN(x) && math.IsNaN(y) || near(x, y, 1e-12)
	})
}

func TestSpecialFunctions(t *testing.T) {
	for _, test := range []struct {
		name      string
		got, want float64
	}{
		{"pnorm(1.96)", normalCDF(1.96), 0.9750021048517795},
		{"qnorm(0.975)", normalQuantile(0.975), 1.959963984540054},
		{"qnorm(1e-4)", normalQuantile(1e-4), -3.719016485455709},
		{"qnorm(1e-20)", normalQuantile(1e-20), -9.262340089798409},
		{"qnorm(1e-300)", normalQuantile(1e-300), -37.0470962993612},
		{"qnorm(0)", 1 / normalQuantile(0), 0},
		{"2*pt(-2.228139, 10)", studentTail(2.228138852, 10), 0.05},
		{"2*pt(-1, 1)", studentTail(1, 1), 0.5},
		{"qt(0.975, 10)", studentQuantile(0.95, 10), 2.228138852},
		{"qt(0.975, 1)", studentQuantile(0.95, 1), 12.7062047364},
		{"pchisq(3.841459, 1, lower = FALSE)", chiTail(3.841458820694124), 0.05},
		{"pbeta(0.5, 2, 3)", betaInc(0.5, 2, 3), 0.6875},
		{"pbeta(0.5, 1e8, 1e8)", betaInc(0.5, 1e8, 1e8), 0.5},
		{"pbeta(1e-8, 1, 1e8)", betaInc(1e-8, 1, 1e8), 1 - math.Exp(-1)},
		{"lbeta(2, 1e9)", logBeta(2, 1e9), -math.Log(1e9) - math.Log(1e9+1)},
		{"lbeta(30, 20)", logBeta(30, 20), -33.96882079197741},
		{"qbeta(0.025, 3, 8)", betaQuantile(0.025, 3, 8), 0.06673951117773447},
	} {
		if !near(test.got, test.want, 1e-8) {
			t.Errorf("%s = %.12g, want %.12g", test.name, test.got, test.want)
		}
	}
}

func TestCompareSlicesNeverClaimsMore(t *testing.T) {
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
		if p, exact := CompareSlices(sides[0], sides[1]).P, CompareRates(sums[0], sums[1]).P; p < exact {
			t.Fatalf("p %v is below the exact test's %v: %v", p, exact, sides)
		}
	}
}

func TestCompareSlicesWarns(t *testing.T) {
	calm := []Rate{{5, 1}, {6, 1}, {4, 1}, {5, 1}, {5, 1}, {6, 1}}
	bursts := []Rate{{0, 1}, {40, 1}, {0, 1}, {0, 1}, {30, 1}, {0, 1}}
	if got := CompareSlices(calm, calm); got.P != 1 || len(got.Warnings) != 0 || got.Effect != 1 {
		t.Errorf("calm: %+v", got)
	}
	if got := CompareSlices(calm, bursts); !slices.Contains(got.Warnings, WarnClustered) || got.P < 0.05 {
		t.Errorf("bursts: %+v", got)
	}
	if got := CompareSlices(calm[:1], bursts[:1]); !slices.Contains(got.Warnings, WarnFewSlices) {
		t.Errorf("two slices: %+v", got)
	}
	if got := CompareSlices([]Rate{{1, 0}}, calm); !math.IsNaN(got.P) {
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
		const rounds = 1000
		alarms, fooled, hits := 0, 0, 0
		for range rounds {
			a, suma := slices(test.n1, test.mean, test.burst)
			b, sumb := slices(test.n2, test.mean, test.burst)
			if CompareSlices(a, b).P <= 0.05 {
				alarms++
			}
			if CompareRates(suma, sumb).P <= 0.05 {
				fooled++
			}
			if c, _ := slices(test.n2, 3*test.mean, test.burst); CompareSlices(a, c).P <= 0.05 {
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
