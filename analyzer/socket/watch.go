package socket

import "finwait/analyzer/event"

// watched is a connection whose calls are reported as they are applied.
type watched struct {
	index int32
	lines map[LineOf]struct{} // further calls to report
	conn  *tracked            // nil before the connection begins and after it has ended
	take  func(*event.Call)
}

// LineOf names a line of a log: in one of several files (strace -ff) the thread
// tells which.
type LineOf struct {
	TID  int32 // 0: the log is one file
	Line uint32
}

// Watch makes the Log report every call that is applied to the connection with
// an index in the result, and the calls that end at lines: waits that expired
// name no connection. A second reading of the same log gives connections the
// same indices as the first. The Call is only valid while take runs. Call it
// before the first Add.
func (l *Log) Watch(index int, lines []LineOf, take func(*event.Call)) {
	l.watched = &watched{index: int32(index), lines: map[LineOf]struct{}{}, take: take}
	for _, n := range lines {
		l.watched.lines[n] = struct{}{}
	}
}

// applyWatched carries a call out and reports it if it concerns the watched
// connection: it is open at one of the call's descriptors before or after it,
// or begins or ends with the call.
func (l *Log) applyWatched(t *thread, c *event.Call, m moment) {
	w := l.watched
	before, touched := w.conn, w.at(t.table, c)
	l.apply(t, c, m)
	touched = touched || before != w.conn || w.at(t.table, c)
	_, one := w.lines[LineOf{Line: c.EndLine}]
	_, part := w.lines[LineOf{c.TID, c.EndLine}]
	if touched || one || part {
		w.take(c)
	}
}

// at reports whether the watched connection is open at a descriptor of the call.
func (w *watched) at(t *table, c *event.Call) bool {
	if w.conn == nil {
		return false
	}
	here := func(fd int32) bool {
		f := t.at(fd).f
		return f != nil && f.conn == w.conn
	}
	switch c.Kind {
	case event.CallNone, event.CallExit, event.CallExitGroup, event.CallGone, event.CallSignal, event.CallThreads, event.CallExec:
		return false
	}
	if here(c.FD) || here(c.FD2) {
		return true
	}
	for _, fd := range c.FDs {
		if here(fd) {
			return true
		}
	}
	return false
}
