package strace

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"
	"time"

	"finwait/analyzer/event"
)

// Options say how a log is read.
type Options struct {
	Path string // as the user gave it, for positions in problems
	PID  int32  // the thread whose calls the file holds (-ff); 0: the lines say
	Jobs int    // stretches read at once; 0: two

	part    bool   // one of many files
	names   *names // shared by many files; nil: made
	stretch int    // bytes scanned at a time; 0: stretchSize, for tests
}

// stretchSize is how much of a log is scanned at a time. Each stretch begins
// at the beginning of a line, and its size does not depend on Options.Jobs, so
// the result does not either.
const stretchSize = 1 << 20

// longLine is how much is kept of a line that is longer than a stretch: its
// beginning, which names the call, and its end, which holds the result.
const longLine = 64 << 10

// Reader reads one strace log.
type Reader struct {
	src   io.Reader
	opts  Options
	names *names
	form  form

	started bool
	told    bool // the first batch was handed on
	err     error
	order   chan *stretch // stretches in the order of the log
	free    chan *stretch
	stop    chan struct{}
	stopped bool

	lines   uint32
	base    int64 // sum of the differences of earlier stretches (-r), nanoseconds
	day     event.Time
	lastDay event.Time
	carried halves   // first halves that no stretch so far has completed
	again   *scanner // joins halves of different stretches
	last    lastCalls
	counts  [256]int64
	tally   tally
	input   event.Input
	clock   timed
	tids    map[int32]struct{}
	restart uint32 // first line at which the clock stepped back by more than a second
	steps   int64
	rate    float64 // calls a second, in the busiest stretch
}

// stretch is a part of the log on its way through a worker.
type stretch struct {
	text []byte
	scan *scanner
	err  error         // of the source, behind the text
	done chan struct{} // receives one value when it is scanned
}

// lastCalls are the descriptors that threads used last, to guess the one of a
// call whose first half is missing. A thread may push another one out: then
// nothing is guessed.
type lastCalls []struct{ tid, fd int32 }

// NewReader returns a reader of the log in r. Reading begins with the first Next.
func NewReader(r io.Reader, opts Options) *Reader {
	if opts.Jobs <= 0 {
		opts.Jobs = 2
	}
	if opts.names == nil {
		opts.names = newNames()
	}
	threads := 1 << 12
	if opts.PID != 0 {
		threads = 1
	}
	return &Reader{
		src: r, opts: opts, names: opts.names, last: make(lastCalls, threads), tids: map[int32]struct{}{},
		stop: make(chan struct{}), lastDay: event.NoTime,
		input: event.Input{Path: opts.Path, Kind: "strace", Start: event.NoTime, End: event.NoTime},
	}
}

// Next fills b with the next run of calls. At the end of the log it returns
// io.EOF; any other error is one of the source, behind which nothing is read.
func (r *Reader) Next(b *event.CallBatch) error {
	if !r.started {
		r.start()
	}
	for {
		st, ok := <-r.order
		if !ok {
			if r.err != nil {
				return r.err
			}
			return io.EOF
		}
		<-st.done
		if st.err != nil && st.err != io.EOF {
			r.err = st.err
		}
		r.collect(st)
		*b, st.scan.out = st.scan.out, *b
		st.scan.out.Reset()
		if !r.told && r.form.closes && len(b.Calls) > 0 && !r.opts.part {
			b.Calls = slices.Insert(b.Calls, 0, event.Call{Kind: event.CallClosesShown, FD: event.NoFD, FD2: event.NoFD, At: event.NoTime, End: event.NoTime})
		}
		r.told = r.told || len(b.Calls) > 0
		r.free <- st
		if len(b.Calls) > 0 {
			return nil
		}
	}
}

// Close ends the reading. It is needed only when Next was not called until its
// end.
func (r *Reader) Close() {
	if !r.stopped {
		r.stopped = true
		close(r.stop)
	}
}

// start looks at the beginning of the log and sets the workers going.
func (r *Reader) start() {
	r.started = true
	feed := &feeder{src: r.src, size: stretchSize}
	if r.opts.part {
		feed.size = partStretch
	}
	if r.opts.stretch > 0 {
		feed.size = r.opts.stretch
	}
	first := feed.next(nil)
	r.form = detect(first, r.names)
	r.form.single = r.opts.PID != 0
	r.form.full = r.opts.part && r.form.clock != timedAbsolute && r.form.clock != timedDay
	r.again = newScanner(&r.form, r.names)
	jobs := r.opts.Jobs
	if r.form.sequential {
		jobs = 1
	}
	r.order = make(chan *stretch, jobs+1)
	r.free = make(chan *stretch, jobs+2)
	work := make(chan *stretch, jobs)
	stretches := jobs + 2
	if r.form.sequential {
		stretches = 1 // the scanner's state goes on from one to the next
	}
	for range stretches {
		r.free <- &stretch{done: make(chan struct{}, 1), scan: newScanner(&r.form, r.names)}
	}
	var group sync.WaitGroup
	for range jobs {
		group.Go(func() { r.work(work) })
	}
	go r.feed(feed, first, work)
}

// feed cuts the log into stretches.
func (r *Reader) feed(feed *feeder, first []byte, work chan<- *stretch) {
	defer close(r.order)
	defer close(work)
	for {
		var st *stretch
		select {
		case st = <-r.free:
		case <-r.stop:
			return
		}
		if first != nil {
			st.text, first = first, nil
		} else {
			st.text = feed.next(st.text[:0])
		}
		if len(st.text) == 0 && feed.err == nil {
			feed.err = io.ErrNoProgress
		}
		st.err = feed.err
		end := feed.err != nil
		r.order <- st
		work <- st
		if end {
			return
		}
	}
}

// work scans stretches.
func (r *Reader) work(work <-chan *stretch) {
	for st := range work {
		s := st.scan
		if r.form.sequential {
			s.continued()
		} else {
			s.reset()
		}
		s.chunk(st.text)
		if st.err != nil {
			s.flush()
		}
		if !r.form.sequential || st.err != nil {
			s.release()
		}
		st.done <- struct{}{}
	}
}

// collect takes over what a stretch found, puts the line numbers and the times
// of its calls right, and joins the halves that it could not join.
func (r *Reader) collect(st *stretch) {
	s := st.scan
	r.input.Bytes += int64(len(st.text))
	if s.timed != timedNone && (r.clock == timedNone || r.clock == timedDelta) {
		r.clock = s.timed
	}
	if len(s.halves) > 0 {
		r.joinAcross(s)
	}
	for i := range s.out.Calls {
		r.place(&s.out.Calls[i])
	}
	if !r.form.sequential {
		r.carry(s)
	}
	calls := int64(0)
	for i, n := range s.counts {
		r.counts[i] += n
		calls += n
	}
	r.rate = max(r.rate, rateOf(calls, s.out.Calls))
	r.tally.add(&s.tally, r.lines)
	if n := len(st.text); n > 0 && st.err == io.EOF && st.text[n-1] != '\n' && s.tally.partialLine > 0 {
		r.tally.tailCut = true
	}
	r.lines += s.lines
	r.base += s.sum
	r.input.Lines = int64(r.lines)
}

// rateOf is how many calls a second a stretch holds, some of which are given; 0
// when it is too short to tell.
func rateOf(calls int64, some []event.Call) float64 {
	first, last := event.NoTime, event.NoTime
	for i := range some {
		if t := some[i].At; t.Known() {
			if !first.Known() {
				first = t
			}
			last = t
		}
	}
	d := last.Sub(first)
	if calls < 1000 || d < 50*time.Millisecond {
		return 0
	}
	return float64(calls) / d.Seconds()
}

// carry keeps the first halves that wait at the end of a stretch.
func (r *Reader) carry(s *scanner) {
	s.pending.each(func(h *half) {
		old := r.carried.put(h.tid)
		old.active, old.id, old.timed, old.line = true, h.id, h.timed, h.line+r.lines
		old.at = h.at
		if h.timed == timedDelta && h.at.Known() {
			old.at += event.Time(r.base)
		}
		old.text = append(old.text[:0], h.text...)
	})
}

// joinAcross completes the calls whose first half lies in an earlier stretch.
func (r *Reader) joinAcross(s *scanner) {
	var drop []int
	for _, sp := range s.halves {
		if !r.joinOne(s, &sp) {
			drop = append(drop, sp.index)
		}
	}
	s.out.Calls = without(s.out.Calls, drop)
}

// joinOne completes one call, and reports whether it matters.
func (r *Reader) joinOne(s *scanner, sp *split) bool {
	j := r.again
	j.out.Reset()
	old := &s.out.Calls[sp.index]
	j.last = prefix{pid: old.TID}
	j.lines = old.EndLine
	c := j.start(sp.id, old.At, old.Line)
	*c = *old
	var t tail
	t.read(sp.text)
	h := r.carried.get(c.TID)
	if h == nil || h.id != sp.id {
		if h = r.carried.get(0); h != nil && h.id != sp.id {
			h = nil
		}
	}
	if h == nil {
		j.lost(c, sp.id, sp.text, &t)
		s.tally.orphans, s.tally.orphanAt = s.tally.orphans+j.tally.orphans, old.EndLine
		j.tally = tally{}
	} else if t.kind == tailDone {
		c.Phase, c.Line, c.At = event.PhaseExit, h.line-r.lines, h.at // wraps back when lines are placed
		if h.timed == timedDelta && h.at.Known() {
			c.At -= event.Time(r.base)
		}
		j.scratch = joinHalves(j.scratch[:0], h.text, sp.text[:t.args])
		j.finish(c, &systems[sp.id], j.scratch, &t)
		h.done()
	}
	if len(j.out.Calls) == 0 {
		return false
	}
	got := j.out.Calls[0]
	got.Data = append([]byte(nil), got.Data...)
	got.FDs = append([]int32(nil), got.FDs...)
	*old = got
	return true
}

// without removes the calls at the given rising indices.
func without(calls []event.Call, drop []int) []event.Call {
	if len(drop) == 0 {
		return calls
	}
	kept := calls[:drop[0]]
	for i, from := range drop {
		to := len(calls)
		if i+1 < len(drop) {
			to = drop[i+1]
		}
		kept = append(kept, calls[from+1:to]...)
	}
	return kept
}

// place puts a call's lines and times right, which a stretch counts from its
// own beginning.
func (r *Reader) place(c *event.Call) {
	c.Line += r.lines
	c.EndLine += r.lines
	if r.opts.PID != 0 {
		c.TID = r.opts.PID
	}
	if len(r.tids) < 2 {
		r.tids[c.TID] = struct{}{}
	}
	r.guessFD(c)
	if r.clock == timedDelta {
		c.At, c.End = c.At.Add(time.Duration(r.base)), c.End.Add(time.Duration(r.base))
	}
	if r.clock == timedDay {
		r.midnight(c)
	}
	now := c.End
	if c.Phase == event.PhaseWhole || c.Phase == event.PhaseEnter {
		now = c.At
	}
	if !now.Known() {
		return
	}
	if r.input.End.Known() && now < r.input.End.Add(-time.Second) {
		if r.steps++; r.restart == 0 {
			r.restart = c.EndLine
		}
	}
	if !r.input.Start.Known() {
		r.input.Start = now
	}
	if r.input.End = max(r.input.End, now); now < r.input.Start {
		r.input.Start = now
	}
}

// midnight adds the days that a time of day lacks. A step back of most of a
// day is midnight; a small one is a clock that was set.
func (r *Reader) midnight(c *event.Call) {
	const day = event.Time(24 * time.Hour)
	now := c.End
	if c.Phase == event.PhaseWhole || c.Phase == event.PhaseEnter || !now.Known() {
		now = c.At
	}
	if !now.Known() {
		return
	}
	spans := c.At.Known() && c.End.Known() && c.At > c.End+day/2
	if r.lastDay.Known() && now+day/2 < r.lastDay || !r.lastDay.Known() && spans {
		r.day += day
	} else if r.lastDay.Known() && now > r.lastDay+day/2 && r.day > 0 {
		// A line that was written late, from before midnight.
		c.At, c.End = c.At.Add(time.Duration(r.day-day)), c.End.Add(time.Duration(r.day-day))
		return
	}
	r.lastDay = now
	if spans {
		c.At -= day
	}
	c.At, c.End = c.At.Add(time.Duration(r.day)), c.End.Add(time.Duration(r.day))
}

// guessFD gives a call without its first half the descriptor that its thread
// used last, and remembers that one.
func (r *Reader) guessFD(c *event.Call) {
	switch c.Kind {
	case event.CallRead, event.CallWrite, event.CallSetOption, event.CallGetOption, event.CallSockname, event.CallPeername, event.CallConnect, event.CallEpollAdd:
	default:
		return
	}
	fd := c.FD
	if c.Kind == event.CallEpollAdd {
		fd = c.FD2
	}
	last := &r.last[uint32(c.TID)%uint32(len(r.last))]
	if fd >= 0 {
		last.tid, last.fd = c.TID, fd
		return
	}
	if last.tid == c.TID && last.fd > 0 && c.Kind == event.CallSockname {
		c.FD = last.fd
		c.Flags |= event.FDGuessed
	}
}

// Input returns what the log was, as far as it has been read.
func (r *Reader) Input() event.Input { return r.input }

// Problems returns what could not be read, after the last Next.
func (r *Reader) Problems() []event.Problem {
	var out []event.Problem
	add := func(id string, n int64, line uint32, damage bool, format string, args ...any) {
		if n > 0 {
			out = append(out, event.Problem{ID: id, Count: n, Text: fmt.Sprintf(format, args...), Where: r.where(line), Damage: damage})
		}
	}
	t := &r.tally
	add("foreign-lines", t.foreign, t.foreignAt, false, "lines that strace did not write, such as %q", t.foreignText)
	add("half-calls", t.orphans, t.orphanAt, false, "calls of which only the second half is in the log; their arguments are unknown")
	partial := t.partialLine
	if t.tailCut {
		partial--
		add("cut-file", 1, r.lines, true, "the last line is cut short")
	}
	add("cut-lines", partial, t.partialAt, false, "calls whose line ends before their result")
	add("clock-steps", r.steps, r.restart, false, "the clock went back by more than a second")
	sort.SliceStable(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

func (r *Reader) where(line uint32) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf("%s: line %d", r.opts.Path, line)
}
