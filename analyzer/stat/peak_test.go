package stat

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// interval is one that a test adds.
type interval struct{ from, to int64 }

func spansOf(list ...interval) *Spans {
	var s Spans
	for _, x := range list {
		s.Add(x.from, x.to)
	}
	return &s
}

func TestPeak(t *testing.T) {
	for name, test := range map[string]struct {
		spans []interval
		count int
		at    int64
	}{
		"none":          {nil, 0, 0},
		"one":           {[]interval{{5, 9}}, 1, 5},
		"empty":         {[]interval{{5, 5}, {7, 3}}, 0, 0},
		"touching":      {[]interval{{1, 5}, {5, 9}}, 1, 1},
		"first of two":  {[]interval{{20, 30}, {21, 22}, {1, 5}, {2, 9}}, 2, 2},
		"negative time": {[]interval{{-10, -5}, {-7, 0}}, 2, -7},
		"this century":  {[]interval{{1795390840e9, 1795390841e9}, {1795390840e9 + 1, 1795390841e9}}, 2, 1795390840e9 + 1},
	} {
		if count, at := spansOf(test.spans...).Peak(); count != test.count || at != test.at {
			t.Errorf("%s: %d at %d, want %d at %d", name, count, at, test.count, test.at)
		}
	}
}

func TestSeries(t *testing.T) {
	s := spansOf(interval{-5, 3}, interval{1, 2}, interval{10, 25}, interval{20, 22}, interval{29, 100})
	if got, want := s.Series(0, 10, 4), []int{2, 1, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got, want := s.Begun(0, 10, 4), []int{1, 1, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("begun %v, want %v", got, want)
	}
	if s.Series(0, 0, 4) != nil || s.Series(0, 10, 0) != nil || s.Begun(0, 0, 4) != nil || s.Begun(0, 10, -1) != nil {
		t.Error("a series without buckets")
	}
	if got := new(Spans).Series(0, 10, 2); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("of nothing: %v", got)
	}
}

// The definition, counted moment by moment.
func TestSeriesAgainstCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		var list []interval
		for range r.IntN(12) {
			from := r.Int64N(60) - 10
			list = append(list, interval{from, from + r.Int64N(20)})
		}
		s := spansOf(list...)
		openAt := func(at int64) (n int) {
			for _, x := range list {
				if x.from <= at && at < x.to {
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
		if count, at := s.Peak(); count != most || most > 0 && openAt(at) != most {
			t.Fatalf("peak %d at %d, want %d: %v", count, at, most, list)
		}
		for b, got := range s.Series(0, width, buckets) {
			want := 0
			for at := int64(b * width); at < int64((b+1)*width); at++ {
				want = max(want, openAt(at))
			}
			if got != want {
				t.Fatalf("bucket %d: %d, want %d: %v", b, got, want, list)
			}
		}
	}
}

func TestUnion(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for n := range 6 {
		var sets []*Spans
		var all Spans
		for range n {
			var s Spans
			for range r.IntN(20) {
				from := r.Int64N(50)
				to := from + r.Int64N(10)
				s.Add(from, to)
				all.Add(from, to)
			}
			sets = append(sets, &s)
		}
		u := Union(sets)
		if !slices.Equal(u.sort(), all.sort()) {
			t.Errorf("%d sets: %v, want %v", n, u.edges, all.edges)
		}
	}
}
