package capture

import (
	"encoding/binary"
	"slices"
)

// What frames are built of in tests. Each function wraps a payload.

// cat joins pieces of a frame.
func cat(pieces ...[]byte) []byte { return slices.Concat(pieces...) }

// be16 and be32 are numbers in network order.
func be16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func le16(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func le32(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

// ether is an Ethernet II frame.
func ether(kind int, payload []byte) []byte {
	return cat([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, be16(kind), payload)
}

// vlan is what follows the EtherType of a VLAN tag.
func vlan(id, kind int, payload []byte) []byte { return cat(be16(id), be16(kind), payload) }

// addresses of the ends, when a test does not care.
var (
	addrA  = []byte{10, 0, 0, 1}
	addrB  = []byte{10, 0, 0, 2}
	addrA6 = []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	addrB6 = []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}
)

// packet4 is an IPv4 packet from A to B; frag is the flags and offset field.
func packet4(proto, frag int, payload []byte) []byte {
	return cat([]byte{0x45, 0}, be16(20+len(payload)), be16(0x1234), be16(frag), []byte{64, byte(proto), 0, 0}, addrA, addrB, payload)
}

// packet6 is an IPv6 packet from A to B.
func packet6(next int, payload []byte) []byte {
	return cat([]byte{0x60, 0, 0, 0}, be16(len(payload)), []byte{byte(next), 63}, addrA6, addrB6, payload)
}

// segment is a TCP segment from port 40000 to 80 with sequence number 1000,
// acknowledgement 2000 and the given options, which must fill words.
func segment(flags int, options []byte, payload string) []byte {
	head := 20 + len(options)
	return cat(be16(40000), be16(80), be32(1000), be32(2000), []byte{byte(head / 4 << 4), byte(flags)}, be16(501), be32(0), options, []byte(payload))
}

// data is a segment with four bytes of payload.
func data() []byte { return segment(0x18, nil, "data") }

// datagram4 is a UDP datagram.
func datagramOf(src, dst int, payload []byte) []byte {
	return cat(be16(src), be16(dst), be16(8+len(payload)), be16(0), payload)
}

// file is a pcap file of frames, one a millisecond, with nanoseconds.
func file(linkType int, frames ...[]byte) []byte {
	out := cat(le32(0xa1b23c4d), le16(2), le16(4), le32(0), le32(0), le32(262144), le32(linkType))
	for i, f := range frames {
		out = append(out, pcapRecordOf(i, f, len(f))...)
	}
	return out
}

// pcapRecordOf is record i of a file with nanoseconds.
func pcapRecordOf(i int, f []byte, wire int) []byte {
	return cat(le32(1700000000+i/1000), le32(i%1000*1e6), le32(len(f)), le32(wire), f)
}

// ngBlock is a little-endian pcapng block; body is padded to words.
func ngBlock(kind int, body ...[]byte) []byte {
	b := cat(body...)
	b = append(b, make([]byte, -len(b)&3)...)
	n := le32(12 + len(b))
	return cat(le32(kind), n, b, n)
}

// ngSection is a section header with options.
func ngSection(options ...[]byte) []byte {
	return ngBlock(blockSection, le32(byteOrderMagic), le16(1), le16(0), le32(-1), le32(-1), cat(options...))
}

// ngInterface is an interface description with options.
func ngInterface(linkType int, options ...[]byte) []byte {
	return ngBlock(blockInterface, le16(linkType), le16(0), le32(262144), cat(options...))
}

// ngOption is an option, padded to words.
func ngOption(code int, value []byte) []byte {
	return cat(le16(code), le16(len(value)), value, make([]byte, -len(value)&3))
}

// ngPacket is an enhanced packet block with options.
func ngPacket(iface int, stamp uint64, frame []byte, options ...[]byte) []byte {
	return ngBlock(blockPacket, le32(iface), le32(int(stamp>>32)), le32(int(uint32(stamp))), le32(len(frame)), le32(len(frame)),
		frame, make([]byte, -len(frame)&3), cat(options...))
}
