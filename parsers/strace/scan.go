package strace

import (
	"bytes"
	"time"

	"finwait/analyzer/event"
)

// shortSleep is the longest sleep that is dropped. Go's monitor thread sleeps
// 20 us at a time and fills half a log with it; no request times out so soon.
const shortSleep = time.Millisecond

// scanner turns lines into calls. It works on a stretch of a log; what it
// cannot join because the other half lies outside is left to the Reader.
type scanner struct {
	names *names
	form  *form

	out     event.CallBatch
	counts  [256]int64 // by index in systems
	lines   uint32     // read so far in this stretch
	sum     int64      // of the differences (-r), nanoseconds
	timed   timed      // the best clock seen
	last    prefix     // of the current line
	wrapper int64      // when what wraps the current line says that it was written, nanoseconds since the epoch; 0 it does not
	tally   tally

	pending  halves
	sleeping int     // pending sleeps
	halves   []split // resumed halves without their entry, by the index of their placeholder in out
	comms    map[string]string
	scratch  []byte // joined text
	held     held
	ending   int // 1 + index in out of the last call, while its end is not known

	// Memory of unwrap.
	clean, inner, normal, joined []byte
	partial                      []byte // the pieces of a line so far
	cut                          []byte // a line that the terminal's edge cut
}

// split is a resumed half whose entry lies before this stretch.
type split struct {
	index int // of its placeholder in out.Calls
	id    uint8
	text  []byte
}

// held is a call's line that ended without a result: the next line may go on
// with it.
type held struct {
	active bool
	prefix prefix
	line   uint32
	at     event.Time
	text   []byte
	comm   []byte
}

// tally counts what a stretch of a log shows about itself.
type tally struct {
	foreign      int64
	foreignAt    uint32
	foreignText  string
	orphans      int64
	orphanAt     uint32
	unfinished   int64
	resumedSpace int64 // "resumed> )", strace up to 4.26
	resumedTight int64
	oldArrow     int64 // [112->16], 4.13 to 5.10
	newArrow     int64 // [112 => 16], since 5.11
	pids         int64 // lines with a pid
	durations    int64
	beside       int64
	addresses    int64
	cutStrings   int64
	cutAt        int
	partialLine  int64
	partialAt    uint32
	tailCut      bool
	second       int64 // times of whole seconds
	fine         int64 // times with a fraction
	calls        int64
	wrapperTimes int64 // lines whose time is the wrapper's
}

func newScanner(f *form, n *names) *scanner {
	return &scanner{names: n, form: f, comms: map[string]string{}}
}

// reset prepares for another stretch.
func (s *scanner) reset() {
	s.out.Reset()
	s.lines, s.sum, s.ending, s.sleeping = 0, 0, 0, 0
	s.counts = [256]int64{}
	s.tally = tally{}
	s.halves = s.halves[:0]
	s.pending.each((*half).done)
}

// chunk reads the lines of b.
func (s *scanner) chunk(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		line := b
		if i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		s.lines++
		s.physical(line)
	}
}

// physical reads one line of the file.
func (s *scanner) physical(b []byte) {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	if !s.form.wrapped {
		s.line(b)
		return
	}
	s.wrapper = 0
	if b, ok := s.unwrap(b); ok {
		s.line(b)
	}
}

// line reads one line as strace wrote it.
func (s *scanner) line(b []byte) {
	p := &s.last
	i, ok := p.quick(b), true
	if i == 0 {
		*p = prefix{}
		i, ok = p.scan(b)
		if i >= len(b) {
			return
		}
	}
	if s.wrapper != 0 && p.timed == timedNone {
		p.timed, p.at = timedAbsolute, s.wrapper
		s.tally.wrapperTimes++
	}
	body := b[i:]
	if !ok || !s.body(b, body) {
		s.other(b)
	}
}

// now returns the line's time. In a file of one thread a call without a
// printed duration had ended by then.
func (s *scanner) now() event.Time {
	t := s.clock()
	if s.form.single && s.ending > 0 {
		if c := &s.out.Calls[s.ending-1]; !c.End.Known() {
			c.End = t
		}
		s.ending = 0
	}
	return t
}

// clock reads the line's time.
func (s *scanner) clock() event.Time {
	p := &s.last
	if p.raw != nil {
		p.settle()
	}
	switch p.timed {
	case timedNone:
		return event.NoTime
	case timedDelta:
		s.sum += p.at
		p.at = 0
		if s.timed == timedNone {
			s.timed = timedDelta
		}
		return event.Time(s.sum)
	}
	s.timed = p.timed
	if p.at%1e9 == 0 {
		s.tally.second++
	} else {
		s.tally.fine++
	}
	return event.Time(p.at)
}

// body reads what follows the prefix, and reports whether it is strace's.
func (s *scanner) body(b, body []byte) bool {
	switch c := body[0]; {
	case c == '<':
		if !starts(body, "<... ") {
			return false
		}
		s.release()
		s.resume(body[5:])
	case c == '-':
		if !starts(body, "--- ") || !ends(body, " ---") {
			return false
		}
		s.release()
		s.signal(body[4 : len(body)-4])
	case c == '+':
		if !starts(body, "+++ ") {
			return false
		}
		s.release()
		s.gone(body[4:])
	case c == '?':
		return starts(body, "???(")
	case isWord(c):
		return s.call(b, body)
	default:
		return false
	}
	if s.last.pid != 0 {
		s.tally.pids++
	}
	return true
}

// call reads "name(arguments) = result" or the first half of it.
func (s *scanner) call(b, body []byte) bool {
	id, j := s.names.until(body, '(')
	if j == 0 {
		for j < len(body) && isWord(body[j]) {
			j++
		}
		if j >= len(body) || body[j] != '(' || s.last.pid == 0 && isDigit(body[0]) {
			return false
		}
		id = s.names.find(body[:j])
	}
	s.release()
	s.counts[id]++
	if s.last.pid != 0 {
		s.tally.pids++
	}
	text := body[j+1:]
	if !s.form.full && (id == 0 || brief(id, text)) {
		s.pass()
		return true
	}
	if at := s.now(); id == 0 {
		s.plainCall(body[:j], at)
	} else {
		s.args(id, text, at)
	}
	return true
}

// pass reads the time of a line that does not matter, where that of others
// depends on it.
func (s *scanner) pass() {
	if s.form.single || s.last.timed == timedDelta {
		s.now()
	}
}

// args reads a call of interest from behind its opening bracket.
func (s *scanner) args(id uint8, text []byte, at event.Time) {
	sys := &systems[id]
	var t tail
	switch t.read(text); t.kind {
	case tailUnfinished:
		s.tally.unfinished++
		if sys.kind != event.CallFutex {
			s.begin(id, text[:t.args], at, s.lines)
		}
	case tailDetached:
		s.begin(id, text[:t.args], at, s.lines)
		s.tell(event.Call{Kind: event.CallDetached, At: at})
	case tailNone:
		s.hold(id, text, at)
	case tailDone:
		s.tally.calls++
		s.finish(s.start(id, at, s.lines), sys, text[:t.args], &t)
	}
}

// brief reports whether a call is a futex wait that did not run into its
// timeout, or a sleep too short to matter: of some logs they are the most.
func brief(id uint8, text []byte) bool {
	kind := systems[id].kind
	return kind == event.CallFutex && !timedOut(text) || kind == event.CallSleep && dozes(text)
}

// timedOut reports whether the text of a futex call ends in ETIMEDOUT. It looks
// at the end alone, since most of some logs are futex calls.
func timedOut(text []byte) bool {
	if n := len(text); n > 0 && isDigit(text[n-1]) || ends(text, "<unfinished ...>") {
		return false
	}
	if len(text) > 64 {
		text = text[len(text)-64:]
	}
	return bytes.Contains(text, []byte("ETIMEDOUT"))
}

// dozes reports whether a sleep is too short to matter, by the form in which
// strace since 4.15 prints nanosleep: less than a second and at most six
// digits of nanoseconds.
func dozes(text []byte) bool {
	const lead = "{tv_sec=0, tv_nsec="
	if len(text) < len(lead)+7 || string(text[:len(lead)]) != lead {
		return false
	}
	n := 0
	for n < 7 && isDigit(text[len(lead)+n]) {
		n++
	}
	return n < 7
}

// start makes room for a call behind those handed on, with what its line says
// about the thread. Nothing else may be handed on before emit counts it.
func (s *scanner) start(id uint8, at event.Time, line uint32) *event.Call {
	n := len(s.out.Calls)
	s.out.Calls = append(s.out.Calls, event.Call{})[:n]
	c := &s.out.Calls[:n+1][n]
	sys := &systems[id]
	c.Kind, c.Name, c.TID, c.Line, c.EndLine = sys.kind, sys.name, s.last.pid, line, s.lines
	c.At, c.End = at, event.NoTime
	c.FD, c.FD2, c.Timeout = event.NoFD, event.NoFD, event.NoTimeout
	if len(s.last.comm) > 0 {
		c.Comm = s.comm(s.last.comm)
	}
	return c
}

// emit hands on the call that start made room for.
func (s *scanner) emit() {
	s.out.Calls = s.out.Calls[:len(s.out.Calls)+1]
	s.ending = len(s.out.Calls)
}

// comm keeps one string for each name of a thread.
func (s *scanner) comm(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	c, ok := s.comms[string(b)]
	if !ok {
		c = string(b)
		if len(s.comms) < 4096 {
			s.comms[c] = c
		}
	}
	return c
}

// finish completes a call with its result and hands it on when it matters.
func (s *scanner) finish(c *event.Call, sys *system, args []byte, t *tail) {
	c.Ret, c.Errno = t.ret, t.errno
	c.Flags |= t.flags
	if t.took >= 0 {
		s.tally.durations++
		if c.Phase == event.PhaseWhole {
			c.End = c.At.Add(time.Duration(t.took))
		} else if !c.At.Known() && c.End.Known() {
			c.At = c.End.Add(-time.Duration(t.took))
		}
	}
	if !s.form.full && dull(c, sys) && !glance(c, args, t) {
		return
	}
	if s.form.full && sys.kind == event.CallFutex {
		futexArgs(c, args)
	}
	s.decode(c, sys, args)
	if s.form.full {
		s.tokens(c, args)
	}
	if len(t.info) > 0 && (c.Kind == event.CallSocket || c.Kind == event.CallAccept) {
		beside(t.info, c)
	}
	if c.What != event.DescriptorUnknown {
		s.tally.beside++
		if c.Remote.Known() {
			s.tally.addresses++
		}
	}
	if sys.shape == shapeBytes && c.Flags&event.DataCut != 0 && len(c.Data) > 0 && int64(len(c.Data)) < c.Size {
		s.tally.cutStrings++
		s.tally.cutAt = max(s.tally.cutAt, len(c.Data))
	}
	if s.form.full || !idle(c) {
		s.emit()
	}
}

// dull reports whether a call's result alone shows that it changes nothing.
func dull(c *event.Call, sys *system) bool {
	switch sys.kind {
	case event.CallOpen, event.CallOpenTwo, event.CallEpollOpen, event.CallSocketpair, event.CallSocket, event.CallDup:
		return c.Ret < 0 || c.Flags&event.FailedUnknown != 0
	case event.CallEpollWait, event.CallPoll:
		return c.Ret != 0 || c.Flags&event.FailedUnknown != 0 && c.Phase != event.PhaseExit
	case event.CallSame:
		return c.TID != 0
	}
	return false
}

// glance reports whether a call looked at one descriptor without waiting, and
// found it readable: poll with a timeout of 0 or select with one of no time.
func glance(c *event.Call, args []byte, t *tail) bool {
	if c.Kind != event.CallPoll || t.ret != 1 {
		return false
	}
	return readable(t.aux) && (ends(args, ", 0") || bytes.Contains(args, []byte("{tv_sec=0, tv_usec=0}")) || bytes.Contains(args, []byte("{tv_sec=0, tv_nsec=0}")))
}

// readable reports whether what stands behind the result of poll or select
// shows that there is something to read, or that nothing will be.
func readable(b []byte) bool {
	if starts(b, " (in [") {
		return true
	}
	i := bytes.Index(b, []byte("revents="))
	if i < 0 {
		return false
	}
	b = b[i+len("revents="):]
	if n, used := number(b); used > 0 {
		return n&(1|8|0x10|0x2000) != 0 // POLLIN, POLLERR, POLLHUP, POLLRDHUP
	}
	return bytes.Contains(b, []byte("POLLIN")) || bytes.Contains(b, []byte("HUP")) || bytes.Contains(b, []byte("POLLERR"))
}

// idle reports whether a decoded call changes nothing.
func idle(c *event.Call) bool {
	switch c.Kind {
	case event.CallNone:
		return true
	case event.CallEpollWait, event.CallPoll:
		return c.Timeout == 0 && c.Ret != 1 || c.Flags&event.FailedUnknown != 0
	case event.CallSleep:
		return c.Ret != 0 || c.Timeout < shortSleep
	case event.CallRead, event.CallWrite, event.CallTransfer:
		return c.What == event.DescriptorOther && c.Flags&event.Rights == 0
	case event.CallEpollAdd, event.CallEpollDel:
		return c.Ret < 0
	}
	return false
}

// tell hands on what strace said on the current line about its thread.
func (s *scanner) tell(c event.Call) {
	c.Line, c.EndLine = s.lines, s.lines
	c.FD, c.FD2, c.Timeout = event.NoFD, event.NoFD, event.NoTimeout
	c.TID, c.Comm, c.End = s.last.pid, s.comm(s.last.comm), event.NoTime
	s.out.Calls = append(s.out.Calls, c)
	s.ending = len(s.out.Calls)
}
