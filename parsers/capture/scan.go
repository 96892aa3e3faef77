package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"

	"finwait/analyzer/event"
)

// maxCaplen is the largest captured length that is believed: libpcap's
// MAXIMUM_SNAPLEN and Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD.
const maxCaplen = 262144

// record is one frame as the file holds it.
type record struct {
	data  []byte     // captured bytes, in the block
	time  event.Time // NoTime when the file has none
	wire  int        // length on the wire; a broken file may say less than len(data)
	link  *link      // nil when the file never described the interface
	notes event.Notes
}

// link is one interface of a capture: what its frames start with and how its
// timestamps count.
type link struct {
	dlt     uint16 // LINKTYPE_ value
	scope   uint32 // for Segment.Scope; 0 for the first interface
	snaplen int    // 0 unknown or unlimited
	packets int64
	drops   uint64 // as the interface's statistics say
	missed  uint64 // as its packets say

	units  uint64 // timestamp units a second; 0 when the file's resolution makes no sense
	nano   uint64 // nanoseconds a unit, when that is whole; else 0
	offset int64  // seconds to add
}

// time converts a timestamp of the interface. ok is false when it does not fit
// an event.Time.
func (l *link) time(units uint64) (t event.Time, ok bool) {
	if l.units == 0 {
		return event.NoTime, false
	}
	if l.nano != 0 && l.offset == 0 {
		if hi, lo := bits.Mul64(units, l.nano); hi == 0 && lo <= math.MaxInt64 {
			return event.Time(lo), true
		}
		return event.NoTime, false
	}
	sec, rest := units/l.units, units%l.units
	hi, lo := bits.Mul64(rest, 1e9)
	frac, _ := bits.Div64(hi, lo, l.units)
	whole := int64(sec) + l.offset
	const limit = math.MaxInt64/1_000_000_000 - 1
	if sec > limit || l.offset > limit || l.offset < -limit || whole > limit || whole < -limit {
		return event.NoTime, false
	}
	return event.Time(whole*1e9 + int64(frac)), true
}

// status is what a look at the next bytes came to.
type status uint8

const (
	statusMore  status = iota // the record goes on beyond the block
	statusFrame               // a frame
	statusSkip                // bytes that are no frame
)

// scanner finds the records of a capture file in blocks of its bytes.
type scanner struct {
	ng   bool // pcapng
	big  bool // numbers are big-endian
	nano bool // pcap: fractions are nanoseconds
	long bool // pcap: record headers of 24 bytes ("modified" pcap)
	lost bool // looking for the next plausible record

	frame uint32 // of the last frame

	links []*link // interfaces of the current section
	past  past    // what is kept of the sections before
	host  []string
	names []event.Name // from name resolution blocks, not yet handed out
	probs problems
}

// u16 reads a number of the file.
func (s *scanner) u16(b []byte) uint16 {
	if s.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

// u32 reads a number of the file.
func (s *scanner) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if s.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// u64 reads a number of the file.
func (s *scanner) u64(b []byte) uint64 {
	if s.big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// errNotCapture says that the magic number is neither pcap's nor pcapng's.
var errNotCapture = errors.New("not a pcap or pcapng capture")

// start reads the file header at the start of buf and returns its length: 24
// for pcap, 0 for pcapng, whose header is a block like others.
func (s *scanner) start(buf []byte) (int, error) {
	if len(buf) < 4 {
		return 0, errNotCapture
	}
	if binary.LittleEndian.Uint32(buf) == blockSection {
		if len(buf) < 28 {
			return 0, fmt.Errorf("cut inside its first section header (byte %d)", len(buf))
		}
		s.ng = true
		return 0, nil
	}
	if !s.pcapMagic(buf) {
		return 0, fmt.Errorf("%w (it starts with % x)", errNotCapture, buf[:4])
	}
	if len(buf) < pcapHeader {
		return 0, fmt.Errorf("cut inside the pcap file header (byte %d)", len(buf))
	}
	s.pcapStart(buf)
	return pcapHeader, nil
}

// next looks at the bytes of buf, which lie at offset pos of the stream. It
// returns how many it used, possibly more than there are when the rest is to be
// skipped. With statusFrame rec holds the frame.
func (s *scanner) next(buf []byte, pos int64, eof bool, rec *record) (int, status) {
	if s.ng {
		if s.lost {
			return s.find((*scanner).plausibleBlock, buf, pos, eof)
		}
		return s.nextBlock(buf, pos, rec)
	}
	if s.lost {
		return s.find((*scanner).plausiblePcap, buf, pos, eof)
	}
	return s.nextPcap(buf, pos, rec)
}

// find looks for the next plausible record or block in buf. It never uses bytes
// that it has not seen.
func (s *scanner) find(plausible func(s *scanner, buf []byte, eof bool) (good, more bool), buf []byte, pos int64, eof bool) (int, status) {
	for i := range buf {
		good, more := plausible(s, buf[i:], eof)
		if more && !eof { // the next block goes on from here
			return s.skipped(i, pos), statusMore
		}
		if good {
			s.lost = false
			return s.skipped(i, pos), statusSkip
		}
	}
	return s.skipped(len(buf), pos), statusMore
}

// skipped counts n bytes lost from offset pos on and returns n.
func (s *scanner) skipped(n int, pos int64) int {
	if n > 0 {
		s.probs.add(troubleSkipped, int64(n), pos, 0)
	}
	return n
}

// end says what becomes of the bytes of buf, a record that the end of the file
// at offset pos cuts off: statusSkip with the number of bytes after which a
// good record starts, or statusMore when nothing is left.
//
// A damaged length near the end looks like a cut file; it is not, when a chain
// of plausible records reaches the end exactly.
func (s *scanner) end(buf []byte, pos int64) (int, status) {
	if len(buf) == 0 || s.lost {
		return len(buf), statusMore
	}
	skipped := func(n int) {
		k := troubleBadRecord
		if s.ng {
			k = troubleBadBlock
		}
		s.probs.add(k, 1, pos, s.frame+1)
		s.probs.add(troubleSkipped, int64(n), pos, 0)
	}
	for i := 1; i < len(buf); i++ {
		var good, more bool
		if s.ng {
			good, more = s.plausibleBlock(buf[i:], true)
		} else {
			good, more = s.plausiblePcap(buf[i:], true)
		}
		if good && !more {
			skipped(i)
			return i, statusSkip
		}
	}
	s.probs.add(troubleCutFile, int64(len(buf)), pos, s.frame+1)
	return len(buf), statusMore
}

// found counts a frame of link l.
func (s *scanner) found(l *link) {
	if s.frame != math.MaxUint32 {
		s.frame++
	}
	if l != nil {
		l.packets++
	}
}

// past sums up the interfaces of sections, so that a file of many sections
// takes no memory for each.
type past struct {
	linkTypes map[uint16]bool // that had frames
	snaplen   int             // the largest
	drops     int64
}

// add sums up l.
func (p *past) add(l *link) {
	if l.packets > 0 {
		if p.linkTypes == nil {
			p.linkTypes = map[uint16]bool{}
		}
		p.linkTypes[l.dlt] = true
	}
	p.snaplen = max(p.snaplen, l.snaplen)
	p.drops += int64(min(max(l.drops, l.missed), math.MaxInt32))
}

// endSection sums up the interfaces and forgets them.
func (s *scanner) endSection() {
	for _, l := range s.links {
		s.past.add(l)
	}
	s.links = nil
}

// summary sums up all interfaces so far.
func (s *scanner) summary() past {
	sum := past{linkTypes: maps.Clone(s.past.linkTypes), snaplen: s.past.snaplen, drops: s.past.drops}
	for _, l := range s.links {
		sum.add(l)
	}
	return sum
}

// linkNames returns the names of the link types that had frames; of the file's
// last interfaces when none had.
func (s *scanner) linkNames() []string {
	var names []string
	for linkType := range s.summary().linkTypes {
		names = append(names, LinkName(linkType))
	}
	if len(names) == 0 {
		for _, l := range s.links {
			names = append(names, LinkName(l.dlt))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
