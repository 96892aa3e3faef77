package stat

import "slices"

// Span is an interval of time, [From, To) in ns since any epoch. An empty or
// reversed one counts nothing.
type Span struct {
	From, To int64
	Open     bool // the end was not seen; it lasts to the end of all and To is ignored
}

// edge is a moment at which the number of open spans changes.
type edge struct {
	at   int64
	step int // +1 or -1
}

// edges lists where spans begin and end in order of time, ends first: a socket
// that leaves a state at the moment another one enters it never met it there.
func edges(spans []Span) []edge {
	es := make([]edge, 0, 2*len(spans))
	for _, s := range spans {
		switch {
		case s.Open:
			es = append(es, edge{s.From, 1})
		case s.From < s.To:
			es = append(es, edge{s.From, 1}, edge{s.To, -1})
		}
	}
	slices.SortFunc(es, func(a, b edge) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return a.step - b.step
	})
	return es
}

// Peak is the largest number of spans that overlap and the first moment at which
// they do; 0, 0 when there are none.
func Peak(spans []Span) (count int, at int64) {
	open := 0
	for _, e := range edges(spans) {
		if open += e.step; open > count {
			count, at = open, e.at
		}
	}
	return count, at
}

// SeriesKind is what Series tells of a bucket. Zero is SeriesMax.
type SeriesKind uint8

const (
	SeriesMax   SeriesKind = iota // the largest number of spans open at once within the bucket
	SeriesStart                   // the number of spans open at the bucket's first moment
)

// String names the kind.
func (k SeriesKind) String() string {
	if k == SeriesStart {
		return "start"
	}
	return "max"
}

// Series counts the open spans over n buckets of width ns each, the first from
// start. Spans may reach over both ends. It is nil when n or width is not positive.
func Series(spans []Span, start, width int64, n int, kind SeriesKind) []int {
	if n <= 0 || width <= 0 {
		return nil
	}
	out := make([]int, n)
	es := edges(spans)
	open, i := 0, 0
	for b := range out {
		from := start + int64(b)*width
		for ; i < len(es) && es[i].at <= from; i++ {
			open += es[i].step
		}
		out[b] = open
		if kind == SeriesStart {
			continue
		}
		for ; i < len(es) && es[i].at-from < width; i++ {
			open += es[i].step
			out[b] = max(out[b], open)
		}
	}
	return out
}
