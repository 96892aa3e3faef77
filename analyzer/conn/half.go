package conn

import (
	"finwait/analyzer/event"
)

// half is one end of a connection and the stream of bytes that it sends.
type half struct {
	end   event.Endpoint
	state State

	dial    origin
	base    event.Seq // initial sequence number; valid when begun
	next    event.Seq // the first byte that has not passed in order
	top     event.Seq // just behind the highest byte that was sent
	ack     event.Seq // highest acknowledgement that this end sent; valid when acks
	fin     event.Seq // sequence number of its FIN; valid when finAt was seen
	begun   bool      // base, next and top are known
	acks    bool
	synSeen bool
	rstSeen bool
	shut    bool // the tracker knows of its FIN or RST
	cut     bool // a payload of it was cut by the snap length

	packets    uint32
	payloads   uint32 // segments with payload, copies excluded
	bareAcks   uint32 // segments without SYN, FIN, RST and payload
	retrans    uint32
	syns       uint32
	rtxRun     uint8        // retransmissions since the peer last acknowledged something new
	rtxGap     event.Time   // between the last two sendings of unacknowledged data
	lastSent   event.Time   // last segment with payload, SYN or FIN
	retransAt  event.Time   // last retransmission
	zeroAt     event.Time   // last time it announced a window of zero
	zeroEnd    event.Time   // when it opened the window again; NoTime while closed
	ackAt      event.Time   // when ack last moved
	ackFrame   uint32       // and where
	bytes      int64        // passed in order
	missing    int64        // not in the input
	finAt      event.Moment // its FIN
	finAckedAt event.Time   // when the peer acknowledged it; NoTime without a clock, too
	finAcked   bool         // the peer acknowledged it
	stash      stash        // bytes behind a hole
	seen       [4]print     // fingerprints of its last segments, to tell copies
	seenNext   uint8
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

// print is what a copy of a segment shares with it. A retransmission differs
// in the IP identification or the TCP timestamp; a copy by a second capture
// point (-i any, a bridge, a tunnel, a mirror port) differs in nothing but
// where it was seen and the hops it had left.
type print struct {
	at    event.Time
	scope uint32
	seq   event.Seq
	ack   event.Seq
	tsval uint32
	len   uint32
	ipid  uint16
	flags event.Flags
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
	p := print{s.Time, s.Scope, s.Seq, s.Ack, s.TSVal, s.Len, s.IPID, s.Flags, s.TTL}
	for i := range h.seen {
		q := &h.seen[i]
		if q.seq != p.seq || q.ack != p.ack || q.flags != p.flags || q.len != p.len ||
			q.tsval != p.tsval || q.ipid != p.ipid || q.ttl == 0 && q.at == 0 {
			continue
		}
		late := max(p.at-q.at, q.at-p.at)
		if s.Time == event.NoTime || late > copyWindow {
			continue
		}
		if p.ipid != 0 || p.scope != q.scope || p.ttl != q.ttl || late <= copyWithoutID && p.flags&event.RST == 0 {
			return true
		}
	}
	h.seen[h.seenNext&3] = p
	h.seenNext++
	return false
}

// window notes a window of zero and its end.
func (h *half) window(s *event.Segment) {
	if s.Flags&(event.RST|event.SYN) != 0 {
		return
	}
	switch {
	case s.Window == 0:
		if !h.zeroAt.Known() || h.zeroEnd.Known() {
			h.zeroAt, h.zeroEnd = s.Time, event.NoTime
		}
	case h.zeroAt.Known() && !h.zeroEnd.Known():
		h.zeroEnd = s.Time
	}
}
