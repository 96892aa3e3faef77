package conn

import (
	"math/bits"

	"finwait/analyzer/event"
)

// half is one end of a connection and the stream of bytes that it sends. Its
// fields are laid out in cache lines: with thousands of connections open at
// once, the lines that a segment touches are most of what following it costs.
type half struct {
	// What every segment reads or writes, of either end.
	state    State
	begun    bool // base, next and top are known
	acks     bool
	synSeen  bool
	rstSeen  bool
	finSeen  bool  // finAt and fin are known
	finAcked bool  // the peer acknowledged its FIN
	shut     bool  // the tracker knows of its FIN or RST
	believed bool  // finSeen, but its FIN is not in the input, only its acknowledgement; see missedFIN
	waits    bool  // it announced a window of zero, and has not opened it again
	rtxRun   uint8 // retransmissions and keep-alive probes since the peer last acknowledged something new, or all
	sightAt  uint8 // where the next of sightings goes, modulo their number
	dial     origin
	base     event.Seq // initial sequence number; valid when begun
	next     event.Seq // the first byte that has not passed in order
	top      event.Seq // just behind the highest byte that was sent
	ack      event.Seq // highest acknowledgement that this end sent; valid when acks
	ackFrame uint32    // where ack last moved; 0 nowhere, or only over the SYN
	packets  uint32
	bareAcks uint32     // segments without SYN, FIN, RST and payload
	ackAt    event.Time // when ack last moved
	stash    *stash     // bytes behind a hole; nil until there was one

	// What only its sender's segments need.
	sightings [4]sighting // its last segments, to tell copies

	// What segments with payload, SYN or FIN need.
	bytes     int64        // passed in order
	missing   int64        // not in the input
	lastSent  event.Time   // last segment with payload, SYN or FIN
	retransAt event.Time   // last retransmission
	finAt     event.Moment // its FIN
	fin       event.Seq    // the FIN's sequence number
	payloads  uint32       // segments with payload, copies excluded
	retrans   uint32
	syns      uint32

	// The rest.
	rtxGap     event.Time // between the last two sendings of unacknowledged data
	zeroAt     event.Time // last time it announced a window of zero
	zeroEnd    event.Time // when it opened the window again; NoTime while closed
	finAckedAt event.Time // when the peer acknowledged its FIN; NoTime without a clock, too
	atClose    snapshot
}

// snapshot is what later packets may overwrite, as it was at the first close.
type snapshot struct {
	retransAt, zeroAt, zeroEnd event.Time
	ackFrame                   uint32    // where its acknowledgement last moved; 0 nowhere
	ack                        event.Seq // and to where
}

func (h *half) snapshot() snapshot {
	return snapshot{h.retransAt, h.zeroAt, h.zeroEnd, h.ackFrame, h.ack}
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

// joinedAtProbe puts right where a stream begins that the input joins at a
// keep-alive probe, which bears the number before the next byte's; seq, the
// first number that is acknowledged or sent behind it, shows that. It takes a
// single lost byte, or a lost FIN, behind a bare acknowledgement for one.
func (h *half) joinedAtProbe(seq event.Seq) {
	if !h.synSeen && !h.finSeen && h.payloads == 0 && h.bareAcks > 0 && h.base.Add(1) == h.next && h.next.Add(1) == seq {
		h.base, h.next, h.top = h.next, seq, seq
	}
}

// sighting is a segment that was seen: what a copy of it shares with it, and
// when and where it was. A retransmission differs from the first sending in the
// IP identification or the TCP timestamp; a copy by a second capture point (-i
// any, a bridge, a tunnel, a mirror port) differs in nothing but where it was
// seen and the hops it had left. The zero value is none.
type sighting struct {
	at    event.Time
	print uint64 // 48 bits of what a copy shares with it, and 16 of where it was
}

// placeBits are those of a sighting's print that tell where it was.
const placeBits = 1<<16 - 1

// sight is the sighting of s.
func sight(s *event.Segment) sighting {
	a := uint64(s.Seq.Uint32()) | uint64(s.Ack.Uint32())<<32
	b := uint64(s.TSVal) | uint64(s.Len&0xffff)<<32 | uint64(s.IPID)<<48
	hi, lo := bits.Mul64(a^0x8ebc6af09c88c6e3, b^(uint64(s.Flags)|uint64(s.Window)<<8)*0x9e3779b97f4a7c15^uint64(s.Len>>16)<<16)
	place := (s.Scope*0x9e3779b1)>>16 ^ uint32(s.TTL)
	return sighting{s.Time, (hi^lo)&^placeBits | uint64(place&placeBits)}
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
	p := sight(s)
	for i := range h.sightings {
		q := &h.sightings[i]
		if (p.print^q.print)&^placeBits == 0 && again(s, q.at, p.print != q.print) {
			return true
		}
	}
	h.sightings[h.sightAt&3] = p
	h.sightAt++
	return false
}

// again reports whether s, which equals a segment seen at t, is a copy of it;
// elsewhere: it was seen at another place.
func again(s *event.Segment, t event.Time, elsewhere bool) bool {
	late := max(s.Time-t, t-s.Time)
	if s.Time == event.NoTime || late > copyWindow {
		return false
	}
	return s.IPID != 0 || elsewhere || late <= copyWithoutID && s.Flags&event.RST == 0
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
