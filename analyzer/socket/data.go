package socket

import (
	"bytes"
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

func durationOf(ns int64) time.Duration { return time.Duration(max(ns, 0)) }

// limitOf is a timeout that was set on a socket; one whose value the log does
// not show is no timeout of a known length.
func limitOf(ns int64) time.Duration {
	if ns <= 0 {
		return event.NoTimeout
	}
	return time.Duration(ns)
}

// read takes every call that brings bytes.
func (l *Log) read(t *thread, c *event.Call, m moment) {
	if c.Flags&event.Rights != 0 && !c.Failed() {
		l.receiveRights(t, c, m)
	}
	f := l.tcp(t, c, m)
	if f == nil || c.Flags&event.FailedUnknown != 0 {
		return
	}
	if f.kind == kindTimer && c.Ret == 8 { // the number of expiries, as 8 bytes
		l.expire(t, Wait{Kind: WaitTimer, Name: "timerfd", Timeout: event.NoTimeout, Line: m.line, TID: m.tid, At: m.time, seq: m.seq})
	}
	if c.Size > 0 {
		l.unconnected(t, f, c, m)
	}
	if f.conn == nil {
		return
	}
	k := f.conn
	t.lastFD = c.FD
	t.proc.stats.long(c)
	if c.Failed() {
		l.readFailed(t, k, c, m)
		return
	}
	switch {
	case c.Size > 0 && c.Flags&event.Peek == 0:
		k.flush()
		l.incoming(t, k, c, m)
	case c.Ret == 0 && c.Value != 0 && c.Kind == event.CallRead:
		k.flush()
		k.establish(m)
		if !k.theirs.seen() {
			k.theirs = m
			k.shutPeer(m)
		}
	}
}

// unconnected makes a connection of a TCP socket that moves bytes, or has a
// peer, although the log shows no connect: failed calls, EINPROGRESS among
// them, are missing in logs of strace -z.
func (l *Log) unconnected(t *thread, f *file, c *event.Call, m moment) {
	if f.kind != kindSocket {
		return
	}
	f.kind = kindConn
	f.conn = l.begin(t, f, f.opened)
	f.conn.client = f.local
	f.conn.beside(c)
}

// readFailed takes an error of a read or write.
func (l *Log) readFailed(t *thread, k *tracked, c *event.Call, m moment) {
	limit := k.opts.receive
	if c.Kind == event.CallWrite {
		limit = k.opts.send
	}
	if c.Errno == event.EAGAIN {
		// A blocking socket has no other reason for EAGAIN than its timeout,
		// even where the log does not show that one was set. That it blocks
		// shows in the time it took: fcntl may not be traced.
		took, _ := duration(moment{time: c.At, line: 1}, moment{time: c.End, line: 1})
		if (limit != 0 || k.opts.known && took > shortWait) && !k.opts.nonBlocking && c.Flags&event.NonBlocking == 0 {
			k.direct(Wait{Kind: WaitKernel, Name: c.Name, Timeout: limitOf(limit), Line: m.line, TID: m.tid, At: m.time, seq: m.seq})
		}
		return
	}
	if k.state == stateConnecting && c.Errno != event.EINTR && c.Errno != event.ERESTART && c.Errno != event.ENOTCONN {
		k.fail(c.Errno, m)
		return
	}
	k.breaks(c.Errno, m)
}

// incoming takes bytes of the peer.
func (l *Log) incoming(t *thread, k *tracked, c *event.Call, m moment) {
	k.establish(m)
	l.roles(k, c, false)
	_, peer := k.sides()
	k.gotBytes += c.Size
	if k.muted {
		return // what comes after the program's own close_notify answers nothing
	}
	k.last = m
	t.table.read(k, m)
	k.tracker.Data(peer, int(min(c.Size, 1<<31-1)), c.Data, m.event())
	k.answer += c.Size
	if k.accepted {
		if k.answering || !k.request.seen() {
			k.request, k.answering = m, false
			k.wait = noWait
		}
		return
	}
	if !k.answering {
		k.answering, k.response = true, m
		k.answered++
	}
	k.wait = noWait
}

// write takes every call that gives bytes. The bytes count from the entry, but
// only once the call is known to have moved them; unless the answer comes
// first, which shows it as well.
func (l *Log) write(t *thread, c *event.Call, m moment) {
	if c.Flags&event.Rights != 0 && !c.Failed() && c.Phase != event.PhaseExit {
		l.sendRights(t, c)
	}
	if c.Kind == event.CallTransfer && (c.Phase == event.PhaseEnter || c.Size <= 0) {
		return
	}
	f := l.tcp(t, c, m)
	if f == nil {
		return
	}
	if c.Size > 0 && c.Phase != event.PhaseEnter {
		l.unconnected(t, f, c, m)
	}
	if f.conn == nil {
		return
	}
	k := f.conn
	t.lastFD = c.FD
	switch {
	case c.Phase == event.PhaseEnter:
		k.held.at = m.start(c)
		k.held.size = c.Size
		k.held.data = append(k.held.data[:0], c.Data...)
	case c.Flags&event.FailedUnknown != 0:
	case c.Failed():
		k.held.at = moment{}
		l.readFailed(t, k, c, m)
	case c.Phase == event.PhaseExit && !k.held.at.seen():
		// Its bytes counted already.
	case c.Size > 0:
		at := m.start(c)
		if k.held.at.seen() {
			at.seq = k.held.at.seq
		}
		k.held.at = moment{}
		l.outgoing(t, k, c, at)
	}
}

// flush counts the bytes of a write that has not returned yet: the peer's
// answer shows that they were sent.
func (c *tracked) flush() {
	if !c.held.at.seen() {
		return
	}
	at := c.held.at
	c.held.at = moment{}
	call := event.Call{Size: c.held.size, Data: c.held.data}
	c.send(&call, at)
}

// outgoing takes bytes of the program.
func (l *Log) outgoing(t *thread, k *tracked, c *event.Call, at moment) {
	l.roles(k, c, true)
	t.proc.stats.recent = t.proc.stats.recent[:0]
	if k.sentBytes == 0 && t.proc.stats.accepted == 0 {
		t.proc.agent(c) // a proxy hands its clients' names on
	}
	k.send(c, at)
}

// send counts bytes of the program.
func (c *tracked) send(call *event.Call, at moment) {
	c.establish(at)
	ours, _ := c.sides()
	c.sentBytes += call.Size
	if alert(call) {
		c.alert, c.muted = at, true
	} else if c.muted {
		c.alert, c.muted = moment{}, false
	}
	c.tracker.Data(ours, int(min(call.Size, 1<<31-1)), call.Data, at.event())
	if c.muted {
		return
	}
	c.last, c.answer = at, 0
	if c.accepted {
		if !c.answering {
			c.answering = true
			c.answered++
		}
		return
	}
	if c.answering || !c.request.seen() {
		c.request, c.answering = at, false
	}
	c.wait = noWait
}

// alert reports whether a write is a TLS alert: a record of type 21, or in TLS
// 1.3 one of type 23 with 19 bytes, an encrypted alert (RFC 8446, sections 5.1
// and 5.2; 31 bytes in all with the explicit nonce of TLS 1.2).
func alert(c *event.Call) bool {
	b := c.Data
	if len(b) < 5 || c.Size > 31 || b[1] != 3 {
		return false
	}
	return b[0] == 21 || b[0] == 23 && b[3] == 0 && b[4] == 19 && c.Size == 24
}

// roles settles who is the client of a connection that was open before the
// log began, by the first payload that tells.
func (l *Log) roles(k *tracked, c *event.Call, sent bool) {
	if !k.early || k.guessed || len(c.Data) == 0 {
		return
	}
	hint := exchange.Sniff(c.Data)
	if hint == exchange.HintNone {
		if k.last.seen() {
			return
		}
		// Without a hint, who writes first is the client.
		if sent == k.accepted {
			l.swap(k)
		}
		return
	}
	k.guessed = true
	if (hint == exchange.HintRequest) != (sent != k.accepted) {
		l.swap(k)
	}
}

// swap exchanges the roles of a connection before any payload was read.
func (l *Log) swap(k *tracked) {
	k.accepted, l.accepted = !k.accepted, true
	k.client, k.server = k.server, k.client
	k.tracker.Init(l.env, uint32(k.index), 0)
	k.request, k.answering, k.answered = moment{}, false, 0
}

// sendRights keeps the sockets that a message passes to another process: each
// has one more reference until it is received.
func (l *Log) sendRights(t *thread, c *event.Call) {
	for _, fd := range c.FDs {
		f := t.table.at(fd).f
		if f == nil || f == other || len(l.passed) >= maxPassed {
			continue
		}
		f.refs++
		l.passed = append(l.passed, f)
	}
}

// maxPassed bounds the sockets that were passed on and never received within
// the log.
const maxPassed = 4096

// receiveRights puts the sockets that came with a message into the table, the
// oldest first. Messages of several pairs of processes may cross; then the
// addresses that later calls show set it right.
func (l *Log) receiveRights(t *thread, c *event.Call, m moment) {
	for _, fd := range c.FDs {
		f := other
		if len(l.passed) > 0 {
			f = l.passed[0]
			l.passed = l.passed[1:]
			f.refs-- // the one in flight becomes the receiver's
		}
		l.place(t, fd, slot{f: f, cloexec: bytes.Contains([]byte(c.Name), []byte("cloexec"))}, m)
	}
}
