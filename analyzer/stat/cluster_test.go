package stat

import (
	"math"
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
