package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPeak(t *testing.T) {
	for name, test := range map[string]struct {
		spans []Span
		count int
		at    int64
	}{
		"none":          {nil, 0, 0},
		"one":           {[]Span{{From: 5, To: 9}}, 1, 5},
		"empty":         {[]Span{{From: 5, To: 5}, {From: 7, To: 3}}, 0, 0},
		"touching":      {[]Span{{From: 1, To: 5}, {From: 5, To: 9}}, 1, 1},
		"first of two":  {[]Span{{From: 20, To: 30}, {From: 21, To: 22}, {From: 1, To: 5}, {From: 2, To: 9}}, 2, 2},
		"open":          {[]Span{{From: 1, Open: true}, {From: 3, To: 4}, {From: 100, To: 101}}, 2, 3},
		"negative time": {[]Span{{From: -10, To: -5}, {From: -7, To: 0}}, 2, -7},
		"extremes":      {[]Span{{From: math.MinInt64, To: math.MaxInt64}, {From: 0, To: math.MaxInt64}}, 2, 0},
	} {
		if count, at := Peak(test.spans); count != test.count || at != test.at {
			t.Errorf("%s: %d at %d, want %d at %d", name, count, at, test.count, test.at)
		}
	}
}

func TestSeries(t *testing.T) {
	spans := []Span{{From: -5, To: 3}, {From: 1, To: 2}, {From: 10, To: 25}, {From: 20, To: 22}, {From: 29, Open: true}}
	for _, test := range []struct {
		kind SeriesKind
		want []int
	}{
		{SeriesMax, []int{2, 1, 2, 1}},
		{SeriesStart, []int{1, 1, 2, 1}},
	} {
		if got := Series(spans, 0, 10, 4, test.kind); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.kind, got, test.want)
		}
	}
	if Series(spans, 0, 0, 4, SeriesMax) != nil || Series(spans, 0, 10, 0, SeriesMax) != nil {
		t.Error("a series without buckets")
	}
	if got := Series(nil, 0, 10, 2, SeriesMax); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("of nothing: %v", got)
	}
}

// The definition, counted moment by moment.
func TestSeriesAgainstCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		var spans []Span
		for range r.IntN(12) {
			from := r.Int64N(60) - 10
			spans = append(spans, Span{From: from, To: from + r.Int64N(20), Open: r.IntN(8) == 0})
		}
		openAt := func(at int64) (n int) {
			for _, s := range spans {
				if s.From <= at && (s.Open || at < s.To) {
					n++
				}
			}
			return n
		}
		const buckets, width = 8, 6
		most := 0
		for at := int64(-20); at < 90; at++ {
			most = max(most, openAt(at))
		}
		if count, at := Peak(spans); count != most || most > 0 && openAt(at) != most {
			t.Fatalf("peak %d at %d, want %d: %v", count, at, most, spans)
		}
		high, first := Series(spans, 0, width, buckets, SeriesMax), Series(spans, 0, width, buckets, SeriesStart)
		for b := range high {
			want := 0
			for at := int64(b * width); at < int64((b+1)*width); at++ {
				want = max(want, openAt(at))
			}
			if high[b] != want || first[b] != openAt(int64(b*width)) {
				t.Fatalf("bucket %d: max %d, start %d; want %d, %d: %v", b, high[b], first[b], want, openAt(int64(b*width)), spans)
			}
		}
	}
}
