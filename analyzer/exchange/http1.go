package exchange

import (
	"bytes"

	"finwait/analyzer/event"
)

// phase is where a direction of HTTP/1.x is.
type phase uint8

const (
	phaseHead    phase = iota // at, or inside, a message head
	phaseBody                 // left bytes of a body with a length
	phaseSize                 // chunk size line
	phaseChunk                // left bytes of a chunk and its CRLF
	phaseTrailer              // lines after the last chunk; left counts the bytes of the current one
	phaseClose                // a body that ends with the connection
	phaseSeek                 // looking for a message at the start of a segment
)

// http1 parses bytes of HTTP/1.x until the connection turns into something else.
func (t *Tracker) http1(side event.Side, b []byte, at event.Moment) {
	h := t.half(side)
	for fresh := true; len(b) > 0 && t.mode == modeHTTP1; fresh = false {
		n := t.http1Step(side, h, b, at, fresh)
		h.off += int64(n)
		b = b[n:]
	}
	t.feed(side, b, at)
}

// http1Step parses up to len(b) bytes and returns how many. fresh: b starts a
// segment.
func (t *Tracker) http1Step(side event.Side, h *half, b []byte, at event.Moment, fresh bool) int {
	switch h.phase {
	case phaseHead:
		return t.http1Head(side, h, b, at)
	case phaseSeek:
		return t.http1Seek(side, h, b, at, fresh)
	}
	if fresh && t.outOfStep(side, h, b) {
		h.phase = phaseHead
		return 0
	}
	h.flags &^= halfHold
	n, end := h.body(b)
	t.part(side, h.off, h.off+int64(n), at, at)
	if end {
		t.endMessage(side, h, at)
	}
	return n
}

// outOfStep recognises a message head where a body was announced. A client that
// expected 100 (Continue) and got a final answer leaves out its body
// (RFC 9110, section 10.1.1); the response to a request that is not known may
// have been one to HEAD.
func (t *Tracker) outOfStep(side event.Side, h *half, b []byte) bool {
	switch {
	case side == event.Client && h.has(halfHold) && t.q.waiting() == nil:
		return sniffRequest(b) == matchHTTP1
	case side == event.Server && h.has(halfUnpaired):
		return sniffStatus(b) == matchHTTP1
	case side == event.Server:
		if x := t.q.waiting(); x != nil && x.has(entryUnseen) && sniffStatus(b) == matchHTTP1 {
			t.complete(x, event.Moment{})
			return true
		}
	}
	return false
}

// part notes bytes of a message at offsets from to to, which came from start to at.
func (t *Tracker) part(side event.Side, from, to int64, start, at event.Moment) {
	if side == event.Server {
		if !t.server.has(halfUnpaired) {
			t.respond(t.q.waiting(), from, to, start, at)
		}
		return
	}
	if x := t.q.newest(); x != nil {
		x.End = at
	}
}

// http1Head collects and parses a message head.
func (t *Tracker) http1Head(side event.Side, h *half, b []byte, at event.Moment) int {
	if len(h.buf) > 0 {
		return t.http1Rest(side, h, b, at)
	}
	skipped := 0
	for skipped < len(b) && (b[skipped] == '\r' || b[skipped] == '\n') {
		skipped++
	}
	if skipped > 0 { // empty lines before a message (RFC 9112, section 2.2)
		return skipped
	}
	var hd head
	n := hd.read(b, side == event.Client)
	if n == 0 && !t.startsHead(side, b) {
		n = -1
	}
	if n < 0 {
		t.broken(h)
		return 0
	}
	start := h.took(at)
	switch {
	case side == event.Client:
		t.open(start)
	case t.q.waiting() == nil && t.q.over == 0:
		t.answerUnseen()
	default:
		t.dropLost()
	}
	if n == 0 {
		h.collect(t.env, b)
		h.start = start
		t.part(side, h.off, h.off+int64(len(b)), start, at)
		if t.env.lent > maxLent {
			t.overflow(side, h)
		}
		return len(b)
	}
	t.part(side, h.off, h.off+int64(n), start, at)
	t.message(side, h, &hd, h.off, h.off+int64(n), at)
	return n
}

// startsHead reports whether b can be the start of a message head.
func (t *Tracker) startsHead(side event.Side, b []byte) bool {
	if side == event.Server {
		return sniffStatus(b) != matchNone
	}
	return sniffRequest(b) != matchNone
}

// http1Rest goes on with a head whose start is in h.buf.
func (t *Tracker) http1Rest(side event.Side, h *half, b []byte, at event.Moment) int {
	begin := h.off - int64(len(h.buf))
	n := headEnd(h.buf, b)
	if n < 0 {
		n = len(b)
		if !t.env.room(h, n) {
			t.overflow(side, h)
			return 0
		}
		h.collect(t.env, b)
		t.part(side, h.off, h.off+int64(n), at, at)
		if !t.startsHead(side, h.buf) {
			t.abandon(h)
		}
		return n
	}
	h.collect(t.env, b[:n])
	var hd head
	if hd.read(h.buf, side == event.Client) != len(h.buf) {
		t.abandon(h)
		return n
	}
	t.part(side, h.off, h.off+int64(n), at, at)
	t.message(side, h, &hd, begin, h.off+int64(n), at)
	h.drop(t.env)
	return n
}

// headEnd returns how many bytes of b belong to a head that starts in buf, -1
// when it does not end in b.
func headEnd(buf, b []byte) int {
	last := byte(0) // the last byte before b that is no CR
	for i := len(buf) - 1; i >= 0 && i >= len(buf)-2; i-- {
		if last = buf[i]; last != '\r' {
			break
		}
	}
	for i := 0; i < len(b); {
		if last == '\n' {
			if b[i] == '\n' {
				return i + 1
			}
			if b[i] == '\r' && i+1 == len(b) {
				return -1
			}
			if b[i] == '\r' && b[i+1] == '\n' {
				return i + 2
			}
		}
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			return -1
		}
		last = '\n'
		i += j + 1
	}
	return -1
}

// drop releases what h has collected.
func (h *half) drop(env *Env) {
	env.release(h.give(env))
	h.start = event.Moment{}
}

// broken handles bytes that start no message where one must start. When no
// message was ever complete, the connection speaks something that only looks
// like HTTP/1.x (RTSP, SIP, ICAP).
func (t *Tracker) broken(h *half) {
	if !t.spoke {
		t.mode, t.deaf = modeTurns, true
		t.setProtocol(ProtocolOpaque)
		if x := t.q.newest(); x != nil {
			x.Whole = true
		}
		return
	}
	t.unsure = true
	h.phase = phaseSeek
	h.flags = h.flags&^halfUnpaired | halfTurns | halfMissing
}

// abandon gives up a head that turned out not to be one.
func (t *Tracker) abandon(h *half) {
	h.drop(t.env)
	t.broken(h)
}

// overflow gives up on messages: the rest of the connection is judged by turns.
func (t *Tracker) overflow(side event.Side, h *half) {
	t.cutHead(side, h, false)
	t.mode, t.deaf, t.capped, t.unsure = modeTurns, true, true, true
	t.client.drop(t.env)
	t.server.drop(t.env)
}

// message acts on a complete head at offsets from to to.
func (t *Tracker) message(side event.Side, h *half, hd *head, from, to int64, at event.Moment) {
	t.spoke = true
	if side == event.Client {
		t.request(h, hd, at)
		return
	}
	t.response(h, hd, from, to, at)
}

// request fills the newest exchange from a request's head.
func (t *Tracker) request(h *half, hd *head, at event.Moment) {
	if x := t.q.newest(); x != nil {
		t.describe(x, hd)
	}
	if keep, why := hd.persistent(); !keep {
		t.declare(event.Client, at, why)
	}
	h.flags &^= halfHold
	switch {
	case hd.chunked:
		h.phase, h.left = phaseSize, 0
	case hd.bad || hd.coded:
		t.unsure = true
		t.seek(h, false)
	case hd.length > 0:
		h.phase, h.left = phaseBody, hd.length
	default:
		t.endMessage(event.Client, h, at)
	}
	if hd.expect && h.phase != phaseHead {
		h.flags |= halfHold
	}
}

// describe takes method, host, path and endpoint of a request.
func (t *Tracker) describe(x *entry, hd *head) {
	x.Truncated = hd.cut
	keep, _ := hd.persistent()
	x.Keep = x.Keep && keep
	switch string(hd.method) {
	case "HEAD":
		x.flags |= entryHead
	case "CONNECT":
		x.flags |= entryConnect
	}
	host, path := splitTarget(hd.method, hd.target)
	if len(host) == 0 {
		host = hd.host
	}
	t.setTarget(x, hd.method, host, path)
}

// setTarget names what x asks for.
func (t *Tracker) setTarget(x *entry, method, host, path []byte) {
	names := t.env.Names
	x.Method = names.again(t.method, method)
	t.method = x.Method
	x.Host = names.again(t.name, host)
	if t.name == 0 {
		t.name = x.Host
	}
	x.path = append(x.path[:0], path[:min(len(path), maxName)]...)
	if len(path) > 0 {
		t.env.scratch = appendEndpoint(t.env.scratch[:0], method, path)
		x.Endpoint = names.ID(t.env.scratch)
	}
}

// endMessage is called behind the last byte of a message of side.
func (t *Tracker) endMessage(side event.Side, h *half, at event.Moment) {
	h.phase = phaseHead
	if side == event.Client {
		if x := t.q.newest(); x != nil {
			x.Whole = true
		}
		return
	}
	if h.has(halfUnpaired) {
		h.flags &^= halfUnpaired
		return
	}
	t.complete(t.q.waiting(), at)
}
