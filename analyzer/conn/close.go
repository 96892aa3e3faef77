package conn

import (
	"time"

	"finwait/analyzer/event"
)

// heldLeast is how long after its FIN a closer must go on reading: Java calls
// shutdown() and close() one after the other, and what arrives between the two
// is acknowledged.
const heldLeast = event.Time(10 * time.Millisecond)

// hold notes when the closer goes on reading: it acknowledges data of its peer
// that it had not received when it sent its FIN. After close() the kernel
// answers such data with a RST (Linux: tcp_rcv_state_process), so this is a
// shutdown(SHUT_WR).
func (c *Conn) hold(s *event.Segment, from, to *half) {
	if c.first.by != from || c.first.how != HowFIN || !c.first.acks || !c.spokeData ||
		s.Time-c.first.at.Time < heldLeast {
		return
	}
	got := s.Ack
	if to.finSeen && to.fin.Before(got) {
		got = to.fin
	}
	if c.first.ack.Before(got) && (!from.acks || from.ack.Before(got)) {
		c.kind = HalfHeld
	}
}

// finAcked: from has acknowledged the FIN of to.
func (c *Conn) finAcked(from, to *half, at event.Time) {
	to.finAcked, to.finAckedAt = true, at
	to.state = to.state.afterOwnFINAcked()
	from.state = from.state.afterPeerFIN()
}

// finish takes a FIN.
func (c *Conn) finish(s *event.Segment, from, to *half, at event.Moment) {
	seq := s.Seq.Add(s.Len)
	if s.Flags&event.SYN != 0 {
		seq = seq.Add(1)
	}
	if s.Len == 0 && !to.acks {
		from.joinedAtProbe(seq)
	}
	if !from.finSeen && seq != from.fin {
		from.finAt = event.Moment{} // what was acknowledged was a byte
	}
	c.believeBoth()
	if !c.closing && s.Len == 0 {
		c.trip = from.trip(to)
	}
	from.lastSent = s.Time
	c.lastClosed(at.Time)
	if from.believed && seq == from.fin && s.Time-from.finAt.Time <= copyWindow {
		c.peerSpoke(from, s, s.Len > 0)
		c.late(from, s.Frame)
		return
	}
	if from.finSeen {
		from.resent(s.Time)
		c.peerSpoke(from, s, s.Len > 0)
		c.refine(seq, from, to)
		return
	}
	from.finAt, from.fin, from.finSeen, from.finAckedAt = at, seq, true, event.NoTime
	if from.top.Before(seq) {
		from.top = seq
	}
	from.top = from.top.Add(1)
	c.first.late = c.first.late || !c.closing && s.Len > 0
	c.close(from, HowFIN, at)
	if c.first.by == to && c.first.how == HowFIN {
		c.peerSpoke(from, s, s.Len > 0)
		c.endHalf(at, c.byPeerFIN(s, to))
	}
	from.state = from.state.afterFIN()
	if to.acks && !to.ack.Before(seq.Add(1)) {
		c.finAcked(to, from, to.ackAt)
	}
	c.shutInOrder(from, to)
}

// missedFIN notes that s acknowledges one number more than to has sent: a FIN
// that the input lacks, as long as no byte follows. (A lost segment of a single
// byte looks the same; requests and responses are longer. Only probes of a
// window of zero are not, so a receiver that ever announced one shows nothing.)
// Only a segment that brings no data tells when the FIN was acknowledged: one
// with data came when there was data.
func (c *Conn) missedFIN(s *event.Segment, from, to *half) {
	if to.begun && !c.reset && !to.finKnown() && !from.zeroAt.Known() && s.Flags&(event.SYN|event.RST) == 0 && (to.synSeen || to.payloads > 0 || to.packets == 0) {
		to.finAt, to.fin, to.finAckedAt = event.Moment{Time: s.Time, Frame: s.Frame}, to.top, event.NoTime
		if s.Len == 0 {
			to.finAckedAt = s.Time
		}
	}
}

// finKnown reports whether fin is the number of its FIN: that was seen, or
// missed and no byte followed.
func (h *half) finKnown() bool { return h.finSeen || h.finAt.Seen() && h.top == h.fin }

// missedByReset is missedFIN for a RST of from that acknowledges nothing: a
// kernel sends one for a socket that is gone, with the number that the segment
// which it answers had acknowledged (RFC 9293, section 3.10.7.1). One more than
// from has sent is its FIN.
func (c *Conn) missedByReset(s *event.Segment, from *half) {
	if s.Flags&event.ACK == 0 && from.begun && !from.finKnown() && s.Seq == from.top.Add(1) && from.payloads > 0 {
		from.finAt, from.fin = event.Moment{Time: s.Time, Frame: s.Frame}, from.top
	}
}

// tripMost bounds what counts as a round trip: an acknowledgement that took
// longer, and for which nothing was sent again, is not the first one.
const tripMost = event.Time(time.Second)

// trip is how many microseconds the last bytes of h waited until peer had
// acknowledged all: a round trip, and the peer's delay. 0 is unknown.
func (h *half) trip(peer *half) uint32 {
	if !h.lastSent.Known() || !peer.ackAt.Known() || peer.ack.Before(h.top) || h.retransAt >= h.lastSent {
		return 0
	}
	if d := peer.ackAt - h.lastSent; d > 0 && d <= tripMost {
		return uint32(d / 1000)
	}
	return 0
}

// late takes the FIN of h that was believed, and that passes behind its
// acknowledgement in frame: the capture held the two in the wrong order. (A
// repeated FIN comes later, and then the first one is not in the input; see
// copyWindow.) The acknowledgement still tells best when it was sent.
func (c *Conn) late(h *half, frame uint32) {
	h.believed = false
	if !h.finAckedAt.Known() {
		h.finAckedAt = h.finAt.Time
	}
	told := &c.halfEnd
	if c.first.by == h {
		told = &c.first.at
	}
	if *told == h.finAt {
		told.Frame = frame
	}
}

// believeBoth believes the missed FINs of both ends, the earlier one first: it
// is the first close.
func (c *Conn) believeBoth() {
	h, peer := &c.a, &c.b
	if peer.finAt.Seen() && (!h.finAt.Seen() || peer.finAt.Frame < h.finAt.Frame) {
		h, peer = peer, h
	}
	c.believe(h, peer)
	c.believe(peer, h)
}

// believe takes a FIN of h that was missed for seen when its acknowledgement
// was: the peer closes, a RST passes, or the input ends.
func (c *Conn) believe(h, peer *half) {
	if h.finSeen || !h.finKnown() {
		return
	}
	h.believed, h.finSeen = true, true
	h.top = h.top.Add(1)
	c.lastClosed(h.finAt.Time)
	c.close(h, HowFIN, h.finAt)
	if c.first.by == peer && c.first.how == HowFIN {
		c.endHalf(h.finAt, EndedByFIN)
	}
	h.state = h.state.afterFIN()
	c.finAcked(peer, h, h.finAckedAt)
	c.shutInOrder(h, peer)
}

// refine takes a second FIN that lies before the first: that one's number was
// out of line (a broken or forged segment), so that no acknowledgement would
// ever cover it.
func (c *Conn) refine(seq event.Seq, from, to *half) {
	if !seq.Before(from.fin) || from.finAcked {
		return
	}
	from.fin = seq
	if to.acks && !to.ack.Before(seq.Add(1)) {
		c.finAcked(to, from, to.ackAt)
	}
	c.shutInOrder(from, to)
}

// byPeerFIN tells an answering FIN from one that crossed: a crossing one does
// not acknowledge the first FIN (RFC 9293, figure 13).
func (c *Conn) byPeerFIN(s *event.Segment, closer *half) EndedBy {
	if s.Flags&event.ACK != 0 && s.Ack.Before(closer.fin.Add(1)) && !closer.finAcked {
		return EndedBySimultaneous
	}
	return EndedByFIN
}

// rst takes a RST.
func (c *Conn) rst(s *event.Segment, from, to *half, at event.Moment) {
	if c.answersChallenge(s, from, to) {
		c.challenged, to.acks = true, false
		return
	}
	if refusesNothing(s, from, to) {
		c.rstAt, c.rstBy = at, from // it counts unless the dial goes on; see Finish
		return
	}
	c.missedByReset(s, from)
	c.believeBoth()
	from.rstSeen = true
	c.lastClosed(at.Time)
	if !c.reset {
		c.rstAt, c.rstBy, c.reset = at, from, true
	}
	if s.Flags&event.ACK != 0 && to.finSeen && !s.Ack.Before(to.fin.Add(1)) && !to.finAcked {
		to.finAcked, to.finAckedAt = true, s.Time
	}
	if s.Flags&event.ACK != 0 && (from.acks && from.ack.Before(s.Ack) || !from.acks && to.synSeen && to.nearSYN(s.Ack)) {
		from.ack, from.acks, from.ackAt, from.ackFrame = s.Ack, true, s.Time, s.Frame
	}
	c.first.late = c.first.late || !c.closing && s.Flags&event.ACK == 0
	c.close(from, HowRST, at)
	if c.first.how == HowFIN {
		c.resetInHalfClose(from, to, at)
	}
	from.state, to.state = StateClosed, StateClosed
	c.drainAll(at)
	c.skipToReset(s, from, to, at)
	c.shutBefore(to, from, at)
	c.tellShut(from, to, at)
}

// answersChallenge reports whether a RST of a client that is still dialling
// answers an acknowledgement of something else: a server that holds the port's
// old connection sends one, and the RST, whose sequence number is the old
// connection's, makes it forget that. The dial goes on (RFC 9293, section
// 3.10.7.3).
func (c *Conn) answersChallenge(s *event.Segment, from, to *half) bool {
	return from.state == StateSYNSent && !to.synSeen && to.payloads == 0 && to.acks && s.Seq == to.ack &&
		from.synSeen && !from.nearSYN(to.ack)
}

// refusesNothing reports whether the RST s answers a SYN, but not this one: it
// does not acknowledge it, so that the kernel which dials ignores it (RFC 9293,
// section 3.10.7.3). The port's old connection sends one, and so do middleboxes.
func refusesNothing(s *event.Segment, from, to *half) bool {
	return to.state == StateSYNSent && to.payloads+to.bareAcks == 0 && !from.synSeen && from.payloads+from.bareAcks == 0 &&
		(s.Flags&event.ACK == 0 || !to.nearSYN(s.Ack))
}

// refusedAfterAll takes the RST that refused nothing for a refusal, since
// nothing else answered the SYN.
func (c *Conn) refusedAfterAll() {
	if c.rstBy != nil && !c.closing && !c.rstBy.synSeen && c.peer(c.rstBy).state == StateSYNSent {
		c.rstBy.rstSeen, c.reset = true, true
		c.lastClosed(c.rstAt.Time)
		c.close(c.rstBy, HowRST, c.rstAt)
	}
}

// handshakeSpan is how far from a SYN an acknowledgement may lie to be of that
// connection: one of the port's old connection is anywhere, one of data whose
// packets the input lacks is near.
const handshakeSpan = 1 << 20

// nearSYN reports whether ack is for what h sent since its SYN.
func (h *half) nearSYN(ack event.Seq) bool {
	d := ack.Sub(h.base)
	return d > 0 && d <= handshakeSpan
}

// resetInHalfClose takes a RST after the first FIN.
func (c *Conn) resetInHalfClose(from, to *half, at event.Moment) {
	if c.first.by != from {
		if !c.halfEnd.Seen() {
			c.endHalf(at, EndedByReset)
		}
		return
	}
	answered := to.finSeen && to.finAcked
	if c.spokeData && !answered && c.kind != HalfHeld {
		c.endedBy, c.kind = EndedByLateDataReset, HalfOrphan
	}
	if c.spoke.Known() && at.Time.Sub(c.spoke) < time.Second && !c.spokeData && !to.finSeen {
		c.kind = HalfOrphan // a probe found the socket gone
		c.endHalf(at, EndedByExpiry)
	}
	c.endHalf(at, EndedByLateDataReset)
}

// endHalf notes what ended the half-close, once.
func (c *Conn) endHalf(at event.Moment, by EndedBy) {
	if !c.halfEnd.Seen() {
		c.halfEnd, c.endedBy = at, by
	}
}

// lastClosed notes the time of a FIN or RST.
func (c *Conn) lastClosed(t event.Time) {
	if !c.lastClose.Known() || t > c.lastClose {
		c.lastClose = t
	}
}

// close notes the first FIN or RST and what was then the case.
func (c *Conn) close(from *half, how How, at event.Moment) {
	if c.closing {
		return
	}
	c.closing = true
	c.first.at, c.first.by, c.first.how = at, from, how
	c.first.ack, c.first.acks = from.ack, from.acks
	c.first.soon = from.prompt(c.peer(from), at.Time)
	if from.gaveUp(c.peer(from), at.Time) || how == HowRST && from.probedInVain(c.peer(from)) {
		c.marks |= MarkGaveUp
	}
	c.a.atClose, c.b.atClose = c.a.snapshot(), c.b.snapshot()
}

// promptMost is how soon behind its last acknowledgement a close is prompt.
const promptMost = event.Time(20 * time.Millisecond)

// prompt reports whether h, which closes at t, had acknowledged all that its peer
// sent, and the last of it just before.
func (h *half) prompt(peer *half, t event.Time) bool {
	return peer.payloads > 0 && h.acks && !h.ack.Before(peer.top) && h.ackAt.Known() && t.Known() && t-h.ackAt <= promptMost
}

// peerSpoke notes that the peer of the closer sent something that the
// closer's socket had to answer.
func (c *Conn) peerSpoke(from *half, s *event.Segment, data bool) {
	if !c.closing || c.first.by == from || c.first.how != HowFIN {
		return
	}
	c.spoke = s.Time
	if data {
		if !c.spokeData {
			c.lateData = s.Time
		}
		c.spokeData = true
		c.marks |= MarkLateData
	}
}
