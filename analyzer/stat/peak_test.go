package stat

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// interval is one that a test adds.
type interval struct {
	from, to int64
	row      uint32
}

func spansOf(list ...interval) *Spans {
	var s Spans
	for _, x := range list {
		s.Add(x.from, x.to, x.row)
	}
	s.Sort(nil)
	return &s
}

// openAt counts the intervals that hold a moment.
func openAt(list []interval, at int64) (n int) {
	for _, x := range list {
		if x.from <= at && at < x.to {
			n++
		}
	}
	return n
}

func peakOf(sets ...*Spans) (m Meter) {
	Sweep(sets, func(at int64, step, _ int, _ uint32) { m.Step(at, step) })
	return m
}

func TestPeak(t *testing.T) {
	for name, test := range map[string]struct {
		spans []interval
		count int
		at    int64
	}{
		"none":          {nil, 0, 0},
		"one":           {[]interval{{5, 9, 0}}, 1, 5},
		"empty":         {[]interval{{5, 5, 0}, {7, 3, 0}}, 0, 0},
		"touching":      {[]interval{{1, 5, 0}, {5, 9, 0}}, 1, 1},
		"first of two":  {[]interval{{20, 30, 0}, {21, 22, 0}, {1, 5, 0}, {2, 9, 0}}, 2, 2},
		"negative time": {[]interval{{-10, -5, 0}, {-7, 0, 0}}, 2, -7},
		"this century":  {[]interval{{1795390840e9, 1795390841e9, 0}, {1795390840e9 + 1, 1795390841e9, 0}}, 2, 1795390840e9 + 1},
	} {
		if m := peakOf(spansOf(test.spans...)); m.Peak != test.count || m.At != test.at {
			t.Errorf("%s: %d at %d, want %d at %d", name, m.Peak, m.At, test.count, test.at)
		}
	}
}

func lineOf(s *Spans, start, width int64, n int) *Line {
	l := NewLine(start, width, n)
	Sweep([]*Spans{s}, func(at int64, step, _ int, _ uint32) { l.Step(at, step) })
	l.End()
	return l
}

func TestLine(t *testing.T) {
	s := spansOf(interval{-5, 3, 0}, interval{1, 2, 0}, interval{10, 25, 0}, interval{20, 22, 0}, interval{29, 100, 0})
	l := lineOf(s, 0, 10, 4)
	if want := []int{2, 1, 2, 1}; !slices.Equal(l.Most, want) {
		t.Errorf("%v, want %v", l.Most, want)
	}
	if want := []int{1, 1, 2, 0}; !slices.Equal(l.Begun, want) {
		t.Errorf("begun %v, want %v", l.Begun, want)
	}
	if l := lineOf(new(Spans), 0, 10, 2); !slices.Equal(l.Most, []int{0, 0}) {
		t.Errorf("of nothing: %v", l.Most)
	}
}

// randomIntervals are a few, some of them empty or of one length.
func randomIntervals(r *rand.Rand, length int64) []interval {
	var list []interval
	for range r.IntN(14) {
		from := r.Int64N(60) - 10
		x := interval{from, from + r.Int64N(20), r.Uint32N(3)}
		if length > 0 {
			x.to = from + length
		}
		list = append(list, x)
	}
	return list
}

// The definition, counted moment by moment: of all intervals and of every row,
// spread over several sets, of lengths of their own and of one length, with
// beginnings of their own and shared.
func TestSweepAgainstCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 600 {
		length := int64(0)
		if round%3 == 1 {
			length = 1 + r.Int64N(9)
		}
		var all []interval
		var sets []*Spans
		for range r.IntN(4) {
			list := randomIntervals(r, length)
			all = append(all, list...)
			sets = append(sets, setOf(list, length, round%3 == 2))
		}
		checkSweep(t, sets, all)
	}
}

// setOf is a sorted set.
func setOf(list []interval, length int64, shared bool) *Spans {
	s := SpansOf(length)
	var first Spans
	for _, x := range list {
		switch {
		case length > 0:
			s.Begin(x.from, x.row)
		case shared:
			first.Begin(x.from, x.row)
			s.End(x.to, x.row)
		default:
			s.Add(x.from, x.to, x.row)
		}
	}
	first.Sort(nil)
	s.Sort(make([]Moment, 3))
	if shared {
		s.Share(&first)
	}
	return &s
}

// checkSweep compares a sweep with the definition.
func checkSweep(t *testing.T, sets []*Spans, all []interval) {
	t.Helper()
	const buckets, width = 8, 6
	var meters [4]Meter // by row, then of all
	line := NewLine(0, width, buckets)
	var begun [buckets]int
	Sweep(sets, func(at int64, step, set int, row uint32) {
		if at >= 0 && at < buckets*width && step > 0 {
			begun[at/width]++
		}
		meters[row].Step(at, step)
		meters[3].Step(at, step)
		line.Step(at, step)
	})
	line.End()
	if !slices.Equal(line.Begun, begun[:]) {
		t.Fatalf("begun %v, want %v: %v", line.Begun, begun, all)
	}
	for row, m := range meters {
		list := slices.DeleteFunc(slices.Clone(all), func(x interval) bool { return row < 3 && x.row != uint32(row) })
		most, first := 0, int64(0)
		for at := int64(-20); at < 90; at++ {
			if n := openAt(list, at); n > most {
				most, first = n, at
			}
		}
		if m.Peak != most || m.At != first {
			t.Fatalf("row %d: peak %d at %d, want %d at %d: %v", row, m.Peak, m.At, most, first, list)
		}
	}
	for b := range int64(buckets) {
		want := 0
		for at := b * width; at < (b+1)*width; at++ {
			want = max(want, openAt(all, at))
		}
		if line.Most[b] != want {
			t.Fatalf("bucket %d: %d, want %d: %v", b, line.Most[b], want, all)
		}
	}
}

// BenchmarkSweep sorts 200,000 stays of 16 rows and follows them.
func BenchmarkSweep(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var list []interval
	for range 200_000 {
		from := 1795390840e9 + r.Int64N(7e6)*1e3
		list = append(list, interval{from, from + r.Int64N(150e6), r.Uint32N(16)})
	}
	b.ReportAllocs()
	for b.Loop() {
		var s Spans
		s.Expect(len(list))
		for _, x := range list {
			s.Add(x.from, x.to, x.row)
		}
		s.Sort(nil)
		var all Meter
		var rows [16]Meter
		Sweep([]*Spans{&s}, func(at int64, step, _ int, row uint32) {
			all.Step(at, step)
			rows[row].Step(at, step)
		})
	}
}
