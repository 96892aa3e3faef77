package capture

import (
	"encoding/binary"

	"finwait/analyzer/event"
)

// fastEthernet decodes the frame that nearly all captures consist of: Ethernet
// II, IPv4 without options or fragments, or IPv6 without extension headers,
// then a whole TCP header. It reports whether it did; if not, nothing has
// happened and the long way must be taken. Both ways give the same segment
// (TestFastAgrees). BenchmarkDecode compares them.
func (d *decoder) fastEthernet(p []byte, miss int) bool {
	if len(p) < 14+20+20 {
		return false
	}
	switch binary.BigEndian.Uint16(p[12:]) {
	case etherIP4:
		return d.fastIP4(p[14:], miss)
	case etherIP6:
		return d.fastIP6(p[14:], miss)
	}
	return false
}

// fastIP4 is the part of fastEthernet from the IPv4 header on.
func (d *decoder) fastIP4(p []byte, miss int) bool {
	_ = p[39]
	total := int(binary.BigEndian.Uint16(p[2:]))
	if p[0] != 0x45 || p[9] != protoTCP || binary.BigEndian.Uint16(p[6:])&0x3fff != 0 || total < 40 {
		return false
	}
	if total <= len(p) {
		p, miss = p[:total], 0
	} else if total > len(p)+miss {
		return false
	} else {
		miss = total - len(p)
	}
	t := p[20:]
	head := int(t[12]>>4) * 4
	if head < 20 || head > len(t) {
		return false
	}
	s := d.next()
	s.Src.SetV4(p[12:16], binary.BigEndian.Uint16(t))
	s.Dst.SetV4(p[16:20], binary.BigEndian.Uint16(t[2:]))
	s.IPID, s.TTL, s.Notes = binary.BigEndian.Uint16(p[4:]), p[8], d.notes
	d.finish(s, t, head, miss)
	return true
}

// fastIP6 is the part of fastEthernet from the IPv6 header on.
func (d *decoder) fastIP6(p []byte, miss int) bool {
	if len(p) < 60 || p[0]>>4 != 6 || p[6] != protoTCP {
		return false
	}
	total := 40 + int(binary.BigEndian.Uint16(p[4:]))
	if total < 60 {
		return false
	}
	if total <= len(p) {
		p, miss = p[:total], 0
	} else if total > len(p)+miss {
		return false
	} else {
		miss = total - len(p)
	}
	t := p[40:]
	head := int(t[12]>>4) * 4
	if head < 20 || head > len(t) {
		return false
	}
	s := d.next()
	s.Src.Addr, s.Src.Port = [16]byte(p[8:24]), binary.BigEndian.Uint16(t)
	s.Dst.Addr, s.Dst.Port = [16]byte(p[24:40]), binary.BigEndian.Uint16(t[2:])
	s.IPID, s.TTL, s.Notes = 0, p[7], d.notes|event.IPv6
	d.finish(s, t, head, miss)
	return true
}

// next returns a new segment at the end of the batch, with whatever a former
// use of the memory left in it.
func (d *decoder) next() *event.Segment {
	segs := d.out.Segments
	if len(segs) < cap(segs) {
		segs = segs[:len(segs)+1]
	} else {
		segs = append(segs, event.Segment{})
	}
	d.out.Segments = segs
	return &segs[len(segs)-1]
}

// finish fills in what the TCP header t of head bytes says, all of which was
// captured, miss bytes of the payload were not; and what else the memory of s
// may hold of a former use. Every field is written where it stays: a segment
// that is made elsewhere and copied costs three times as much (BenchmarkDecode), as
// the copy waits for the small writes.
func (d *decoder) finish(s *event.Segment, t []byte, head, miss int) {
	s.Time, s.Scope, s.Frame, s.Input = d.time, d.scope, d.frame, d.input
	s.TSVal, s.TSEcr, s.Scale, s.Kind, s.Code = 0, 0, 0, event.SegmentTCP, 0
	s.Payload = t[head:]
	s.Seq = event.SeqOf(binary.BigEndian.Uint32(t[4:]))
	s.Ack = event.SeqOf(binary.BigEndian.Uint32(t[8:]))
	s.Flags = event.Flags(t[13])
	s.Window = binary.BigEndian.Uint16(t[14:])
	s.Len = uint32(len(t) - head + miss)
	if miss > 0 {
		s.Notes |= event.CutByCapture
	}
	s.Hash = event.HashEnds(&s.Src, &s.Dst)
	switch opts := t[20:head]; {
	case len(opts) == 12 && binary.BigEndian.Uint32(opts) == 0x0101080a:
		// Two no-operations and timestamps: what Linux, BSD and Windows put
		// into every segment of a connection that negotiated them.
		s.TSVal = binary.BigEndian.Uint32(opts[4:])
		s.TSEcr = binary.BigEndian.Uint32(opts[8:])
		s.Notes |= event.HasTimestamps
	case len(opts) > 0:
		parseOptions(s, opts, false)
	}
}
