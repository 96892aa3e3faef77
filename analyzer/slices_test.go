package analyzer

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"finwait/analyzer/event"
)

const second = event.Time(time.Second)

// TestSliced checks that the order of events, and how they were split over
// counters that were merged, changes nothing, and that none is lost.
func TestSliced(t *testing.T) {
	for _, span := range []event.Time{1, second / 100, second, 100 * second, 86400 * second} {
		rng := rand.New(rand.NewPCG(3, uint64(span)))
		start := event.Time(1_700_000_000_123_456_789)
		times := []event.Time{start, start + span}
		for range 500 {
			times = append(times, start+event.Time(rng.Int64N(int64(span))))
		}
		g := gridOf(start, start+span)
		var one sliced
		parts := make([]sliced, 3)
		for i, at := range times {
			one.addDuration(at, int64(i)*1e6)
			parts[i%3].addDuration(at, int64(i)*1e6)
		}
		rng.Shuffle(len(times), func(i, j int) { times[i], times[j] = times[j], times[i] })
		var shuffled, merged sliced
		for _, at := range times {
			shuffled.add(at, 1)
		}
		for _, k := range []int{2, 0, 1} {
			merged.merge(&parts[k])
		}
		want := one.on(g)
		if g.count > 0 && (g.count > sliceCount || span > 10*second && g.count <= sliceCount/2) {
			t.Errorf("%v: %d slices", time.Duration(span), g.count)
		}
		if got := shuffled.on(g); !slices.Equal(got, want) {
			t.Errorf("%v: in another order %v, want %v", time.Duration(span), got, want)
		}
		if got := merged.on(g); !slices.Equal(got, want) {
			t.Errorf("%v: merged %v, want %v", time.Duration(span), got, want)
		}
		if merged.squares != one.squares {
			t.Errorf("%v: merged squares %d, want %d", time.Duration(span), merged.squares, one.squares)
		}
		total := 0
		for _, n := range want {
			total += n
		}
		if total != len(times) {
			t.Errorf("%v: %d of %d events", time.Duration(span), total, len(times))
		}
		if len(one.slices) > 2*sliceCount {
			t.Errorf("%v: %d slices in memory", time.Duration(span), len(one.slices))
		}
	}
}

func TestSlicedEdges(t *testing.T) {
	var s sliced
	s.add(event.NoTime, 5)
	s.add(0, 0)
	s.merge(new(sliced))
	if len(s.slices) != 0 || s.on(grid{}) != nil || gridOf(event.NoTime, event.NoTime).count != 0 || gridOf(5, 5).count != 0 {
		t.Errorf("what has no time counts: %+v", s)
	}
	s.add(-5*second, 1) // a log whose clock begins at 0 may go back
	s.add(5*second, 2)
	if got, want := s.on(gridOf(-5*second, 5*second)), 3; got[0]+got[len(got)-1] != want {
		t.Errorf("%v", got)
	}
	s.add(1<<62, 1)
	s.add(-1<<62, 1)
	if len(s.slices) > 2*sliceCount {
		t.Errorf("%d slices for times far apart", len(s.slices))
	}
	var even sliced
	even.spread(1000, 0, 10*second)
	even.spread(5, event.NoTime, second)
	total := 0
	for _, n := range even.on(gridOf(0, 10*second)) {
		total += n
	}
	if total != 1000 {
		t.Errorf("spread counts %d of 1000", total)
	}
}

// TestDesign checks the design effect against what is known: independent
// durations have 1; with m of the same value in each slice it is about m.
func TestDesign(t *testing.T) {
	g := gridOf(0, 100*second)
	rng := rand.New(rand.NewPCG(5, 5))
	sum := 0.0
	for range 40 {
		var s sliced
		for range 1000 {
			s.addDuration(event.Time(rng.Int64N(int64(100*second))), int64(1e6*(1+rng.ExpFloat64())))
		}
		e, df := s.design(g)
		sum += e / 40
		if df <= 4 {
			t.Errorf("%v degrees of freedom", df)
		}
	}
	if sum < 1 || sum > 1.5 {
		t.Errorf("independent durations: %v on average, want 1 to 1.5", sum)
	}
	var s sliced
	const m = 30
	for i := range g.count {
		d := int64(1e6) << rng.IntN(8)
		for range m {
			s.addDuration(event.Time(g.first+int64(i))<<g.shift, d)
		}
	}
	if e, _ := s.design(g); e < m/2 || e > 3*m {
		t.Errorf("%d equal durations in each slice: %v", m, e)
	}
	var none sliced
	none.addDuration(second, 5)
	if e, df := none.design(g); e != 1 || df != 0 {
		t.Errorf("a single duration: %v, %v", e, df)
	}
}

func TestCounts(t *testing.T) {
	g := gridOf(0, 10*second)
	w := newTimes(g)
	w.requests.add(second, leastTimed-1)
	if w.counts(g) != nil {
		t.Error("a row of few events has counts")
	}
	w.opened.add(second, 1)
	c := w.counts(g)
	if c == nil || c.TimedOut != nil || len(c.Requests) != g.count {
		t.Errorf("counts %+v", c)
	}
	if got := c.plus(nil); got != c {
		t.Error("plus nothing must be the same")
	}
	twice := c.plus(c)
	if at(twice.Requests, 0)+at(twice.Requests, 99) != 2*at(c.Requests, 0) || !reflect.DeepEqual(twice.Requests, sum(c.Requests, c.Requests)) {
		t.Errorf("twice %+v", twice)
	}
}
