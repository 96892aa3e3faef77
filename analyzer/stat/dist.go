package stat

import (
	"math/bits"
	"slices"
	"time"
)

// exactLimit is the largest number of observations that a Dist keeps as they
// are. Above it the values cost more than buckets, and the rounding of the
// buckets is far below the sampling error.
const exactLimit = 512

// Dist is a distribution of durations, some of them right-censored: known only
// to be longer than what was seen. The zero value is empty and ready to use.
//
// Up to 512 observations are kept exactly; above that they are counted in
// logarithmic buckets (see [RelativeError]), while the smallest, the largest and
// the sum stay exact. The state depends only on the multiset of observations,
// not on their order, nor on how they were split over merged Dists.
//
// Methods that only read may be called concurrently.
type Dist struct {
	events   []int64 // ns, in any order; nil when sketch is set
	censored []int64 // ns, in any order; nil when sketch is set
	sketch   *sketch // nil up to exactLimit observations
}

// Add counts a duration that was seen to its end.
func (d *Dist) Add(v time.Duration) {
	if d.sketch != nil {
		d.sketch.events.add(int64(v), 1)
		return
	}
	d.events = append(d.events, int64(v))
	d.spill()
}

// AddCensored counts a duration that lasted at least v.
func (d *Dist) AddCensored(v time.Duration) {
	if d.sketch != nil {
		d.sketch.censored.add(int64(v), 1)
		return
	}
	d.censored = append(d.censored, int64(v))
	d.spill()
}

// Merge counts all observations of o in d. o stays as it is; nil adds nothing.
func (d *Dist) Merge(o *Dist) {
	if o == nil {
		return
	}
	if d.sketch == nil && o.sketch != nil {
		d.toSketch()
	}
	if o.sketch != nil {
		d.sketch.events.merge(&o.sketch.events)
		d.sketch.censored.merge(&o.sketch.censored)
		return
	}
	for _, v := range o.events {
		d.Add(time.Duration(v))
	}
	for _, v := range o.censored {
		d.AddCensored(time.Duration(v))
	}
}

// spill changes to buckets when there are too many values to keep.
func (d *Dist) spill() {
	if len(d.events)+len(d.censored) > exactLimit {
		d.toSketch()
	}
}

func (d *Dist) toSketch() {
	s := new(sketch)
	for _, v := range d.events {
		s.events.add(v, 1)
	}
	for _, v := range d.censored {
		s.censored.add(v, 1)
	}
	d.sketch, d.events, d.censored = s, nil, nil
}

// Count is the number of observations, censored ones included.
func (d *Dist) Count() int {
	if d.sketch != nil {
		return int(d.sketch.events.n + d.sketch.censored.n)
	}
	return len(d.events) + len(d.censored)
}

// Censored is the number of observations that were cut off.
func (d *Dist) Censored() int {
	if d.sketch != nil {
		return int(d.sketch.censored.n)
	}
	return len(d.censored)
}

// RelativeError is how far a quantile may be from the observation it stands
// for, as a share of it: 0 while all values are kept, else 1/256.
func (d *Dist) RelativeError() float64 {
	if d.sketch != nil {
		return bucketError
	}
	return 0
}

// Min is the smallest uncensored duration; false when there is none.
func (d *Dist) Min() (time.Duration, bool) {
	if d.sketch != nil {
		return time.Duration(d.sketch.events.min), d.sketch.events.n > 0
	}
	if len(d.events) == 0 {
		return 0, false
	}
	return time.Duration(slices.Min(d.events)), true
}

// Max is the largest uncensored duration; false when there is none. A censored
// duration may have lasted longer: ask Longest whether one did.
func (d *Dist) Max() (time.Duration, bool) {
	if d.sketch != nil {
		return time.Duration(d.sketch.events.max), d.sketch.events.n > 0
	}
	if len(d.events) == 0 {
		return 0, false
	}
	return time.Duration(slices.Max(d.events)), true
}

// Longest is the largest observation of either kind, and whether it was cut
// off, so that the true maximum is only known to be at least that. Of a
// complete and a cut-off duration of the same length it is the cut-off one.
// ok is false when there are no observations.
func (d *Dist) Longest() (v time.Duration, censored, ok bool) {
	v, ok = d.Max()
	c, any := d.maxCensored()
	if any && (!ok || c >= v) {
		return c, true, true
	}
	return v, false, ok
}

func (d *Dist) maxCensored() (time.Duration, bool) {
	if d.sketch != nil {
		return time.Duration(d.sketch.censored.max), d.sketch.censored.n > 0
	}
	if len(d.censored) == 0 {
		return 0, false
	}
	return time.Duration(slices.Max(d.censored)), true
}

// Mean is the arithmetic mean. It is false when there are no observations, and
// when any is censored: the mean of a cut-off distribution depends on the part
// that was not seen.
func (d *Dist) Mean() (time.Duration, bool) {
	n := d.Count()
	if n == 0 || d.Censored() > 0 {
		return 0, false
	}
	return time.Duration(d.sum().float() / float64(n)), true
}

// Sum is the sum of the uncensored durations in seconds.
func (d *Dist) Sum() float64 { return d.sum().float() / 1e9 }

func (d *Dist) sum() sum128 {
	if d.sketch != nil {
		return d.sketch.events.sum
	}
	var s sum128
	for _, v := range d.events {
		s.add(v)
	}
	return s
}

// sum128 is a 128-bit two's complement sum: exact, so that it does not depend on
// the order, and too wide to overflow.
type sum128 struct {
	hi int64
	lo uint64
}

func (s *sum128) add(v int64) { s.plus(sum128{v >> 63, uint64(v)}) }

func (s *sum128) plus(o sum128) {
	lo, carry := bits.Add64(s.lo, o.lo, 0)
	s.lo = lo
	s.hi += o.hi + int64(carry)
}

func (s sum128) float() float64 { return float64(s.hi)*(1<<64) + float64(s.lo) }
