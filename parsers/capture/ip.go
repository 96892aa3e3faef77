package capture

import (
	"encoding/binary"

	"finwait/analyzer/event"
)

// IP protocol numbers (IANA, Assigned Internet Protocol Numbers).
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIP4      = 4
	protoTCP      = 6
	protoUDP      = 17
	protoIP6      = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoICMP6    = 58
	protoDestOpts = 60
	protoEtherIP  = 97
	protoMobility = 135
	protoMPLS     = 137
	protoHIP      = 139
	protoShim6    = 140
)

// ip4 decodes the IPv4 header at p (RFC 791).
func (d *decoder) ip4(p []byte, miss int) {
	if !d.deeper() {
		return
	}
	if len(p) < 20 {
		d.short(miss)
		return
	}
	head, total := int(p[0]&15)*4, int(binary.BigEndian.Uint16(p[2:]))
	if p[0]>>4 != 4 || head < 20 || total != 0 && total < head {
		d.trouble(troubleBroken)
		return
	}
	d.ip = ipHeader{
		src: event.V4(p[12:16], 0),
		dst: event.V4(p[16:20], 0),
		id:  binary.BigEndian.Uint16(p[4:]),
		ttl: p[8],
	}
	if total == 0 {
		// The host left the length to its network card (segmentation
		// offload), so only the frame's length is known.
		d.ip.notes = event.NoLength
	} else {
		p, miss = trim(p, miss, total)
	}
	if len(p) < head {
		d.short(miss)
		return
	}
	flags := binary.BigEndian.Uint16(p[6:])
	if flags&0x3fff == 0 {
		d.transport(p[9], p[head:], miss)
		return
	}
	d.fragment(piece{
		key:  fragmentKey{src: d.ip.src.Addr, dst: d.ip.dst.Addr, scope: d.scope, id: uint32(d.ip.id), proto: p[9]},
		at:   int(flags&0x1fff) * 8,
		more: flags&0x2000 != 0,
		data: p[head:],
		miss: miss,
		cut:  miss > 0 || total > len(p),
	})
}

// minMTU6 is what every IPv6 link carries (RFC 8200, section 5). A host leaves
// the length to its network card only in packets that are to be split, and they
// are larger; a smaller one without a length is broken.
const minMTU6 = 1280

// ip6 decodes the IPv6 header at p and its extension headers (RFC 8200).
func (d *decoder) ip6(p []byte, miss int) {
	if !d.deeper() {
		return
	}
	if len(p) < 40 {
		d.short(miss)
		return
	}
	if p[0]>>4 != 6 {
		d.trouble(troubleBroken)
		return
	}
	d.ip = ipHeader{ttl: p[7], notes: event.IPv6}
	copy(d.ip.src.Addr[:], p[8:])
	copy(d.ip.dst.Addr[:], p[24:])
	if n := int(binary.BigEndian.Uint16(p[4:])); n != 0 {
		p, miss = trim(p, miss, 40+n)
	} else if p[6] != protoHopByHop { // not a jumbogram (RFC 2675)
		if len(p)+miss <= minMTU6 {
			d.trouble(troubleBroken)
			return
		}
		d.ip.notes |= event.NoLength
	}
	d.extensions(p[6], p[40:], miss)
}

// extensions walks the extension headers at p, the first of type next.
func (d *decoder) extensions(next byte, p []byte, miss int) {
	for d.deeper() {
		switch next {
		case protoHopByHop, protoRouting, protoDestOpts, protoMobility, protoHIP, protoShim6:
			n := 8
			if len(p) >= 2 {
				n = int(p[1])*8 + 8
			}
			if len(p) < n {
				d.short(miss)
				return
			}
			if (next == protoHopByHop || next == protoDestOpts) && !options6(p[2:], n-2) {
				d.trouble(troubleBroken)
				return
			}
			next, p = p[0], p[n:]
		case protoFragment:
			if len(p) < 8 {
				d.short(miss)
				return
			}
			field := binary.BigEndian.Uint16(p[2:])
			if field&0xfff9 == 0 { // an atomic fragment (RFC 6946)
				next, p = p[0], p[8:]
				continue
			}
			d.fragment(piece{
				key:  fragmentKey{src: d.ip.src.Addr, dst: d.ip.dst.Addr, scope: d.scope, id: binary.BigEndian.Uint32(p[4:]), proto: p[0], six: true},
				at:   int(field &^ 7),
				more: field&1 != 0,
				data: p[8:],
				miss: miss,
				cut:  miss > 0,
			})
			return
		default:
			d.transport(next, p, miss)
			return
		}
	}
}

// options6 reports whether the options in the first n bytes of p (RFC 8200,
// section 4.2) lie within the packet. One that only reaches beyond its header
// is no reason to give up the segment, as in Wireshark.
func options6(p []byte, n int) bool {
	for i := 0; i < n; {
		if p[i] == 0 { // padding
			i++
			continue
		}
		if i+2 > len(p) || i+2+int(p[i+1]) > len(p) {
			return false
		}
		i += 2 + int(p[i+1])
	}
	return true
}

// transport decodes what an IP header carries. What cannot lead to TCP is no
// problem.
func (d *decoder) transport(proto byte, p []byte, miss int) {
	switch proto {
	case protoTCP:
		d.tcp(p, miss)
	case protoUDP:
		d.udp(p, miss)
	case protoICMP:
		d.icmp(p, miss, false)
	case protoICMP6:
		d.icmp(p, miss, true)
	case protoIP4:
		d.enter(scopeTunnel, protoIP4)
		d.ip4(p, miss)
	case protoIP6:
		d.enter(scopeTunnel, protoIP6)
		d.ip6(p, miss)
	case protoGRE:
		d.gre(p, miss)
	case protoAH:
		n := 12
		if len(p) >= 2 {
			n = int(p[1])*4 + 8
		}
		if len(p) < n {
			d.short(miss)
			return
		}
		if d.deeper() {
			d.transport(p[0], p[n:], miss)
		}
	case protoHopByHop, protoRouting, protoFragment, protoDestOpts, protoMobility, protoHIP, protoShim6:
		d.extensions(proto, p, miss) // of IPv6, behind an IPv4 header
	case protoESP:
		d.trouble(troubleEncrypted)
	case protoEtherIP:
		d.enter(scopeTunnel, protoEtherIP)
		d.after(2, p, miss, d.ethernet)
	case protoMPLS:
		d.mpls(p, miss)
	}
}
