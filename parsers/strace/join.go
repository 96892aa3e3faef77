package strace

import (
	"bytes"

	"finwait/analyzer/event"
)

// maxHalf bounds the text that is kept of a call that waits for its result.
const maxHalf = 64 << 10

// begin keeps the first half of a call, and hands on its beginning when that
// matters by itself. A half that already waits for this thread lost its end:
// its result is unknown.
func (s *scanner) begin(id uint8, args []byte, at event.Time, line uint32) {
	sys := &systems[id]
	if sys.kind == event.CallSleep && bytes.IndexByte(args, '}') >= 0 && anyTimespec(args) < shortSleep {
		return
	}
	h := s.pending.put(s.last.pid)
	if len(args) > maxHalf {
		args = args[:maxHalf]
	}
	if h.active {
		s.sleeps(h.id, -1)
	}
	s.sleeps(id, 1)
	h.active, h.id, h.line, h.at, h.timed = true, id, line, at, s.last.timed
	h.text = append(h.text[:0], args...)
	if !sys.entry {
		return
	}
	c := s.start(id, at, line)
	c.Phase = event.PhaseEnter
	s.decode(c, sys, args)
	if !idle(c) {
		s.emit()
	}
}

// resume reads the second half of a call from behind "<... ".
func (s *scanner) resume(b []byte) {
	id, i := s.names.until(b, ' ')
	if i == 0 {
		if i = bytes.IndexByte(b, ' '); i < 0 {
			return
		}
		id = s.names.find(b[:i])
	}
	if !starts(b[i:], " resumed>") {
		return
	}
	rest := b[i+9:]
	if len(rest) > 0 && rest[0] == ' ' {
		s.tally.resumedSpace++
	} else {
		s.tally.resumedTight++
	}
	sys := &systems[id]
	if id == 0 || sys.kind == event.CallFutex && !timedOut(rest) || sys.kind == event.CallSleep && s.sleeping == 0 {
		s.pass() // of a short sleep no beginning was kept
		return
	}
	at := s.now()
	if sys.kind == event.CallFutex {
		s.futexResumed(id, rest, at)
		return
	}
	var t tail
	if t.read(rest); t.kind == tailNone {
		// Cut, or glued to something: the result is lost with the line.
		t.kind, t.args, t.flags = tailDone, len(rest), event.FailedUnknown
	}
	h := s.partner(id)
	if h == nil {
		s.orphan(id, rest, &t, at)
		return
	}
	if t.kind == tailDone { // else "resumed> <unfinished ...>": goes on later
		s.tally.calls++
		c := s.start(id, h.at, h.line)
		c.Phase, c.End = event.PhaseExit, at
		s.scratch = joinHalves(s.scratch[:0], h.text, rest[:t.args])
		s.finish(c, sys, s.scratch, &t)
	}
	h.done()
}

// joinHalves puts the two texts together as one line would have shown them.
func joinHalves(dst, first, second []byte) []byte {
	dst = append(dst, bytes.TrimRight(first, " ")...)
	if n := len(dst); n > 0 && dst[n-1] == ',' {
		dst = append(dst, ' ')
	}
	second = bytes.TrimLeft(second, " ")
	second = bytes.TrimPrefix(second, []byte("<unfinished ...>"))
	if len(second) > maxHalf {
		second = second[:maxHalf]
	}
	return append(dst, second...)
}

// partner takes the first half of the call that this thread resumes. Before a
// second process is traced, and after all others have gone, strace prints no
// pid, so either half may lack it.
func (s *scanner) partner(id uint8) *half {
	tid := s.last.pid
	if h := s.pending.get(tid); h != nil && h.id == id {
		return s.taken(h)
	}
	if tid != 0 {
		if h := s.pending.get(0); h != nil && h.id == id {
			s.tell(event.Call{Kind: event.CallSame, At: h.at, Ret: int64(tid)})
			return s.taken(h)
		}
		return nil
	}
	var found *half
	several := false
	s.pending.each(func(h *half) {
		if h.id == id {
			several = several || found != nil
			found = h
		}
	})
	if found == nil || several {
		return nil
	}
	return s.taken(found)
}

// taken notes that a half waits no more. Its text is valid until the next begin.
func (s *scanner) taken(h *half) *half {
	h.active = false
	s.sleeps(h.id, -1)
	return h
}

// sleeps counts the first halves of sleeps that wait: most logs have none, and
// then the ends of all short sleeps need no look-up.
func (s *scanner) sleeps(id uint8, n int) {
	if systems[id].kind == event.CallSleep {
		s.sleeping += n
	}
}

// futexResumed hands on a futex wait that timed out. Its entry is not kept:
// the other waits are most of some logs, and the timeout is weak evidence.
func (s *scanner) futexResumed(id uint8, rest []byte, at event.Time) {
	var t tail
	if t.read(rest); t.kind != tailDone {
		return
	}
	c := s.start(id, event.NoTime, s.lines)
	c.Phase, c.End = event.PhaseExit, at
	s.finish(c, &systems[id], rest[:t.args], &t)
}

// orphan leaves a placeholder for a second half whose first half is not in
// this stretch.
func (s *scanner) orphan(id uint8, rest []byte, t *tail, at event.Time) {
	if systems[id].kind == event.CallSleep {
		return // short ones are not kept either
	}
	c := s.start(id, event.NoTime, s.lines)
	c.Phase, c.End = event.PhaseLost, at
	if s.form.sequential {
		s.lost(c, id, rest, t)
		return
	}
	if len(rest) > maxHalf {
		rest = append(append([]byte(nil), rest[:maxHalf]...), rest[t.args:]...)
	} else if s.form.wrapped {
		rest = append([]byte(nil), rest...) // else it lies in the stretch
	}
	s.halves = append(s.halves, split{index: len(s.out.Calls), id: id, text: rest})
	s.emit()
}

// lost hands on a second half alone: its first half is not in the log. What
// can be read without the arguments before is read.
func (s *scanner) lost(c *event.Call, id uint8, rest []byte, t *tail) {
	if t.kind != tailDone {
		return
	}
	sys := &systems[id]
	if s.tally.orphans == 0 {
		s.tally.orphanAt = s.lines
	}
	s.tally.orphans++
	args := bytes.TrimLeft(rest[:t.args], " ")
	s.scratch = append(append(s.scratch[:0], "-1, "...), bytes.TrimPrefix(args, []byte(", "))...)
	s.finish(c, sys, s.scratch, t)
}

// hold keeps a call's line that has no result. On a terminal, strace's own
// messages and the program's output land in the middle of such a line.
func (s *scanner) hold(id uint8, text []byte, at event.Time) {
	tid, cut := attachMessage(text)
	s.held.active = true
	s.held.prefix, s.held.line, s.held.at = s.last, s.lines, at
	s.held.comm = append(s.held.comm[:0], s.last.comm...)
	s.held.prefix.comm = s.held.comm
	s.held.text = append(append(s.held.text[:0], id), text[:min(cut, maxHalf)]...)
	if tid > 0 {
		s.tell(event.Call{Kind: event.CallAttached, At: at, Ret: tid})
	}
}

// release gives up waiting for the rest of a held line: its result is unknown.
func (s *scanner) release() {
	if !s.held.active {
		return
	}
	s.held.active = false
	now := s.last
	s.last = s.held.prefix
	if s.tally.partialLine == 0 {
		s.tally.partialAt = s.held.line
	}
	s.tally.partialLine++
	s.begin(s.held.text[0], s.held.text[1:], s.held.at, s.held.line)
	s.last = now
}

// other deals with a line that is no call: the rest of a held line, a message
// of strace, or something foreign.
func (s *scanner) other(b []byte) {
	if tid, cut := attachMessage(b); cut == 0 {
		if tid > 0 {
			s.tell(event.Call{Kind: event.CallAttached, At: s.now(), Ret: tid})
		}
		return
	}
	if s.held.active && continues(b) {
		s.goOn(b)
		return
	}
	if blank(b) || noise(b) || continues(b) || s.behind(b) {
		return
	}
	if s.tally.foreign == 0 {
		s.tally.foreignAt = s.lines
		s.tally.foreignText = string(b[:min(len(b), 60)])
	}
	s.tally.foreign++
}

// behind reads a call that stands behind output of the program that did not
// end its line. Only the form with "[pid N]" is sure enough for that.
func (s *scanner) behind(b []byte) bool {
	i := bytes.LastIndex(b, []byte("[pid "))
	if i <= 0 || !looksRight(b[i:], s.names) {
		return false
	}
	s.line(b[i:])
	return true
}

// goOn appends the rest of a held line.
func (s *scanner) goOn(b []byte) {
	tid, cut := attachMessage(b)
	text := append(s.held.text, b[:min(cut, maxHalf)]...)
	s.held.text = text
	if len(text) > 4*maxHalf {
		s.release()
		return
	}
	if tid > 0 {
		s.tell(event.Call{Kind: event.CallAttached, At: s.held.at, Ret: tid})
	}
	if ending(text[1:]) == tailNone {
		return
	}
	s.held.active = false
	now, line := s.last, s.lines
	s.last, s.lines = s.held.prefix, s.held.line
	if s.form.full || !brief(text[0], text[1:]) {
		s.args(text[0], text[1:], s.held.at)
	}
	s.last, s.lines = now, line
}

// continues reports whether a line looks like the rest of another.
func continues(b []byte) bool {
	switch b[0] {
	case ')', ',', '{', '"', '[':
		return true
	}
	for _, lead := range [...]string{" <unfinished ...>", " <detached ...>", " => ", "NULL", " resumed>"} {
		if bytes.HasPrefix(b, []byte(lead)) {
			return true
		}
	}
	return isDigit(b[0]) && ending(b) == tailDone
}

// attachMessage finds "[argv0: ]Process N attached" or "detached" at the end of b.
// It returns the thread of an attachment and where the message begins, len(b)
// without one.
func attachMessage(b []byte) (int64, int) {
	if len(b) < 12 || b[len(b)-1] != 'd' && b[len(b)-1] != 's' {
		return 0, len(b)
	}
	i := bytes.LastIndex(b, []byte("Process "))
	if i < 0 {
		return 0, len(b)
	}
	n, used := number(b[i+8:])
	what := b[i+8+used:]
	attached := bytes.HasPrefix(what, []byte(" attached"))
	if used == 0 || !attached && !bytes.HasPrefix(what, []byte(" detached")) {
		return 0, len(b)
	}
	if bytes.HasSuffix(b[:i], []byte("strace: ")) {
		i = pathStart(b, i-len("strace: "))
	}
	if !attached {
		n = 0
	}
	return n, i
}

// pathStart returns where the path that ends at b[i] begins: strace prints the
// name it was started by, which may be "./strace" or "/usr/bin/strace".
func pathStart(b []byte, i int) int {
	start := i
	for j := i; j > 0 && (isWord(b[j-1]) || b[j-1] == '/' || b[j-1] == '.' || b[j-1] == '-'); j-- {
		if b[j-1] == '/' {
			start = j - 1
		}
	}
	if start < i && start > 0 && b[start-1] == '.' {
		start--
	}
	return start
}

func blank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

// noise reports whether a line is part of strace's output that says nothing
// about calls: hex dumps, stack frames, the summary table, personality notes.
func noise(b []byte) bool {
	switch {
	case bytes.HasPrefix(b, []byte(" > ")), bytes.HasPrefix(b, []byte(" | ")), bytes.HasPrefix(b, []byte("% time")),
		bytes.HasPrefix(b, []byte("------ ---")), bytes.HasPrefix(b, []byte("[ Process PID=")),
		bytes.HasPrefix(b, []byte("strace: ")), bytes.HasPrefix(b, []byte("100.00 ")):
		return true
	}
	if i := bytes.Index(b, []byte("strace: ")); i > 0 && b[i-1] == '/' {
		return true
	}
	t := bytes.TrimLeft(b, " ")
	used := 0
	for used < len(t) && (isDigit(t[used]) || t[used] == '.') {
		used++
	}
	return used > 3 && len(t) < len(b) && bytes.IndexByte(t[:used], '.') > 0 && bytes.Count(t, []byte("  ")) > 2 // a row of the summary
}
