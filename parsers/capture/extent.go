package capture

import (
	"math"
	"strings"

	"finwait/analyzer/event"
)

// Extent is what a glance at a capture file tells: enough to put rotated files
// in order, and to tell captures of two hosts from captures of one.
type Extent struct {
	First event.Time // of the first packet; NoTime when there is none, or no clock
	Last  event.Time // of the last packet; NoTime when that is not cheap to learn
	Host  string     // as Input.Host: two that differ are two hosts; equal or empty ones say nothing
}

// ExtentOf looks at the first and the last bytes of an uncompressed capture;
// tail may be nil. The last packet is found by looking for plausible records,
// and read with the interfaces of the first section.
func ExtentOf(head, tail []byte) Extent {
	e := Extent{First: event.NoTime, Last: event.NoTime}
	var s scanner
	used, err := s.start(head)
	if err != nil {
		return e
	}
	e.First = s.firstTime(head[used:])
	e.Host = strings.Join(s.host, ", ")
	if e.First != event.NoTime && tail != nil {
		s.lost = true
		e.Last = s.lastTime(tail)
	}
	return e
}

// firstTime returns the time of the first frame in buf that has one.
func (s *scanner) firstTime(buf []byte) event.Time {
	var rec record
	for {
		n, st := s.next(buf, 0, false, &rec)
		if st == statusFrame && rec.time != event.NoTime {
			return rec.time
		}
		if st == statusMore || n > len(buf) {
			return event.NoTime
		}
		buf = buf[n:]
	}
}

// lastTime returns the latest time of the frames in buf, which may start
// anywhere.
func (s *scanner) lastTime(buf []byte) event.Time {
	last := event.Time(math.MinInt64)
	var rec record
	for {
		n, st := s.next(buf, 0, true, &rec)
		if st == statusFrame {
			last = max(last, rec.time)
		}
		if st == statusMore || n >= len(buf) {
			return last // MinInt64 is NoTime
		}
		buf = buf[n:]
	}
}
