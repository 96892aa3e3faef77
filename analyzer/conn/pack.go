package conn

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// A finished connection takes some 150 bytes packed, a third of what the struct
// takes, and there may be millions of them: most of their fields are zero, or
// times and frames shortly after the first. The form is for memory, not for
// files, and for speed: every record is unpacked more than once
// (BenchmarkUnpack). It is
//
//	kind     1         the bits below
//	client   6 or 18   address and port
//	server   6 or 18
//	opened   8
//	first    4         first frame
//	mask     8         which of the numbers are there, the first lowest
//	widths   1         of the numbers of each group, two bits a group
//	numbers            those that are there, in the order of the groups
//	tail     20        what is a byte anyway, and the marks
//
// A number is read with eight bytes at once; the tail keeps that within the
// record.
const (
	packTail   = 20
	packTimes  = 20
	packFrames = 5
	packCounts = 19
	packRest   = 8

	// MaxPacked is what a packed record takes at most; Append needs as much room.
	MaxPacked = 1 + 18 + 18 + 8 + 4 + 8 + 1 + 8*(packTimes+packFrames+packCounts+packRest) + packTail
)

// The bits of a packed record's kind.
const (
	kindClient6 = 1 << iota // the client's address is of IPv6
	kindServer6
	kindOutstanding
	kindQueued
	kindOutlasted
	kindPrompt
	kindACKMissed
)

// widths are the widths that the numbers of a group may have, in bytes; all of
// a record have one, which holds the largest.
type widths [4]uint8

var (
	timeWidths  = widths{4, 5, 6, 8} // distances from Opened
	countWidths = widths{1, 2, 3, 4} // frames as distances from the first, and counts
	restWidths  = widths{2, 4, 6, 8}
)

// fit is the code of the smallest width for numbers whose bits are all in or.
func (w *widths) fit(or uint64) byte {
	for code, n := range w[:3] {
		if bits.Len64(or) <= int(8*n) {
			return byte(code)
		}
	}
	return 3
}

// Append appends the packed form of r to b and returns it.
func (r *Record) Append(b []byte) []byte {
	at := len(b)
	b = slices.Grow(b, MaxPacked)[:at+MaxPacked]
	p := packer{buf: b[at:]}
	p.head(r)
	p.times(r)
	p.frames(r)
	p.counts(r)
	p.rest(r)
	p.tail(r)
	binary.LittleEndian.PutUint64(p.buf[p.mark:], p.mask)
	p.buf[p.mark+8] = p.widths
	return b[:at+p.pos]
}

// packer writes a record. buf has room for eight bytes behind any number.
type packer struct {
	buf    []byte
	pos    int
	mark   int    // where the mask goes; the widths follow it
	mask   uint64 // of the groups so far
	bit    int    // of the mask, for the next group
	widths byte   // of the groups so far
}

// head writes what comes before the numbers.
func (p *packer) head(r *Record) {
	var kind byte
	p.pos = 1
	if p.end(&r.Client) {
		kind |= kindClient6
	}
	if p.end(&r.Server) {
		kind |= kindServer6
	}
	if r.Outstanding {
		kind |= kindOutstanding
	}
	if r.Queued {
		kind |= kindQueued
	}
	if r.Outlasted {
		kind |= kindOutlasted
	}
	if r.Prompt {
		kind |= kindPrompt
	}
	if r.ACKMissed {
		kind |= kindACKMissed
	}
	p.buf[0] = kind
	binary.LittleEndian.PutUint64(p.buf[p.pos:], uint64(r.Opened))
	binary.LittleEndian.PutUint32(p.buf[p.pos+8:], r.FirstFrame)
	p.mark = p.pos + 12
	p.pos += 21
}

// end writes an endpoint and reports whether its address is of IPv6.
func (p *packer) end(e *event.Endpoint) bool {
	from := 12
	if !e.Is4() {
		from = 0
	}
	p.pos += copy(p.buf[p.pos:], e.Addr[from:])
	binary.LittleEndian.PutUint16(p.buf[p.pos:], e.Port)
	p.pos += 2
	return from == 0
}

// group is room for the numbers of a group that are there. Each is filled in by
// a loop of its own, which counts in registers and puts the group at its end: a
// third faster than number by number into the packer (BenchmarkPack).
type group [packTimes]uint64

// put writes the first n numbers of group number k, which may have so many, all
// of them or-ed, and the mask of those that are there.
func (p *packer) put(k int, w *widths, list []uint64, most int, or, mask uint64) {
	code := w.fit(or)
	p.widths |= code << (2 * k)
	p.mask |= mask << p.bit
	p.bit += most
	pos := p.pos
	for _, v := range list {
		binary.LittleEndian.PutUint64(p.buf[pos:], v)
		pos += int(w[code])
	}
	p.pos = pos
}

// base is what the times of r are distances from.
func base(opened event.Time) event.Time {
	if opened.Known() {
		return opened
	}
	return 0
}

func (p *packer) times(r *Record) {
	var g group
	n, or, mask := 0, uint64(0), uint64(0)
	from := base(r.Opened)
	for i, t := range [packTimes]event.Time{r.Last, r.LastClose, r.ClientLastByte, r.ServerLastByte, r.CloseAt,
		r.FINAcked, r.PeerFIN, r.PeerAcked, r.HalfEnd, r.PeerSpoke, r.LateData, r.TimeWaitAt, r.RequestStart,
		r.RequestEnd, r.ResponseStart, r.ResponseEnd, r.Late, r.LateEnd, r.ClientNotify, r.ServerNotify} {
		if t.Known() {
			v := uint64(t - from)
			g[n], n, or, mask = v, n+1, or|v, mask|1<<i
		}
	}
	p.put(0, &timeWidths, g[:n], packTimes, or, mask)
}

func (p *packer) frames(r *Record) {
	var g group
	n, or, mask := 0, uint64(0), uint64(0)
	for i, f := range [packFrames]uint32{r.LastFrame, r.CloseFrame, r.HalfFrame, r.RequestFrame, r.LateFrame} {
		if f != 0 {
			v := uint64(f - r.FirstFrame)
			g[n], n, or, mask = v, n+1, or|v, mask|1<<i
		}
	}
	p.put(1, &countWidths, g[:n], packFrames, or, mask)
}

func (p *packer) counts(r *Record) {
	var g group
	n, or, mask := 0, uint64(0), uint64(0)
	for i, v := range [packCounts]uint32{r.ClientPackets, r.ServerPackets, r.ClientRetrans, r.ServerRetrans, r.Copies,
		r.Sent, r.Answered, r.Reset, r.Aborted, r.Open, r.Lost,
		uint32(r.Method), uint32(r.Host), uint32(r.Path), uint32(r.Endpoint), uint32(r.ServerName),
		uint32(r.Input), r.ClientBase ^ r.ClientStart, r.ServerBase ^ r.ServerStart} {
		if v != 0 {
			g[n], n, or, mask = uint64(v), n+1, or|uint64(v), mask|1<<i
		}
	}
	p.put(2, &countWidths, g[:n], packCounts, or, mask)
}

func (p *packer) rest(r *Record) {
	var g group
	n, or, mask := 0, uint64(0), uint64(0)
	for i, v := range [packRest]uint64{uint64(r.ClientStart), uint64(r.ServerStart), uint64(r.ClientBytes),
		uint64(r.ServerBytes), uint64(r.ClientMissing), uint64(r.ServerMissing), uint64(r.RTT), uint64(r.SYNRTT)} {
		if v != 0 {
			g[n], n, or, mask = v, n+1, or|v, mask|1<<i
		}
	}
	p.put(3, &restWidths, g[:n], packRest, or, mask)
}

func (p *packer) tail(r *Record) {
	t := p.buf[p.pos:]
	binary.LittleEndian.PutUint32(t, uint32(r.Marks))
	binary.LittleEndian.PutUint16(t[4:], r.Status)
	for i, v := range [...]uint8{uint8(r.Basis), uint8(r.Handshake), r.SYNRetries, uint8(r.Protocol),
		uint8(r.Initiator), uint8(r.FirstBy), uint8(r.How), uint8(r.EndedBy), uint8(r.HalfKind),
		uint8(r.TimeWaitBy), uint8(r.Based), uint8(r.Phase), uint8(r.DeclaredBy)} {
		t[6+i] = v
	}
	t[19] = exchange.AnnouncementCode(r.DeclaredText)
	p.pos += packTail
}

// Unpack sets every field of r from what Append wrote at the start of b, and
// returns how many bytes that was.
func (r *Record) Unpack(b []byte) int {
	u := unpacker{buf: b}
	u.head(r)
	u.times(r)
	u.frames(r)
	u.counts(r)
	u.rest(r)
	u.tail(r)
	return u.pos
}

// unpacker reads a record.
type unpacker struct {
	buf   []byte
	pos   int
	mask  uint64 // the lowest bit is that of the next number
	codes byte   // the lowest two bits are the code of the next group's width
	width int    // of the numbers of this group
	keep  uint64 // their bits in the eight bytes that are read
}

func (u *unpacker) head(r *Record) {
	kind := u.buf[0]
	r.Outstanding, r.ACKMissed = kind&kindOutstanding != 0, kind&kindACKMissed != 0
	r.Queued, r.Outlasted, r.Prompt = kind&kindQueued != 0, kind&kindOutlasted != 0, kind&kindPrompt != 0
	u.pos = 1
	u.end(&r.Client, kind&kindClient6 != 0)
	u.end(&r.Server, kind&kindServer6 != 0)
	h := u.buf[u.pos:]
	r.Opened = event.Time(binary.LittleEndian.Uint64(h))
	r.FirstFrame = binary.LittleEndian.Uint32(h[8:])
	u.mask = binary.LittleEndian.Uint64(h[12:])
	u.codes = h[20]
	u.pos += 21
}

// end reads an endpoint.
func (u *unpacker) end(e *event.Endpoint, is6 bool) {
	n := 16
	if is6 {
		copy(e.Addr[:], u.buf[u.pos:u.pos+16])
	} else {
		e.SetV4(u.buf[u.pos:], 0)
		n = 4
	}
	e.Port = binary.LittleEndian.Uint16(u.buf[u.pos+n:])
	u.pos += n + 2
}

// group begins the next group.
func (u *unpacker) group(w *widths) {
	n := w[u.codes&3]
	u.codes >>= 2
	u.width, u.keep = int(n), 1<<(8*n)-1
}

// next reads the next number; 0 when it is not there.
func (u *unpacker) next() (v uint64) {
	if u.mask&1 != 0 {
		v = binary.LittleEndian.Uint64(u.buf[u.pos:]) & u.keep
		u.pos += u.width
	}
	u.mask >>= 1
	return v
}

// time reads the next number as a time.
func (u *unpacker) time(from event.Time) event.Time {
	if u.mask&1 == 0 {
		u.mask >>= 1
		return event.NoTime
	}
	return from + event.Time(u.next())
}

// frame reads the next number as a frame.
func (u *unpacker) frame(first uint32) uint32 {
	if u.mask&1 == 0 {
		u.mask >>= 1
		return 0
	}
	return first + uint32(u.next())
}

func (u *unpacker) times(r *Record) {
	u.group(&timeWidths)
	from := base(r.Opened)
	r.Last = u.time(from)
	r.LastClose = u.time(from)
	r.ClientLastByte = u.time(from)
	r.ServerLastByte = u.time(from)
	r.CloseAt = u.time(from)
	r.FINAcked = u.time(from)
	r.PeerFIN = u.time(from)
	r.PeerAcked = u.time(from)
	r.HalfEnd = u.time(from)
	r.PeerSpoke = u.time(from)
	r.LateData = u.time(from)
	r.TimeWaitAt = u.time(from)
	r.RequestStart = u.time(from)
	r.RequestEnd = u.time(from)
	r.ResponseStart = u.time(from)
	r.ResponseEnd = u.time(from)
	r.Late = u.time(from)
	r.LateEnd = u.time(from)
	r.ClientNotify = u.time(from)
	r.ServerNotify = u.time(from)
}

func (u *unpacker) frames(r *Record) {
	u.group(&countWidths)
	for _, f := range [packFrames]*uint32{&r.LastFrame, &r.CloseFrame, &r.HalfFrame, &r.RequestFrame, &r.LateFrame} {
		*f = u.frame(r.FirstFrame)
	}
}

func (u *unpacker) counts(r *Record) {
	u.group(&countWidths)
	r.ClientPackets = uint32(u.next())
	r.ServerPackets = uint32(u.next())
	r.ClientRetrans = uint32(u.next())
	r.ServerRetrans = uint32(u.next())
	r.Copies = uint32(u.next())
	r.Sent = uint32(u.next())
	r.Answered = uint32(u.next())
	r.Reset = uint32(u.next())
	r.Aborted = uint32(u.next())
	r.Open = uint32(u.next())
	r.Lost = uint32(u.next())
	r.Method = exchange.NameID(u.next())
	r.Host = exchange.NameID(u.next())
	r.Path = exchange.NameID(u.next())
	r.Endpoint = exchange.NameID(u.next())
	r.ServerName = exchange.NameID(u.next())
	r.Input = uint16(u.next())
	r.ClientBase, r.ServerBase = uint32(u.next()), uint32(u.next())
}

func (u *unpacker) rest(r *Record) {
	u.group(&restWidths)
	r.ClientStart, r.ServerStart = uint32(u.next()), uint32(u.next())
	r.ClientBase ^= r.ClientStart // mostly the same
	r.ServerBase ^= r.ServerStart
	r.ClientBytes, r.ServerBytes = int64(u.next()), int64(u.next())
	r.ClientMissing, r.ServerMissing = int64(u.next()), int64(u.next())
	r.RTT, r.SYNRTT = time.Duration(u.next()), time.Duration(u.next())
}

func (u *unpacker) tail(r *Record) {
	t := u.buf[u.pos : u.pos+packTail]
	r.Marks = Mark(binary.LittleEndian.Uint32(t))
	r.Status = binary.LittleEndian.Uint16(t[4:])
	r.Basis, r.Handshake, r.SYNRetries, r.Protocol = Basis(t[6]), Handshake(t[7]), t[8], exchange.Protocol(t[9])
	r.Initiator, r.FirstBy, r.How = event.Side(t[10]), event.Side(t[11]), How(t[12])
	r.EndedBy, r.HalfKind, r.TimeWaitBy = EndedBy(t[13]), HalfKind(t[14]), event.Side(t[15])
	r.Based, r.Phase, r.DeclaredBy = event.Side(t[16]), Phase(t[17]), event.Side(t[18])
	r.DeclaredText = exchange.Announcement(t[19])
	u.pos += packTail
}

// UnpackEnds reads only the two endpoints of a packed record.
func UnpackEnds(b []byte) (client, server event.Endpoint) {
	u := unpacker{buf: b, pos: 1}
	u.end(&client, b[0]&kindClient6 != 0)
	u.end(&server, b[0]&kindServer6 != 0)
	return client, server
}
