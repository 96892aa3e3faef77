package strace

import (
	"bytes"

	"finwait/analyzer/event"
)

// plainCall hands on a call that nothing looks at, where every line counts.
func (s *scanner) plainCall(name []byte, at event.Time) {
	c := s.start(0, at, s.lines)
	c.Name = s.comm(name)
	s.emit()
}

// futexArgs tells waits from wakes where lines are to be put in order: FD2 says
// which, Inode is the address. The kind is that of a call of no interest unless
// the wait timed out.
func futexArgs(c *event.Call, args []byte) {
	if c.Errno != event.ETIMEDOUT {
		c.Kind = event.CallNone
	}
	n, _ := number(args)
	c.Inode = uint64(n)
	switch {
	case bytes.Contains(args, []byte("FUTEX_WAIT")):
		c.FD2 = futexWait
	case bytes.Contains(args, []byte("FUTEX_WAKE")):
		c.FD2 = futexWake
	}
}

// tokens reads the data that epoll_ctl registers and epoll_wait brings back,
// folded to 32 bits: Inode of the former, FDs of the latter.
func (s *scanner) tokens(c *event.Call, args []byte) {
	if c.Kind != event.CallEpollAdd && (c.Kind != event.CallEpollWait || c.Ret <= 0) {
		return
	}
	start := len(s.out.FDs)
	for b := args; ; {
		i := bytes.Index(b, []byte("u64="))
		skip := len("u64=")
		if i < 0 {
			if i = bytes.Index(b, []byte("data=0x")); i < 0 {
				break
			}
			skip = len("data=")
		}
		b = b[i+skip:]
		n, _ := number(b)
		token := int32(n ^ n>>32)
		if token == 0 {
			token = 1
		}
		s.out.FDs = append(s.out.FDs, token)
	}
	found := s.out.FDs[start:len(s.out.FDs):len(s.out.FDs)]
	if c.Kind == event.CallEpollWait {
		c.FDs = found
	} else if len(found) > 0 {
		c.Inode = uint64(uint32(found[0]))
	}
}
