package capture

import (
	"encoding/binary"
	"math"

	"finwait/analyzer/event"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng, section 11.1).
const (
	blockInterface  = 1
	blockOldPacket  = 2
	blockSimple     = 3
	blockNames      = 4
	blockStatistics = 5
	blockPacket     = 6
	blockSecrets    = 10
	blockSection    = 0x0a0d0d0a
)

const (
	byteOrderMagic = 0x1a2b3c4d
	minBlock       = 12
	// maxBlock is the largest block that is held in memory at once.
	maxBlock = 1 << 20
	// maxSkipped is the largest block that is believed and skipped unread;
	// Wireshark's limit for any block.
	maxSkipped = 16 << 20
)

// nextBlock reads the block at the start of buf.
func (s *scanner) nextBlock(buf []byte, pos int64, rec *record) (int, status) {
	if len(buf) < minBlock {
		return 0, statusMore
	}
	kind := s.u32(buf)
	if kind == blockSection && !s.order(buf) {
		return s.badBlock(pos)
	}
	total := s.u32(buf[4:])
	if !sane(kind, total) {
		return s.badBlock(pos)
	}
	n := int(total)
	if n > maxBlock {
		return n, statusSkip
	}
	if len(buf) < n {
		return 0, statusMore
	}
	if s.u32(buf[n-4:]) != total {
		return s.badBlock(pos)
	}
	return n, s.block(kind, buf[8:n-4], pos, rec)
}

// badBlock counts a block that cannot be believed and starts the search for
// the next one.
func (s *scanner) badBlock(pos int64) (int, status) {
	s.probs.add(troubleBadBlock, 1, pos, s.frame+1)
	s.lost = true
	return 0, statusSkip
}

// order reads the byte order of the section header at the start of buf.
func (s *scanner) order(buf []byte) bool {
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(buf[8:]):
		s.big = false
	case binary.BigEndian.Uint32(buf[8:]):
		s.big = true
	default:
		return false
	}
	return true
}

// sane checks a block's length against its type.
func sane(kind, total uint32) bool {
	if total < minBlock || total%4 != 0 || total > maxSkipped {
		return false
	}
	switch kind {
	case blockSection:
		return total >= 28 && total <= maxBlock
	case blockInterface:
		return total >= 20 && total <= maxBlock
	case blockPacket, blockOldPacket:
		return total >= 32 && total <= maxBlock
	case blockSimple:
		return total >= 16 && total <= maxBlock
	}
	return true
}

// block reads the body of a whole block.
func (s *scanner) block(kind uint32, body []byte, pos int64, rec *record) status {
	switch kind {
	case blockPacket:
		return s.packet(body, pos, rec)
	case blockOldPacket:
		return s.oldPacket(body, pos, rec)
	case blockSimple:
		return s.simplePacket(body, pos, rec)
	case blockSection:
		s.section(body)
	case blockInterface:
		s.iface(body)
	case blockNames:
		s.resolve(body)
	case blockStatistics:
		s.statistics(body)
	}
	return statusSkip // secrets, comments and what is not known
}

// packet reads an enhanced packet block.
func (s *scanner) packet(body []byte, pos int64, rec *record) status {
	id := s.u32(body)
	rec.wire = int(s.u32(body[16:]))
	return s.frameOf(id, s.stamp(body[4:]), s.u32(body[12:]), body[20:], pos, rec)
}

// oldPacket reads the obsolete packet block.
func (s *scanner) oldPacket(body []byte, pos int64, rec *record) status {
	id, drops := s.u16(body), s.u16(body[2:])
	rec.wire = int(s.u32(body[16:]))
	st := s.frameOf(uint32(id), s.stamp(body[4:]), s.u32(body[12:]), body[20:], pos, rec)
	if rec.link != nil && drops != math.MaxUint16 {
		rec.link.missed += uint64(drops)
	}
	return st
}

// stamp reads a timestamp in two halves, the upper first.
func (s *scanner) stamp(b []byte) uint64 {
	return uint64(s.u32(b))<<32 | uint64(s.u32(b[4:]))
}

// frameOf fills rec with a packet of interface id: caplen bytes of rest,
// followed by options.
func (s *scanner) frameOf(id uint32, stamp uint64, caplen uint32, rest []byte, pos int64, rec *record) status {
	rec.link = nil
	if uint64(caplen) > uint64(len(rest)) || caplen > maxCaplen {
		s.probs.add(troubleBadBlock, 1, pos, s.frame+1)
		return statusSkip
	}
	rec.data = rest[:caplen:caplen]
	rec.notes = 0
	rec.time = event.NoTime
	if uint64(id) >= uint64(len(s.links)) {
		s.found(nil)
		s.probs.add(troubleNoInterface, 1, pos, s.frame)
		return statusFrame
	}
	rec.link = s.links[id]
	s.found(rec.link)
	t, ok := rec.link.time(stamp)
	if rec.time = t; !ok {
		s.probs.add(troubleBadTime, 1, pos, s.frame)
	}
	if padded := int(caplen+3) &^ 3; padded < len(rest) {
		s.packetOptions(rest[padded:], rec)
	}
	return statusFrame
}

// packetOptions reads the direction and the number of packets lost before this
// one.
func (s *scanner) packetOptions(b []byte, rec *record) {
	for o := (options{rest: b}); o.next(s); {
		switch {
		case o.code == optPacketFlags && len(o.value) == 4:
			switch s.u32(o.value) & 3 {
			case 1:
				rec.notes |= event.Incoming
			case 2:
				rec.notes |= event.Outgoing
			}
		case o.code == optPacketDrops && len(o.value) == 8:
			rec.link.missed += s.u64(o.value)
		}
	}
}

// simplePacket reads a simple packet block: the first interface, no time.
func (s *scanner) simplePacket(body []byte, pos int64, rec *record) status {
	wire, rest := s.u32(body), body[4:]
	rec.wire = int(wire)
	rec.time = event.NoTime
	rec.notes = 0
	rec.link = nil
	caplen := min(int64(wire), int64(len(rest)))
	if len(s.links) > 0 {
		rec.link = s.links[0]
		if snap := rec.link.snaplen; snap > 0 {
			caplen = min(caplen, int64(snap))
		}
	}
	rec.data = rest[:caplen:caplen]
	s.found(rec.link)
	s.probs.add(troubleNoTime, 1, pos, s.frame)
	if rec.link == nil {
		s.probs.add(troubleNoInterface, 1, pos, s.frame)
	}
	return statusFrame
}

// plausibleBlock reports whether a block of a known type starts at buf, with
// its length repeated at its end. more says that buf is too short to tell.
//
// Blocks are searched for at every byte, not at every fourth, since a piece cut
// out of the middle of a file shifts all that follows.
func (s *scanner) plausibleBlock(buf []byte, eof bool) (good, more bool) {
	if len(buf) < minBlock {
		return false, true
	}
	kind, total := s.u32(buf), s.u32(buf[4:])
	switch kind {
	case blockInterface, blockOldPacket, blockSimple, blockNames, blockStatistics, blockPacket, blockSecrets:
	case blockSection:
		was := s.big
		if !s.order(buf) {
			return false, false
		}
		total = s.u32(buf[4:])
		defer func() { s.big = was }()
	default:
		return false, false
	}
	if !sane(kind, total) || total > maxBlock {
		return false, false
	}
	if len(buf) < int(total) {
		return false, true
	}
	return s.u32(buf[total-4:]) == total, false
}
