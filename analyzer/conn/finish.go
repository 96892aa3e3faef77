package conn

import (
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// Finish freezes what was seen of the connection into r. end is the end of the
// input: silence until then tells a sender that gave up from one whose next
// packet was not captured. The connection takes no more segments afterwards.
func (c *Conn) Finish(end event.Time, r *Record) {
	c.drainAll(event.Moment{Time: c.lastAt, Frame: c.lastFrame})
	c.refusedAfterAll()
	c.believeBoth()
	c.shutAtEnd(&c.a, &c.b)
	c.shutAtEnd(&c.b, &c.a)
	c.ackedAtEnd(&c.a, &c.b)
	c.ackedAtEnd(&c.b, &c.a)
	client, server := &c.a, &c.b
	if c.aServes {
		client, server = server, client
	}
	*r = Record{
		Client: c.end(client), Server: c.end(server), Input: c.input, Basis: c.basis,
		Marks: c.marks, Opened: c.opened.Time, Last: c.lastAt, LastClose: c.lastClose,
		FirstFrame: c.opened.Frame, LastFrame: c.lastFrame,
		ClientPackets: client.packets, ServerPackets: server.packets,
		ClientBytes: client.bytes, ServerBytes: server.bytes,
		ClientRetrans: client.retrans, ServerRetrans: server.retrans,
		ClientMissing: client.missing, ServerMissing: server.missing,
		Copies: c.copies,
	}
	if r.Basis == BasisUnknown {
		r.Basis = BasisPort
	}
	c.finishHandshake(client, server, r)
	c.finishMarks(client, server, end, r)
	c.finishClose(client, server, end, r)
	c.finishRequests(client, server, r)
}

// finishHandshake fills in how the connection began.
func (c *Conn) finishHandshake(client, server *half, r *Record) {
	if client.synSeen {
		r.ClientStart = client.base.Uint32()
	}
	if server.synSeen {
		r.ServerStart = server.base.Uint32()
	}
	r.setOrigins(client.dial, server.dial)
	r.SYNRetries = uint8(min(255, max(1, client.syns)-1))
	answered := server.synSeen || server.payloads > 0 || client.payloads > 0 && client.bareAcks > 0 || client.missing > 0
	switch {
	case !client.synSeen && !server.synSeen:
		r.Handshake = HandshakeMidStream
	case c.answeredTooLate(client, server):
		r.Handshake = HandshakeUnanswered
		r.Marks |= MarkAnsweredLate
	case answered:
		r.Handshake = HandshakeComplete
	case server.rstSeen && !server.finSeen && client.missing == 0 && !(client.finSeen && client.packets > client.syns):
		r.Handshake = HandshakeRefused // a FIN of its own, or bytes that the RST acknowledges, show that it had been established, unseen
	case c.unreach:
		r.Handshake = HandshakeUnreachable
	case server.packets > 0 || client.bareAcks > 0 || client.finSeen:
		r.Handshake = HandshakeComplete
	default:
		r.Handshake = HandshakeUnanswered
	}
	r.SYNRTT, _ = Duration(c.synAt, c.synAckAt)
	if r.SYNRTT > 0 {
		r.RTT, _ = Duration(c.synAt, c.ackAt)
	}
	switch {
	case c.challenged:
		r.Marks |= MarkChallengeACK
	case server.synSeen || server.bareAcks == 0:
		r.Marks &^= MarkChallengeACK
	}
}

// DialLeast is how long a SYN must have waited before the client's RST means
// that it had given up: a scanner sends the same RST to an answer that comes at
// once.
const DialLeast = 500 * time.Millisecond

// answeredTooLate reports whether the client refused the SYN-ACK: its socket
// was gone when the answer came. At the server the first answer leaves at once,
// and is lost on the way; the RST is the answer to its repetition.
func (c *Conn) answeredTooLate(client, server *half) bool {
	if c.first.by != client || c.first.how != HowRST || client.payloads+client.bareAcks > 0 || !c.synAckAt.Known() {
		return false
	}
	if server.syns > 1 && c.first.at.Time.Known() {
		return c.first.at.Time.Sub(c.opened.Time) >= DialLeast
	}
	return c.synAckAt.Sub(c.opened.Time) >= DialLeast
}

// finishMarks fills in what the input lacks.
func (c *Conn) finishMarks(client, server *half, end event.Time, r *Record) {
	set := func(m Mark, on bool) {
		if on {
			r.Marks |= m
		}
	}
	set(MarkOneSided, (client.packets == 0 || server.packets == 0) &&
		(r.Handshake == HandshakeMidStream || r.Handshake == HandshakeComplete))
	carried := client.missing+server.missing > 0 && client.payloads+server.payloads == 0
	set(MarkFlagsOnly, carried && client.bareAcks+server.bareAcks == 0)
	set(MarkReset, c.reset)
	set(MarkClosed, c.reset || client.finSeen && server.finSeen)
	if c.closing {
		r.Marks &^= MarkClosedUnseen
	}
	set(MarkGaveUp, !c.closing && (client.gaveUp(server, end) || server.gaveUp(client, end)))
}

// finishClose fills in the first close and the half-close. end is the end of the
// input.
func (c *Conn) finishClose(client, server *half, end event.Time, r *Record) {
	no := event.NoTime
	r.CloseAt, r.FINAcked, r.PeerFIN, r.PeerAcked, r.HalfEnd, r.TimeWaitAt, r.LateData = no, no, no, no, no, no, no
	r.PeerSpoke = c.spoke
	r.How = c.first.how
	r.CloseAt, r.CloseFrame = c.first.at.Time, c.first.at.Frame
	if c.first.how == HowNone {
		r.CloseAt = no
		return
	}
	r.Initiator = c.side(c.first.by)
	r.FirstBy, r.Prompt = r.Initiator, c.first.soon
	if c.first.how != HowFIN {
		return
	}
	a := c.first.by
	b := c.peer(a)
	c.missedReset(a, b, end)
	r.FINAcked, r.ACKMissed = c.finAckedAt(a, r.RTT, end)
	if r.PeerAcked = no; b.finSeen {
		r.PeerAcked = b.finAckedAt
	}
	if a.finAcked && !a.finAckedAt.Known() {
		r.Marks |= MarkFINAckedUntimed
	}
	if b.finSeen {
		r.PeerFIN = b.finAt.Time
	}
	if a.believed {
		r.Marks |= MarkCloseUnseen
	}
	r.HalfKind = c.kind
	if c.spokeData {
		r.LateData = c.lateData
	}
	if c.halfEnd.Seen() {
		r.HalfEnd, r.HalfFrame, r.EndedBy = c.halfEnd.Time, c.halfEnd.Frame, c.endedBy
	}
	if c.endedBy == EndedBySimultaneous {
		r.Initiator = event.Both
	}
	c.probes(a, r)
	c.timeWait(a, b, r)
}

// finAckedAt is when the first FIN, of a, was acknowledged. Every stack does it
// within its delay for acknowledgements (200 ms at most), and a FIN that is not
// acknowledged is sent again. Where neither happened the acknowledgement is not
// in the input: missed is true, and it came about a round trip behind the FIN.
// That is too early by the peer's delay, and by what the round trip has grown
// since the handshake; one that had grown before the FIN does not look like a
// missing acknowledgement. Where no packet of the peer is in the input, nothing
// tells when it came. end is the end of the input.
func (c *Conn) finAckedAt(a *half, rtt time.Duration, end event.Time) (at event.Time, missed bool) {
	sent, acked := c.first.at.Time, a.finAckedAt
	late := unackedLeast + 100*time.Millisecond + 4*rtt
	if rtt == 0 {
		late = time.Second
	}
	late = max(late, unackedLeast+100*time.Millisecond+2*time.Duration(c.trip)*time.Microsecond)
	switch {
	case !sent.Known(), a.retransAt.Known() && a.retransAt > sent:
		return acked, false
	case !a.finAcked && c.peer(a).packets == 0:
		return acked, c.halfEnd.Seen() || end.Known() && end.Sub(sent) >= late
	case !acked.Known(), acked.Sub(sent) < late:
		return acked, false
	}
	return sent.Add(rtt), true
}

// silenceLeast is how long after late data silence shows that it was answered:
// without an answer it is sent again within a second (RFC 6298, section 2.1).
const silenceLeast = 3 * time.Second

// missedReset ends a half-close whose RST is not in the input: b sent data that
// was neither acknowledged nor sent again, so that b's socket must be gone. It
// is wrong where the host of b vanished at this very moment.
func (c *Conn) missedReset(a, b *half, end event.Time) {
	answered := a.acks && !a.ack.Before(b.top) || b.rtxRun > 0 || b.finSeen || c.kind == HalfHeld
	if c.halfEnd.Seen() || !c.spokeData || answered || !end.Known() || !c.lateData.Known() || end.Sub(c.lastAt) < silenceLeast {
		return
	}
	if c.spoke == c.lateData { // one piece of late data, and no more
		c.endedBy, c.kind = EndedByLateDataReset, HalfOrphan
		c.endHalf(event.Moment{Time: c.lateData, Frame: c.lastFrame}, EndedByLateDataReset)
	}
}

// probes tells what became of the closer's socket by its answers to the
// peer's keep-alive probes.
func (c *Conn) probes(a *half, r *Record) {
	if c.reset && c.rstBy == a && c.spoke.Known() && !c.spokeData {
		r.Marks |= MarkProbeReset
	}
}

// timeWait tells who entered TIME-WAIT: who closed first, once it has
// acknowledged the peer's FIN and no RST ended the connection. Where the
// capture holds no acknowledgements, both FINs must do.
func (c *Conn) timeWait(a, b *half, r *Record) {
	if !b.finSeen {
		return
	}
	at := b.finAckedAt
	if b.believed && !at.Known() {
		at = b.finAt.Time
	}
	if !b.finAcked {
		if a.bareAcks > 0 || c.reset {
			return
		}
		at = b.finAt.Time
	}
	r.TimeWaitAt, r.TimeWaitBy = at, c.side(a)
	if c.endedBy == EndedBySimultaneous {
		r.TimeWaitBy = event.Both
	}
}

// finishRequests fills in what the tracker knows.
func (c *Conn) finishRequests(client, server *half, r *Record) {
	no := event.NoTime
	r.RequestStart, r.RequestEnd, r.ResponseStart, r.ResponseEnd = no, no, no, no
	r.Late, r.LateEnd, r.ClientNotify, r.ServerNotify = no, no, no, no
	r.ClientLastByte, r.ServerLastByte = no, no
	if r.Handshake == HandshakeUnanswered || r.Handshake == HandshakeRefused || r.Handshake == HandshakeUnreachable {
		r.Phase = PhaseConnect
	}
	if c.tracker == nil {
		return
	}
	var s exchange.Summary
	c.tracker.Finish(&s)
	r.Protocol, r.ServerName = s.Protocol, s.ServerName
	r.Sent, r.Answered, r.Reset, r.Aborted, r.Open, r.Lost = s.Sent, s.Answered, s.Reset, s.Aborted, s.Open, s.Lost
	r.DeclaredBy, r.DeclaredText = s.Declared.By, s.Declared.Text
	moment(&r.ClientNotify, s.ClientNotify)
	moment(&r.ServerNotify, s.ServerNotify)
	moment(&r.ClientLastByte, s.ClientLast)
	moment(&r.ServerLastByte, s.ServerLast)
	moment(&r.Late, s.Late)
	moment(&r.LateEnd, s.LateEnd)
	r.LateFrame = s.Late.Frame
	for _, m := range [...]struct {
		on   bool
		mark Mark
	}{{s.Unsure, MarkUnsure}, {s.EndLost, MarkEndLost}, {s.Capped, MarkCapped}, {s.Resynced > 0, MarkResynced}, {s.HeadCut, MarkHeadCut}, {s.Unseen, MarkRequestUnseen}} {
		if m.on {
			r.Marks |= m.mark
		}
	}
	if s.Outstanding != nil {
		c.outstanding(s.Outstanding, client, server, r)
		r.Outlasted = r.outlasted(s.Pause)
	} else if s.Previous != nil {
		r.request(s.Previous)
	}
}

// moment sets t where m was seen.
func moment(t *event.Time, m event.Moment) {
	if m.Seen() {
		*t = m.Time
	}
}

// request copies the exchange's facts.
func (r *Record) request(x *exchange.Exchange) {
	r.Method, r.Host, r.Path, r.Endpoint, r.Status = x.Method, x.Host, x.Path, x.Endpoint, x.Status
	moment(&r.RequestStart, x.Start)
	moment(&r.RequestEnd, x.End)
	moment(&r.ResponseStart, x.First)
	moment(&r.ResponseEnd, x.Last)
	r.RequestFrame = x.Start.Frame
	if x.Truncated {
		r.Marks |= MarkPathCut
	}
}

// outstanding fills in the request that waited at the close, and what the
// network did meanwhile.
func (c *Conn) outstanding(x *exchange.Exchange, client, server *half, r *Record) {
	r.request(x)
	r.Outstanding = true
	switch {
	case x.Handshake:
		r.Phase = PhaseTLSHandshake
	case x.First.Seen():
		r.Phase = PhaseReadingBody
	case !x.Whole:
		r.Phase = PhaseSendingRequest
	default:
		r.Phase = PhaseAwaitingHeaders
	}
	if x.Whole {
		r.Marks |= MarkRequestWhole
	}
	r.Queued = r.Phase == PhaseSendingRequest && c.first.by == client && c.first.late
	if server.finSeen && x.Start.Frame > server.finAt.Frame {
		r.Marks |= MarkDataAfterClose
		if server.finAckedAt.Known() && server.finAckedAt <= x.Start.Time {
			r.Marks |= MarkSentIntoClosed
		}
	}
	if c.first.by == server && (server.atClose.before(client, x.Start.Frame) || c.leftUnread(client, x, r)) {
		r.Marks |= MarkRequestUnread
	}
	c.stall(client, x.End.Frame, r)
	closed := r.CloseFrame
	if c.first.how == HowFIN {
		closed = c.first.by.finAt.Frame
	}
	if r.Marks&MarkRequestUnseen != 0 && (r.RequestFrame == r.LateFrame || r.RequestFrame == closed || r.RequestFrame == x.First.Frame) {
		r.RequestStart, r.RequestEnd = event.NoTime, event.NoTime // nothing else tells of it
	}
}

// outlasted reports whether a pause in the response was longer than the silence
// before the close: a timer that every byte starts anew, and that ran out in
// that silence, would have run out in the pause. Segments that the input lacks
// make pauses that were none.
func (r *Record) outlasted(pause time.Duration) bool {
	silent, ok := Duration(r.ServerLastByte, r.CloseAt)
	return ok && r.ServerMissing == 0 && r.ServerLastByte > r.ClientLastByte && pause > silent+silent/50+pauseLeast
}

// pauseLeast is by how much a pause must be longer, so that the time that a
// program takes to read does not count.
const pauseLeast = 5 * time.Millisecond

// before reports whether the acknowledgement of a receiver does not cover what h
// sent in a frame: it moved last in an earlier one. An acknowledgement of all
// that h sent covers that, too, for a capture on several queues may show it
// before the data.
func (s *snapshot) before(h *half, frame uint32) bool {
	all := h.next
	if h.finKnown() && h.fin.Before(all) {
		all = h.fin
	}
	return s.ackFrame == 0 || s.ackFrame < frame && s.ack.Before(all)
}

// leftUnread reports whether the server's close acknowledges less than the
// client had sent, while only one request waited, of one segment: what is left is
// that request. The frame where the acknowledgement moved does not tell, when the
// ones before are missing.
func (c *Conn) leftUnread(client *half, x *exchange.Exchange, r *Record) bool {
	return c.first.acks && c.first.ack.Before(client.next) && r.Open == 1 && x.Start.Frame == x.End.Frame
}

// unackedLeast is how long a request must have gone without an acknowledgement
// to count as lost: a kernel delays one by up to 200 ms (Linux TCP_DELACK_MAX).
const unackedLeast = 200 * time.Millisecond

// stall notes what the network did between the outstanding request and the
// first close (or the end of the input). end is the frame of the request's last
// byte.
func (c *Conn) stall(client *half, end uint32, r *Record) {
	server := c.peer(client)
	a, b := client.atClose, server.atClose
	if !c.closing {
		a, b = client.snapshot(), server.snapshot()
	}
	closed := c.first.at.Time
	if !c.closing {
		closed = c.lastAt
	}
	if resentSince(a.retransAt, r.RequestStart, closed) {
		r.Marks |= MarkRequestRetrans
	}
	if resentSince(b.retransAt, r.RequestStart, closed) {
		r.Marks |= MarkResponseRetrans
	}
	if waited, ok := Duration(r.RequestEnd, closed); ok && r.Marks&MarkOneSided == 0 && b.before(client, end) && waited > unackedLeast+r.RTT {
		r.Marks |= MarkRequestUnacked
	}
	if zeroSince(a.zeroAt, a.zeroEnd, r.RequestStart) || zeroSince(b.zeroAt, b.zeroEnd, r.RequestStart) {
		r.Marks |= MarkZeroWindow
	}
}

// resentSince reports whether retransmissions, the last one at t, held up what
// waited from start to end. They did not when they were over in the first third
// of it: the next one is due after twice the last interval (RFC 6298, section
// 5.5), and would have been sent by then.
func resentSince(t, start, end event.Time) bool {
	return t.Known() && start.Known() && t >= start && end-t <= 2*(t-start)
}

// zeroWindowLimit is how long a window must stay closed to count as a stall:
// a receiver that is merely busy opens it again within a few round trips.
const zeroWindowLimit = event.Time(50 * time.Millisecond)

// zeroSince reports whether a window of zero, open from at to end, stalled
// what began at start.
func zeroSince(at, end, start event.Time) bool {
	if !at.Known() || !start.Known() {
		return false
	}
	if !end.Known() {
		return true
	}
	return end >= start && end-max(at, start) >= zeroWindowLimit
}
