package socket

import (
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// settle looks up, at the first close of a connection, what the process had
// been waiting for.
func (l *Log) settle(t *thread, k *tracked, m moment) {
	k.flush()
	start := k.connect.seq
	if k.request.seen() {
		start = k.request.seq
	}
	tb := t.table
	k.expired, k.waited = tb.waitedSince(start)
	if k.wait.Kind != WaitNone {
		k.waited = max(k.waited, k.wait.Timeout)
	}
	since := max(start, k.last.seq)
	if tb.wait.seq > since || outlived(tb.wait, k, m) {
		k.shared = tb.wait
	}
	if tb.weak.seq > since {
		k.weak = tb.weak
	}
	expired := max(k.shared.seq, k.weak.seq)
	if r := tb.otherRead(k); r.seq > expired && expired > 0 && r.seq < m.seq {
		k.other = r
	}
	k.active = tb.otherRead(k).seq > k.last.seq
	k.idleWait = k.shared.seq > k.last.seq || tb.weak.seq > k.last.seq && tb.weak.TID == m.tid && tb.weak.Timeout >= soonAfter
}

// outlived reports whether a wait ended behind the last byte of k by its time,
// although its line stands before: in files of strace -ff that strace-log-merge
// put together, a line stands where its call began.
func outlived(w Wait, k *tracked, m moment) bool {
	return w.At.Known() && m.time.Known() && k.last.time.Known() && w.At > k.last.time && w.At <= m.time
}

// end ends a connection.
func (l *Log) end(t *thread, k *tracked, how End, m moment) {
	if k.ended {
		return
	}
	k.ended, k.endAt = true, m
	if l.watched != nil && l.watched.conn == k {
		l.watched.conn = nil
	}
	if !k.ours.seen() && how != EndDetached && how != EndOpen {
		k.clientLeft(m)
		l.settle(t, k, m)
		k.ours, k.end, k.closeTID = m, how, t.tid
	}
	if how == EndOpen {
		l.settle(t, k, m)
	}
	l.freeze(k)
	if k.file != nil {
		k.file.conn = nil
		k.file.kind = kindSocket
		k.file = nil
	}
	last := len(l.live) - 1
	l.live[k.pos] = l.live[last]
	l.live[k.pos].pos = k.pos
	l.live = l.live[:last]
	l.free = append(l.free, k)
	k.proc.ended(k.index)
}

// leftLimit is how soon a server closes once it has noticed that its client has
// left: one turn of its event loop, which also closes the upstream and logs.
const leftLimit = 10 * time.Millisecond

// clientLeft notes that the client of an accepted connection had closed, where
// only a question about it shows: nginx asks for SO_ERROR when epoll reports
// EPOLLRDHUP while a request is being worked on, reads nothing, and closes
// (src/http/ngx_http_upstream.c, ngx_http_upstream_check_broken_connection). A
// server that asks for another reason and closes within leftLimit is mistaken.
func (c *tracked) clientLeft(m moment) {
	if !c.accepted || c.theirs.seen() || !c.asked.seen() || c.asked.seq < c.last.seq {
		return
	}
	if d, ok := duration(c.asked, m); ok && d <= leftLimit {
		c.theirs = c.asked
		c.shutPeer(c.asked)
	}
}

// opaque makes a connection of a TCP socket that a process with io_uring
// closed without any call that shows what it was for.
func (l *Log) opaque(t *thread, f *file, how End, m moment) {
	f.kind = kindConn
	f.conn = l.begin(t, f, f.opened)
	f.conn.hidden = true
	l.end(t, f.conn, how, m)
}

// finishLive ends what is still open when the log ends.
func (l *Log) finishLive() {
	slices.SortFunc(l.live, func(a, b *tracked) int { return int(a.index) - int(b.index) })
	for i, k := range l.live {
		k.pos = i
	}
	t := &thread{table: &table{}, proc: &process{stats: &stats{}}}
	for len(l.live) > 0 {
		l.end(t, l.live[len(l.live)-1], EndOpen, moment{time: l.lastTime, line: l.lastLine, seq: l.seq + 1})
	}
}

// freeze turns a connection into its record and evidence.
func (l *Log) freeze(k *tracked) {
	c := &l.scratch
	var s exchange.Summary
	k.tracker.Finish(&s)
	if k.glanced.seen() && !k.theirs.seen() && s.Outstanding == nil && k.glanced.seq > k.last.seq {
		k.theirs = k.glanced
	}
	l.record(k, &s, &c.Record)
	l.evidence(k, &s, &c.Evidence)
	if bodyUnsure(c) && c.Record.Path == 0 && len(s.PreviousPath) > 0 {
		c.Record.Path = l.env.Names.ID(s.PreviousPath)
	}
	l.closing(k, &c.Record)
	c.Record.FirstBy = c.Record.Initiator
	l.conns.put(k.index, c)
	l.found.add(k.index, &c.Evidence)
	if l.onEnd != nil {
		l.onEnd(int(k.index), c)
	}
}

// record fills in how the connection began and what passed over it.
func (l *Log) record(k *tracked, s *exchange.Summary, r *conn.Record) {
	no := event.NoTime
	*r = conn.Record{
		Client: k.client, Server: k.server, Input: l.input, Basis: conn.BasisConnect,
		Opened: k.connect.time, Last: k.connect.time, LastClose: no, FirstFrame: k.connect.line,
		ClientLastByte: no, ServerLastByte: no, CloseAt: no, FINAcked: no, PeerFIN: no, PeerAcked: no, HalfEnd: no,
		PeerSpoke: no, TimeWaitAt: no, LateData: no, RequestStart: no, RequestEnd: no, ResponseStart: no, ResponseEnd: no,
		Late: no, LateEnd: no, ClientNotify: no, ServerNotify: no,
		Protocol: s.Protocol, ServerName: s.ServerName,
		Sent: s.Sent, Answered: s.Answered, Reset: s.Reset, Aborted: s.Aborted, Open: s.Open, Lost: s.Lost,
		DeclaredBy: s.Declared.By, DeclaredText: s.Declared.Text,
	}
	r.ClientBytes, r.ServerBytes = k.sentBytes, k.gotBytes
	switch {
	case k.accepted && !k.early:
		r.Basis = conn.BasisAccept
	case k.early:
		r.Basis = conn.BasisPayload
		r.Marks |= conn.MarkMidStream
	}
	if k.accepted {
		r.ClientBytes, r.ServerBytes = k.gotBytes, k.sentBytes
	}
	r.Handshake = handshake(k)
	latest := k.connect.seq
	r.LastFrame = k.connect.line
	for _, m := range [...]moment{k.last, k.ours, k.theirs, k.endAt} {
		if m.seen() && m.seq >= latest {
			r.Last, r.LastFrame, latest = m.time, m.line, m.seq
		}
	}
	seen(&r.ClientLastByte, s.ClientLast)
	seen(&r.ServerLastByte, s.ServerLast)
	seen(&r.ClientNotify, s.ClientNotify)
	seen(&r.ServerNotify, s.ServerNotify)
	mark(r, s.Unsure, conn.MarkUnsure)
	mark(r, s.Capped, conn.MarkCapped)
	mark(r, s.Resynced > 0, conn.MarkResynced)
	requests(s, r)
	if k.state != stateEstablished && !k.early && !k.hidden {
		r.Phase = conn.PhaseConnect
	}
}

func mark(r *conn.Record, on bool, m conn.Mark) {
	if on {
		r.Marks |= m
	}
}

// seen sets t where m was seen.
func seen(t *event.Time, m event.Moment) {
	if m.Seen() {
		*t = m.Time
	}
}

func handshake(k *tracked) conn.Handshake {
	switch {
	case k.early:
		return conn.HandshakeMidStream
	case k.state == stateEstablished:
		return conn.HandshakeComplete
	case k.errno == event.ECONNREFUSED || k.errno == event.ECONNRESET:
		return conn.HandshakeRefused
	case k.errno == event.EHOSTUNREACH || k.errno == event.ENETUNREACH:
		return conn.HandshakeUnreachable
	}
	return conn.HandshakeUnanswered
}

// requests fills in the outstanding request, or else the last answered one.
func requests(s *exchange.Summary, r *conn.Record) {
	x := s.Outstanding
	if x == nil {
		if x = s.Previous; x == nil {
			return
		}
		request(x, r)
		return
	}
	request(x, r)
	r.Outstanding = true
	mark(r, x.Whole, conn.MarkRequestWhole)
	switch {
	case x.Handshake:
		r.Phase = conn.PhaseTLSHandshake
	case x.First.Seen():
		r.Phase = conn.PhaseReadingBody
	case !x.Whole:
		r.Phase = conn.PhaseSendingRequest
	default:
		r.Phase = conn.PhaseAwaitingHeaders
	}
}

// request copies what is known of an exchange.
func request(x *exchange.Exchange, r *conn.Record) {
	r.Method, r.Host, r.Path, r.Endpoint, r.Status = x.Method, x.Host, x.Path, x.Endpoint, x.Status
	seen(&r.RequestStart, x.Start)
	seen(&r.RequestEnd, x.End)
	seen(&r.ResponseStart, x.First)
	seen(&r.ResponseEnd, x.Last)
	r.RequestFrame = x.Start.Frame
	mark(r, x.Truncated, conn.MarkPathCut)
}

// closing fills in who closed first, and how.
func (l *Log) closing(k *tracked, r *conn.Record) {
	ours, peer := k.sides()
	switch {
	case k.state == stateFailed && k.errno == event.ECONNREFUSED:
		// A RST answered, but no connection was there to be closed: in a log
		// nobody closed first.
		r.How = conn.HowRST
		r.CloseAt, r.CloseFrame = k.resolved.time, k.resolved.line
		r.LastClose = r.CloseAt
		return
	case k.state != stateEstablished && !k.early:
		if k.ours.seen() {
			r.LastClose, r.CloseAt, r.CloseFrame = k.ours.time, k.ours.time, k.ours.line
		}
		return
	case k.theirs.seen() && (!k.ours.seen() || k.theirs.seq < k.ours.seq):
		r.Initiator, r.How = peer, conn.HowFIN
		if k.reset {
			r.How = conn.HowRST
		}
		r.CloseAt, r.CloseFrame = k.theirs.time, k.theirs.line
		r.LastClose = r.CloseAt
		if k.ours.seen() && k.end != EndUnseen && !k.reset {
			r.PeerFIN, r.HalfEnd, r.HalfFrame = k.ours.time, k.ours.time, k.ours.line
			r.EndedBy, r.LastClose = conn.EndedByFIN, k.ours.time
		}
	case k.ours.seen() && k.end == EndUnseen:
		return
	case k.ours.seen():
		r.Initiator, r.How = ours, conn.HowFIN
		if k.opts.abort && k.end == EndClose {
			r.How = conn.HowRST
		}
		r.CloseAt, r.CloseFrame = k.ours.time, k.ours.line
		if k.alert.seen() && k.alert.line < r.CloseFrame && k.muted {
			r.CloseAt = k.alert.time
		}
		r.LastClose, r.HalfKind = k.ours.time, conn.HalfOrphan
		if k.end == EndShutdown {
			r.HalfKind = conn.HalfHeld
			if k.endAt.seen() && k.theirs.seen() {
				r.PeerFIN, r.HalfEnd, r.HalfFrame, r.EndedBy = k.theirs.time, k.theirs.time, k.theirs.line, conn.EndedByFIN
			}
		}
	}
}

// evidence fills in what only a log shows.
func (l *Log) evidence(k *tracked, s *exchange.Summary, e *Evidence) {
	*e = Evidence{
		PID: k.proc.pid, TID: k.opener, FD: k.fd, Comm: k.comm,
		ConnectLine: k.connect.line, CloseTID: k.closeTID, End: k.end, Expired: k.expired, Waited: k.waited,
		ReceiveTimeout: durationOf(k.opts.receive), SendTimeout: durationOf(k.opts.send), UserTimeout: durationOf(k.opts.user),
		NonBlocking: k.opts.nonBlocking, AbortingLinger: k.opts.abort, Errno: k.errno, ErrnoLine: k.errnoAt.line,
		EOFAt: event.NoTime, ClosedAt: event.NoTime, Other: k.other.line, Active: k.active, Idle: k.idleWait,
		Opaque: k.hidden, Unsure: s.Unsure, Reused: k.answered > 0 && s.Sent > 1, Early: k.early,
		Kernel: k.kernelWait, Accepted: k.accepted, Guessed: k.guess, Broken: k.broken, Answer: k.answer,
	}
	if k.file != nil {
		e.SocketLine = k.file.opened.line
	}
	if s.Outstanding != nil {
		e.RequestLine, e.ResponseLine = s.Outstanding.Start.Frame, s.Outstanding.First.Frame
	} else if s.Previous != nil {
		e.RequestLine, e.ResponseLine = s.Previous.Start.Frame, s.Previous.First.Frame
	}
	if k.ours.seen() {
		e.CloseLine, e.ClosedAt = k.ours.line, k.ours.time
	}
	if k.theirs.seen() {
		e.Glanced = k.theirs == k.glanced
		e.EOFLine, e.EOFAt = k.theirs.line, k.theirs.time
	}
	if k.muted {
		e.Alert = k.alert.line
	}
	switch {
	case k.wait.Kind != WaitNone:
		e.Wait = k.wait
	case k.shared.Kind != WaitNone:
		e.Wait = k.shared
	default:
		e.Wait = k.weak
	}
	e.tids = [...]int32{
		k.connect.tid, k.request.tid, k.response.tid, e.Wait.TID, k.errnoAt.tid, k.other.tid, k.alert.tid, k.theirs.tid, k.ours.tid,
	}
}
