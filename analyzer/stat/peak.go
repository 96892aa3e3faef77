package stat

import "slices"

// Spans is a multiset of intervals of time, of which it tells how many overlap.
// The zero value is empty and ready to use. It costs 16 bytes an interval.
type Spans struct {
	// edges are the beginnings and ends: twice the time, plus one for a
	// beginning, so that in sorted order an end comes before a beginning at
	// the same time. A socket that leaves a state at the moment another one
	// enters it never met it there.
	edges  []int64
	sorted bool
}

// Add counts the interval [from, to), in ns since any epoch, at most 2^62 away
// from it. An empty or reversed one counts nothing.
func (s *Spans) Add(from, to int64) {
	if from < to {
		s.edges = append(s.edges, from<<1|1, to<<1)
		s.sorted = false
	}
}

// Merge counts the intervals of o as well. o stays as it is.
func (s *Spans) Merge(o *Spans) {
	s.edges = append(s.edges, o.edges...)
	s.sorted = s.sorted && len(o.edges) == 0
}

// Union counts the intervals of all sets. They are left sorted, and the result
// is sorted already: sets that were sorted one by one cost no second sorting.
func Union(sets []*Spans) *Spans {
	switch len(sets) {
	case 0:
		return &Spans{}
	case 1:
		return &Spans{slices.Clone(sets[0].sort()), true}
	}
	a, b := Union(sets[:len(sets)/2]).edges, Union(sets[len(sets)/2:]).edges
	both := make([]int64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			both, a = append(both, a[0]), a[1:]
		} else {
			both, b = append(both, b[0]), b[1:]
		}
	}
	return &Spans{append(append(both, a...), b...), true}
}

// Sort prepares the set for reading. Reading sorts it as well, so sets that are
// read from several goroutines must be sorted before.
func (s *Spans) Sort() { s.sort() }

// Len is the number of intervals.
func (s *Spans) Len() int { return len(s.edges) / 2 }

// sort puts the edges in order, once.
func (s *Spans) sort() []int64 {
	if !s.sorted {
		slices.Sort(s.edges)
		s.sorted = true
	}
	return s.edges
}

// step is what an edge changes: 1 or -1.
func step(edge int64) int { return int(edge&1)*2 - 1 }

// Peak is the largest number of intervals that overlap and the first moment at
// which they do; 0, 0 when there are none.
func (s *Spans) Peak() (count int, at int64) {
	open := 0
	for _, e := range s.sort() {
		if open += step(e); open > count {
			count, at = open, e>>1
		}
	}
	return count, at
}

// Series is the largest number of intervals open at once within each of n
// buckets of width ns, the first from start. Intervals may reach over both
// ends. It is nil when n or width is not positive.
func (s *Spans) Series(start, width int64, n int) []int {
	if n <= 0 || width <= 0 {
		return nil
	}
	out := make([]int, n)
	es := s.sort()
	open, i := 0, 0
	for b := range out {
		from := start + int64(b)*width
		for ; i < len(es) && es[i]>>1 <= from; i++ {
			open += step(es[i])
		}
		out[b] = open
		for ; i < len(es) && es[i]>>1-from < width; i++ {
			open += step(es[i])
			out[b] = max(out[b], open)
		}
	}
	return out
}

// Begun is how many intervals begin within each bucket of the same kind; nil as
// Series is.
func (s *Spans) Begun(start, width int64, n int) []int {
	if n <= 0 || width <= 0 {
		return nil
	}
	out := make([]int, n)
	for _, e := range s.edges {
		if b := (e>>1 - start) / width; e&1 == 1 && e>>1 >= start && b < int64(n) {
			out[b]++
		}
	}
	return out
}
