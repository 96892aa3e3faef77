package conn

import (
	"math/bits"

	"finwait/analyzer/event"
)

// half is one end of a connection and the stream of bytes that it sends. Its
// fields are laid out by cache line: with thousands of connections open at once,
// the lines that a segment touches are what following it costs.
type half struct {
	// What every segment reads or writes.
	state   State
	begun   bool // base, next and top are known
	acks    bool
	synSeen bool
	rstSeen bool
	shut    bool // the tracker knows of its FIN or RST
	cut     bool // a payload of it was cut by the snap length
	waits   bool // it announced a window of zero, and has not opened it again

	finAcked bool  // the peer acknowledged its FIN
	rtxRun   uint8 // retransmissions since the peer last acknowledged something new
	sightAt  uint8 // where the next of sightings goes, modulo their number
	dial     origin
	base     event.Seq // initial sequence number; valid when begun
	next     event.Seq // the first byte that has not passed in order
	top      event.Seq // just behind the highest byte that was sent
	ack      event.Seq // highest acknowledgement that this end sent; valid when acks
	ackFrame uint32    // where ack last moved
	packets  uint32
	bareAcks uint32 // segments without SYN, FIN, RST and payload
	payloads uint32 // segments with payload, copies excluded
	syns     uint32
	stash    *stash // bytes behind a hole; nil until there was one

	// The last segments, to tell copies.
	prints    [4]uint64    // their fingerprints; 0 for none
	ackAt     event.Time   // when ack last moved
	finAt     event.Moment // its FIN
	fin       event.Seq    // sequence number of its FIN; valid when finAt was seen
	retrans   uint32
	sightings [4]sighting

	// What segments with payload read or write, and the rest.
	bytes      int64      // passed in order
	missing    int64      // not in the input
	lastSent   event.Time // last segment with payload, SYN or FIN
	rtxGap     event.Time // between the last two sendings of unacknowledged data
	retransAt  event.Time // last retransmission
	zeroAt     event.Time // last time it announced a window of zero
	zeroEnd    event.Time // when it opened the window again; NoTime while closed
	finAckedAt event.Time // when the peer acknowledged its FIN; NoTime without a clock, too
}

// offset is how many bytes of its stream have passed in order or are known to
// be missing.
func (h *half) offset() int64 { return h.bytes + h.missing }

// begin sets the first sequence number of a stream that the input joins in
// the middle.
func (h *half) begin(next event.Seq) {
	if h.begun {
		return
	}
	h.begun = true
	h.base = event.SeqOf(next.Uint32() - 1)
	h.next, h.top = next, next
}

// fingerprint mixes what a copy of a segment shares with it. A retransmission
// differs in the IP identification or the TCP timestamp; a copy by a second
// capture point (-i any, a bridge, a tunnel, a mirror port) differs in nothing
// but where it was seen and the hops it had left. It is never 0.
func fingerprint(s *event.Segment) uint64 {
	a := uint64(s.Seq.Uint32()) | uint64(s.Ack.Uint32())<<32
	b := uint64(s.TSVal) | uint64(s.Len&0xffff)<<32 | uint64(s.IPID)<<48
	hi, lo := bits.Mul64(a^0x8ebc6af09c88c6e3, b^uint64(s.Flags)*0x9e3779b97f4a7c15^uint64(s.Len>>16)<<16)
	return max(1, hi^lo)
}

// sighting is when and where a segment was seen.
type sighting struct {
	at    event.Time
	scope uint32
	ttl   uint8
}

// copyWindow is how late a copy of a frame may come: forwarding through
// bridges, tunnels and a mirror port's buffer takes well under it, and it is
// below the shortest retransmission timeout in use (Linux: 200 ms).
const copyWindow = event.Time(100e6)

// copyWithoutID bounds the same for segments without an IP identification
// (IPv6, some systems with DF) that were seen at the same place: there a fast
// retransmission on a local link looks the same, only later. RSTs do not count:
// a socket that is gone answers every segment of a late response with the same one.
const copyWithoutID = event.Time(20e3)

// isCopy reports whether s is a second copy of a segment that this end sent,
// and remembers s. It takes a retransmission within 20 us without an IP
// identification for a copy.
func (h *half) isCopy(s *event.Segment) bool {
	p := fingerprint(s)
	for i, q := range &h.prints {
		if q == p && h.sightings[i].again(s) {
			return true
		}
	}
	i := h.sightAt & 3
	h.sightAt++
	h.prints[i] = p
	h.sightings[i] = sighting{s.Time, s.Scope, s.TTL}
	return false
}

// again reports whether s, which is the same segment, is a copy of the one seen at q.
func (q *sighting) again(s *event.Segment) bool {
	late := max(s.Time-q.at, q.at-s.Time)
	if s.Time == event.NoTime || late > copyWindow {
		return false
	}
	return s.IPID != 0 || s.Scope != q.scope || s.TTL != q.ttl || late <= copyWithoutID && s.Flags&event.RST == 0
}

// window notes a window of zero and its end.
func (h *half) window(s *event.Segment) {
	if s.Flags&(event.RST|event.SYN) != 0 {
		return
	}
	switch {
	case s.Window == 0:
		if !h.waits {
			h.zeroAt, h.zeroEnd = s.Time, event.NoTime
			h.waits = s.Time.Known()
		}
	case h.waits:
		h.zeroEnd = s.Time
		h.waits = !s.Time.Known()
	}
}
