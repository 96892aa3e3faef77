package strace

import (
	"bytes"
	"encoding/binary"
	"time"

	"finwait/analyzer/event"
)

// waitArgs reads the timeout of a wait, and what poll and select wait for.
func (s *scanner) waitArgs(c *event.Call, cur *cursor, sys *system) {
	c.Timeout = event.NoTimeout
	switch sys.shape {
	case shapePoll, shapePpoll:
		s.pollSet(c, cur)
		if cur.arg(1) {
			c.Value, _ = cur.number()
		}
	case shapeSelect:
		if cur.arg(0) {
			c.Value, _ = cur.number()
		}
		s.selectSet(c, cur)
	}
	switch sys.shape {
	case shapeEpollWait:
		if cur.arg(2) {
			c.Value, _ = cur.number()
		}
		if cur.arg(3) {
			if n, ok := cur.number(); ok {
				c.Timeout = milliseconds(n)
			}
		}
	case shapePoll:
		if cur.arg(2) {
			if n, ok := cur.number(); ok {
				c.Timeout = milliseconds(n)
			}
		}
	case shapePpoll:
		if cur.arg(2) {
			c.Timeout = timespec(cur.rest())
		}
	case shapeSelect:
		if cur.arg(4) {
			c.Timeout = timespec(cur.rest())
		}
	case shapeEpollWait2:
		if cur.arg(3) {
			c.Timeout = timespec(cur.rest())
		}
	case shapeTimespec:
		c.Timeout = anyTimespec(cur.b)
	}
}

// pollSet reads "[{fd=5, events=POLLIN}, {fd=3<TCP:[...]>, events=POLLIN}]".
func (s *scanner) pollSet(c *event.Call, cur *cursor) {
	start := len(s.out.FDs)
	b := cur.rest()
	end := cursor{b: b}
	end.next()
	b = b[:end.i]
	for {
		i := bytes.Index(b, []byte("{fd="))
		if i < 0 {
			break
		}
		b = b[i+4:]
		if n, used := number(b); used > 0 && n >= 0 {
			s.out.FDs = append(s.out.FDs, int32(n))
		}
	}
	c.FDs = s.out.FDs[start:len(s.out.FDs):len(s.out.FDs)]
	if len(c.FDs) > 0 {
		c.FD = c.FDs[0]
	}
}

// selectSet reads the three sets "[3 5], NULL, [7]" of select.
func (s *scanner) selectSet(c *event.Call, cur *cursor) {
	start := len(s.out.FDs)
	for i := 1; i <= 3; i++ {
		if !cur.arg(i) {
			break
		}
		cur.label()
		b := cur.rest()
		if len(b) == 0 || b[0] != '[' {
			continue
		}
		for j := 1; j < len(b) && b[j] != ']'; {
			n, used := number(b[j:])
			if used == 0 {
				j++
				continue
			}
			s.out.FDs = append(s.out.FDs, int32(n))
			j += used
			if j < len(b) && b[j] == '<' {
				j = infoEnd(b, j)
			}
		}
	}
	c.FDs = s.out.FDs[start:len(s.out.FDs):len(s.out.FDs)]
	if len(c.FDs) > 0 {
		c.FD = c.FDs[0]
	}
}

// timespec reads {tv_sec=0, tv_nsec=50000000}, {tv_sec=0, tv_usec=...}, and
// {0, 50000000} of strace before 4.15, which does not say which of the two it
// is: only select has microseconds there, and glibc has not used it for long.
// NULL is no timeout.
func timespec(b []byte) time.Duration {
	i := bytes.IndexByte(b, '{')
	if i < 0 || i > 16 {
		return event.NoTimeout
	}
	b = b[i+1:]
	unit := time.Nanosecond
	b = bytes.TrimPrefix(b, []byte("tv_sec="))
	sec, used := number(b)
	if used == 0 {
		return event.NoTimeout
	}
	b = bytes.TrimPrefix(b[used:], []byte(", "))
	switch {
	case bytes.HasPrefix(b, []byte("tv_nsec=")):
		b = b[8:]
	case bytes.HasPrefix(b, []byte("tv_usec=")):
		b, unit = b[8:], time.Microsecond
	}
	frac, _ := number(b)
	if sec > 1<<32 || sec < 0 {
		return event.NoTimeout
	}
	return time.Duration(sec)*time.Second + time.Duration(frac)*unit
}

// anyTimespec finds the one time in the arguments of sleeps and timers. For
// timers that is the first expiry, not the interval.
func anyTimespec(b []byte) time.Duration {
	if i := bytes.Index(b, []byte("it_value=")); i >= 0 {
		return timespec(b[i+9:])
	}
	if i := bytes.Index(b, []byte("{tv_sec=")); i >= 0 {
		return timespec(b[i:])
	}
	if i := bytes.LastIndexByte(b, '{'); i >= 0 {
		return timespec(b[i:])
	}
	return event.NoTimeout
}

// optionArgs reads the socket options that matter.
func optionArgs(c *event.Call, cur *cursor) {
	level := cur.word()
	socket, tcp := level.is("SOL_SOCKET", 1), level.is("SOL_TCP", 6) || level.is("IPPROTO_TCP", 6)
	cur.next()
	name := cur.word()
	is := func(ours bool, text string, n int64) bool { return ours && name.is(text, n) }
	cur.next()
	cur.label()
	value := cur.rest()
	switch {
	case is(socket, "SO_RCVTIMEO", 20), is(socket, "SO_RCVTIMEO", 66):
		c.Option, c.Value = event.OptionReceiveTime, int64(timeval(value))
	case is(socket, "SO_SNDTIMEO", 21), is(socket, "SO_SNDTIMEO", 67):
		c.Option, c.Value = event.OptionSendTime, int64(timeval(value))
	case is(tcp, "TCP_USER_TIMEOUT", 18):
		c.Option, c.Value = event.OptionUserTimeout, bracketed(value)*int64(time.Millisecond)
	case is(tcp, "TCP_SYNCNT", 7):
		c.Option, c.Value = event.OptionSynCount, bracketed(value)
	case is(socket, "SO_KEEPALIVE", 9):
		c.Option, c.Value = event.OptionKeepAlive, bracketed(value)
	case is(socket, "SO_LINGER", 13):
		c.Option, c.Value = event.OptionLinger, linger(value)
	case is(socket, "SO_ERROR", 4):
		c.Option, c.Value = event.OptionError, bracketed(value)
	}
}

// bracketed reads "[1]", or "[ECONNREFUSED]" as strace prints SO_ERROR since 4.26.
func bracketed(b []byte) int64 {
	if len(b) == 0 || b[0] != '[' {
		return 0
	}
	if n, used := number(b[1:]); used > 0 {
		return n
	}
	i := 1
	for i < len(b) && isWord(b[i]) {
		i++
	}
	return int64(errnoOf(b[1:i]))
}

// linger reads {l_onoff=1, l_linger=0} or {onoff=1, linger=0}: -1 when off.
func linger(b []byte) int64 {
	i := bytes.Index(b, []byte("onoff="))
	j := bytes.Index(b, []byte("linger="))
	if i < 0 || j < 0 {
		return -1
	}
	if on, _ := number(b[i+6:]); on == 0 {
		return -1
	}
	n, _ := number(b[j+7:])
	return n
}

// timeval reads a struct timeval, which every strace up to 7.2 prints as a
// plain string: 8 bytes of seconds and 8 of microseconds, little-endian; 4 and
// 4 for a 32-bit program. A pointer, which hides it, is event.NoTimeout.
func timeval(b []byte) time.Duration {
	if len(b) > 2 && b[0] == '0' && b[1] == 'x' {
		return event.NoTimeout // a pointer (-e raw)
	}
	if len(b) == 0 || b[0] != '"' {
		return max(0, timespec(b))
	}
	var raw [16]byte
	out, _, _ := unquote(raw[:0], b[1:], len(raw))
	switch len(out) {
	case 16:
		return time.Duration(binary.LittleEndian.Uint64(out)&(1<<32-1))*time.Second +
			time.Duration(binary.LittleEndian.Uint64(out[8:])&(1<<32-1))*time.Microsecond
	case 8:
		return time.Duration(binary.LittleEndian.Uint32(out))*time.Second +
			time.Duration(binary.LittleEndian.Uint32(out[4:]))*time.Microsecond
	}
	return 0
}

// errnoOf returns the number of an error by its name.
func errnoOf(b []byte) event.Errno {
	switch string(b) {
	case "EPERM":
		return event.EPERM
	case "EINTR":
		return event.EINTR
	case "EIO":
		return event.EIO
	case "EBADF":
		return event.EBADF
	case "EAGAIN", "EWOULDBLOCK":
		return event.EAGAIN
	case "EPIPE":
		return event.EPIPE
	case "ENOTSOCK":
		return event.ENOTSOCK
	case "EAFNOSUPPORT":
		return event.EAFNOSUPPORT
	case "EADDRINUSE":
		return event.EADDRINUSE
	case "EADDRNOTAVAIL":
		return event.EADDRNOTAVAIL
	case "ENETUNREACH":
		return event.ENETUNREACH
	case "ECONNABORTED":
		return event.ECONNABORTED
	case "ECONNRESET":
		return event.ECONNRESET
	case "EISCONN":
		return event.EISCONN
	case "ENOTCONN":
		return event.ENOTCONN
	case "ETIMEDOUT":
		return event.ETIMEDOUT
	case "ECONNREFUSED":
		return event.ECONNREFUSED
	case "EHOSTUNREACH":
		return event.EHOSTUNREACH
	case "EALREADY":
		return event.EALREADY
	case "EINPROGRESS":
		return event.EINPROGRESS
	case "ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND", "ERESTART_RESTARTBLOCK":
		return event.ERESTART
	}
	return event.ErrnoOther
}
