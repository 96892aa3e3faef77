package stat

import (
	"math"
	"math/bits"
)

// Buckets are log-linear: every power of two is split into 128 equal ones, so
// that an integer's bucket needs no logarithm and is the same on every machine.
// (DDSketch, Masson et al. 2019, with exact logarithms needs half as many
// buckets for the same error, but its borders depend on the math library.)
const (
	octaveBits  = 7
	octaveSize  = 1 << octaveBits
	bucketError = 1.0 / (2 * octaveSize) // half a bucket's width over its lower end
	octaves     = 58                     // bits.Len64(1<<63) - octaveBits + 1
)

// bucketOf is the number of the bucket that holds v ns. Buckets are numbered in
// the order of their values; those from -255 to 255 hold one value each.
func bucketOf(v int64) int {
	if v < 0 {
		return -magnitude(-uint64(v))
	}
	return magnitude(uint64(v))
}

func magnitude(u uint64) int {
	shift := max(bits.Len64(u)-octaveBits-1, 0)
	return shift<<octaveBits + int(u>>shift)
}

// bucketStart is the value of bucket b that is nearest to zero; its other end is
// less than span away from it, further from zero.
func bucketStart(b int) (start int64, span uint64) {
	m := max(b, -b)
	shift := max(m>>octaveBits-1, 0)
	u := uint64(m-shift<<octaveBits) << shift
	if b < 0 {
		return int64(-u), 1 << shift
	}
	return int64(u), 1 << shift
}

// bucketMiddle is the value that stands for bucket b.
func bucketMiddle(b int) int64 {
	start, span := bucketStart(b)
	half := int64((span - 1) / 2)
	switch {
	case b >= 0:
		return start + half
	case start < math.MinInt64+half: // the last bucket ends there
		return start
	}
	return start - half
}

// sketch is the form of a Dist with many observations.
type sketch struct {
	events   tally
	censored tally
}

// octave counts the 128 buckets between two powers of two. A count saturates at
// its largest value.
type octave [octaveSize]uint32

// tally counts values by bucket. Only octaves that hold a value have memory.
type tally struct {
	n        uint64 // this and the next three lie in one cache line
	min, max int64  // ns; 0 when n is 0
	sum      sum128
	octaves  [2 * octaves]*octave // the first half is negative
}

func (t *tally) add(v int64, n uint32) {
	if t.n == 0 {
		t.min, t.max = v, v
	}
	t.min = min(t.min, v)
	t.max = max(t.max, v)
	t.sum.add(v)
	t.put(bucketOf(v), n)
}

// put counts n more values in bucket b.
func (t *tally) put(b int, n uint32) {
	p := &t.octaves[b>>octaveBits+octaves]
	if *p == nil {
		*p = new(octave)
	}
	slot := &(*p)[b&(octaveSize-1)]
	n = min(n, ^uint32(0)-*slot)
	*slot += n
	t.n += uint64(n)
}

// merge counts all of o, which may be t itself.
func (t *tally) merge(o *tally) {
	if o.n == 0 {
		return
	}
	if t.n == 0 {
		t.min, t.max = o.min, o.max
	}
	t.min = min(t.min, o.min)
	t.max = max(t.max, o.max)
	t.sum.plus(o.sum)
	for i, p := range o.octaves {
		if p == nil {
			continue
		}
		for j, n := range p {
			if n > 0 {
				t.put((i-octaves)<<octaveBits+j, n)
			}
		}
	}
}

// each calls f for every bucket that holds a value, in order of value.
func (t *tally) each(f func(b int, n uint64)) {
	for i, p := range t.octaves {
		if p == nil {
			continue
		}
		for j, n := range p {
			if n > 0 {
				f((i-octaves)<<octaveBits+j, uint64(n))
			}
		}
	}
}
