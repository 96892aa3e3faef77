package stat

// Spans is a multiset of intervals of time, of which it tells how many overlap.
// Every interval belongs to a row, which Sweep hands back. It costs 24 bytes an
// interval; where all are equally long, 12.
//
// Intervals of two kinds that begin together share their beginnings: see
// [Spans.Share].
type Spans struct {
	begins, ends []Moment
	length       int64 // of every interval; 0: they have ends of their own
	expected     int   // intervals
}

// SpansOf is an empty multiset of intervals that are all length ns long.
func SpansOf(length int64) Spans { return Spans{length: length} }

// Expect tells how many intervals may come at most. When a good part of them has
// come, there is room for all.
func (s *Spans) Expect(n int) { s.expected = n }

// append appends to one of the lists.
func (s *Spans) append(list []Moment, m Moment) []Moment {
	if n := len(list); n == cap(list) && n >= s.expected/16 && n < s.expected {
		list = append(make([]Moment, 0, s.expected), list...)
	}
	return append(list, m)
}

// Add counts the interval [from, to), in ns since any epoch, at most 2^62 away
// from it. An empty or reversed one counts nothing.
func (s *Spans) Add(from, to int64, row uint32) {
	if from < to {
		s.Begin(from, row)
		s.End(to, row)
	}
}

// Begin counts an interval from a moment on, in a set whose intervals are all
// equally long, or whose end follows with [Spans.End].
func (s *Spans) Begin(from int64, row uint32) { s.begins = s.append(s.begins, MomentOf(from, row)) }

// End ends an interval of the row, not before it began.
func (s *Spans) End(to int64, row uint32) { s.ends = s.append(s.ends, MomentOf(to, row)) }

// Share makes s begin its intervals when o does: o must be sorted, and s have an
// end for each.
func (s *Spans) Share(o *Spans) { s.begins = o.begins }

// Sort puts the moments in order. spare is memory that Sort may use, and
// returns: for several sets in turn, as long as the longest needs.
func (s *Spans) Sort(spare []Moment) []Moment {
	for _, list := range [...]*[]Moment{&s.begins, &s.ends} {
		if len(spare) < len(*list) {
			spare = make([]Moment, len(*list))
		}
		*list, spare = SortMoments(*list, spare)
	}
	return spare
}

// edges is one of the sorted lists that Sweep merges.
type edges struct {
	list  []Moment
	shift uint64 // added to its times
	step  int
	set   int
}

// Sweep calls f with every beginning (step 1) and end (step -1) of the sets'
// intervals, in order of time, and with the number of the set. Every set must be
// sorted. At the same time all ends come before all beginnings: a socket that
// leaves a state at the moment another one enters it never met it there. So an
// empty interval ends before it begins, which changes no peak: what is largest
// at a moment is what holds after all its beginnings.
func Sweep(sets []*Spans, f func(at int64, step, set int, row uint32)) {
	var lists []edges
	for i, s := range sets {
		if s.length != 0 {
			lists = append(lists, edges{s.begins, uint64(s.length), -1, i})
		} else {
			lists = append(lists, edges{s.ends, 0, -1, i})
		}
	}
	for i, s := range sets {
		lists = append(lists, edges{s.begins, 0, 1, i})
	}
	heads := make([]uint64, 0, len(lists)) // the next time of each
	left := lists[:0]
	for _, l := range lists {
		if len(l.list) > 0 {
			left, heads = append(left, l), append(heads, l.list[0].key()+l.shift)
		}
	}
	for len(left) > 0 {
		k, at := 0, heads[0]
		for i, h := range heads {
			if h < at {
				k = i
			}
			at = min(at, h)
		}
		l := &left[k]
		f(int64(at^1<<63), l.step, l.set, l.list[0].Ref)
		if l.list = l.list[1:]; len(l.list) > 0 {
			heads[k] = l.list[0].key() + l.shift
			continue
		}
		left, heads = append(left[:k], left[k+1:]...), append(heads[:k], heads[k+1:]...)
	}
}

// Meter counts how many intervals overlap, as Sweep meets them. The zero value
// has met none.
type Meter struct {
	Peak int   // the largest number
	At   int64 // the first moment at which it was reached; 0 when there was none
	open int
}

// Step counts a beginning or an end.
func (m *Meter) Step(at int64, step int) {
	if m.open += step; m.open > m.Peak {
		m.Peak, m.At = m.open, at
	}
}

// Line is a Meter by time: the largest number of intervals open at once within
// each of some buckets. Intervals may reach over both ends.
type Line struct {
	Most  []int // by bucket; complete after End
	Begun []int // how many intervals begin within each bucket
	width int64
	next  int64 // start of the first bucket that is not begun
	open  int
}

// NewLine has n buckets of width ns, the first from start.
func NewLine(start, width int64, n int) *Line {
	return &Line{Most: make([]int, 0, n), Begun: make([]int, n), width: width, next: start}
}

// Step counts a beginning or an end. What happens at the very start of a bucket
// has happened when it starts.
func (l *Line) Step(at int64, step int) {
	for at > l.next && len(l.Most) < cap(l.Most) {
		l.Most = append(l.Most, l.open)
		l.next += l.width
	}
	l.open += step
	b := len(l.Most) // the bucket that at lies in
	if at < l.next {
		if b--; b < 0 {
			return
		}
		l.Most[b] = max(l.Most[b], l.open)
	}
	if step > 0 && b < len(l.Begun) {
		l.Begun[b]++
	}
}

// End completes the line behind the last interval.
func (l *Line) End() {
	for len(l.Most) < cap(l.Most) {
		l.Most = append(l.Most, l.open)
	}
}
