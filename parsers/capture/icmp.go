package capture

import (
	"encoding/binary"

	"finwait/analyzer/event"
)

// icmp reports an ICMP or ICMPv6 error that quotes a TCP header (RFC 792; RFC
// 4443): the quoted ends and sequence number, and how much of the segment is
// known. A redirect quotes one, too, but is no error, and Wireshark gives it no
// stream.
func (d *decoder) icmp(p []byte, miss int, six bool) {
	if len(p) < 8 || !quotes(p[0], six) {
		return
	}
	code := binary.BigEndian.Uint16(p)
	p = p[8:]
	var proto byte
	var length int // of the quoted segment; negative when not known
	if six {
		proto, p, length = d.quoted6(p)
	} else {
		proto, p, length = d.quoted4(p)
	}
	if proto != protoTCP || len(p) < 8 {
		return
	}
	s := d.next()
	*s = d.segment(p)
	s.Kind, s.Code = event.SegmentUnreachable, code
	s.Notes |= event.CutByCapture
	if len(p) < minTCP {
		return
	}
	s.Ack = event.SeqOf(binary.BigEndian.Uint32(p[8:]))
	s.Flags = event.Flags(p[13])
	s.Window = binary.BigEndian.Uint16(p[14:])
	s.Notes &^= event.CutByCapture
	if head := int(p[12]>>4) * 4; head >= 20 && length >= head {
		s.Len = uint32(length - head)
	}
}

// quotes reports whether an ICMP message of the type quotes a packet.
func quotes(kind byte, six bool) bool {
	if six {
		return kind >= 1 && kind <= 4 // unreachable, too big, time exceeded, parameter problem
	}
	switch kind {
	case 3, 4, 11, 12: // unreachable, source quench, time exceeded, parameter problem
		return true
	}
	return false
}

// quoted4 reads a quoted IPv4 header and returns what follows, with the length
// that it had in the packet.
func (d *decoder) quoted4(p []byte) (proto byte, rest []byte, length int) {
	if len(p) < 20 || p[0]>>4 != 4 || p[0]&15 < 5 {
		return 0, nil, -1
	}
	head := int(p[0]&15) * 4
	if len(p) < head || binary.BigEndian.Uint16(p[6:])&0x1fff != 0 {
		return 0, nil, -1
	}
	d.ip = ipHeader{src: event.V4(p[12:16], 0), dst: event.V4(p[16:20], 0), id: binary.BigEndian.Uint16(p[4:]), ttl: p[8]}
	return p[9], p[head:], int(binary.BigEndian.Uint16(p[2:])) - head
}

// quoted6 is quoted4 for IPv6.
func (d *decoder) quoted6(p []byte) (proto byte, rest []byte, length int) {
	if len(p) < 40 || p[0]>>4 != 6 {
		return 0, nil, -1
	}
	d.ip = ipHeader{ttl: p[7], notes: event.IPv6}
	copy(d.ip.src.Addr[:], p[8:])
	copy(d.ip.dst.Addr[:], p[24:])
	next, length := p[6], int(binary.BigEndian.Uint16(p[4:]))
	p = p[40:]
	for next == protoHopByHop || next == protoRouting || next == protoDestOpts {
		if len(p) < 8 || len(p) < int(p[1])*8+8 {
			return 0, nil, -1
		}
		n := int(p[1])*8 + 8
		next, p, length = p[0], p[n:], length-n
	}
	return next, p, length
}
