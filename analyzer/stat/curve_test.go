package stat

import (
	"math"
	"testing"
	"time"
)

// The remission times in weeks of Freireich et al. 1963, in every textbook on
// survival: R's survival::survfit and survdiff give the numbers below.
var (
	sixMP = of(
		[]time.Duration{6, 6, 6, 7, 10, 13, 16, 22, 23},
		[]time.Duration{6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35})
	placebo = of(
		[]time.Duration{1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}, nil)
)

func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

func TestKaplanMeierOfLeukemia(t *testing.T) {
	for _, test := range []struct {
		t         time.Duration
		s, lo, hi float64
	}{
		// summary(survfit(Surv(time, status) ~ 1, conf.type = "log-log"))
		{6, 0.857, 0.620, 0.952},
		{7, 0.807, 0.563, 0.923},
		{10, 0.753, 0.503, 0.889},
		{13, 0.690, 0.432, 0.849},
		{16, 0.627, 0.368, 0.805},
		{22, 0.538, 0.268, 0.747},
		{23, 0.448, 0.188, 0.680},
	} {
		e := sixMP.Survival(test.t, 0.95)
		if !e.Known || !near(e.Value, test.s, 0.0006) || !near(e.Low, test.lo, 0.0006) || !near(e.High, test.hi, 0.0006) {
			t.Errorf("S(%d) = %.3f (%.3f, %.3f), want %v", test.t, e.Value, e.Low, e.High, test)
		}
	}
	if m, ok := sixMP.Quantile(0.5); m != 23 || !ok {
		t.Errorf("median %d", m)
	}
	if _, ok := sixMP.Quantile(0.6); ok {
		t.Error("the curve ends at 0.448 and yet has a 60 % quantile")
	}
	r := sixMP.Curve().QuantileRange(0.5, 0.95)
	if r.Value != 23 || r.Low != 13 || r.HighKnown {
		t.Errorf("median range %+v, want 23 (13, open)", r)
	}
	if m, _ := placebo.Quantile(0.5); m != 8 {
		t.Errorf("median of the placebo arm %d", m)
	}
	r = placebo.Curve().QuantileRange(0.5, 0.95)
	if r.Low != 4 || r.High != 11 {
		t.Errorf("median range of the placebo arm %+v, want (4, 11)", r)
	}
}

func TestSurvivalAtTheEnds(t *testing.T) {
	var empty Dist
	if e := empty.Survival(1, 0.95); e.Known || e.Low != 0 || e.High != 1 {
		t.Errorf("of nothing: %+v", e)
	}
	ten := of([]time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, nil)
	if e := ten.Survival(0, 0.95); e.Value != 1 || !near(e.Low, 0.6915, 1e-4) || e.High != 1 {
		t.Errorf("before the first: %+v, want 1 (0.6915, 1), the binomial bound of 0 in 10", e)
	}
	if e := ten.Survival(10, 0.95); e.Value != 0 || e.Low != 0 || !near(e.High, 0.3085, 1e-4) {
		t.Errorf("after the last: %+v, want 0 (0, 0.3085)", e)
	}
	cut := of([]time.Duration{1, 2}, []time.Duration{2, 5})
	if e := cut.Survival(4, 0.95); !e.Known || e.Value != 0.5 {
		t.Errorf("while one is watched: %+v", e)
	}
	if e := cut.Survival(5, 0.95); e.Known || e.Low != 0 || e.High == 0 {
		t.Errorf("after the last was cut off: %+v, want unknown", e)
	}
	one := of(nil, []time.Duration{5})
	if e := one.Survival(9, 0.95); e.Known || e.Low != 0 || e.High != 1 {
		t.Errorf("nothing but one cut off: %+v", e)
	}
}

func TestSurvivalAfter(t *testing.T) {
	d := of([]time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, nil)
	only := of([]time.Duration{5, 6, 7, 8, 9, 10}, nil)
	for at := time.Duration(4); at < 12; at++ {
		got, want := d.Curve().SurvivalAfter(4, at, 0.95), only.Survival(at, 0.95)
		if !near(got.Value, want.Value, 1e-12) || !near(got.Low, want.Low, 1e-9) || !near(got.High, want.High, 1e-9) {
			t.Errorf("after 4, at %d: %+v, want that of the rest alone %+v", at, got, want)
		}
	}
	if e := d.Curve().SurvivalAfter(10, 11, 0.95); e.Known {
		t.Errorf("nothing lasts longer than 10, and yet %+v", e)
	}
}

// Buckets must not move the curve by more than their width.
func TestCurveOfSketch(t *testing.T) {
	var exact, many Dist
	for i := range 500 {
		v := time.Duration(i*i+1) * time.Millisecond
		exact.Add(v)
		exact.AddCensored(v / 2)
	}
	for range 2 {
		many.Merge(&exact)
	}
	if many.RelativeError() == 0 {
		t.Fatal("not a sketch")
	}
	for _, p := range []float64{0.1, 0.3, 0.5, 0.7} {
		a, _ := exact.Quantile(p)
		b, ok := many.Quantile(p)
		if off := math.Abs(float64(b-a)) / float64(a); !ok || off > 0.013 {
			t.Errorf("quantile %v: %v of values, %v of buckets", p, a, b)
		}
	}
}
