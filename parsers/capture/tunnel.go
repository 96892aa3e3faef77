package capture

import "encoding/binary"

// UDP ports with a meaning here (IANA; 8472 is what Linux used for VXLAN before
// the assignment, and Flannel still does).
const (
	portDNS      = 53
	portGTPU     = 2152
	portTeredo   = 3544
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portGeneve   = 6081
	portMPLS     = 6635
	portVXLANOld = 8472
)

// udp looks into a UDP datagram for a tunnel or a DNS answer (RFC 768). A
// tunnel is told by its port, the destination's first.
func (d *decoder) udp(p []byte, miss int) {
	if len(p) < 8 {
		return
	}
	src, dst := binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:])
	if n := int(binary.BigEndian.Uint16(p[4:])); n >= 8 {
		p, miss = trim(p, miss, n)
	}
	p = p[8:]
	if src == portDNS {
		d.answers(p)
		return
	}
	if !d.tunnel(dst, p, miss) {
		d.tunnel(src, p, miss)
	}
}

// tunnel decodes p as the tunnel that port stands for, if it looks like it.
func (d *decoder) tunnel(port uint16, p []byte, miss int) bool {
	if len(p) < 8 {
		return false
	}
	switch port {
	case portVXLAN, portVXLANOld:
		if port == portVXLANOld && p[0]&0x08 == 0 { // the port is others', too
			return false
		}
		d.enter(scopeTunnel, binary.BigEndian.Uint32(p[4:])>>8|portVXLAN<<16)
		d.inner(p[8:], miss, d.ethernet)
	case portVXLANGPE:
		d.enter(scopeTunnel, binary.BigEndian.Uint32(p[4:])>>8|portVXLAN<<16)
		d.vxlanNext(p[3], p[8:], miss)
	case portGeneve:
		return d.geneve(p, miss)
	case portGTPU:
		return d.gtp(p, miss)
	case portTeredo:
		return d.teredo(p, miss)
	case portMPLS:
		d.mpls(p, miss)
	default:
		return false
	}
	return true
}

// inner decodes the frame inside a tunnel.
func (d *decoder) inner(p []byte, miss int, decode func([]byte, int)) {
	if d.deeper() {
		decode(p, miss)
	}
}

// vxlanNext decodes the payload of VXLAN-GPE by its next protocol
// (draft-ietf-nvo3-vxlan-gpe).
func (d *decoder) vxlanNext(next byte, p []byte, miss int) {
	switch next {
	case 1:
		d.ip4(p, miss)
	case 2:
		d.ip6(p, miss)
	case 3:
		d.inner(p, miss, d.ethernet)
	}
}

// geneve decodes RFC 8926.
func (d *decoder) geneve(p []byte, miss int) bool {
	n := 8 + int(p[0]&0x3f)*4
	if len(p) < n {
		return false
	}
	d.enter(scopeTunnel, binary.BigEndian.Uint32(p[4:])>>8|portGeneve<<16)
	d.etherType(binary.BigEndian.Uint16(p[2:]), p[n:], miss)
	return true
}

// gtp decodes a GTP-U packet (3GPP TS 29.281). The tunnel number differs
// between the directions, so it is no part of the scope.
func (d *decoder) gtp(p []byte, miss int) bool {
	const isPacket = 255
	if p[0]>>5 != 1 || p[0]&0x10 == 0 || p[1] != isPacket {
		return false
	}
	flags := p[0]
	p = p[8:]
	if flags&7 != 0 {
		if len(p) < 4 {
			return false
		}
		next := p[3]
		p = p[4:]
		for flags&4 != 0 && next != 0 {
			if len(p) < 4 || p[0] == 0 || len(p) < int(p[0])*4 {
				return false
			}
			n := int(p[0]) * 4
			next, p = p[n-1], p[n:]
		}
	}
	d.enter(scopeTunnel, portGTPU<<16)
	return d.maybeIP(p, miss)
}

// maybeIP decodes p when an IP header seems to start there.
func (d *decoder) maybeIP(p []byte, miss int) bool {
	switch {
	case len(p) >= 20 && p[0]>>4 == 4 && p[0]&15 >= 5:
		d.ip4(p, miss)
	case len(p) >= 40 && p[0]>>4 == 6:
		d.ip6(p, miss)
	default:
		return false
	}
	return true
}

// teredo decodes IPv6 in UDP, after optional indications (RFC 4380, section
// 5.1.1).
func (d *decoder) teredo(p []byte, miss int) bool {
	if len(p) >= 4 && p[0] == 0 && p[1] == 1 { // authentication
		n := 4 + int(p[2]) + int(p[3]) + 9
		if len(p) < n {
			return false
		}
		p = p[n:]
	}
	if len(p) >= 8 && p[0] == 0 && p[1] == 0 { // origin
		p = p[8:]
	}
	if len(p) < 40 || p[0]>>4 != 6 {
		return false
	}
	d.enter(scopeTunnel, portTeredo<<16)
	d.ip6(p, miss)
	return true
}

// gre decodes generic routing encapsulation (RFC 2784, RFC 2890; version 1 with
// its acknowledgement number is PPTP's, RFC 2637).
func (d *decoder) gre(p []byte, miss int) {
	const (
		checksum, routing, key, sequence, ack = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080
	)
	if len(p) < 4 {
		d.short(miss)
		return
	}
	flags, proto, n := binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:]), 4
	if flags&7 == 0 && flags&routing != 0 {
		return // source routes were deprecated before anyone used them
	}
	if flags&checksum != 0 {
		n += 4
	}
	id := uint32(protoGRE)
	if flags&key != 0 {
		if len(p) >= n+4 && flags&7 == 0 {
			id |= binary.BigEndian.Uint32(p[n:]) << 8
		}
		n += 4
	}
	if flags&sequence != 0 {
		n += 4
	}
	if flags&7 == 1 && flags&ack != 0 {
		n += 4
	}
	if len(p) < n {
		d.short(miss)
		return
	}
	d.enter(scopeTunnel, id)
	if proto == etherERSPAN2 || proto == etherERSPAN3 {
		d.erspan(p[n:], miss, flags&sequence != 0 || proto == etherERSPAN3)
		return
	}
	d.etherType(proto, p[n:], miss)
}

// erspan decodes a mirrored Ethernet frame: type I has no header, and no GRE
// sequence number that would announce one; type II has 8 bytes, type III 12 and
// perhaps 8 more (draft-foschiano-erspan).
func (d *decoder) erspan(p []byte, miss int, header bool) {
	n := 0
	inner := d.ethernet
	switch {
	case !header:
	case len(p) >= 1 && p[0]>>4 == 1:
		n = 8
	case len(p) >= 12 && p[0]>>4 == 2:
		n = 12
		if p[11]&1 != 0 {
			n += 8
		}
		switch p[10] >> 2 & 0x1f { // frame type
		case 0:
		case 2:
			inner = d.rawIP
		default:
			return
		}
	case len(p) >= 12:
		return // no known version
	}
	if len(p) < n {
		d.short(miss)
		return
	}
	d.inner(p[n:], miss, inner)
}

// mpls decodes a label stack (RFC 3032). What it carries is not said: an IP
// header is told by its version, and after a zero nibble, the control word of
// RFC 4385, or without it, comes an Ethernet frame. Labels differ between the
// directions, so they are no part of the scope.
func (d *decoder) mpls(p []byte, miss int) {
	for {
		if len(p) < 4 {
			d.short(miss)
			return
		}
		last := p[2]&1 != 0
		p = p[4:]
		if last {
			break
		}
	}
	d.enter(scopeTunnel, etherMPLS)
	if d.maybeIP(p, miss) {
		return
	}
	if len(p) >= 4+14 && p[0]>>4 == 0 && knownType(p[4:]) {
		d.inner(p[4:], miss, d.ethernet)
	} else if len(p) >= 14 && knownType(p) {
		d.inner(p, miss, d.ethernet)
	}
}

// knownType reports whether an Ethernet header at p is followed by IP or a VLAN
// tag.
func knownType(p []byte) bool {
	switch binary.BigEndian.Uint16(p[12:]) {
	case etherIP4, etherIP6, etherVLAN, etherQinQ:
		return true
	}
	return false
}
