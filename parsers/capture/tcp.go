package capture

import (
	"encoding/binary"

	"finwait/analyzer/event"
)

// TCP option kinds (IANA, TCP Option Kind Numbers).
const (
	tcpEnd        = 0
	tcpNop        = 1
	tcpScale      = 3
	tcpSACK       = 5
	tcpTimestamps = 8
)

// minTCP is how much of a TCP header must have been captured for a segment.
// Wireshark gives a frame its tcp.stream after the first 16 bytes, so that a
// connection of cut frames still counts.
const minTCP = 16

// tcp decodes the TCP header at p.
func (d *decoder) tcp(p []byte, miss int) {
	if len(p) < minTCP {
		d.short(miss)
		return
	}
	s := d.next()
	*s = d.segment(p)
	s.Window = binary.BigEndian.Uint16(p[14:])
	s.Flags = event.Flags(p[13])
	s.Ack = event.SeqOf(binary.BigEndian.Uint32(p[8:]))
	if miss > 0 {
		s.Notes |= event.CutByCapture
	}
	head := int(p[12]>>4) * 4
	if head < 20 {
		// No receiver takes such a segment, so it closes nothing. Wireshark
		// numbers streams by it all the same.
		s.Flags &= event.SYN | event.ACK
	}
	// Wireshark stops at both, too, with the frame in its stream.
	if head > len(p)+miss {
		s.Notes |= event.BadOptions | event.EndUnknown
		return
	}
	if head < 20 {
		s.Notes |= event.BadOptions
		return
	}
	s.Len = uint32(len(p) + miss - head)
	if len(p) > 20 {
		parseOptions(s, p[20:min(head, len(p))], head > len(p))
	}
	if head <= len(p) {
		s.Payload = p[head:]
	}
}

// segment starts a segment with the ports and sequence number at p, which has
// at least eight bytes.
func (d *decoder) segment(p []byte) event.Segment {
	s := event.Segment{
		Time:  d.time,
		Scope: d.scope,
		Frame: d.frame,
		Src:   d.ip.src,
		Dst:   d.ip.dst,
		Seq:   event.SeqOf(binary.BigEndian.Uint32(p[4:])),
		IPID:  d.ip.id,
		TTL:   d.ip.ttl,
		Input: d.input,
		Notes: d.notes | d.ip.notes,
	}
	s.Src.Port = binary.BigEndian.Uint16(p)
	s.Dst.Port = binary.BigEndian.Uint16(p[2:])
	s.Hash = event.HashEnds(&s.Src, &s.Dst)
	return s
}

// parseOptions reads the option list of a TCP header. cut says that the capture
// does not hold all of it.
func parseOptions(s *event.Segment, b []byte, cut bool) {
	for len(b) > 0 && b[0] != tcpEnd {
		if b[0] == tcpNop {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			if !cut || len(b) >= 2 && b[1] < 2 {
				s.Notes |= event.BadOptions
			}
			return
		}
		n := int(b[1])
		switch {
		case b[0] == tcpScale && n == 3:
			s.Scale = b[2]
			s.Notes |= event.HasWindowScale
		case b[0] == tcpTimestamps && n == 10:
			s.TSVal = binary.BigEndian.Uint32(b[2:])
			s.TSEcr = binary.BigEndian.Uint32(b[6:])
			s.Notes |= event.HasTimestamps
		case b[0] == tcpSACK && n >= 10 && duplicateSACK(s.Ack, b[2:n]):
			s.Notes |= event.DuplicateSACK
		}
		b = b[n:]
	}
}

// duplicateSACK reports whether the first block of a SACK option tells of a
// segment that arrived twice: it lies below the acknowledgement, or inside the
// second block (RFC 2883, section 4).
func duplicateSACK(ack event.Seq, blocks []byte) bool {
	edge := func(i int) event.Seq { return event.SeqOf(binary.BigEndian.Uint32(blocks[i:])) }
	left, right := edge(0), edge(4)
	if !ack.Before(right) {
		return true
	}
	if len(blocks) < 16 {
		return false
	}
	return !left.Before(edge(8)) && !edge(12).Before(right)
}
