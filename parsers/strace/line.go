package strace

import (
	"bytes"

	"finwait/analyzer/event"
)

// timed says what a line's prefix tells about time.
type timed uint8

const (
	timedNone     timed = iota
	timedAbsolute       // -ttt
	timedDay            // -t, -tt
	timedDelta          // -r
)

// prefix is what stands before the call on a line.
type prefix struct {
	pid   int32
	timed timed
	at    int64 // nanoseconds: since the epoch, since midnight, or since the line before
	comm  []byte
	raw   []byte // the time as the line has it, while at is not read; see settle
}

// scan reads the prefix of a line and returns where the rest begins. The
// tokens come in a fixed order (printleader in strace.c): pid, security
// context, time, difference, number of the call, instruction pointer; each may
// be missing. A bare first number is a pid when it has at most 7 digits
// (pid_max is 4194304) and seconds since the epoch when it has 9 or more.
func (p *prefix) scan(b []byte) (int, bool) {
	i := 0
	for i < len(b) {
		switch c := b[i]; {
		case c == ' ' || c == '\t':
			i++
		case isDigit(c):
			n, ok := p.number(b[i:])
			if !ok {
				return i, false
			}
			i += n
		case c == '[':
			n, ok := p.bracket(b[i:])
			if !ok {
				return i, false
			}
			i += n
		case c == '(':
			n, ok := p.plus(b[i:])
			if !ok {
				return i, true
			}
			i += n
		default:
			return i, true
		}
	}
	return i, true
}

// number reads a pid, a time or a difference.
func (p *prefix) number(b []byte) (int, bool) {
	i, n := 0, int64(0)
	for i < len(b) && isDigit(b[i]) {
		if i < 18 {
			n = n*10 + int64(b[i]-'0')
		}
		i++
	}
	if i == len(b) {
		return 0, false
	}
	switch b[i] {
	case ':':
		return p.dayTime(b, i, n)
	case '.':
		frac, used := fraction(b[i+1:])
		if i >= 9 {
			p.timed, p.at = timedAbsolute, n*1e9+frac
		} else if p.timed == timedNone {
			p.timed, p.at = timedDelta, n*1e9+frac
		}
		return i + 1 + used, i < 12 && i+1+used < len(b) && b[i+1+used] == ' '
	case '<':
		end := bytes.IndexByte(b[i:], '>')
		if end < 0 || p.pid != 0 || i > 7 {
			return 0, false
		}
		p.pid, p.comm = int32(n), b[i+1:i+end]
		return i + end + 1, true
	case ' ':
		switch {
		case i >= 9 && i < 12:
			p.timed, p.at = timedAbsolute, n*1e9
		case i <= 7 && p.pid == 0 && p.timed == timedNone && n > 0:
			p.pid = int32(n)
		case p.timed == timedNone && i < 7:
			p.timed, p.at = timedDelta, n*1e9
		default:
			return 0, false
		}
		return i, true
	}
	return 0, false
}

// dayTime reads hh:mm:ss[.frac] whose hours, n, end at b[i].
func (p *prefix) dayTime(b []byte, i int, n int64) (int, bool) {
	if i > 2 || len(b) < i+7 || b[i+3] != ':' || !isDigit(b[i+1]) || !isDigit(b[i+4]) {
		return 0, false
	}
	m := int64(b[i+1]-'0')*10 + int64(b[i+2]-'0')
	sec := int64(b[i+4]-'0')*10 + int64(b[i+5]-'0')
	p.timed, p.at = timedDay, ((n*60+m)*60+sec)*1e9
	i += 6
	if b[i] == '.' {
		frac, used := fraction(b[i+1:])
		p.at += frac
		i += 1 + used
	}
	return i, i < len(b) && b[i] == ' '
}

// fraction reads the digits behind a decimal point as nanoseconds.
func fraction(b []byte) (int64, int) {
	i, n := 0, int64(0)
	for i < len(b) && isDigit(b[i]) {
		if i < 9 {
			n = n*10 + int64(b[i]-'0')
		}
		i++
	}
	for j := i; j < 9; j++ {
		n *= 10
	}
	return n, i
}

// bracket reads "[pid 585] " or "[pid 585<comm>] ", and skips the number of
// the call, the instruction pointer and the security context.
func (p *prefix) bracket(b []byte) (int, bool) {
	end := bytes.IndexByte(b, ']')
	if end < 0 || end+1 >= len(b) || b[end+1] != ' ' {
		return 0, false
	}
	if !bytes.HasPrefix(b, []byte("[pid ")) {
		return end + 1, !bytes.HasPrefix(b, []byte("[ Process"))
	}
	i := 5
	for b[i] == ' ' {
		i++
	}
	n, used := number(b[i:end])
	if used == 0 || n <= 0 || n > 1<<30 {
		return 0, false
	}
	p.pid = int32(n)
	if i+used < end && b[i+used] == '<' {
		// A comm may hold a bracket: it ends at the angle bracket.
		gt := bytes.IndexByte(b[i:], '>')
		if gt < 0 {
			return 0, false
		}
		p.comm = b[i+used+1 : i+gt]
		end = i + gt + 1
		if end >= len(b) || b[end] != ']' {
			return 0, false
		}
	}
	return end + 1, true
}

// plus reads "(+     0.000034)", the difference that stands behind a time.
func (p *prefix) plus(b []byte) (int, bool) {
	end := bytes.IndexByte(b, ')')
	if end < 0 || len(b) < 2 || b[1] != '+' {
		return 0, false
	}
	return end + 1, true
}

// tailKind is how a call's text ends.
type tailKind uint8

const (
	tailNone       tailKind = iota // cut, or continued on the next line
	tailDone                       // with a result
	tailUnfinished                 // <unfinished ...>
	tailDetached                   // <detached ...>
)

// tail is the end of a call's text.
type tail struct {
	kind  tailKind
	args  int // where the arguments end
	ret   int64
	errno event.Errno
	flags event.CallFlags
	took  int64  // nanoseconds (-T); -1 unknown
	info  []byte // what stands beside a descriptor that was returned
	aux   []byte // what stands behind the number
}

// ending says how a call's text ends.
func ending(b []byte) tailKind {
	var t tail
	t.read(b)
	return t.kind
}

// read reads the end of a call. The result is searched from the right: the
// arguments may hold ") = ", in strings and in wait4's status, but what
// follows the result never does.
func (t *tail) read(b []byte) {
	t.took = -1
	if n := len(b); n > 0 && b[n-1] == '>' {
		if ends(b, "<unfinished ...>") {
			t.kind, t.args = tailUnfinished, trimRight(b, n-16)
			return
		}
		if ends(b, "<detached ...>") {
			t.kind, t.args = tailDetached, trimRight(b, n-14)
			return
		}
		b = t.duration(b)
	}
	for i := len(b) - 2; i > 0; i-- {
		if b[i] != '=' || b[i+1] != ' ' || b[i-1] != ' ' {
			continue
		}
		j := trimRight(b, i)
		if j > 0 && b[j-1] == ')' && t.result(b[i+2:]) {
			t.kind, t.args = tailDone, j-1
			return
		}
	}
}

// trimRight returns the end of b[:i] without its trailing spaces.
func trimRight(b []byte, i int) int {
	for i > 0 && b[i-1] == ' ' {
		i--
	}
	return i
}

// duration reads the "<0.000045>" of -T and returns b without it.
func (t *tail) duration(b []byte) []byte {
	i := bytes.LastIndexByte(b, '<')
	if i <= 0 || b[i-1] != ' ' || !isDigit(b[i+1]) {
		return b
	}
	n, used := number(b[i+1:])
	j := i + 1 + used
	if j < len(b) && b[j] == '.' {
		frac, more := fraction(b[j+1:])
		if b[j+1+more] != '>' {
			return b
		}
		t.took = n*1e9 + frac
		return b[:trimRight(b, i)]
	}
	return b
}

// result reads what stands behind "= ": a number with what is beside it and an
// error, or "?".
func (t *tail) result(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	if b[0] == '?' {
		t.flags |= event.FailedUnknown
		b = b[1:]
	} else {
		n, used := number(b)
		if used == 0 {
			return false
		}
		t.ret, b = n, b[used:]
	}
	if len(b) > 0 && b[0] == '<' {
		end := infoEnd(b, 0)
		t.info, b = bytes.TrimSuffix(b[1:end], []byte(">")), b[end:]
	}
	t.aux = b
	if len(b) > 1 && b[0] == ' ' && b[1] == 'E' {
		i := 1
		for i < len(b) && isWord(b[i]) {
			i++
		}
		t.errno = errnoOf(b[1:i])
	}
	if t.ret == -1 && t.errno == 0 && t.flags&event.FailedUnknown == 0 && len(b) > 1 {
		t.errno = event.ErrnoOther
	}
	if bytes.Contains(b, []byte("(INJECTED")) {
		t.flags |= event.Injected
	}
	return true
}
