package strace

import (
	"container/heap"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	"finwait/analyzer/event"
)

// Part is one file of strace -ff, which holds the calls of one thread.
type Part struct {
	Reader io.Reader
	Path   string
	PID    int32 // the thread, from the end of the file's name; 0: the lines say
}

// PartPID returns the thread that a file of strace -ff is of, by its name's
// end (FILE.1234), and 0 when the name has none.
func PartPID(path string) int32 {
	i := strings.LastIndexByte(path, '.')
	n, err := strconv.Atoi(path[i+1:])
	if err != nil || n <= 0 || n > 1<<22 {
		return 0
	}
	return int32(n)
}

// partStretch is how much of each file is read at a time: there may be
// thousands of them.
const partStretch = 128 << 10

// Merged reads the files of one strace -ff as one log. With times in the lines
// the calls are put in the order in which they took effect: what a call opens
// counts from its end, what it closes or sends from its beginning. Lines keep
// the number in their own file.
type Merged struct {
	parts   []*part
	queue   partHeap
	started bool
	timed   bool
	err     error

	// Files without absolute times are put in order first.
	orderer *orderer
	names   *names
	ended   bool
	waiting []event.Call // the last call of each file, until its next line shows that it ended
	known   []bool       // waiting holds one
}

// part is one file on its way into the merge.
type part struct {
	reader *Reader
	batch  event.CallBatch
	at     int // of the next call in batch
	index  int
	second bool       // the beginning of the next call has been handed on
	when   event.Time // of what comes next
	last   event.Time
}

// Merge returns a reader of the files of one strace -ff.
func Merge(parts []Part, opts Options) *Merged {
	m := &Merged{names: newNames()}
	sorted := append([]Part(nil), parts...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].PID < sorted[j].PID })
	for i, p := range sorted {
		o := opts
		o.Path, o.PID, o.Jobs, o.part, o.names = p.Path, p.PID, 1, true, m.names
		m.parts = append(m.parts, &part{reader: NewReader(p.Reader, o), index: i, last: event.NoTime})
	}
	return m
}

// Next fills b with the next run of calls; io.EOF at the end.
func (m *Merged) Next(b *event.CallBatch) error {
	if !m.started {
		m.start()
	}
	b.Reset()
	if m.orderer != nil {
		return m.ordered(b)
	}
	for len(b.Calls) < 4096 && len(m.queue) > 0 {
		p := m.queue[0]
		m.take(p, b)
		if !m.ready(p) {
			heap.Pop(&m.queue)
		} else {
			heap.Fix(&m.queue, 0)
		}
	}
	if len(b.Calls) > 0 {
		return nil
	}
	if m.err != nil {
		return m.err
	}
	return io.EOF
}

// start reads the beginning of every file.
func (m *Merged) start() {
	m.started = true
	for _, p := range m.parts {
		if m.fill(p) {
			m.queue = append(m.queue, p)
		}
		if c := p.reader.clock; c == timedAbsolute || c == timedDay {
			m.timed = true
		}
	}
	if !m.timed && len(m.queue) > 1 {
		m.order()
		return
	}
	for _, p := range m.queue {
		m.ready(p)
	}
	heap.Init(&m.queue)
}

// order prepares to put lines without absolute times in order.
func (m *Merged) order() {
	m.waiting, m.known = make([]event.Call, len(m.parts)), make([]bool, len(m.parts))
	clock := false
	pids := make([]int32, len(m.parts))
	for i, p := range m.parts {
		pids[i] = p.reader.opts.PID
		clock = clock || p.reader.clock == timedDelta
	}
	m.orderer = newOrderer(pids, clock, m.lines)
	first := 0
	for i, p := range m.parts {
		if len(p.batch.Calls) > 0 && p.batch.Calls[0].Kind == event.CallExec {
			first = i
			break
		}
	}
	m.orderer.begin(first)
}

// lines reads more lines of a file for the orderer.
func (m *Merged) lines(file int) bool {
	p := m.parts[file]
	if p.at >= len(p.batch.Calls) && !m.fill(p) {
		return false
	}
	for ; p.at < len(p.batch.Calls); p.at++ {
		c := p.batch.Calls[p.at]
		l := stepLine{call: c, delta: -1}
		if c.At.Known() {
			l.delta = int64(c.At)
			if p.last.Known() {
				l.delta = int64(c.At - p.last)
			}
			p.last = c.At
		}
		l.call.Data, l.call.FDs = nil, nil
		if len(c.Data) > 0 {
			l.call.Data = append([]byte(nil), c.Data...)
		}
		if len(c.FDs) > 0 {
			l.call.FDs = append([]int32(nil), c.FDs...)
		}
		m.orderer.lines[file] = append(m.orderer.lines[file], l)
	}
	return true
}

// ordered fills b with calls in the order that was found.
func (m *Merged) ordered(b *event.CallBatch) error {
	for !m.ended && len(b.Calls) < 256 {
		m.ended = !m.orderer.run(func(file int, l *stepLine, t int64) { m.place(b, file, l, t) })
	}
	if m.ended {
		for f := range m.waiting {
			m.finish(b, f, event.NoTime)
		}
	}
	if len(b.Calls) > 0 {
		return nil
	}
	if m.err != nil {
		return m.err
	}
	return io.EOF
}

// place hands on the beginning of a line's call, and the end of the call that
// the thread made before.
func (m *Merged) place(b *event.CallBatch, file int, l *stepLine, t int64) {
	at := event.NoTime
	if m.orderer.clock {
		at = event.Time(t)
	}
	m.finish(b, file, at)
	c := l.call
	c.At, c.End = at, event.NoTime
	sys := &systems[m.names.find([]byte(c.Name))]
	if c.Kind == event.CallNone || c.Name != "" && sys.kind != event.CallNone && (dull(&c, sys) || idle(&c)) {
		return
	}
	if c.Phase != event.PhaseWhole || c.Name == "" || c.Kind == event.CallSignal {
		b.Calls = append(b.Calls, c)
		return
	}
	if splits(&c) {
		c.Phase = event.PhaseEnter
		b.Calls = append(b.Calls, c)
	}
	m.waiting[file], m.known[file] = c, true
}

// finish hands on the end of a file's last call.
func (m *Merged) finish(b *event.CallBatch, file int, at event.Time) {
	if !m.known[file] {
		return
	}
	m.known[file] = false
	c := m.waiting[file]
	c.Phase, c.End = event.PhaseExit, at
	b.Calls = append(b.Calls, c)
}

// fill reads the next calls of a file.
func (m *Merged) fill(p *part) bool {
	for {
		err := p.reader.Next(&p.batch)
		p.at = 0
		if err != nil {
			if err != io.EOF && m.err == nil {
				m.err = err
			}
			return false
		}
		if len(p.batch.Calls) > 0 {
			return true
		}
	}
}

// ready finds out when the next event of a file is, and false at its end.
func (m *Merged) ready(p *part) bool {
	if p.at >= len(p.batch.Calls) && !m.fill(p) {
		return false
	}
	c := &p.batch.Calls[p.at]
	p.when = c.At
	if p.second || c.Phase != event.PhaseWhole || !splits(c) {
		p.when = ended(c)
	}
	if !p.when.Known() {
		p.when = p.last
	}
	p.when = max(p.when, p.last)
	p.last = p.when
	return true
}

// splits reports whether the beginning of a call is an event of its own.
func splits(c *event.Call) bool {
	switch c.Kind {
	case event.CallConnect, event.CallShutdown, event.CallWrite, event.CallClose, event.CallCloseRange, event.CallDupTo, event.CallClone:
		return true
	}
	return false
}

// ended returns when a call took effect.
func ended(c *event.Call) event.Time {
	if c.End.Known() {
		return c.End
	}
	if c.Kind == event.CallEpollWait || c.Kind == event.CallPoll || c.Kind == event.CallSleep {
		return c.At.Add(max(c.Timeout, 0))
	}
	return c.At.Add(time.Microsecond)
}

// take hands on the next event of a file.
func (m *Merged) take(p *part, b *event.CallBatch) {
	c := p.batch.Calls[p.at]
	switch {
	case c.Phase != event.PhaseWhole || !m.timed:
		p.at++
	case splits(&c) && !p.second:
		c.Phase, p.second = event.PhaseEnter, true
	case splits(&c):
		c.Phase, p.second = event.PhaseExit, false
		p.at++
	default:
		p.at++
	}
	if n := len(c.Data); n > 0 {
		b.Data = append(b.Data, c.Data...)
		c.Data = b.Data[len(b.Data)-n : len(b.Data) : len(b.Data)]
	}
	if n := len(c.FDs); n > 0 {
		b.FDs = append(b.FDs, c.FDs...)
		c.FDs = b.FDs[len(b.FDs)-n : len(b.FDs) : len(b.FDs)]
	}
	b.Calls = append(b.Calls, c)
}

// Close ends the reading before its end.
func (m *Merged) Close() {
	for _, p := range m.parts {
		p.reader.Close()
	}
}

// Trace returns what the files turned out to be together.
func (m *Merged) Trace() event.Trace {
	var all event.Trace
	counts := map[string]int64{}
	for i, p := range m.parts {
		t := p.reader.Trace()
		for _, c := range t.Calls {
			counts[c.Name] += c.Count
		}
		if i == 0 || all.Clock == event.ClockNone {
			lines, foreign := all.Lines, all.Foreign
			all, all.Lines, all.Foreign = t, lines, foreign
		}
		all.Lines += t.Lines
		all.Foreign += t.Foreign
		all.Durations = all.Durations || t.Durations
		all.Paths, all.Addresses = all.Paths || t.Paths, all.Addresses || t.Addresses
		all.Cut = max(all.Cut, t.Cut)
		all.Tail = all.Tail || t.Tail
	}
	all.Rate = m.rate(all.Resolution, counts)
	all.Separate, all.Follow, all.Inferred = true, true, m.orderer != nil
	all.Calls = all.Calls[:0:0]
	for name, n := range counts {
		all.Calls = append(all.Calls, event.CallCount{Name: name, Count: n})
	}
	sort.Slice(all.Calls, func(i, j int) bool { return all.Calls[i].Name < all.Calls[j].Name })
	all.Attached = counts["execve"] == 0
	return all
}

// rate is how many calls a second all files hold together, on average.
func (m *Merged) rate(resolution time.Duration, counts map[string]int64) float64 {
	first, last := event.NoTime, event.NoTime
	for _, p := range m.parts {
		in := p.reader.Input()
		if in.Start.Known() && (!first.Known() || in.Start < first) {
			first = in.Start
		}
		last = max(last, in.End)
	}
	calls := int64(0)
	for _, n := range counts {
		calls += n
	}
	d := last.Sub(first)
	if calls < 1000 || d < 50*time.Millisecond || resolution == 0 || resolution >= time.Second {
		return 0
	}
	return float64(calls) / d.Seconds()
}

// Problems returns what could not be read, of all files.
func (m *Merged) Problems() []event.Problem {
	var out []event.Problem
	if m.orderer != nil {
		text := "the files have differences of time only (-r): how their lines interleave was inferred, and may be wrong by a few calls"
		if !m.orderer.clock {
			text = "the files have no times: how their lines interleave was inferred, and may be wrong; record with -ttt"
		}
		out = append(out, event.Problem{ID: "inferred-order", Count: int64(len(m.parts)), Text: text})
	}
	at := map[string]int{}
	for _, p := range m.parts {
		for _, problem := range p.reader.Problems() {
			if i, ok := at[problem.ID]; ok {
				out[i].Count += problem.Count
				continue
			}
			at[problem.ID] = len(out)
			out = append(out, problem)
		}
	}
	return out
}

// Inputs returns what each file was, in the order of the threads.
func (m *Merged) Inputs() []event.Input {
	var out []event.Input
	for _, p := range m.parts {
		out = append(out, p.reader.Input())
	}
	return out
}

// partHeap orders files by when their next event is.
type partHeap []*part

func (h partHeap) Len() int { return len(h) }
func (h partHeap) Less(i, j int) bool {
	if h[i].when != h[j].when {
		return h[i].when < h[j].when
	}
	return h[i].index < h[j].index
}
func (h partHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *partHeap) Push(x any)   { *h = append(*h, x.(*part)) }
func (h *partHeap) Pop() any {
	old := *h
	p := old[len(old)-1]
	*h = old[:len(old)-1]
	return p
}
