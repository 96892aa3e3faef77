package capture

import (
	"encoding/binary"

	"finwait/analyzer/event"
)

// Sizes of the classic format (pcap-savefile(5)).
const (
	pcapHeader     = 24
	pcapRecord     = 16
	pcapLongRecord = 24 // of "modified" pcap files, written by Alexey Kuznetzov's libpcap
)

// pcapMagic recognises the magic number at the start of buf and notes what it
// says of the file.
func (s *scanner) pcapMagic(buf []byte) bool {
	for _, big := range []bool{false, true} {
		magic := binary.LittleEndian.Uint32(buf)
		if big {
			magic = binary.BigEndian.Uint32(buf)
		}
		switch magic {
		case 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34:
			s.big = big
			s.nano = magic == 0xa1b23c4d
			s.long = magic == 0xa1b2cd34
			return true
		}
	}
	return false
}

// pcapStart reads the file header of which pcapMagic knew the magic.
func (s *scanner) pcapStart(buf []byte) {
	l := &link{
		dlt:   uint16(s.u32(buf[20:])), // above are the FCS length and reserved bits
		units: 1e6,
		nano:  1e3,
	}
	if snap := s.u32(buf[16:]); snap <= 1<<30 {
		l.snaplen = int(snap)
	}
	if s.nano {
		l.units, l.nano = 1e9, 1
	}
	s.endSection() // of the capture before, when several are in one file
	s.links = []*link{l}
}

// nextPcap reads the record at the start of buf.
func (s *scanner) nextPcap(buf []byte, pos int64, rec *record) (int, status) {
	head := pcapRecord
	if s.long {
		head = pcapLongRecord
	}
	if len(buf) < head {
		return 0, statusMore
	}
	l := s.links[0]
	sec, frac, caplen, wire := s.u32(buf), s.u32(buf[4:]), s.u32(buf[8:]), s.u32(buf[12:])
	if caplen > maxCaplen {
		s.probs.add(troubleBadRecord, 1, pos, s.frame+1)
		s.lost = true
		return 0, statusSkip
	}
	if caplen == 0 && wire == 0 {
		if n := s.oddRecord(buf, pos); n != 0 {
			return n, statusSkip
		}
	}
	n := head + int(caplen)
	if len(buf) < n {
		return 0, statusMore
	}
	rec.data = buf[head:n:n]
	rec.time = event.Time(int64(sec)*1e9 + int64(frac)*int64(l.nano))
	rec.wire = int(wire)
	rec.link = l
	s.found(l)
	return n, statusFrame
}

// oddRecord looks at a record without any bytes. It may be the header of
// another capture that was appended to this one, of which it returns the
// length; or zeros, which are counted, and stay frames as in Wireshark.
func (s *scanner) oddRecord(buf []byte, pos int64) int {
	if s.u32(buf) == 0 && s.u32(buf[4:]) == 0 {
		s.probs.add(troubleZeroRecords, 1, pos, s.frame+1)
		return 0
	}
	// The second header's magic stands where the seconds are, its version
	// 2.4 where the fraction is.
	if len(buf) < pcapHeader || s.u16(buf[4:]) != 2 || s.u16(buf[6:]) != 4 {
		return 0
	}
	was := *s
	if !s.pcapMagic(buf) {
		return 0
	}
	if s.big != was.big {
		s.big, s.nano, s.long = was.big, was.nano, was.long
		return 0
	}
	s.pcapStart(buf)
	s.probs.add(troubleJoined, 1, pos, s.frame+1)
	return pcapHeader
}

// chain is how many record headers in a row make a place believable.
const chain = 3

// plausiblePcap reports whether records start at buf: a chain of headers, each
// with sane lengths, a valid fraction and a time within a week of the one
// before, or fewer that reach the end of the file exactly. more says that buf
// is too short to tell.
//
// A payload that itself holds a capture is taken for records.
func (s *scanner) plausiblePcap(buf []byte, eof bool) (good, more bool) {
	head := pcapRecord
	if s.long {
		head = pcapLongRecord
	}
	var before int64
	for i := range chain {
		if len(buf) == 0 && eof {
			return i > 0, false
		}
		if len(buf) < head {
			return false, true
		}
		const week = 7 * 24 * 3600
		sec := int64(s.u32(buf))
		if !s.plausibleHeader(buf) || i > 0 && (sec-before > week || before-sec > week) {
			return false, false
		}
		before = sec
		n := head + int(s.u32(buf[8:]))
		if len(buf) < n {
			return false, true
		}
		buf = buf[n:]
	}
	return true, false
}

// plausibleHeader checks a record header by itself.
func (s *scanner) plausibleHeader(buf []byte) bool {
	const farthest = 1 << 24
	frac, caplen, wire := s.u32(buf[4:]), s.u32(buf[8:]), s.u32(buf[12:])
	if caplen == 0 || caplen > maxCaplen || wire < caplen || wire > farthest {
		return false
	}
	return frac < 1e6 || s.nano && frac < 1e9
}
