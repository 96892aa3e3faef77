package capture

import "encoding/binary"

// radio decodes the header that a wireless card puts before an 802.11 frame:
// radiotap states its length, Prism's and AVS's do, too, in their second word.
func (d *decoder) radio(dlt uint16, p []byte, miss int) {
	if len(p) < 8 {
		d.short(miss)
		return
	}
	n := int(binary.LittleEndian.Uint16(p[2:]))
	if dlt != linkRadiotap {
		word := binary.LittleEndian.Uint32(p[4:])
		if word > 0xffff {
			word = binary.BigEndian.Uint32(p[4:])
		}
		n = int(min(word, maxCaplen))
	}
	d.after(max(n, 8), p, miss, d.wlan)
}

// wlan decodes an IEEE 802.11 frame; only data frames carry IP. A frame check
// sequence at its end does no harm, since IP states its own length. Padding
// that a few drivers put after the header is not looked for.
func (d *decoder) wlan(p []byte, miss int) {
	const (
		typeMask, typeData  = 0x0c, 0x08
		subtypeNull         = 0x40 // no data follows
		subtypeQoS          = 0x80
		toDS, fromDS        = 0x01, 0x02
		protected, ordered  = 0x40, 0x80
		aggregate           = 0x80 // of the QoS field: an A-MSDU
		shortest, addresses = 24, 6
	)
	if len(p) < 2 || p[0]&typeMask != typeData || p[0]&subtypeNull != 0 {
		return
	}
	if p[1]&protected != 0 {
		d.trouble(troubleEncrypted)
		return
	}
	n := shortest
	if p[1]&toDS != 0 && p[1]&fromDS != 0 {
		n += addresses
	}
	qos := n
	if p[0]&subtypeQoS != 0 {
		n += 2
		if p[1]&ordered != 0 {
			n += 4
		}
	}
	if len(p) < n {
		d.short(miss)
		return
	}
	if p[0]&subtypeQoS != 0 && p[qos]&aggregate != 0 {
		d.aggregate(p[n:], miss)
		return
	}
	d.llc(p[n:], miss)
}

// aggregate decodes the frames of an A-MSDU: each with two addresses and a
// length, padded to four bytes.
func (d *decoder) aggregate(p []byte, miss int) {
	const most = 64
	for range most {
		if len(p) < 14 {
			return
		}
		n := int(binary.BigEndian.Uint16(p[12:]))
		inner, rest := trim(p[14:], miss, n)
		d.depth = 0
		d.llc(inner, rest)
		p = p[min(14+(n+3)&^3, len(p)):]
	}
}
