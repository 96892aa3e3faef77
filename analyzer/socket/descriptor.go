package socket

import "finwait/analyzer/event"

// open takes a call that returned new descriptors.
func (l *Log) open(t *thread, c *event.Call, m moment) {
	if c.Failed() || c.Flags&event.FailedUnknown != 0 || c.Phase == event.PhaseEnter {
		return
	}
	if c.Kind == event.CallSocketpair || c.Kind == event.CallOpenTwo {
		for _, fd := range c.FDs {
			l.place(t, fd, slot{f: other, cloexec: c.Flags&event.CloseOnExec != 0}, m)
		}
		return
	}
	if c.Ret < 0 || c.Ret > 1<<24 {
		return
	}
	fd := int32(c.Ret)
	f := other
	switch {
	case c.Kind == event.CallSocket && c.Flags&event.Stream != 0:
		f = &file{kind: kindSocket, opened: m}
		f.opened.line = c.Line
		f.opts.nonBlocking, f.opts.known = c.Flags&event.NonBlocking != 0, true
		t.proc.stats.sockets++
	case c.Kind == event.CallOpen && c.Name == "timerfd_create":
		f = &file{kind: kindTimer}
	case c.Kind == event.CallEpollOpen:
		f = &file{kind: kindEpoll}
	case c.Kind == event.CallAccept && (c.Family == event.FamilyInet || c.What == event.DescriptorTCP || l.listens(t, c.FD)):
		f = l.accept(t, c, m)
	}
	if f != other {
		f.by, f.fd = t, fd
	}
	l.place(t, fd, slot{f: f, cloexec: c.Flags&event.CloseOnExec != 0}, m)
	t.lastFD = fd
}

// listens reports whether fd is a TCP listener.
func (l *Log) listens(t *thread, fd int32) bool {
	f := t.table.at(fd).f
	return f != nil && f.kind == kindListen
}

// place puts a new file at fd. What the table still has there was closed
// without a line, or the table is not t's at all.
func (l *Log) place(t *thread, fd int32, s slot, m moment) {
	if old := t.table.at(fd).f; old != nil && old != other {
		if l.foreign(t, old) {
			if t.guessed {
				l.split(t)
			} else {
				l.split(old.by)
			}
		} else {
			t.table.set(fd, slot{})
			l.release(t, old, EndUnseen, m)
		}
	}
	s.f.refs++
	t.table.set(fd, s)
}

// foreign reports whether an open descriptor that was given out again shows
// that t does not share the table: the log shows closes, and it was a guess
// that either thread belongs to the table.
func (l *Log) foreign(t *thread, old *file) bool {
	return l.closed && old.by != nil && old.by != t && (t.guessed || old.by.guessed) && t.table.users > 1 && !old.by.gone
}

// descriptor takes the calls that close, copy and mark descriptors.
func (l *Log) descriptor(t *thread, c *event.Call, m moment) {
	switch c.Kind {
	case event.CallClose:
		l.close(t, c, m)
	case event.CallCloseRange:
		l.closeRange(t, c, m)
	case event.CallDup:
		l.dup(t, c.FD, int32(c.Ret), c, m)
	case event.CallDupTo:
		l.dupTo(t, c, m)
	case event.CallSetFD:
		if s := t.table.at(c.FD); s.f != nil && !c.Failed() {
			s.cloexec = c.Flags&event.CloseOnExec != 0
			t.table.set(c.FD, s)
		}
	case event.CallUnshareFiles:
		l.unshare(t, c)
	}
}

// close takes close(). It frees the descriptor when it begins: the kernel may
// give the number to another thread before the call has returned. An error
// other than EBADF does not keep the descriptor open on Linux.
func (l *Log) close(t *thread, c *event.Call, m moment) {
	if c.Phase == event.PhaseExit || c.FD < 0 || c.Errno == event.EBADF {
		return // an entry was carried out already
	}
	l.closed = true
	s := t.table.at(c.FD)
	if s.f == nil {
		if c.What == event.DescriptorTCP {
			s.f = l.known(t, c, m)
		}
		if s.f == nil {
			return
		}
	}
	t.table.set(c.FD, slot{})
	m = m.start(c)
	t.table.free(c.FD, m)
	l.resume(t, s.f, m)
	if s.f.conn != nil {
		s.f.conn.beside(c)
	}
	l.release(t, s.f, EndClose, m)
}

func (l *Log) closeRange(t *thread, c *event.Call, m moment) {
	if c.Phase == event.PhaseExit || c.Failed() || c.FD < 0 {
		return
	}
	if c.Value == 2 && t.table.users > 1 {
		l.unshare(t, c)
	}
	m = m.start(c)
	t.table.each(c.FD, c.FD2, func(fd int32, s slot) {
		if c.Flags&event.CloseOnExec != 0 {
			s.cloexec = true
			t.table.set(fd, s)
			return
		}
		t.table.set(fd, slot{})
		l.release(t, s.f, EndClose, m)
	})
}

// dup takes dup and F_DUPFD.
func (l *Log) dup(t *thread, from, to int32, c *event.Call, m moment) {
	if c.Failed() || to < 0 || c.Phase == event.PhaseEnter {
		return
	}
	s := t.table.at(from)
	if s.f == nil {
		s.f = other
	}
	s.cloexec = c.Flags&event.CloseOnExec != 0
	l.place(t, to, s, m)
}

// dupTo takes dup2 and dup3, which close what the new descriptor was.
func (l *Log) dupTo(t *thread, c *event.Call, m moment) {
	if c.Failed() || c.FD2 < 0 || c.FD == c.FD2 {
		return
	}
	if c.Phase != event.PhaseExit {
		if old := t.table.at(c.FD2).f; old != nil {
			t.table.set(c.FD2, slot{})
			t.table.free(c.FD2, m.start(c))
			l.release(t, old, EndDup, m.start(c))
		}
	}
	if c.Phase != event.PhaseEnter {
		l.dup(t, c.FD, c.FD2, c, m)
	}
}

// unshare gives a thread its own copy of the table.
func (l *Log) unshare(t *thread, c *event.Call) {
	if c.Failed() || t.table.users <= 1 {
		return
	}
	old := t.table
	old.users--
	t.table = old.copy()
	t.table.users = 1
}

// release takes one reference of f away; with the last its connection ends.
func (l *Log) release(t *thread, f *file, how End, m moment) {
	if f == other || f == nil {
		return
	}
	if f.refs--; f.refs > 0 {
		return
	}
	l.resume(t, f, m)
	if f.kind == kindConn {
		l.end(t, f.conn, how, m)
		return
	}
	if f.kind == kindSocket && t.proc.uring != 0 && !f.ringers {
		l.opaque(t, f, how, m)
	}
}

// tcp returns the file at fd when it is, or may be, a TCP socket. A
// descriptor that is not in the table was opened before the log began, or
// where the log does not show it.
func (l *Log) tcp(t *thread, c *event.Call, m moment) *file {
	if c.FD < 0 || t.table.stale(c) {
		return nil
	}
	f := t.table.at(c.FD).f
	if f == nil {
		return l.known(t, c, m)
	}
	if f == other {
		if c.What == event.DescriptorTCP && c.Remote.Known() {
			t.table.set(c.FD, slot{})
			return l.known(t, c, m)
		}
		return nil
	}
	l.resume(t, f, m)
	if f.conn != nil && c.Remote.Known() {
		if f.conn.mismatch(c) {
			// The number belongs to another socket by now.
			t.table.set(c.FD, slot{})
			l.release(t, f, EndUnseen, m)
			return l.known(t, c, m)
		}
		f.conn.beside(c)
	}
	return f
}

// known makes the file of a descriptor that was open already, when the call
// shows that it is a TCP socket.
func (l *Log) known(t *thread, c *event.Call, m moment) *file {
	if !showsTCP(c) {
		return nil
	}
	f := &file{kind: kindConn, by: t, fd: c.FD, refs: 1, opened: m}
	t.table.set(c.FD, slot{f: f})
	f.conn = l.begin(t, f, m)
	f.conn.early = true
	f.conn.beside(c)
	return f
}
