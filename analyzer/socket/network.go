package socket

import (
	"finwait/analyzer/event"
)

// connect takes connect().
func (l *Log) connect(t *thread, c *event.Call, m moment) {
	if c.Family == event.FamilyOther || c.FD < 0 {
		return
	}
	f := t.table.at(c.FD).f
	if f == other || f == nil && c.Family != event.FamilyInet {
		return
	}
	if f == nil {
		if c.What == event.DescriptorOther || l.cloned && c.What == event.DescriptorUnknown && l.datagram(c) {
			return
		}
		f = &file{kind: kindSocket, refs: 1, opened: m.start(c), by: t, fd: c.FD}
		t.table.set(c.FD, slot{f: f})
	}
	l.resume(t, f, m)
	if c.Family == event.FamilyNone {
		if f.conn != nil {
			l.end(t, f.conn, EndClose, m)
			f.conn, f.kind = nil, kindSocket
		}
		return
	}
	if f.conn != nil && f.conn.state == stateFailed {
		l.end(t, f.conn, EndConnect, m)
		f.conn = nil
	}
	if f.conn == nil {
		f.kind = kindConn
		f.conn = l.begin(t, f, m.start(c))
		f.conn.client = f.local
		if c.Addr.Known() {
			f.conn.server = c.Addr
		}
	}
	k := f.conn
	k.beside(c)
	if c.Phase == event.PhaseEnter {
		return
	}
	t.proc.stats.long(c)
	l.connected(t, k, c, m)
}

// datagram reports whether a connect on an unknown descriptor is more likely
// UDP: resolvers connect to port 53 (RFC 1035).
func (l *Log) datagram(c *event.Call) bool { return c.Addr.Port == 53 }

// connected takes the result of connect.
func (l *Log) connected(t *thread, k *tracked, c *event.Call, m moment) {
	switch c.Errno {
	case 0:
		if c.Flags&event.FailedUnknown == 0 {
			k.establish(m)
		}
	case event.EISCONN:
		k.establish(m)
	case event.EINPROGRESS:
		if k.opts.known && !k.opts.nonBlocking && k.opts.send != 0 {
			k.kernelWait = true
			k.direct(Wait{Kind: WaitKernel, Name: "connect", Timeout: limitOf(k.opts.send), Line: m.line, TID: m.tid, At: m.time, seq: m.seq})
		}
	case event.EALREADY, event.EINTR, event.ERESTART, event.EAGAIN:
	default:
		k.fail(c.Errno, m)
	}
}

// establish notes that the handshake is over.
func (c *tracked) establish(m moment) {
	if c.state == stateConnecting {
		c.state = stateEstablished
		c.resolved = m
		c.wait = noWait
	}
}

// fail notes that the handshake failed.
func (c *tracked) fail(e event.Errno, m moment) {
	if c.state == stateConnecting {
		c.state = stateFailed
		c.resolved = m
		c.errno, c.errnoAt = e, m
	}
}

// accept makes the file of a connection that accept returned.
func (l *Log) accept(t *thread, c *event.Call, m moment) *file {
	f := &file{kind: kindConn, opened: m, fd: int32(c.Ret)}
	f.opts.nonBlocking, f.opts.known = c.Flags&event.NonBlocking != 0, true
	k := l.begin(t, f, m)
	f.conn = k
	k.accepted, l.accepted = true, true
	t.proc.stats.accepted++
	k.establish(m)
	k.client = c.Addr
	if lf := t.table.at(c.FD).f; lf != nil {
		k.server = lf.local
	}
	if c.Remote.Known() {
		k.beside(c)
	} else if c.Local.Known() && !k.server.Known() {
		k.server = c.Local
	}
	return f
}

// address takes bind, listen, getsockname and getpeername.
func (l *Log) address(t *thread, c *event.Call, m moment) {
	if c.Failed() || c.Flags&event.FailedUnknown != 0 || c.FD < 0 {
		return
	}
	if c.Kind == event.CallListen {
		if f := t.table.at(c.FD).f; f == nil || f.kind == kindSocket {
			if f == nil {
				f = &file{refs: 1, by: t, fd: c.FD}
				t.table.set(c.FD, slot{f: f})
			}
			f.kind = kindListen
			if c.Local.Known() {
				f.local = c.Local
			}
		}
		return
	}
	f := t.table.at(c.FD).f
	if f == nil && c.Kind != event.CallBind {
		f = l.tcp(t, c, m)
	}
	if f == nil || f == other || c.Family != event.FamilyInet {
		return
	}
	l.resume(t, f, m)
	if c.Kind == event.CallPeername {
		l.unconnected(t, f, c, m)
	}
	switch {
	case f.kind == kindSocket || f.kind == kindListen:
		if c.Addr.Port != 0 {
			f.local = c.Addr
		}
	case f.conn == nil:
	case c.Kind == event.CallPeername:
		f.conn.establish(m)
		if _, peer := f.conn.ends(); c.Addr.Port != 0 {
			*peer = c.Addr
		}
	case c.Addr.Port != 0:
		ours, _ := f.conn.ends()
		*ours = c.Addr
	}
}

// option takes socket options and the blocking mode.
func (l *Log) option(t *thread, c *event.Call, m moment) {
	if c.FD < 0 || c.Flags&event.FailedUnknown != 0 || c.Failed() {
		return
	}
	f := t.table.at(c.FD).f
	if f == nil {
		f = l.tcp(t, c, m)
	}
	if f == nil || f == other {
		return
	}
	l.resume(t, f, m)
	o := &f.opts
	if f.conn != nil {
		o = &f.conn.opts
		f.conn.beside(c)
	}
	if c.Kind == event.CallSetFlags {
		o.nonBlocking, o.known = c.Flags&event.NonBlocking != 0, true
		return
	}
	if c.Kind == event.CallGetOption {
		if c.Option == event.OptionError && f.conn != nil {
			l.soError(t, f.conn, event.Errno(c.Value), m)
		}
		return
	}
	l.setOption(t, o, c)
}

// setOption notes what was set, for the connection and for the process.
func (l *Log) setOption(t *thread, o *options, c *event.Call) {
	s := t.proc.stats
	switch c.Option {
	case event.OptionReceiveTime:
		o.receive = c.Value
		s.note(&s.receive, c)
	case event.OptionSendTime:
		o.send = c.Value
		s.note(&s.send, c)
	case event.OptionUserTimeout:
		o.user = c.Value
		s.note(&s.user, c)
	case event.OptionKeepAlive:
		o.keepAlive = c.Value != 0
		s.note(&s.keepAlive, c)
	case event.OptionLinger:
		o.abort = c.Value == 0
	}
}

// soError takes the result of getsockopt(SO_ERROR): how a non-blocking connect
// ended, or why an established connection broke.
func (l *Log) soError(t *thread, k *tracked, e event.Errno, m moment) {
	switch {
	case e == 0:
		if k.state == stateEstablished && k.accepted && k.request.seen() && !k.answering {
			k.asked = m
		}
		k.establish(m)
	case e == event.EINPROGRESS, e == event.EALREADY:
	case k.state == stateConnecting:
		k.fail(e, m)
	default:
		k.breaks(e, m)
	}
}

// breaks notes an error of an established connection.
func (c *tracked) breaks(e event.Errno, m moment) {
	switch e {
	case event.ECONNRESET, event.EPIPE, event.ECONNABORTED:
		if !c.theirs.seen() {
			c.theirs, c.reset = m, e != event.EPIPE
			c.shutPeer(m)
		}
	case event.ETIMEDOUT, event.EHOSTUNREACH, event.ENETUNREACH:
		c.broken = true
	default:
		return
	}
	c.errno, c.errnoAt = e, m
}

// shutPeer tells the tracker that the peer sends no more.
func (c *tracked) shutPeer(m moment) {
	if c.ours.seen() {
		return
	}
	_, peer := c.sides()
	c.tracker.Shut(peer, m.event(), -1)
}

// shutdown takes shutdown(): with SHUT_WR or SHUT_RDWR it sends the FIN.
func (l *Log) shutdown(t *thread, c *event.Call, m moment) {
	if c.Phase == event.PhaseExit || c.Failed() || c.Value == 0 {
		return
	}
	f := l.tcp(t, c, m)
	if f == nil || f.conn == nil {
		return
	}
	k := f.conn
	if !k.ours.seen() && k.state != stateFailed {
		m = m.start(c)
		l.settle(t, k, m)
		k.ours, k.end, k.closeTID = m, EndShutdown, t.tid
	}
}

// watch takes epoll_ctl.
func (l *Log) watch(t *thread, c *event.Call, m moment) {
	t.proc.stats.epollAdds++
	if c.FD2 >= 0 {
		t.lastFD = c.FD2
	}
}
