package conn

import (
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// reorderLimit tells bytes that were reordered on the way from bytes that had
// to be sent again: what fills a hole within it was reordered. (Wireshark uses
// 3 ms or the round-trip time for the same purpose.)
const reorderLimit = event.Time(3e6)

// payload takes the payload of s.
func (c *Conn) payload(s *event.Segment, from, to *half, at event.Moment) {
	seq, data := s.Seq, s.Payload
	if s.Flags&event.SYN != 0 {
		seq = seq.Add(1) // TCP Fast Open, RFC 7413
	}
	end := seq.Add(s.Len)
	if from.probe(to, seq, s) {
		from.probed(to)
		c.peerSpoke(from, s, false)
		return
	}
	if from.payloads == 0 && !to.acks {
		from.joinedAtProbe(seq)
	}
	from.payloads++
	defer from.sent(s.Time, end)
	if from.finSeen && !end.Before(from.fin.Add(1)) && !seq.Before(from.fin) {
		return // behind its own FIN: not part of the stream
	}
	if !from.next.Before(end) {
		from.resent(s.Time)
		c.peerSpoke(from, s, true)
		return
	}
	c.peerSpoke(from, s, true)
	if from.next.Before(seq) {
		c.behindHole(s, seq, from, to, at)
		return
	}
	c.fillUnseen(to, from, at)
	if old := uint32(from.next.Sub(seq)); old > 0 {
		from.resent(s.Time)
		data = data[min(len(data), int(old)):]
	} else if !from.stash.empty() && s.Time-from.stash.pieces[0].at.Time > reorderLimit {
		from.resent(s.Time)
	}
	c.deliver(from, int(end.Sub(from.next)), data, at)
	c.drain(from, at)
	c.shutInOrder(from, to)
}

// probe reports whether s is a keep-alive probe with a byte of garbage: the
// byte before the next one, which the peer has acknowledged already.
func (h *half) probe(peer *half, seq event.Seq, s *event.Segment) bool {
	return s.Len == 1 && h.begun && seq.Add(1) == h.next && h.payloads > 0 && (h.rtxRun == 0 || h.heard(peer)) &&
		h.lastSent.Known() && s.Time-h.lastSent > event.Time(1e9)
}

// sent notes the sending of payload that ends at end.
func (h *half) sent(t event.Time, end event.Seq) {
	if h.lastSent.Known() && h.rtxRun > 0 {
		h.rtxGap = t - h.lastSent
	}
	h.lastSent = t
	if h.top.Before(end) {
		h.top = end
	}
}

// maxWindow is the largest window that there is (RFC 7323, section 2.3): what
// lies further ahead, unacknowledged, is broken or forged, and no receiver takes it.
const maxWindow = 1 << 30

// behindHole keeps a segment that lies behind bytes not seen yet, or gives
// those up when the receiver has acknowledged them.
func (c *Conn) behindHole(s *event.Segment, seq event.Seq, from, to *half, at event.Moment) {
	if to.acks && !to.ack.Before(seq) && from.stash.empty() {
		c.skip(from, seq, at)
		c.deliver(from, int(s.Len), s.Payload, at)
		return
	}
	if seq.Sub(from.next) > maxWindow {
		return
	}
	if from.stash == nil {
		from.stash = new(stash)
	}
	stored, full := from.stash.put(seq, s.Len, at, s.Payload)
	if full {
		c.skip(from, from.stash.pieces[0].seq, at)
		c.drain(from, at)
		if !from.next.Before(seq) {
			c.deliver(from, int(s.Len), s.Payload, at)
		} else {
			from.stash.put(seq, s.Len, at, s.Payload)
		}
		return
	}
	if !stored {
		from.resent(s.Time)
	}
}

// fillUnseen tells the tracker about bytes of h that its peer acknowledges
// with data of its own, although the input lacks them: what comes now answers
// something unseen.
func (c *Conn) fillUnseen(h, peer *half, at event.Moment) {
	if peer.acks && h.begun && h.stash.empty() && h.next.Before(peer.ack) {
		end := peer.ack
		if h.finKnown() && h.fin.Before(end) {
			end = h.fin
		}
		c.skip(h, end, peer.ackedBy(end, at))
		c.shutInOrder(h, peer)
	}
}

// ackedAtEnd tells the tracker about bytes of h that its peer has acknowledged
// and that never came, although nothing followed that would have shown it.
func (c *Conn) ackedAtEnd(h, peer *half) {
	if !peer.acks || !h.begun {
		return
	}
	end := peer.ack
	if h.finKnown() && h.fin.Before(end) {
		end = h.fin
	}
	if n := end.Sub(h.next); n > 0 && n <= maxWindow {
		c.skip(h, end, event.Moment{Time: c.lastAt, Frame: c.lastFrame})
	}
}

// patience gives up a hole that the receiver has acknowledged and that no
// bytes filled since.
func (c *Conn) patience(h *half, at event.Moment) {
	if h.stash.empty() {
		return
	}
	peer := c.peer(h)
	silent := peer.packets == 0 && len(h.stash.pieces) > holePatience
	if !silent && (!peer.acks || !h.next.Before(peer.ack)) {
		return
	}
	h.stash.acked++
	if h.stash.acked > holePatience || silent {
		c.skip(h, h.stash.pieces[0].seq, at)
		h.stash.acked = 0
		c.drain(h, at)
		c.shutInOrder(h, peer)
	}
}

// skip gives up the bytes of h before seq.
func (c *Conn) skip(h *half, seq event.Seq, at event.Moment) {
	n := int64(seq.Sub(h.next))
	if n <= 0 {
		return
	}
	if c.tracker == nil && c.side(h) == event.Client && c.peer(h).bareAcks > 0 {
		c.take() // there was a request
	}
	h.missing += n
	h.next = seq
	if h.top.Before(seq) {
		h.top = seq
	}
	if c.tracker != nil {
		c.tracker.Gap(c.side(h), n, at)
	}
}

// drain delivers the pieces that have come in line.
func (c *Conn) drain(h *half, now event.Moment) {
	for !h.stash.empty() && !h.next.Before(h.stash.pieces[0].seq) {
		p := h.stash.pop()
		old := int(h.next.Sub(p.seq))
		if n := int(p.len) - old; n > 0 {
			c.deliver(h, n, p.data[min(len(p.data), old):], p.at)
		}
	}
}

// drainAll delivers everything that is left, holes given up.
func (c *Conn) drainAll(at event.Moment) {
	for _, h := range [...]*half{&c.a, &c.b} {
		for !h.stash.empty() {
			c.skip(h, h.stash.pieces[0].seq, at)
			c.drain(h, at)
		}
	}
}

// deliver hands n bytes of h's stream, of which data are the first, to the
// tracker.
func (c *Conn) deliver(h *half, n int, data []byte, at event.Moment) {
	if n <= 0 {
		return
	}
	if len(data) > n {
		data = data[:n]
	}
	c.tellRoles(h, data)
	if c.tracker == nil {
		c.take()
	}
	h.bytes += int64(n)
	h.next = h.next.Add(uint32(n))
	c.tracker.Data(c.side(h), n, data, at)
}

// take takes a tracker, and tells it who has closed already.
func (c *Conn) take() {
	server := c.bEnd.Port
	if c.aServes {
		server = c.aEnd.Port
	}
	c.tracker = c.trackers.Take(c.owner, server)
	for _, h := range [...]*half{&c.a, &c.b} {
		if h.shut = false; h.finSeen && !h.next.Before(h.fin) {
			c.tellShut(h, c.peer(h), h.finAt)
		}
	}
}

// maxGuesses bounds how many payloads are looked at to tell who serves.
const maxGuesses = 8

// tellRoles decides by the payload who serves, where no SYN did. Requests that
// were read with the roles exchanged are read anew from here.
func (c *Conn) tellRoles(h *half, data []byte) {
	if c.basis != BasisUnknown || c.guesses >= maxGuesses || len(data) == 0 {
		return
	}
	c.guesses++
	hint := exchange.Sniff(data)
	if hint == exchange.HintNone {
		return
	}
	c.setRoles((h == &c.a) == (hint == exchange.HintResponse), BasisPayload)
}

// setRoles decides who serves. A tracker that had read the bytes the other way
// round starts anew.
func (c *Conn) setRoles(aServes bool, basis Basis) {
	swapped := c.aServes != aServes && c.tracker != nil
	c.aServes, c.basis = aServes, basis
	if swapped {
		c.tracker.Drop()
		c.take()
		c.marks |= MarkSwapped
	}
}

// shutInOrder tells the tracker of h's FIN once all bytes before it passed.
// Those that lack may still come, unless the receiver has them.
func (c *Conn) shutInOrder(h, peer *half) {
	if !h.finSeen || h.shut {
		return
	}
	c.shutBefore(peer, h, h.finAt)
	if h.next.Before(h.fin) {
		if !h.stash.empty() || !peer.acks || !h.next.Before(peer.ack) {
			return
		}
		c.skip(h, h.fin, peer.ackedBy(h.fin, h.finAt))
	}
	c.tellShut(h, peer, h.finAt)
}

// shutBefore tells the tracker of the FIN of h that peer, which closes at at, had
// acknowledged: peer has what the input lacks in front of it.
func (c *Conn) shutBefore(h, peer *half, at event.Moment) {
	if c.first.by == h && h.finSeen && !h.shut && peer.acks && h.fin.Before(peer.ack) && h.stash.empty() {
		c.skip(h, h.fin, peer.ackedBy(h.fin, at))
		c.tellShut(h, peer, h.finAt)
	}
}

// ackedBy is when h acknowledged everything before seq, at at the latest.
func (h *half) ackedBy(seq event.Seq, at event.Moment) event.Moment {
	if h.acks && !h.ack.Before(seq) && h.ackAt <= at.Time {
		return event.Moment{Time: h.ackAt, Frame: h.ackFrame}
	}
	return at
}

// skipToReset gives up what h had sent, unseen, before its RST: the RST's number
// tells (RFC 9293, section 3.5.2; one that lies far off is forged or broken).
func (c *Conn) skipToReset(s *event.Segment, h, peer *half, at event.Moment) {
	end := s.Seq
	if h.finKnown() && h.fin.Before(end) {
		end = h.fin
	}
	if n := end.Sub(h.next); h.begun && h.synSeen && n > 0 && n <= handshakeSpan {
		c.skip(h, end, peer.ackedBy(end, at))
	}
}

// shutAtEnd is shutInOrder at the end of the input, when nothing can come.
func (c *Conn) shutAtEnd(h, peer *half) {
	if h.finSeen && !h.shut {
		if h.fin.Sub(h.next) <= maxWindow {
			c.skip(h, h.fin, h.finAt)
		}
		c.tellShut(h, peer, h.finAt)
	}
}

// tellShut tells the tracker that h sent its FIN or RST, and how many bytes of
// its peer's stream it had received by then: exactly what it had acknowledged,
// for a FIN carries the acknowledgement of everything the kernel holds.
func (c *Conn) tellShut(h, peer *half, at event.Moment) {
	if h.shut || c.tracker == nil {
		return
	}
	h.shut = true
	read := int64(-1)
	if h.acks && (c.first.by == h || !h.believed) { // else its FIN, and what that acknowledged, was not seen
		ack := h.ack
		if c.first.by == h && c.first.acks {
			ack = c.first.ack
		}
		read = peer.offset() + int64(ack.Sub(peer.next))
	}
	c.tracker.Shut(c.side(h), at, read)
}
