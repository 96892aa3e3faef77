package strace

import (
	"bytes"
	"time"

	"finwait/analyzer/event"
)

// fcntlArgs tells which of the few commands that matter this is.
func fcntlArgs(c *event.Call, cur *cursor) {
	command := cur.word()
	switch {
	case command.is("F_DUPFD_CLOEXEC", 0x406):
		c.Kind = event.CallDup
		c.Flags |= event.CloseOnExec
	case command.is("F_DUPFD", 0):
		c.Kind = event.CallDup
	case command.is("F_SETFD", 2):
		c.Kind = event.CallSetFD
		setFlag(c, cur, "FD_CLOEXEC", 1, event.CloseOnExec)
	case command.is("F_SETFL", 4):
		setFlag(c, cur, "O_NONBLOCK", 0x800, event.NonBlocking)
	default:
		c.Kind = event.CallNone
	}
}

// setFlag reads the next argument and sets flag when it names it.
func setFlag(c *event.Call, cur *cursor, name string, bit int64, flag event.CallFlags) {
	cur.next()
	cur.label()
	n, used := number(cur.rest())
	if used > 0 && n&bit != 0 || bytes.Contains(cur.rest(), []byte(name)) {
		c.Flags |= flag
	}
}

// ioctlArgs tells FIONBIO, FIOCLEX and FIONCLEX from all others.
func ioctlArgs(c *event.Call, cur *cursor) {
	request := cur.word()
	switch {
	case request.is("FIONBIO", 0x5421):
		if cur.next() && !bytes.HasPrefix(cur.rest(), []byte("[0]")) {
			c.Flags |= event.NonBlocking
		}
	case request.is("FIOCLEX", 0x5451):
		c.Kind = event.CallSetFD
		c.Flags |= event.CloseOnExec
	case request.is("FIONCLEX", 0x5450):
		c.Kind = event.CallSetFD
	default:
		c.Kind = event.CallNone
	}
}

// epollCtl tells what an epoll descriptor watches.
func epollCtl(c *event.Call, cur *cursor) {
	operation := cur.word()
	switch {
	case operation.is("EPOLL_CTL_DEL", 2):
		c.Kind = event.CallEpollDel
	case operation.starts("EPOLL_CTL_"), operation.raw:
	default:
		c.Kind = event.CallNone
	}
	if cur.next() {
		if fd, ok := cur.number(); ok {
			c.FD2 = int32(fd)
		}
	}
}

// shutdownArgs reads which direction is shut.
func shutdownArgs(c *event.Call, cur *cursor) {
	cur.label()
	b := cur.rest()
	n, _ := number(b)
	c.Value = n
	switch {
	case bytes.HasPrefix(b, []byte("SHUT_WR")):
		c.Value = 1
	case bytes.HasPrefix(b, []byte("SHUT_RDWR")):
		c.Value = 2
	case bytes.HasPrefix(b, []byte("SHUT_RD")):
		c.Value = 0
	}
}

// cloneArgs reads what a child shares. fork and vfork share nothing; calls
// printed by number hide it.
func cloneArgs(c *event.Call, name string, args []byte) {
	switch name {
	case "fork":
		return
	case "vfork":
		c.Flags |= event.Waits
		return
	}
	if !bytes.Contains(args, []byte("CLONE_")) && !bytes.Contains(args, []byte("SIG")) {
		rawClone(c, name, args)
		return
	}
	if bytes.Contains(args, []byte("CLONE_FILES")) {
		c.Flags |= event.SharesFiles
	}
	if bytes.Contains(args, []byte("CLONE_THREAD")) {
		c.Flags |= event.SharesThread
	}
	if bytes.Contains(args, []byte("CLONE_VFORK")) {
		c.Flags |= event.Waits
	}
}

// rawClone reads clone flags that are printed as a number: behind "flags=" (-X
// raw), or as the first argument of clone (-e raw), which is where x86-64 and
// arm64 have them. clone3 then shows a pointer only.
func rawClone(c *event.Call, name string, args []byte) {
	i := bytes.Index(args, []byte("flags="))
	switch {
	case i >= 0:
		i += len("flags=")
	case name == "clone":
		i = 0
	default:
		c.Flags |= event.FlagsUnknown
		return
	}
	n, used := number(args[i:])
	if used == 0 || n == 0 {
		c.Flags |= event.FlagsUnknown
		return
	}
	if n&0x400 != 0 {
		c.Flags |= event.SharesFiles
	}
	if n&0x10000 != 0 {
		c.Flags |= event.SharesThread
	}
}

// milliseconds turns a poll timeout into a duration.
func milliseconds(n int64) time.Duration {
	if int32(n) < 0 {
		return event.NoTimeout
	}
	return time.Duration(int32(n)) * time.Millisecond
}
