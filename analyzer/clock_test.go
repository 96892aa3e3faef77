package analyzer

import (
	"io"
	"math"
	"testing"
	"time"

	"finwait/analyzer/event"
)

// replay is a capture of segments, a few in every batch.
type replay struct {
	segs  []event.Segment
	batch int
}

func (r *replay) Next(b *event.Batch) error {
	b.Reset()
	n := min(r.batch, len(r.segs))
	b.Segments, r.segs = append(b.Segments, r.segs[:n]...), r.segs[n:]
	if len(r.segs) == 0 {
		return io.EOF
	}
	return nil
}

func (*replay) Input() event.Input        { return event.Input{Path: "made.pcap"} }
func (*replay) Problems() []event.Problem { return nil }

// analyse follows the segments of one capture.
func analyse(segs []event.Segment, o Options) *Result {
	a := New(o)
	_ = a.Capture(a.NewView(), &replay{segs: append([]event.Segment(nil), segs...), batch: 64})
	return a.Finish()
}

// noteCount is how often the report notes id.
func noteCount(r *Report, id string) int64 {
	for _, q := range r.Quality {
		if q.ID == id {
			return q.Count
		}
	}
	return 0
}

// TestWindow: what lies outside the time window plays no part, not even in how
// long the input was.
func TestWindow(t *testing.T) {
	w := &wire{now: 1e18}
	w.dial(1000, 7) // ends after the window began: nothing but its FINs lies in it
	for i := range uint16(10) {
		w.now = 1e18 + event.Time(i+1)*10e9
		w.dial(2000+i, 7)
	}
	w.now = 1e18 + 25e9
	w.send(0, 1000, false, event.FIN|event.ACK, 8, 508, 0)
	w.now = 1e18 + 200e9
	w.dial(3000, 7)
	for _, jobs := range []int{1, 4} {
		res := analyse(w.segs, Options{Jobs: jobs, From: Bound{Set: true, Relative: true, After: 15 * time.Second},
			To: Bound{Set: true, Relative: true, After: 45 * time.Second}})
		r := res.Report()
		if r.Span.DurationS == nil || *r.Span.DurationS != 30 {
			t.Errorf("the span is %v s, want 30", r.Span.DurationS)
		}
		if r.Totals.Opened != 3 || r.Totals.Connections != 4 {
			t.Errorf("%d connections opened of %d, want 3 of 4", r.Totals.Opened, r.Totals.Connections)
		}
		if noteCount(r, "mid-stream") != 1 || noteCount(r, "one-sided") != 0 {
			t.Errorf("a connection that the window cuts is not merely mid-stream: %+v", r.Quality)
		}
	}
}

// TestOneSidedInWindow: acknowledged bytes that nobody sent show one direction
// to be missing, in a window as well.
func TestOneSidedInWindow(t *testing.T) {
	w := &wire{now: 1e18}
	w.dial(9, 7)
	w.now += 20e9
	for i := range uint32(5) {
		w.send(ms, 1000, false, event.ACK, 8, 508+i*1000, 100)
	}
	r := analyse(w.segs, Options{From: Bound{Set: true, Relative: true, After: time.Second}}).Report()
	if noteCount(r, "one-sided") != 1 {
		t.Errorf("not one-sided: %+v", r.Quality)
	}
}

// TestOddTimes: one absurd time does not make the input last for decades; one
// that later packets agree with does.
func TestOddTimes(t *testing.T) {
	const day = 24 * 3600e9
	for name, c := range map[string]struct {
		at          int // the packet whose time is replaced
		time        event.Time
		rest        event.Time // added to all that follow
		seconds     float64
		odds, jumps int64
	}{
		"none":             {0, 1e18, 0, 40, 0, 0},
		"first is 0":       {0, 0, 0, 40, 1, 0},
		"one is 0":         {50, 0, 0, 40, 1, 0},
		"far future":       {50, math.MaxInt64, 0, 40, 1, 0},
		"far past":         {50, event.NoTime + 1, 0, 40, 1, 0},
		"last of a batch":  {63, math.MaxInt64, 0, 40, 1, 0},
		"the last":         {119, math.MaxInt64, 0, 40, 1, 0},
		"set forward":      {50, 1e18 + 3600e9, 3600e9, 3640, 0, 1},
		"days were missed": {50, 1e18 + 9*day, 9 * day, 9*24*3600 + 40, 0, 1},
	} {
		w := &wire{now: 1e18}
		for i := range uint16(40) {
			w.dial(1000+i, 7)
			w.now = 1e18 + event.Time(i+1)*1e9
		}
		w.segs[len(w.segs)-2].Time = w.now
		w.segs[len(w.segs)-1].Time = w.now
		w.segs[c.at].Time = c.time
		for i := c.at + 1; i < len(w.segs); i++ {
			w.segs[i].Time += c.rest
		}
		r := analyse(w.segs, Options{}).Report()
		if got := *r.Span.DurationS; math.Abs(got-c.seconds) > 1 {
			t.Errorf("%s: the span is %v s, want %v", name, got, c.seconds)
		}
		if odds, jumps := noteCount(r, "clock-odd"), noteCount(r, "clock-gap"); odds != c.odds || jumps != c.jumps {
			t.Errorf("%s: %d odd times and %d gaps, want %d and %d", name, odds, jumps, c.odds, c.jumps)
		}
	}
}
