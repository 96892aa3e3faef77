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

// window says between which times file f may print its next line, by what its
// last line began.
func (o *orderer) window(n *order, f int) (low, high int64) {
	if n.pos[f] == 0 {
		if n.free[f] == never {
			return never, never
		}
		return n.free[f], n.free[f] + 4*quickMost
	}
	last := o.last(n, f)
	entry := n.entry[f]
	if last == nil {
		return entry + quickLeast, entry + quickMost
	}
	c := &last.call
	if c.Errno == event.ERESTART {
		return n.free[f], n.free[f] + 2*quickMost
	}
	if c.Flags&event.FailedUnknown != 0 {
		return entry, never // until its process ends
	}
	switch c.Name {
	case "futex", "futex_time64":
		if c.FD2 == futexWait && c.Errno == 0 && c.Flags&event.FailedUnknown == 0 {
			return n.free[f], n.free[f] + 2*quickMost
		}
		if c.Errno == event.ETIMEDOUT && c.Timeout > 0 {
			return entry + int64(c.Timeout) - quickMost, entry + int64(c.Timeout) + expireMost
		}
	case "nanosleep", "clock_nanosleep":
		if c.Ret == 0 && c.Timeout > 0 && c.Timeout < time.Hour {
			return entry + int64(c.Timeout), entry + int64(c.Timeout) + 2*quickMost
		}
	case "wait4", "waitid", "pause", "rt_sigtimedwait", "rt_sigsuspend":
		return entry + quickLeast, never
	}
	switch c.Kind {
	case event.CallEpollWait, event.CallPoll:
		switch {
		case c.Timeout == 0:
		case c.Ret == 0 && c.Timeout > 0:
			return entry + int64(c.Timeout), entry + int64(c.Timeout) + expireMost
		case c.Timeout > 0:
			return entry + quickLeast, entry + int64(c.Timeout) + expireMost
		default:
			return entry + quickLeast, never
		}
	case event.CallRead, event.CallAccept, event.CallConnect, event.CallWrite:
		if c.Errno != event.EAGAIN && c.Errno != event.EINPROGRESS {
			return entry + quickLeast, entry + 8*quickMost
		}
	}
	return entry + quickLeast, entry + quickMost
}

// last returns the last line of file f in n; nil when it has been handed on.
func (o *orderer) last(n *order, f int) *stepLine {
	i := int(n.pos[f] - 1 - o.base[f])
	if i < 0 {
		if i == -1 {
			return &o.handed[f]
		}
		return nil
	}
	return &o.lines[f][i]
}

// What a futex call does, in Call.FD2 of a line that is to be put in order.
const (
	futexWait = 1
	futexWake = 2
)

// sense says how badly l fits what came before, apart from time.
func (o *orderer) sense(n *order, f int, l *stepLine) float64 {
	c := &l.call
	cost := 0.0
	if n.over != 0 && c.Kind == event.CallNone && n.over&(1<<(max(o.tableOf[f], 0)&63)) != 0 {
		return 12 // its process has exited
	}
	if c.FD2 == futexWake && c.Kind == event.CallNone {
		waiting := o.waiter(n, c.Inode) >= 0
		switch {
		case c.Ret > 0 && !waiting:
			cost += 2
		case c.Ret == 0 && waiting:
			cost += 2
		}
		return cost
	}
	if c.Name == "SIGURG" && c.Flags&event.SharesThread != 0 && n.kills[f] == 0 {
		cost += 5 // tgkill comes first
	}
	cost += o.events(n, f, c)
	table := max(o.tableOf[f], 0)
	if n.over&(1<<(table&63)) != 0 && c.Kind != event.CallGone {
		cost += 12
	}
	if c.Kind == event.CallGone && n.over&(1<<(table&63)) == 0 {
		if last := o.last(n, f); last != nil && last.call.Kind != event.CallExit {
			cost += 8 // its process has not exited yet
		}
	}
	has := func(fd int32) bool { return n.bits[table][fd>>6]&(1<<(fd&63)) != 0 }
	ever := func(fd int32) bool { return n.ever[table][fd>>6]&(1<<(fd&63)) != 0 }
	switch c.Kind {
	case event.CallSocket, event.CallOpen, event.CallAccept, event.CallEpollOpen, event.CallDup:
		if c.Ret < 3 || c.Ret >= 256 || c.Errno != 0 {
			return cost
		}
		if has(int32(c.Ret)) {
			cost += 12
		}
		// The kernel gives out the lowest number that is free.
		for fd := int32(3); fd < int32(c.Ret) && c.Kind != event.CallDup; fd++ {
			if !has(fd) {
				cost += 1
				if ever(fd) {
					cost += 6
				}
				break
			}
		}
		return cost
	case event.CallNone:
		return cost
	}
	if c.FD >= 3 && c.FD < 256 && c.Errno != event.EBADF {
		switch {
		case has(c.FD):
		case ever(c.FD):
			cost += 12
		default:
			cost += 3
		}
	}
	return cost
}

// waiter returns the file that waits longest for the futex at addr; -1 none.
func (o *orderer) waiter(n *order, addr uint64) int {
	found := -1
	for f := range n.pos {
		if n.free[f] != never || n.pos[f] == 0 {
			continue
		}
		last := o.last(n, f)
		if last != nil && last.call.Inode == addr && last.call.FD2 == futexWait && last.call.Kind == event.CallNone {
			if found < 0 || n.since[f] < n.since[found] {
				found = f
			}
		}
	}
	return found
}

// extend makes the order that a candidate stands for.
func (o *orderer) extend(c candidate) *order {
	n := c.from
	l := o.line(c.file, n.pos[c.file])
	m := &order{
		before: n, file: int32(c.file), depth: o.depth, t: c.t, cost: c.cost,
		pos: slices.Clone(n.pos), entry: slices.Clone(n.entry), free: slices.Clone(n.free), since: slices.Clone(n.since),
		bits: n.bits, ever: n.ever, early: n.early,
		kills: n.kills, watch: n.watch, over: n.over,
	}
	o.returned(m, c.file)
	m.pos[c.file]++
	m.entry[c.file] = c.t
	m.free[c.file] = 0
	call := &l.call
	switch {
	case call.FD2 == futexWait && call.Kind == event.CallNone && call.Errno == 0 && call.Flags&event.FailedUnknown == 0:
		m.free[c.file], m.since[c.file] = never, o.depth
		m.woken(c.file, call.Inode, c.t)
	case call.Errno == event.ERESTART:
		m.free[c.file], m.since[c.file] = never, o.depth
	case call.Kind == event.CallThreads:
		o.signal(m, call, c.t)
	case call.Kind == event.CallExitGroup:
		m.over |= 1 << (max(o.tableOf[c.file], 0) & 63)
	case call.Name == "SIGURG" && m.kills[c.file] > 0:
		m.kills = slices.Clone(m.kills)
		m.kills[c.file]--
	case call.FD2 == futexWake && call.Kind == event.CallNone:
		for k := int64(0); k < min(call.Ret, 64); k++ {
			w := o.waiter(m, call.Inode)
			if w < 0 {
				m.early = append(slices.Clip(m.early[max(0, len(m.early)-7):]), wake{call.Inode, c.t})
				break
			}
			m.free[w] = c.t
		}
	case call.Kind == event.CallClone && call.Ret > 0:
		o.born(m, c.file, call, c.t)
	default:
		o.descriptors(m, c.file, call)
		m.watched(call)
	}
	return m
}

// woken releases a waiter at once whose wake was printed shortly before.
func (n *order) woken(f int, addr uint64, t int64) {
	for i, w := range n.early {
		if w.addr == addr && t-w.t < wakeLag {
			n.free[f] = t
			n.early = slices.Delete(slices.Clone(n.early), i, i+1)
			return
		}
	}
}

// signal releases the thread that a tgkill interrupts.
func (o *orderer) signal(m *order, c *event.Call, t int64) {
	f, ok := o.files[c.FD2]
	if !ok {
		return
	}
	m.kills = slices.Clone(m.kills)
	m.kills[f]++
	if m.free[f] != never || m.pos[f] == 0 {
		return
	}
	if last := o.last(m, f); last != nil && last.call.Errno == event.ERESTART {
		m.free[f] = t
	}
}

// born lets a child begin.
func (o *orderer) born(m *order, parent int, c *event.Call, t int64) {
	child, ok := o.files[int32(c.Ret)]
	if !ok || m.pos[child] != 0 {
		return
	}
	m.free[child] = t
	if o.tableOf[child] >= 0 {
		return
	}
	table := max(o.tableOf[parent], 0)
	if c.Flags&(event.SharesFiles|event.FlagsUnknown) != 0 || len(m.bits) >= 64 {
		o.tableOf[child] = table
		return
	}
	o.tableOf[child] = len(m.bits)
	m.bits = append(slices.Clone(m.bits), m.bits[table])
	m.ever = append(slices.Clone(m.ever), m.ever[table])
}

// events says how badly a call fits what epoll has told: a read that follows
// one which would have blocked, or the question how connect ended, comes after
// an event of the descriptor, and an event after it is watched.
func (o *orderer) events(n *order, f int, c *event.Call) float64 {
	cost := 0.0
	var news []int32
	if last := o.last(n, f); last != nil && last.call.Kind == event.CallEpollWait && last.call.Ret > 0 {
		news = last.call.FDs
		for _, token := range news {
			if !slices.ContainsFunc(n.watch, func(w watch) bool { return w.token == token }) && len(n.watch) > 0 {
				cost += 3
			}
		}
	}
	if c.Kind == event.CallRead && c.Errno == 0 || c.Kind == event.CallGetOption && c.Option == event.OptionError {
		for _, w := range n.watch {
			if w.fd == c.FD && w.dry && !slices.Contains(news, w.token) {
				cost += 5
			}
		}
	}
	return cost
}

// returned notes the events that the wait brought which the file's next line
// shows to have ended.
func (o *orderer) returned(m *order, f int) {
	last := o.last(m, f)
	if last == nil || last.call.Kind != event.CallEpollWait || last.call.Ret <= 0 {
		return
	}
	for i := range m.watch {
		if m.watch[i].dry && slices.Contains(last.call.FDs, m.watch[i].token) {
			m.watch = slices.Clone(m.watch)
			m.watch[i].dry = false
		}
	}
}

// watched notes what epoll watches, and which descriptors wait for an event.
func (m *order) watched(c *event.Call) {
	at := func(fd int32) int { return slices.IndexFunc(m.watch, func(w watch) bool { return w.fd == fd }) }
	switch {
	case c.Kind == event.CallEpollAdd && c.Errno == 0 && c.Inode != 0 && len(m.watch) < 256:
		w := watch{token: int32(c.Inode), fd: c.FD2, dry: true}
		if i := at(c.FD2); i >= 0 {
			m.watch = slices.Delete(slices.Clone(m.watch), i, i+1)
		}
		m.watch = append(slices.Clip(m.watch), w)
	case c.Kind == event.CallEpollDel || c.Kind == event.CallClose:
		fd := c.FD
		if c.Kind == event.CallEpollDel {
			fd = c.FD2
		}
		if i := at(fd); i >= 0 {
			m.watch = slices.Delete(slices.Clone(m.watch), i, i+1)
		}
	case c.Kind == event.CallRead && c.Errno == event.EAGAIN:
		if i := at(c.FD); i >= 0 {
			m.watch = slices.Clone(m.watch)
			m.watch[i].dry = true
		}
	}
}

// descriptors notes what a call opens and closes.
func (o *orderer) descriptors(m *order, f int, c *event.Call) {
	table := max(o.tableOf[f], 0)
	for table >= len(m.bits) {
		// Another order met the clone first; this one makes up for it.
		m.bits = append(slices.Clone(m.bits), m.bits[0])
		m.ever = append(slices.Clone(m.ever), m.ever[0])
	}
	set := func(fd int64) {
		if fd < 3 || fd >= 256 {
			return
		}
		m.bits, m.ever = slices.Clone(m.bits), slices.Clone(m.ever)
		m.bits[table][fd>>6] |= 1 << (fd & 63)
		m.ever[table][fd>>6] |= 1 << (fd & 63)
	}
	switch c.Kind {
	case event.CallSocket, event.CallOpen, event.CallAccept, event.CallEpollOpen, event.CallDup, event.CallDupTo:
		if c.Errno == 0 && c.Flags&event.FailedUnknown == 0 {
			set(c.Ret)
		}
	case event.CallSocketpair, event.CallOpenTwo:
		for _, fd := range c.FDs {
			set(int64(fd))
		}
	case event.CallClose:
		if c.FD >= 3 && c.FD < 256 && c.Errno == 0 {
			m.bits = slices.Clone(m.bits)
			m.bits[table][c.FD>>6] &^= 1 << (c.FD & 63)
		}
	}
}
