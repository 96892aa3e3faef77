package stat

import "math/bits"

// Moment is a point in time and what happened then. It takes 12 bytes: one
// beside an int64 would take 16, and reports sort millions of them.
type Moment struct {
	high, low uint32 // the time, with the sign bit turned over: ordered as a whole number
	Ref       uint32 // whatever the caller means by it
}

// MomentOf is a moment at a time, in ns since any epoch.
func MomentOf(at int64, ref uint32) Moment {
	k := uint64(at) ^ 1<<63
	return Moment{uint32(k >> 32), uint32(k), ref}
}

// At is the time.
func (m Moment) At() int64 { return int64(m.key() ^ 1<<63) }

// key orders moments by time.
func (m Moment) key() uint64 { return uint64(m.high)<<32 | uint64(m.low) }

// Moments are sorted by a radix sort, from the lowest digit to the highest: one
// look at all of them tells which bits of their times differ at all, and only
// those are sorted by. Half a minute in microseconds is 32 bits, which are three
// digits. BenchmarkSortMoments justifies it: 200,000 take a sixth of the time
// that slices.Sort takes for bare numbers, and how they lie does not matter.

const (
	// digitMost is the longest digit, in bits: the counters of one fit in
	// the first-level cache.
	digitMost = 11
	// radixLeast is how many moments are worth counting digits.
	radixLeast = 48
)

// SortMoments sorts by time; those of the same time keep their order. It
// returns the sorted list, which lies in one of the two given, and the other
// one. spare must be as long as list, or longer; what it holds is lost.
func SortMoments(list, spare []Moment) (sorted, other []Moment) {
	differ, ordered := spanned(list)
	if ordered {
		return list, spare
	}
	if len(list) < radixLeast {
		insertMoments(list)
		return list, spare
	}
	spare = spare[:len(list)]
	from, to := bits.TrailingZeros64(differ), bits.Len64(differ)
	size := min(digitMost, max(4, bits.Len(uint(len(list)))-2))
	digits := (to - from + size - 1) / size
	size = (to - from + digits - 1) / digits
	for ; from < to; from += size {
		byDigit(list, spare, uint(from), uint(size))
		list, spare = spare, list
	}
	return list, spare
}

// spanned tells in which bits the times differ, and whether they are in order.
func spanned(list []Moment) (differ uint64, ordered bool) {
	ordered = true
	for i := 1; i < len(list); i++ {
		a, b := list[i-1].key(), list[i].key()
		differ |= a ^ b
		ordered = ordered && a <= b
	}
	return differ, ordered
}

// byDigit copies a list to another, sorted by size bits of the times from bit
// from on.
func byDigit(list, to []Moment, from, size uint) {
	var next [1 << digitMost]uint32
	mask := uint64(1)<<size - 1
	for i := range list {
		next[list[i].key()>>from&mask]++
	}
	sum := uint32(0)
	for i, n := range next[:mask+1] {
		next[i] = sum
		sum += n
	}
	for i := range list {
		p := &next[list[i].key()>>from&mask]
		to[*p] = list[i]
		*p++
	}
}

// insertMoments sorts a short list.
func insertMoments(list []Moment) {
	for i := 1; i < len(list); i++ {
		m, k := list[i], i
		for ; k > 0 && list[k-1].key() > m.key(); k-- {
			list[k] = list[k-1]
		}
		list[k] = m
	}
}
