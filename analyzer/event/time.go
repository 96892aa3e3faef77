package event

import (
	"math"
	"time"
)

// Time is nanoseconds since the Unix epoch, or NoTime.
type Time int64

// NoTime is the time of an event whose source has no clock, and of an event
// that did not happen.
const NoTime Time = math.MinInt64

// Known reports whether t is a time at all.
func (t Time) Known() bool { return t != NoTime }

// Sub returns t-u. It is 0 when either is NoTime; ask Known first.
func (t Time) Sub(u Time) time.Duration {
	if t == NoTime || u == NoTime {
		return 0
	}
	return time.Duration(t - u)
}

// Add returns t+d, and NoTime for NoTime.
func (t Time) Add(d time.Duration) Time {
	if t == NoTime {
		return NoTime
	}
	return t + Time(d)
}

// String formats t as RFC 3339 with nanoseconds in UTC; NoTime is empty.
func (t Time) String() string {
	if t == NoTime {
		return ""
	}
	return time.Unix(0, int64(t)).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// Moment is when and where something was seen.
type Moment struct {
	Time  Time   // NoTime when the source has no clock
	Frame uint32 // frame of a capture or line of a log, from 1; 0 means that it did not happen
}

// Seen reports whether the moment happened.
func (m Moment) Seen() bool { return m.Frame != 0 }
