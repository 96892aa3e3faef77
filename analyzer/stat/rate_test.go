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
		a, b := Rate{0, float64(1 + r.IntN(40))}, Rate{0, float64(1 + r.IntN(40))}
		a.Events, b.Events = float64(r.IntN(int(a.Exposure)+1)), float64(r.IntN(int(b.Exposure)+1))
		hits := a.Events + b.Events
		log = func(i float64) float64 {
			return logChoose(a.Exposure, i) + logChoose(b.Exposure, hits-i) - logChoose(a.Exposure+b.Exposure, hits)
		}
		want := sum(log, max(0, hits-b.Exposure), min(hits, a.Exposure), a.Events)
		if got := fisherP(a, b); !near(got, want, 1e-9) {
			t.Fatalf("fisher %v %v: %v, want %v", a, b, got, want)
		}
	}
}

func TestCompareShares(t *testing.T) {
	for name, test := range map[string]struct {
		a, b Rate
		want float64
	}{
		"tea tasting":     {Rate{3, 4}, Rate{1, 4}, 0.4857},
		"convictions":     {Rate{2, 17}, Rate{10, 13}, 0.0005367}, // fisher.test(Convictions)
		"none":            {Rate{0, 5}, Rate{0, 9}, 1},
		"all":             {Rate{5, 5}, Rate{9, 9}, 1},
		"all and none":    {Rate{5, 5}, Rate{0, 5}, 2.0 / 252},
		"large and alike": {Rate{500_000, 1_000_000}, Rate{500_000, 1_000_000}, 1},
	} {
		got := CompareShares(test.a, test.b)
		if !near(got.P, test.want, 5e-5*max(test.want, 0.01)) && !near(got.P, test.want, 5e-5) {
			t.Errorf("%s: p %v, want %v", name, got.P, test.want)
		}
		swapped := CompareShares(test.b, test.a)
		if !same(got.Low, 1/swapped.High) || !same(got.High, 1/swapped.Low) || !same(got.Beyond, swapped.Beyond) {
			t.Errorf("%s: %+v, swapped %+v", name, got, swapped)
		}
	}
	for _, s := range []Rate{{0, 0}, {-1, 5}, {6, 5}} {
		if got := CompareShares(s, Rate{1, 2}); !math.IsNaN(got.P) {
			t.Errorf("%v: %+v", s, got)
		}
	}
}

// same reports whether two numbers agree to nine digits, or are the same infinity.
func same(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-9*math.Abs(b) }

// TestShareRatioCovers shows by simulation that the interval of the ratio holds
// the true one in 95 of 100 cases, for shares of all sizes.
func TestShareRatioCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	draw := func(n int, p float64) (r Rate) {
		r.Exposure = float64(n)
		for range n {
			if rng.Float64() < p {
				r.Events++
			}
		}
		return r
	}
	for _, c := range []struct {
		n, m int
		p, q float64
	}{{50, 50, 0.1, 0.1}, {30, 90, 0.3, 0.6}, {200, 100, 0.9, 0.9}, {400, 400, 0.02, 0.04}, {40, 20, 0.98, 0.9}} {
		const rounds = 800
		in, wide := 0, 0
		for range rounds {
			a, b := draw(c.n, c.p), draw(c.m, c.q)
			got := CompareShares(a, b)
			if got.Low <= c.q/c.p && c.q/c.p <= got.High {
				in++
			}
			if rates := CompareRates(a, b); rates.High/rates.Low > got.High/got.Low {
				wide++
			}
		}
		share := float64(in) / rounds
		t.Logf("%+v: %.3f hold the true ratio; %d of %d are narrower than Poisson's", c, share, wide, rounds)
		if share < 0.935 || share > 0.99 {
			t.Errorf("%+v: %.3f of the intervals hold the true ratio", c, share)
		}
	}
}

func TestWilson(t *testing.T) {
	for _, test := range []struct{ k, n, low, high float64 }{
		// Newcombe 1998, table I, method 3.
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{29, 29, 0.8830, 1},
	} {
		if low, high := wilson(test.k, test.n, 0.95); !near(low, test.low, 5e-5) || !near(high, test.high, 5e-5) {
			t.Errorf("%v of %v: %.4f to %.4f, want %v to %v", test.k, test.n, low, high, test.low, test.high)
		}
	}
}

func TestCorrections(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct{ ps, holm []float64 }{
		{nil, nil},
		{[]float64{0.2}, []float64{0.2}},
		// p.adjust(c(0.01, 0.04, 0.03, 0.005))
		{[]float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}},
		{[]float64{nan, 0.02, 0.9, nan}, []float64{nan, 0.04, 0.9, nan}},
		{[]float64{0.9, 0.8, 0.7}, []float64{1, 1, 1}},
	} {
		if got := Holm(test.ps); !sameNumbers(got, test.holm) {
			t.Errorf("Holm(%v) = %v, want %v", test.ps, got, test.holm)
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
