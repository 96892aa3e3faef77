package analyzer

import (
	"fmt"

	"finwait/analyzer/event"
)

const (
	// backLimit is how far back a time may lie before it counts as a step of
	// the clock: capture on several queues reorders by less.
	backLimit = event.Time(1e9)
	// gapLeast is how long no packet may pass until that is worth a note: the
	// clock may have been set forward, or the capture been stopped.
	gapLeast = event.Time(600e9)
	// oddLeast is how far a lone time must lie from those around it to be no
	// time at all. A quiet capture has gaps of hours.
	oddLeast = event.Time(24 * 3600e9)
	// oddAround is how many packets whose times agree must surround it where
	// only one side of it can be seen.
	oddAround = 3
)

// clock follows the times of a view's packets, whatever the time window is.
type clock struct {
	first, last, prev event.Time // the first, the latest and the previous time; NoTime before them
	steady            int        // packets in a row that the previous one is near
	back              int64      // packets older than one before them by more than backLimit
	gaps, odds        sighted
}

// sighted is how often something was seen, and where first.
type sighted struct {
	count int64
	input uint16
	frame uint32
}

func (n *sighted) add(s *event.Segment) {
	if n.count == 0 {
		n.input, n.frame = s.Input, s.Frame
	}
	n.count++
}

// read takes the time of the next packet, which others follow. A lone one that
// lies a day or more from those around it is no reading of the clock (drivers
// that stamp with 0 before their clock is set, a broken record): its packet has
// no time. Two such packets in a row are believed.
func (c *clock) read(s *event.Segment, following []event.Segment) {
	if !s.Time.Known() {
		return
	}
	if c.prev.Known() && follows(s.Time, c.prev) {
		c.steady++
	} else if !c.jump(s, following) {
		return
	}
	if s.Time > c.last {
		c.last = s.Time
	} else if c.last-s.Time > backLimit {
		c.back++
	}
	c.prev = s.Time
}

// jump takes a time that is not near the previous one, and reports whether it
// is a time at all.
func (c *clock) jump(s *event.Segment, following []event.Segment) bool {
	if c.odd(s.Time, following) {
		c.odds.add(s)
		s.Time = event.NoTime
		return false
	}
	if c.prev.Known() && s.Time > c.prev {
		c.gaps.add(s)
	}
	c.steady = 0
	if !c.first.Known() {
		c.first, c.last = s.Time, s.Time
	}
	return true
}

// follows reports whether packets at t and u may follow each other.
func follows(t, u event.Time) bool { return timesApart(t, u) <= uint64(gapLeast) }

// timesApart is how far t lies from u; it cannot overflow.
func timesApart(t, u event.Time) uint64 {
	if t < u {
		t, u = u, t
	}
	return uint64(t) - uint64(u)
}

// odd reports whether time t, which is not near the previous one, stands alone.
// What follows is only known as far as the batch goes.
func (c *clock) odd(t event.Time, following []event.Segment) bool {
	if c.prev.Known() && timesApart(t, c.prev) < uint64(oddLeast) {
		return false
	}
	next, agree := event.NoTime, 0
	for i := range following {
		u := following[i].Time
		if !u.Known() {
			continue
		}
		if !next.Known() {
			next = u
		} else if !follows(u, next) {
			break
		}
		if agree++; agree > oddAround {
			break
		}
	}
	switch {
	case !next.Known():
		return c.prev.Known() && c.steady >= oddAround
	case c.prev.Known():
		return follows(next, c.prev)
	}
	return timesApart(t, next) >= uint64(oddLeast) && agree >= oddAround
}

// window is the time window of a view.
type window struct{ from, to event.Time }

// window is the time window of a view whose first packet came at first.
func (o *Options) window(first event.Time) window {
	w := window{event.NoTime, event.NoTime}
	if o.From.Set {
		w.from = o.From.time(first)
	}
	if o.To.Set {
		w.to = o.To.time(first)
	}
	return w
}

// early and late report whether t lies before or behind the window. What has no
// time does neither.
func (w window) early(t event.Time) bool { return t.Known() && w.from.Known() && t < w.from }
func (w window) late(t event.Time) bool  { return t.Known() && w.to.Known() && t > w.to }

// cut makes a view from which the window cut packets cover all of the window:
// nothing else passed in it.
func (v *view) cut() {
	if !v.start.Known() {
		return
	}
	if v.before {
		v.start = v.window.from
	}
	if v.behind {
		v.end = v.window.to
	}
}

// clockNotes say where the times of a view are in doubt.
func (b *builder) clockNotes(v *view) []Quality {
	var list []Quality
	add := func(id, text string, n sighted) {
		if n.count > 0 {
			where := fmt.Sprintf("%s: frame %d", b.res.inputs[n.input].Path, n.frame)
			list = append(list, Quality{ID: id, Count: n.count, Text: text, Where: where})
		}
	}
	add("clock-gap", "times that more than 10 minutes passed without a packet: the clock was set forward, or nothing was captured", v.clock.gaps)
	add("clock-odd", "packets have a time far from that of the packets around them, which was left out", v.clock.odds)
	return list
}

// stamp is a moment as the report has it: none when the inputs have no dates.
func (b *builder) stamp(t event.Time) Stamp {
	if b.undated {
		return Stamp(event.NoTime)
	}
	return Stamp(t)
}

// stamped is a moment of input i as the report has it.
func (res *Result) stamped(i int, t event.Time) Stamp {
	for _, v := range res.views {
		if v.undated && i >= int(v.input) && i < int(v.input)+v.log.files {
			return Stamp(event.NoTime)
		}
	}
	return Stamp(t)
}

// undate removes the moments of a connection that a log without dates shows:
// they would lie around 1970.
func (f *Flow) undate() {
	no := Stamp(event.NoTime)
	f.Opened, f.Closed, f.Close.At = no, no, no
	if f.Close.Request != nil {
		f.Close.Request.Sent = no
	}
}

// slices are the slices of the report.
func (b *builder) slices() Slices {
	s := b.grid.report()
	if b.undated {
		s.Start = Stamp(event.NoTime)
	}
	return s
}

// placed reports whether the moments of a view have a place among those of the
// report: not those of a log without dates beside a capture.
func (b *builder) placed(v *view) bool { return b.undated || !v.undated }
