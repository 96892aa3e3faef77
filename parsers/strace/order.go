package strace

import (
	"math"
	"slices"
	"time"

	"finwait/analyzer/event"
)

// Files of strace -ff without absolute times say in which order each thread
// made its calls, but not how the threads interleaved. strace -r prints the
// time since the line before, of whatever thread (one static variable in
// printleader, strace.c), so the differences of one file do not add up, while
// those of all files together do: in the right order every line comes when its
// thread could have printed it. orderer looks for such an order.
//
// It puts one line after the other, and keeps the orders that fit best so far
// (a beam search). What fits is known well: a wait that expired took its
// timeout, a sleep its time, a futex wait ends after another thread's wake, a
// child begins after its clone, a descriptor is used while it is open, and
// anything else takes some microseconds. Orders that come to the same point of
// every file are one.
//
// Neighbouring lines of different threads may come out exchanged; times are
// right to some tens of microseconds where there are differences (-r), and
// unknown where there are none.

// beamWidth is how many orders are kept. Logs beyond wideLimit lines get fewer.
const (
	beamWidth  = 96
	narrow     = 12
	wideLimit  = 20_000
	commitLag  = 400 // lines that the orders may differ in
	commitStep = 100 // how often lines are handed on
)

// never is a time that does not come by itself.
const never = math.MaxInt64 / 4

// Bounds, in nanoseconds, of what calls and the way between two of them take
// under strace: 5 to 60 us observed, with 250 us when the machine is busy.
const (
	quickLeast = 4_000
	quickMost  = 250_000
	expireMost = 1_300_000 // how late a wait may expire: poll rounds up to milliseconds
)

// stepLine is one line of a file, with what decides about its place.
type stepLine struct {
	call  event.Call
	delta int64 // since the line before it, of any file; -1 unknown
}

// order is a partial order of the lines, as a list of choices.
type order struct {
	before *order
	file   int32
	depth  int32
	t      int64 // of the line chosen
	cost   float64

	pos   []int32 // next line of each file
	entry []int64 // when the last line of each file was
	free  []int64 // when a wait of the file was released; never while it is not
	since []int32 // depth at which the wait began: wakes release the oldest
	bits  [][4]uint64
	ever  [][4]uint64
	early []wake  // wakes that found nobody waiting yet
	kills []int16 // signals sent to each file's thread and not arrived
	watch []watch // what epoll says about sockets
	over  uint64  // descriptor tables whose process has exited
}

// watch is a descriptor that epoll watches, as far as the program depends on
// its events: after a call that would block, the next one follows an event.
type watch struct {
	token int32 // of epoll_ctl's data, folded
	fd    int32
	dry   bool // a call would have blocked and no event came since
}

// wake is a futex wake whose waiter's line had not come: strace prints a line
// when a call begins, so the waiter may be printed after the wake that ends
// its wait.
type wake struct {
	addr uint64
	t    int64
}

// wakeLag is how much later than the wake such a waiter may be printed.
const wakeLag = 400_000

// orderer interleaves files.
type orderer struct {
	fill    func(file int) bool // reads more lines into lines[file]
	lines   [][]stepLine
	base    []int32 // number of the first line in lines[file]
	done    []bool
	files   map[int32]int // by thread
	tableOf []int         // descriptor table of each file
	beam    []*order
	next    []candidate
	spans   []span // of the order being weighed, by file
	depth   int32
	total   int
	clock   bool       // the lines have differences
	handed  []stepLine // the last line of each file that was handed on
}

// candidate is a line that may come next in an order.
type candidate struct {
	from *order
	file int
	t    int64
	cost float64 // of the order with this line
	rank float64 // with what other files make it cost later
}

func newOrderer(pids []int32, clock bool, fill func(int) bool) *orderer {
	n := len(pids)
	o := &orderer{
		fill: fill, lines: make([][]stepLine, n), base: make([]int32, n), done: make([]bool, n),
		files: map[int32]int{}, tableOf: make([]int, n), clock: clock, handed: make([]stepLine, n),
	}
	root := &order{kills: make([]int16, n), pos: make([]int32, n), entry: make([]int64, n), free: make([]int64, n), since: make([]int32, n)}
	for i, pid := range pids {
		o.files[pid] = i
		o.tableOf[i] = -1
		root.free[i] = 0
	}
	root.bits = [][4]uint64{{}}
	root.ever = [][4]uint64{{}}
	o.beam = []*order{root}
	return o
}

// line returns line pos of a file, nil behind its end.
func (o *orderer) line(file int, pos int32) *stepLine {
	for {
		i := int(pos - o.base[file])
		if i < len(o.lines[file]) {
			return &o.lines[file][i]
		}
		if o.done[file] || !o.fill(file) {
			o.done[file] = true
			return nil
		}
	}
}

// begin finds out which files begin with a clone of another: they wait for it.
// Only the first file, and files whose clone no line shows, may begin at once.
func (o *orderer) begin(first int) {
	root := o.beam[0]
	for i := range root.free {
		if i != first {
			root.free[i] = never
		}
	}
	o.tableOf[first] = 0
}

// run puts lines in order until at least n of them are certain, and calls
// each with them. It returns false when all files are at their end.
func (o *orderer) run(each func(file int, l *stepLine, t int64)) bool {
	for range commitStep {
		if !o.step() {
			best := o.beam[0]
			o.commit(best, best, each)
			return false
		}
	}
	if o.depth > commitLag {
		best := o.beam[0]
		anchor := best
		for anchor.depth > o.depth-commitLag/2 {
			anchor = anchor.before
		}
		o.commit(best, anchor, each)
	}
	return true
}

// commit hands on the lines up to the order at, and forgets the orders that do
// not begin with it.
func (o *orderer) commit(best, at *order, each func(int, *stepLine, int64)) {
	var path []*order
	for n := at; n.before != nil; n = n.before {
		path = append(path, n)
	}
	slices.Reverse(path)
	pos := slices.Clone(o.base)
	for _, n := range path {
		l := o.line(int(n.file), pos[n.file])
		each(int(n.file), l, n.t)
		o.handed[n.file] = *l
		o.handed[n.file].call.Data = nil
		pos[n.file]++
	}
	kept := o.beam[:0]
	for _, n := range o.beam {
		m := n
		for m != nil && m.depth > at.depth {
			m = m.before
		}
		if m == at {
			kept = append(kept, n)
		}
	}
	o.beam = kept
	at.before = nil
	for f := range o.lines {
		n := int(pos[f] - o.base[f])
		o.lines[f] = append(o.lines[f][:0], o.lines[f][n:]...)
		o.base[f] = pos[f]
	}
}

// step lengthens every order by the lines that may come next.
func (o *orderer) step() bool {
	o.next = o.next[:0]
	for _, n := range o.beam {
		o.weighAll(n)
	}
	if len(o.next) == 0 {
		return false
	}
	o.total++
	width := beamWidth
	if o.total > wideLimit || len(o.files) > 64 {
		width = narrow
	}
	slices.SortStableFunc(o.next, func(a, b candidate) int {
		switch {
		case a.rank < b.rank:
			return -1
		case a.rank > b.rank:
			return 1
		case a.t != b.t:
			return int(min(1, max(-1, a.t-b.t)))
		}
		return a.file - b.file
	})
	o.depth++
	seen := map[uint64]bool{}
	var beam []*order
	for _, c := range o.next {
		h := c.from.hash(c.file)
		if seen[h] {
			continue
		}
		seen[h] = true
		beam = append(beam, o.extend(c))
		if len(beam) == width {
			break
		}
	}
	o.beam = beam
	return true
}

// weighAll makes a candidate of the next line of every file. A line that lets
// others come too late is charged for them when candidates are compared.
func (o *orderer) weighAll(n *order) {
	o.spans = o.spans[:0]
	for f := range n.pos {
		low, high := int64(never), int64(never)
		if o.line(f, n.pos[f]) != nil {
			low, high = o.window(n, f)
		}
		o.spans = append(o.spans, span{low, high})
	}
	for f := range n.pos {
		l := o.line(f, n.pos[f])
		if l == nil {
			continue
		}
		t, cost := o.weigh(n, f, l, o.spans[f])
		c := candidate{from: n, file: f, t: t, cost: n.cost + cost}
		c.rank = c.cost
		if len(o.spans) <= 64 {
			for g, s := range o.spans {
				if g != f && s.low < never {
					c.rank += late(t, s.high)
				}
			}
		}
		o.next = append(o.next, c)
	}
}

// span is the time in which a line may come.
type span struct{ low, high int64 }

// late says how badly a line fits that comes at t and could have come by high.
func late(t, high int64) float64 {
	if t <= high {
		return 0
	}
	return math.Min(12, 1.2*math.Log1p(float64(t-high)/100_000))
}

// hash is of the point that an order comes to in every file with one more line
// of file.
func (n *order) hash(file int) uint64 {
	h := uint64(14695981039346656037)
	for f, p := range n.pos {
		if f == file {
			p++
		}
		h = (h ^ uint64(uint32(p))) * 1099511628211
	}
	return h
}

// weigh says when line l of file f would be as the next one of n, and how badly
// it fits.
func (o *orderer) weigh(n *order, f int, l *stepLine, s span) (t int64, cost float64) {
	low, high := s.low, s.high
	t = n.t + max(l.delta, 0)
	if !o.clock {
		// Without differences every line comes as soon as it may.
		t = max(n.t+1000, min(low, never/2))
		if low >= never {
			t, cost = n.t+1000, 10
		}
		return t, cost + o.sense(n, f, l) + float64(max(0, t-n.t))/float64(5*time.Millisecond)
	}
	switch {
	case low >= never:
		cost = 10
		if last := o.last(n, f); last != nil && last.call.Errno == event.ERESTART {
			cost = 4 // the signal was there before
		}
	case t < low:
		cost = math.Min(15, 1.5*math.Log1p(float64(low-t)/50_000))
	case t > high:
		cost = late(t, high)
	}
	return t, cost + o.sense(n, f, l)
}
