package conn

import (
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// Trackers lends out request trackers: most connections of a scan or a health
// check never carry a byte and need none.
type Trackers interface {
	// Take returns a tracker for a connection to a server's port.
	Take(owner uint32, port uint16) *exchange.Tracker
}

// Conn is one connection while its segments are read. Its memory is reused by
// Init. Its fields are laid out in cache lines; see half.
type Conn struct {
	// What every segment reads or writes.
	aEnd, bEnd event.Endpoint // a sent the first packet
	owner      uint32
	lastAt     event.Time // the latest of its times; NoTime without any
	lastFrame  uint32
	marks      Mark
	input      uint16
	basis      Basis
	aServes    bool  // a is the server
	closing    bool  // a FIN or RST was seen: first is set
	reset      bool  // a RST was seen: rstAt and rstBy are set
	guesses    uint8 // payloads looked at to tell client from server
	spokeData  bool  // the peer of the closer sent data, too; see spoke

	tracker *exchange.Tracker // nil until a payload byte passed
	spoke   event.Time        // last segment of the peer that the closer's socket had to answer
	first   struct {          // the first FIN or RST
		at   event.Moment
		by   *half
		ack  event.Seq // what the closer had received by then
		acks bool
		how  How
		soon bool // see Record.Prompt
		late bool // it left behind data that had waited, or after it: see Record.Queued
	}
	endedBy    EndedBy
	kind       HalfKind
	unreach    bool   // an ICMP error answered
	challenged bool   // the client's RST answered a challenge ACK
	trip       uint32 // us that the closer's last bytes waited for their ACK before its FIN; 0 unknown

	lastClose event.Time
	opened    event.Moment
	synAt     event.Time // the SYN that was answered
	synAckAt  event.Time
	ackAt     event.Time // the ACK of the SYN-ACK, less what the SYN-ACK's repetitions took

	rstAt event.Moment // the first RST, or, while reset is false, one that refuses nothing
	rstBy *half

	a, b half

	halfEnd  event.Moment
	lateData event.Time // the first data of the peer after the first FIN
	trackers Trackers
	copies   uint32
}

// Init makes c a new connection whose first segment is s. owner is handed to
// the tracker.
func (c *Conn) Init(s *event.Segment, trackers Trackers, owner uint32) {
	*c = Conn{}
	c.trackers, c.owner, c.input = trackers, owner, s.Input
	no := event.NoTime
	c.opened = event.Moment{Time: s.Time, Frame: s.Frame}
	c.synAt, c.synAckAt, c.ackAt, c.lastClose, c.spoke = no, no, no, no, no
	for _, h := range [...]*half{&c.a, &c.b} {
		h.retransAt, h.zeroAt, h.zeroEnd, h.ackAt, h.finAckedAt, h.lastSent = no, no, no, no, no, no
	}
	c.aEnd, c.bEnd = s.Src, s.Dst
	c.lastAt = no
	switch {
	case s.Kind != event.SegmentTCP, s.Flags&event.SYN == 0:
		c.marks |= MarkMidStream
	case s.Flags.Has(event.SYN | event.ACK):
		c.aServes, c.basis = true, BasisSYNACK
	default:
		c.basis = BasisSYN
	}
	if c.basis == BasisUnknown {
		c.aServes = likelyServer(s.Src.Port, s.Dst.Port)
	}
}

// likelyServer reports whether port p is more likely the server's: it is the
// lower one. Wrong where a client uses a low port on purpose.
func likelyServer(p, q uint16) bool { return p < q }

// Starts reports whether s begins another connection on c's 4-tuple: a SYN
// whose sequence number is not the one that this direction began with. (The
// rule that Wireshark numbers streams by; a repeated SYN is a retransmission.)
func (c *Conn) Starts(s *event.Segment) bool {
	if !dials(s) {
		return false
	}
	from, _ := c.ends(s)
	return from.dial.begins(s.Seq)
}

// ReusedAfter marks that the 4-tuple carried another connection before; old
// tells whether its peer still sat in CLOSE-WAIT.
func (c *Conn) ReusedAfter(old *Conn) {
	c.marks |= MarkSYNReused
	if old != nil && (old.a.state == StateCloseWait || old.b.state == StateCloseWait) {
		c.marks |= MarkChallengeACK // confirmed by the answer, see handshake and answersChallenge
	}
}

// Retaken takes the SYN of another connection on c's 4-tuple. A kernel gives a
// port away only when no socket holds it, so a closer that dials again from a
// half-closed 4-tuple had been dropped before (Linux: tcp_fin_timeout), by then
// at the latest; and its peer's socket goes with the old connection. One that
// had not closed did so unseen.
func (c *Conn) Retaken(s *event.Segment) {
	if !c.closing {
		c.marks |= MarkClosedUnseen // unless Finish finds the close
		return
	}
	if c.first.how != HowFIN || !c.sends(c.first.by, s) || c.halfEnd.Seen() {
		return
	}
	c.kind = HalfOrphan
	c.endHalf(event.Moment{Time: s.Time, Frame: s.Frame}, EndedByExpiry)
}

// Closed reports whether nobody can send any more, so that only stray
// segments may follow.
func (c *Conn) Closed() bool {
	return c.reset || c.a.finAcked && c.b.finAcked
}

// Hash is event.Segment.Hash of the connection's segments.
func (c *Conn) Hash() uint64 { return event.HashEnds(&c.aEnd, &c.bEnd) }

// Owner is the number that Init was given.
func (c *Conn) Owner() uint32 { return c.owner }

// LastTime is when the last segment passed.
func (c *Conn) LastTime() event.Time { return c.lastAt }

// Idle is how many frames before s the last segment passed.
func (c *Conn) Idle(s *event.Segment) uint32 { return s.Frame - c.lastFrame }

// ends returns the sender and the receiver of s. A host that talks to itself
// on one port is its own peer; then the direction is a's.
func (c *Conn) ends(s *event.Segment) (from, to *half) {
	if s.Src == c.aEnd {
		return &c.a, &c.b
	}
	return &c.b, &c.a
}

// sends reports whether s comes from h.
func (c *Conn) sends(h *half, s *event.Segment) bool {
	from, _ := c.ends(s)
	return from == h
}

// Holds reports whether s is of the 4-tuple of c.
func (c *Conn) Holds(s *event.Segment) bool {
	return s.Src == c.aEnd && s.Dst == c.bEnd || s.Src == c.bEnd && s.Dst == c.aEnd
}

// end is the address and port of h.
func (c *Conn) end(h *half) event.Endpoint {
	if h == &c.a {
		return c.aEnd
	}
	return c.bEnd
}

// peer is the other end.
func (c *Conn) peer(h *half) *half {
	if h == &c.a {
		return &c.b
	}
	return &c.a
}

// side is the role of h.
func (c *Conn) side(h *half) event.Side {
	if (h == &c.a) == c.aServes {
		return event.Server
	}
	return event.Client
}

// States are the RFC 9293 states of both ends after the last segment.
func (c *Conn) States() (client, server State) {
	if c.aServes {
		return c.b.state, c.a.state
	}
	return c.a.state, c.b.state
}

// Add takes the next segment of the connection.
func (c *Conn) Add(s *event.Segment) {
	from, to := c.ends(s)
	number(s, &from.dial, &to.dial)
	c.lastFrame = s.Frame
	if !c.lastAt.Known() || s.Time > c.lastAt {
		c.lastAt = s.Time
	}
	if s.Kind == event.SegmentUnreachable {
		c.unreachable(s, from, to)
		return
	}
	from.packets++
	if from.isCopy(s) {
		c.copies++
		return
	}
	if s.Notes&event.CutByCapture != 0 {
		c.marks |= MarkCutPayload
	}
	at := event.Moment{Time: s.Time, Frame: s.Frame}
	if s.Flags&event.RST != 0 {
		c.rst(s, from, to, at)
		return
	}
	from.window(s)
	if s.Flags&event.SYN != 0 {
		c.syn(s, from, to, at)
	} else {
		from.begin(s.Seq)
	}
	if s.Flags&event.ACK != 0 {
		c.acknowledge(s, from, to)
	}
	if s.Len > 0 {
		c.payload(s, from, to, at)
	} else if s.Flags&(event.SYN|event.FIN) == 0 {
		c.bare(s, from, to)
	}
	if s.Flags&event.FIN != 0 {
		c.finish(s, from, to, at)
	}
	c.patience(from, at)
	c.patience(to, at)
}

// unreachable takes an ICMP error that quotes a segment of the connection.
func (c *Conn) unreachable(s *event.Segment, from, to *half) {
	if from.state == StateSYNSent && !to.synSeen {
		c.unreach = true
	}
}

// syn takes a SYN or a SYN-ACK. A second SYN-ACK with another number replaces the
// first one while nobody has acknowledged that: two servers behind a balancer
// answered, or one that forgot (SYN cookies, a restart).
func (c *Conn) syn(s *event.Segment, from, to *half, at event.Moment) {
	from.syns++
	if from.synSeen && from.base == s.Seq {
		from.retrans++
		from.retransAt = s.Time
	}
	if !from.synSeen || from.base != s.Seq && !to.acks && from.payloads == 0 {
		from.synSeen, from.begun = true, true
		from.base = s.Seq
		from.next = s.Seq.Add(1)
		from.top = from.next
	}
	from.lastSent = s.Time
	if s.Flags&event.ACK == 0 {
		if !to.synSeen {
			c.synAt = s.Time
		}
		from.state = max(from.state, StateSYNSent)
		return
	}
	if !c.synAckAt.Known() {
		c.synAckAt = s.Time
	}
	from.state = max(from.state, StateSYNReceived)
	if c.basis == BasisUnknown {
		c.setRoles(from == &c.a, BasisSYNACK)
	}
}

// acknowledge takes the acknowledgement that s carries for the other stream.
func (c *Conn) acknowledge(s *event.Segment, from, to *half) {
	to.begin(s.Ack)
	if to.rtxRun != 0 && (!s.Ack.Before(to.top) || s.Window == 0) {
		to.rtxRun = 0 // it has everything, or would take nothing: it lives
	}
	if !from.acks {
		to.joinedAtProbe(s.Ack)
	}
	if !from.acks || from.ack.Before(s.Ack) {
		if from.acks || !to.top.Before(s.Ack) {
			to.rtxRun = 0
		}
		if c.closing {
			c.hold(s, from, to)
		}
		if from.acks && to.top.Before(from.ack) {
			to.top = from.ack // only this acknowledgement tells of its bytes
		}
		from.ack, from.acks, from.ackAt, from.ackFrame = s.Ack, true, s.Time, s.Frame
		if s.Ack == to.base.Add(1) {
			from.ackFrame = 0 // nothing that was seen yet
		}
	}
	if s.Flags&event.SYN == 0 {
		c.established(s, from, to)
	}
	if to.finSeen && !s.Ack.Before(to.fin.Add(1)) && !to.finAcked {
		c.finAcked(from, to, s.Time)
	}
	if s.Ack == to.top.Add(1) && !to.finSeen {
		c.missedFIN(s, from, to)
	}
}

// answered is when the ACK at at would have come, had it answered the first
// SYN-ACK, when last is when the latest one was sent. Without that the round
// trip would hold a timeout of a second or more (RFC 6298, section 3: samples
// of retransmitted segments are ambiguous). An ACK that answered an earlier one
// after all makes the round trip too short.
func (c *Conn) answered(at, last event.Time) event.Time {
	if !at.Known() || !last.Known() || !c.synAckAt.Known() || last < c.synAckAt || at < last {
		return at
	}
	return at - (last - c.synAckAt)
}

// established moves both ends out of the handshake.
func (c *Conn) established(s *event.Segment, from, to *half) {
	if to.state == StateSYNSent && !to.nearSYN(s.Ack) {
		return // a challenge ACK (RFC 5961)
	}
	if to.synSeen && to.state == StateSYNReceived && !s.Ack.Before(to.base.Add(1)) {
		if !c.ackAt.Known() {
			c.ackAt = c.answered(s.Time, to.lastSent)
		}
		to.state = StateEstablished
		from.state = max(from.state, StateEstablished)
	}
	if from.state == StateSYNSent && to.synSeen {
		from.state = StateEstablished
	}
	if to.state == StateUndetermined {
		to.state = StateEstablished
	}
	if from.state == StateUndetermined {
		from.state = StateEstablished
	}
}

// bare takes a segment without payload: an acknowledgement or a keep-alive
// probe (RFC 9293, section 3.8.4: one byte before the next one).
func (c *Conn) bare(s *event.Segment, from, to *half) {
	from.bareAcks++
	if s.Seq.Add(1) == from.next {
		from.probed(to)
	}
	if !c.closing {
		return
	}
	if from.begun && s.Seq.Add(1) == from.next && c.first.by == to {
		c.peerSpoke(from, s, false)
	}
	if c.first.by == from && c.first.how == HowFIN && c.spoke.Known() && !to.finSeen &&
		s.Time >= c.spoke && s.Time-c.spoke < event.Time(time.Second) && !c.spokeData {
		c.marks |= MarkProbeAlive
	}
}

// giveUpLeast is how many repetitions, or keep-alive probes, must have gone
// unanswered for the sender to have given up.
const giveUpLeast = 3

// gaveUp reports whether h retransmitted into silence and stopped: the next
// retransmission, due after twice the last interval (RFC 6298, section 5.5),
// did not come until t.
func (h *half) gaveUp(peer *half, t event.Time) bool {
	return h.rtxRun >= giveUpLeast && !h.heard(peer) && h.lastSent.Known() && t-h.lastSent > h.rtxGap*5/2
}

// probedInVain reports whether peer, which had acknowledged everything, did not
// answer the keep-alive probes of h. Behind the last of them a kernel sends a RST
// (Linux: tcp_keepalive_timer).
func (h *half) probedInVain(peer *half) bool { return h.rtxRun >= giveUpLeast && h.heard(peer) }

// probed notes a keep-alive probe.
func (h *half) probed(peer *half) {
	if h.heard(peer) && h.rtxRun < 255 {
		h.rtxRun++
	}
}

// heard reports whether peer has acknowledged everything that h sent.
func (h *half) heard(peer *half) bool { return peer.acks && h.begun && !peer.ack.Before(h.top) }

// resent notes a retransmission.
func (h *half) resent(t event.Time) {
	h.retrans++
	if h.rtxRun < 255 {
		h.rtxRun++
	}
	h.retransAt = t
}

// Release hands the tracker back, for another connection. It is nil when no
// payload passed.
func (c *Conn) Release() *exchange.Tracker {
	t := c.tracker
	c.tracker = nil
	return t
}

// Client is the other end than Server.
func (c *Conn) Client() event.Endpoint {
	if c.aServes {
		return c.bEnd
	}
	return c.aEnd
}

// Server is the end that serves, as far as is known.
func (c *Conn) Server() event.Endpoint {
	if c.aServes {
		return c.aEnd
	}
	return c.bEnd
}
