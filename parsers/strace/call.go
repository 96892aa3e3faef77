package strace

import (
	"bytes"

	"finwait/analyzer/event"
)

// maxData bounds how much of one payload is decoded. Requests and response
// headers that matter are shorter.
const maxData = 64 << 10

// decode fills in the arguments of a call from their text. partial says that
// the text is only the beginning (an entry half): what is missing stays unset.
func (s *scanner) decode(c *event.Call, sys *system, args []byte) {
	cur := cursor{b: args}
	switch sys.shape {
	case shapeFD, shapeShutdown, shapeAddress, shapeOption, shapeBytes, shapeVector, shapeMessage,
		shapeSendfile, shapeSplice, shapeRange, shapeFcntl, shapeIoctl, shapeDup,
		shapeEpollCtl, shapeEpollWait, shapeEpollWait2, shapeTgkill:
		s.descriptor(c, &cur)
	}
	switch sys.shape {
	case shapeSocket:
		socketArgs(c, &cur)
	case shapePair, shapePipe:
		s.pair(c, args)
	case shapeAddress:
		c.Addr, c.Family = sockaddr(cur.rest())
		if sys.name == "accept4" {
			openFlags(c, cur.rest())
		}
	case shapeOption:
		optionArgs(c, &cur)
	case shapeBytes:
		s.bytesArg(c, &cur)
	case shapeVector, shapeMessage:
		s.vectors(c, &cur, sys)
	case shapeSendfile, shapeSplice, shapeRange, shapeDup, shapeTgkill:
		s.second(c, &cur, sys)
	case shapeFcntl:
		fcntlArgs(c, &cur)
	case shapeIoctl:
		ioctlArgs(c, &cur)
	case shapeOpen:
		openFlags(c, args)
	case shapeEpollCtl:
		epollCtl(c, &cur)
	case shapeShutdown:
		shutdownArgs(c, &cur)
	case shapeEpollWait, shapeEpollWait2, shapePoll, shapePpoll, shapeSelect, shapeTimespec:
		s.waitArgs(c, &cur, sys)
	case shapeClone:
		cloneArgs(c, sys.name, args)
	case shapeUnshare:
		if !bytes.Contains(args, []byte("CLONE_FILES")) {
			c.Kind = event.CallNone
		}
	case shapeExec:
		if i := bytes.IndexByte(args, '"'); i >= 0 {
			c.Data, c.Flags = s.text(args[i+1:], 256, c.Flags)
		}
	}
}

// descriptor reads the first argument as a descriptor, with what stands beside it.
func (s *scanner) descriptor(c *event.Call, cur *cursor) {
	fd, ok := cur.number()
	if !ok {
		return
	}
	c.FD = int32(fd)
	if cur.i < len(cur.b) && cur.b[cur.i] == '<' {
		end := infoEnd(cur.b, cur.i)
		beside(bytes.TrimSuffix(cur.b[cur.i+1:end], []byte(">")), c)
		cur.i = end
	}
	cur.next()
}

// text decodes the string whose opening quote lies before b.
func (s *scanner) text(b []byte, limit int, flags event.CallFlags) ([]byte, event.CallFlags) {
	start := len(s.out.Data)
	out, _, cut := unquote(s.out.Data, b, start+limit)
	s.out.Data = out
	if cut {
		flags |= event.DataCut
	}
	return out[start:len(out):len(out)], flags
}

// socketArgs tells TCP sockets from all others: SOCK_STREAM of an internet
// family, with protocol 0, TCP (6) or MPTCP (262).
func socketArgs(c *event.Call, cur *cursor) {
	cur.label()
	f := family(cur.rest())
	c.Family = event.FamilyOther
	if f == familyInet || f == familyInet6 {
		c.Family = event.FamilyInet
	}
	cur.next()
	cur.label()
	kind := cur.rest()
	stream := bytes.HasPrefix(kind, []byte("SOCK_STREAM"))
	if n, used := number(kind); used > 0 {
		stream = n&0xf == 1
		if n&0x800 != 0 {
			c.Flags |= event.NonBlocking
		}
		if n&0x80000 != 0 {
			c.Flags |= event.CloseOnExec
		}
	}
	openFlags(c, kind)
	cur.next()
	cur.label()
	proto := cur.rest()
	n, used := number(proto)
	tcp := bytes.Contains(proto, []byte("IPPROTO_IP")) || bytes.Contains(proto, []byte("IPPROTO_TCP")) ||
		bytes.Contains(proto, []byte("IPPROTO_MPTCP")) || used > 0 && (n == 0 || n == 6 || n == 262) || len(proto) == 0
	if stream && tcp && c.Family == event.FamilyInet {
		c.Flags |= event.Stream
	}
}

// openFlags finds the two flags that new descriptors may have, under any of
// their names (SOCK_CLOEXEC, O_CLOEXEC, EPOLL_CLOEXEC, EFD_NONBLOCK...).
func openFlags(c *event.Call, b []byte) {
	if bytes.Contains(b, []byte("_CLOEXEC")) {
		c.Flags |= event.CloseOnExec
	}
	if bytes.Contains(b, []byte("_NONBLOCK")) {
		c.Flags |= event.NonBlocking
	}
}

// pair reads "[3, 4]", the last bracket of the arguments.
func (s *scanner) pair(c *event.Call, args []byte) {
	openFlags(c, args)
	i := bytes.LastIndexByte(args, '[')
	for c.Kind == event.CallSocketpair && i > 0 && args[i-1] == ':' {
		i = bytes.LastIndexByte(args[:i], '[') // the bracket of -y's "socket:[123]"
	}
	if i < 0 {
		return
	}
	s.descriptors(c, args[i:])
}

// descriptors reads a list of descriptors in square or curly brackets.
func (s *scanner) descriptors(c *event.Call, b []byte) {
	start := len(s.out.FDs)
	cur := cursor{b: b, i: 1}
	for cur.i < len(b) {
		n, ok := cur.number()
		if !ok {
			break
		}
		s.out.FDs = append(s.out.FDs, int32(n))
		if !cur.next() {
			break
		}
	}
	c.FDs = s.out.FDs[start:len(s.out.FDs):len(s.out.FDs)]
}

// bytesArg reads the payload of read, write and their kin, and MSG_ flags.
func (s *scanner) bytesArg(c *event.Call, cur *cursor) {
	cur.label()
	rest := cur.rest()
	if len(rest) > 0 && rest[0] == '"' {
		if c.Phase == event.PhaseEnter || c.Ret > 0 {
			c.Data, c.Flags = s.text(rest[1:], maxData, c.Flags)
		}
	}
	if cur.next() {
		c.Value, _ = cur.number()
		if c.Name[0] != 'w' && c.Name != "read" && cur.next() {
			messageFlags(c, cur.rest())
		}
	}
	s.size(c)
}

// size sets how many bytes the call moved: the result, or at an entry the
// bytes that it was given.
func (s *scanner) size(c *event.Call) {
	switch {
	case c.Phase == event.PhaseEnter:
		c.Size = max(c.Value, int64(len(c.Data)))
	case c.Ret > 0:
		c.Size = c.Ret
	}
	if c.Size > int64(len(c.Data)) {
		c.Flags |= event.DataCut
	} else {
		c.Data = c.Data[:max(c.Size, 0)]
	}
}

// messageFlags reads the MSG_ flags that matter.
func messageFlags(c *event.Call, b []byte) {
	if bytes.Contains(b, []byte("MSG_PEEK")) {
		c.Flags |= event.Peek
	}
	if bytes.Contains(b, []byte("MSG_DONTWAIT")) {
		c.Flags |= event.NonBlocking
	}
	if n, used := number(b); used > 0 {
		if n&2 != 0 {
			c.Flags |= event.Peek
		}
		if n&0x40 != 0 {
			c.Flags |= event.NonBlocking
		}
	}
}

// vectors reads the buffers of readv, writev, sendmsg, recvmsg and the calls
// for several messages, as one run of bytes that ends where strace cut a
// buffer, and descriptors that pass beside them.
func (s *scanner) vectors(c *event.Call, cur *cursor, sys *system) {
	rest := cur.rest()
	var total int64
	if c.Phase == event.PhaseEnter || c.Ret > 0 {
		start := len(s.out.Data)
		total = s.buffers(c, rest, start)
		c.Data = s.out.Data[start:len(s.out.Data):len(s.out.Data)]
	}
	c.Value = total
	if sys.shape == shapeMessage {
		s.rights(c, rest)
		if i := bytes.LastIndexByte(rest, '}'); i >= 0 {
			messageFlags(c, rest[i:])
		}
	}
	if sys.name == "sendmmsg" || sys.name == "recvmmsg" {
		if c.Ret > 0 && c.Phase != event.PhaseEnter {
			c.Size = messageBytes(rest, c.Ret, total)
			c.Data = c.Data[:min(int64(len(c.Data)), c.Size)]
		}
		return
	}
	s.size(c)
}

// buffers appends the strings of an iovec to the batch and returns the sum of
// their lengths as printed, or as decoded where none is printed. After a cut
// string nothing is appended: its position would not be known.
func (s *scanner) buffers(c *event.Call, b []byte, start int) int64 {
	var total int64
	cut := false
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			return total
		}
		if bytes.HasSuffix(b[:i], []byte("msg_control=")) || bytes.HasSuffix(b[:i], []byte("cmsg_data=")) || bytes.HasSuffix(b[:i], []byte("sun_path=")) {
			b = b[stringEnd(b, i):]
			continue
		}
		before := len(s.out.Data)
		out, used, short := unquote(s.out.Data, b[i+1:], start+maxData)
		b = b[min(len(b), i+1+used):]
		n := int64(len(out) - before)
		if !cut {
			s.out.Data = out
		}
		if short {
			cut = true
			c.Flags |= event.DataCut
		}
		total += max(n, vectorLen(b))
	}
}

// vectorLen reads the length behind a buffer: ", iov_len=10}" or ", 10}".
// A receive buffer's length is its size, not what it holds, so the caller
// bounds the sum by the call's result.
func vectorLen(b []byte) int64 {
	b = bytes.TrimPrefix(b, []byte("..."))
	b = bytes.TrimPrefix(b, []byte(", "))
	b = bytes.TrimPrefix(b, []byte("iov_len="))
	n, _ := number(b)
	return n
}

// messageBytes adds up what the first n messages of sendmmsg or recvmmsg
// moved: "msg_len=6" behind each, older "}, 6}".
func messageBytes(b []byte, n, total int64) int64 {
	var sum int64
	for ; n > 0; n-- {
		i := bytes.Index(b, []byte("msg_len="))
		if i < 0 {
			break
		}
		b = b[i+len("msg_len="):]
		v, _ := number(b)
		sum += v
	}
	if sum == 0 {
		return total
	}
	return sum
}

// rights finds descriptors that a message passes: "cmsg_type=SCM_RIGHTS,
// cmsg_data=[7]", before 4.9 "{7}" or "[7]" without a name.
func (s *scanner) rights(c *event.Call, b []byte) {
	i := bytes.Index(b, []byte("SCM_RIGHTS"))
	if i < 0 {
		return
	}
	b = b[i+len("SCM_RIGHTS"):]
	i = bytes.IndexAny(b, "[{")
	if i < 0 || i > 16 {
		return
	}
	s.descriptors(c, b[i:])
	c.Flags |= event.Rights
}

// second reads the other descriptor, or number, of calls that take two.
func (s *scanner) second(c *event.Call, cur *cursor, sys *system) {
	if sys.shape == shapeSplice {
		cur.next()
	}
	n, ok := cur.number()
	switch {
	case ok && n > 1<<31-1:
		c.FD2 = 1<<31 - 1 // close_range(3, ~0U)
	case ok:
		c.FD2 = int32(n)
	case bytes.HasPrefix(cur.rest(), []byte("~0")):
		c.FD2 = 1<<31 - 1
	}
	switch sys.shape {
	case shapeSplice:
		c.FD, c.FD2 = c.FD2, c.FD // bytes go from the first to the second
		s.size(c)
	case shapeSendfile:
		s.size(c)
	case shapeRange:
		if cur.next() {
			rangeFlags(c, cur.rest())
		}
	case shapeDup:
		openFlags(c, cur.rest())
	}
}

// rangeFlags reads the flags of close_range: 2 is UNSHARE, 4 is CLOEXEC.
func rangeFlags(c *event.Call, b []byte) {
	n, _ := number(b)
	if n&4 != 0 || bytes.Contains(b, []byte("CLOSE_RANGE_CLOEXEC")) {
		c.Flags |= event.CloseOnExec
	}
	if n&2 != 0 || bytes.Contains(b, []byte("CLOSE_RANGE_UNSHARE")) {
		c.Value = 2
	}
}
