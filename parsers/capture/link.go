package capture

import (
	"encoding/binary"
	"strconv"

	"finwait/analyzer/event"
)

// EtherTypes (IANA, IEEE 802 Numbers).
const (
	etherLengths  = 0x0600 // values below are lengths (IEEE 802.3)
	etherIP4      = 0x0800
	etherTEB      = 0x6558 // Ethernet in GRE, Geneve
	etherVLAN     = 0x8100
	etherIP6      = 0x86dd
	etherPPP      = 0x880b
	etherMPLS     = 0x8847
	etherMPLSMany = 0x8848
	etherPPPoE    = 0x8864
	etherERSPAN2  = 0x88be
	etherERSPAN3  = 0x22eb
	etherQinQ     = 0x88a8
	etherMACsec   = 0x88e5
	etherPBB      = 0x88e7
	etherVNTag    = 0x8926
	etherQinQOld  = 0x9100 // before 802.1ad
	etherQinQOld2 = 0x9200
)

// link decodes a frame from its link header on.
func (d *decoder) link(dlt uint16, p []byte, miss int) {
	if !d.deeper() {
		return
	}
	switch dlt {
	case linkEthernet:
		d.ethernet(p, miss)
	case linkSLL:
		d.cooked(p, miss)
	case linkSLL2:
		d.cooked2(p, miss)
	case linkNull, linkLoop, linkEnc:
		d.loopback(dlt, p, miss)
	case linkRaw, linkRawOpenBSD, linkRawIP:
		d.rawIP(p, miss)
	case linkIP4:
		d.ip4(p, miss)
	case linkIP6:
		d.ip6(p, miss)
	case linkPPP, linkPPPHDLC:
		d.ppp(p, miss)
	case linkPPPDir:
		d.after(1, p, miss, d.ppp)
	case linkCHDLC:
		d.hdlc(p, miss)
	case linkFrameRelay:
		d.frameRelay(p, miss)
	case linkATM:
		d.llc(p, miss)
	case linkFDDI:
		d.after(13, p, miss, d.llc)
	case linkFirewire:
		d.typed(16, 18, p, miss)
	case linkNetanalyzer:
		d.after(4, p, miss, d.ethernet)
	case linkPflog:
		d.pflog(p, miss)
	case linkNflog:
		d.nflog(p, miss)
	case linkPPI, linkPKTAP:
		d.wrapped(dlt, p, miss)
	case linkWLAN:
		d.wlan(p, miss)
	case linkRadiotap, linkPrism, linkAVS:
		d.radio(dlt, p, miss)
	default:
		d.probs.addDetail(troubleLinkType, dlt, LinkName(dlt)+" ("+strconv.Itoa(int(dlt))+")", 1, d.pos, d.frame)
	}
}

// after decodes what follows a header of n bytes.
func (d *decoder) after(n int, p []byte, miss int, inner func([]byte, int)) {
	if len(p) < n {
		d.short(miss)
		return
	}
	inner(p[n:], miss)
}

// typed decodes what follows a header of n bytes with an EtherType at offset at.
func (d *decoder) typed(at, n int, p []byte, miss int) {
	if len(p) < n {
		d.short(miss)
		return
	}
	d.etherType(binary.BigEndian.Uint16(p[at:]), p[n:], miss)
}

// ethernet decodes an Ethernet II or IEEE 802.3 frame.
func (d *decoder) ethernet(p []byte, miss int) { d.typed(12, 14, p, miss) }

// etherType decodes the payload p of EtherType t. What is not IP in the end is
// no problem.
func (d *decoder) etherType(t uint16, p []byte, miss int) {
	if !d.deeper() {
		return
	}
	switch t {
	case etherIP4:
		d.ip4(p, miss)
	case etherIP6:
		d.ip6(p, miss)
	case etherVLAN, etherQinQ, etherQinQOld, etherQinQOld2:
		if len(p) >= 2 {
			d.enter(scopeVLAN, uint32(binary.BigEndian.Uint16(p)&0xfff))
		}
		d.typed(2, 4, p, miss)
	case etherMPLS, etherMPLSMany:
		d.mpls(p, miss)
	case etherPPPoE:
		d.after(6, p, miss, d.ppp)
	case etherPPP:
		d.ppp(p, miss)
	case etherTEB:
		d.ethernet(p, miss)
	case etherERSPAN2, etherERSPAN3:
		d.erspan(p, miss, true)
	case etherPBB: // I-TAG, then an Ethernet frame (IEEE 802.1ah)
		d.after(4, p, miss, d.ethernet)
	case etherVNTag:
		d.typed(4, 6, p, miss)
	case etherMACsec:
		d.trouble(troubleEncrypted)
	default:
		if t < etherLengths {
			p, miss = trim(p, miss, int(t))
			d.llc(p, miss)
		}
	}
}

// llc decodes IEEE 802.2 headers: SNAP with an EtherType, or IP directly.
func (d *decoder) llc(p []byte, miss int) {
	switch {
	case len(p) >= 8 && p[0] == 0xaa && p[1] == 0xaa && p[2] == 0x03 && etherOUI(p[3:]):
		d.typed(6, 8, p, miss)
	case len(p) >= 3 && p[0] == 0x06 && p[1] == 0x06 && p[2] == 0x03:
		d.rawIP(p[3:], miss)
	}
}

// etherOUI reports whether an EtherType follows the organization of a SNAP
// header: RFC 1042's zeros, or one of those that Cisco and Apple used.
func etherOUI(p []byte) bool {
	switch uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2]) {
	case 0, 0x0000f8, 0x080007:
		return true
	}
	return false
}

// cooked decodes a "Linux cooked" frame (LINKTYPE_LINUX_SLL).
func (d *decoder) cooked(p []byte, miss int) {
	if len(p) < 16 {
		d.short(miss)
		return
	}
	d.direction(p[1])
	d.cookedType(binary.BigEndian.Uint16(p[14:]), binary.BigEndian.Uint16(p[2:]), p[16:], miss)
}

// cooked2 decodes LINKTYPE_LINUX_SLL2, which tcpdump -i any writes. The
// interface goes into the scope, since a packet appears once on each.
func (d *decoder) cooked2(p []byte, miss int) {
	if len(p) < 20 {
		d.short(miss)
		return
	}
	d.enter(scopeInterface, binary.BigEndian.Uint32(p[4:]))
	d.direction(p[10])
	d.cookedType(binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[8:]), p[20:], miss)
}

// direction notes the packet type of a cooked header: 0, 1 and 2 are received,
// 4 is sent by the capturing host (linux/if_packet.h).
func (d *decoder) direction(kind byte) {
	switch {
	case kind <= 2:
		d.notes |= event.Incoming
	case kind == 4:
		d.notes |= event.Outgoing
	}
}

// cookedType decodes the payload of a cooked frame by its protocol field, which
// is an EtherType but for some hardware types (ARPHRD_).
func (d *decoder) cookedType(proto, hardware uint16, p []byte, miss int) {
	const (
		netlink  = 824
		radiotap = 803
		frad     = 770
	)
	switch {
	case hardware == netlink, hardware == radiotap, hardware == frad:
	case proto == 4: // LINUX_SLL_P_802_2
		d.llc(p, miss)
	case proto >= etherLengths:
		d.etherType(proto, p, miss)
	}
}

// loopback decodes a header that is an address family: in the byte order of
// the capturing host (NULL), in network order (LOOP), or with more after it
// (OpenBSD's ENC). Either order is tried, since files of both kinds exist under
// either name.
func (d *decoder) loopback(dlt uint16, p []byte, miss int) {
	n := 4
	if dlt == linkEnc {
		n = 12
	}
	if len(p) < n {
		d.short(miss)
		return
	}
	family := binary.LittleEndian.Uint32(p)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(p)
	}
	switch family {
	case 2:
		d.ip4(p[n:], miss)
	case 10, 24, 28, 30: // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS
		d.ip6(p[n:], miss)
	}
}

// rawIP decodes an IP header of either version.
func (d *decoder) rawIP(p []byte, miss int) {
	switch {
	case len(p) == 0:
		d.short(miss)
	case p[0]>>4 == 4:
		d.ip4(p, miss)
	case p[0]>>4 == 6:
		d.ip6(p, miss)
	default:
		d.trouble(troubleBroken)
	}
}

// ppp decodes a PPP frame, with or without its address and control bytes and
// with a protocol field of one or two bytes (RFC 1661, sections 3.1 and 6.5).
func (d *decoder) ppp(p []byte, miss int) {
	if len(p) >= 4 && (p[0] == 0x0f || p[0] == 0x8f) && p[1] == 0 {
		d.hdlc(p, miss) // LINKTYPE_PPP_HDLC allows Cisco's framing
		return
	}
	if len(p) >= 2 && p[0] == 0xff {
		p = p[2:]
	}
	if len(p) < 2 {
		d.short(miss)
		return
	}
	proto, n := int(binary.BigEndian.Uint16(p)), 2
	if p[0]&1 == 1 {
		proto, n = int(p[0]), 1
	}
	switch proto {
	case 0x21:
		d.ip4(p[n:], miss)
	case 0x57:
		d.ip6(p[n:], miss)
	case 0x281, 0x283:
		d.mpls(p[n:], miss)
	}
}

// hdlc decodes Cisco's HDLC: address, control, EtherType.
func (d *decoder) hdlc(p []byte, miss int) { d.typed(2, 4, p, miss) }

// frameRelay decodes RFC 2427: an address, a control byte, and what network
// protocol follows; or Cisco's framing, an EtherType behind the address.
func (d *decoder) frameRelay(p []byte, miss int) {
	for n := 1; n <= len(p) && n <= 4; n++ {
		if p[n-1]&1 == 1 { // the last byte of the address
			d.networkLayer(p[n:], miss)
			return
		}
	}
	d.short(miss)
}

// networkLayer decodes what follows a frame relay address.
func (d *decoder) networkLayer(p []byte, miss int) {
	const (
		unnumbered = 0x03
		padding    = 0x00
		snap       = 0x80
		ip4        = 0xcc
		ip6        = 0x8e
	)
	if len(p) < 2 {
		d.short(miss)
		return
	}
	if p[0] != unnumbered {
		d.typed(0, 2, p, miss)
		return
	}
	if p = p[1:]; p[0] == padding {
		p = p[1:]
	}
	switch {
	case len(p) >= 6 && p[0] == snap:
		d.typed(4, 6, p, miss)
	case len(p) >= 1 && p[0] == ip4:
		d.ip4(p[1:], miss)
	case len(p) >= 1 && p[0] == ip6:
		d.ip6(p[1:], miss)
	}
}

// pflog decodes OpenBSD's packet filter log: a header that starts with its
// length and the address family.
func (d *decoder) pflog(p []byte, miss int) {
	if len(p) < 2 {
		d.short(miss)
		return
	}
	d.after(int(p[0]+3)&^3, p, miss, d.rawIP)
}

// nflog decodes a netfilter log message: attributes of which number 9 is the
// packet.
func (d *decoder) nflog(p []byte, miss int) {
	const payload = 9
	for rest := p[min(4, len(p)):]; len(rest) >= 4; {
		n, kind := int(binary.LittleEndian.Uint16(rest)), binary.LittleEndian.Uint16(rest[2:])
		if kind&0xff == 0 { // kinds are small: this was written by a big-endian host
			n, kind = int(binary.BigEndian.Uint16(rest)), kind>>8
		}
		if n < 4 {
			break
		}
		if kind&0x7fff == payload {
			d.rawIP(rest[4:min(n, len(rest))], miss)
			return
		}
		rest = rest[min((n+3)&^3, len(rest)):]
	}
	d.short(miss)
}

// wrapped decodes headers that state their own length and the link type of
// what follows.
func (d *decoder) wrapped(dlt uint16, p []byte, miss int) {
	if len(p) < 12 {
		d.short(miss)
		return
	}
	n, inner := int(binary.LittleEndian.Uint16(p[2:])), binary.LittleEndian.Uint32(p[4:]) // PPI
	if dlt == linkPKTAP {
		n, inner = int(binary.LittleEndian.Uint32(p)), binary.LittleEndian.Uint32(p[8:])
	}
	if n < 8 || n > len(p) || inner > 0xffff {
		d.short(miss)
		return
	}
	d.link(uint16(inner), p[n:], miss)
}
