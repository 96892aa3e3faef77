package conn

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"finwait/analyzer/event"
)

// recordSize is the size of a segment in FuzzConn's input: what it is, flags,
// sequence number, acknowledgement, length, microseconds since the one before,
// identification, window, scope and TTL.
const recordSize = 22

const (
	bitB     = 1 << iota // sent by the second end
	bitICMP              // quoted by an ICMP error
	bitCut               // cut by the capture
	bitNoID              // identification 0
	bitBack              // its time lies before that of the one before
	bitTimed             // the times of the whole input are not known
)

// encode writes segments as FuzzConn reads them.
func encode(segs []event.Segment, first event.Endpoint) (out []byte) {
	var clock event.Time
	for i := range segs {
		s := &segs[i]
		var kind byte
		if s.Src != first {
			kind |= bitB
		}
		if s.Kind != event.SegmentTCP {
			kind |= bitICMP
		}
		if s.Notes&event.CutByCapture != 0 {
			kind |= bitCut
		}
		out = append(out, kind, byte(s.Flags))
		out = binary.LittleEndian.AppendUint32(out, s.Seq.Uint32())
		out = binary.LittleEndian.AppendUint32(out, s.Ack.Uint32())
		out = binary.LittleEndian.AppendUint16(out, uint16(s.Len))
		out = binary.LittleEndian.AppendUint32(out, uint32((s.Time-clock)/1000))
		out = binary.LittleEndian.AppendUint16(out, s.IPID)
		out = binary.LittleEndian.AppendUint16(out, s.Window)
		out = append(out, byte(s.Scope), s.TTL)
		clock = s.Time
	}
	return out
}

// decode is the inverse of encode for any input.
func decode(raw []byte) (segs []event.Segment) {
	ends := [2]event.Endpoint{event.V4([]byte{10, 0, 0, 1}, 40000), event.V4([]byte{10, 0, 0, 2}, 80)}
	text := []byte("GET /a HTTP/1.1\r\nHost: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
	var clock event.Time
	for frame := uint32(1); len(raw) >= recordSize; frame++ {
		kind := raw[0]
		s := event.Segment{
			Frame: frame, Src: ends[kind&bitB], Dst: ends[1-kind&bitB], Flags: event.Flags(raw[1]),
			Seq: event.SeqOf(binary.LittleEndian.Uint32(raw[2:])), Ack: event.SeqOf(binary.LittleEndian.Uint32(raw[6:])),
			Len: uint32(binary.LittleEndian.Uint16(raw[10:])), IPID: binary.LittleEndian.Uint16(raw[16:]),
			Window: binary.LittleEndian.Uint16(raw[18:]), Scope: uint32(raw[20]), TTL: raw[21],
		}
		step := event.Time(binary.LittleEndian.Uint32(raw[12:])) * 1000
		if kind&bitBack != 0 {
			step = -step / 1000
		}
		clock += step
		s.Time = clock
		if kind&bitTimed != 0 {
			s.Time = event.NoTime
		}
		if kind&bitICMP != 0 {
			s.Kind = event.SegmentUnreachable
		}
		if kind&bitNoID != 0 {
			s.IPID = 0
		}
		s.Payload = make([]byte, s.Len)
		for i := 0; i < len(s.Payload); i += copy(s.Payload[i:], text) {
		}
		if kind&bitCut != 0 {
			s.Payload, s.Notes = s.Payload[:s.Len/2], event.CutByCapture
		}
		segs, raw = append(segs, s), raw[recordSize:]
	}
	return segs
}

// FuzzConn feeds any segments of one 4-tuple and checks what must hold for all.
func FuzzConn(f *testing.F) {
	files, _ := filepath.Glob("testdata/scripts/*.txt")
	for _, file := range files {
		list := readScripts(f, file)
		for i := range list {
			p := newPlayer(1<<32 - 120)
			var segs []event.Segment
			for k := range list[i].lines {
				l := &list[i].lines[k]
				if l.mark {
					continue
				}
				if s, ok := p.play(f, l, len(p.sent)+1, false); ok {
					segs = append(segs, s)
				}
			}
			f.Add(encode(segs, p.ends[0]))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) { feed(t, decode(raw)) })
}

// feed gives segments to connections as they start one another.
func feed(t *testing.T, segs []event.Segment) {
	var c Conn
	lender := newLender()
	fed, quoted := 0, 0
	var old [2]State
	for i := range segs {
		s := &segs[i]
		if fed+quoted > 0 && c.Starts(s) {
			finishFed(t, &c, s.Time, fed)
			fed, quoted = 0, 0
		}
		if fed+quoted == 0 {
			c.Init(s, lender, 0)
			old = [2]State{}
		}
		if s.Kind == event.SegmentTCP {
			fed++
		} else {
			quoted++
		}
		c.Add(s)
		for k, h := range [...]*half{&c.a, &c.b} {
			if h.state < old[k] {
				t.Errorf("frame %d: from %v back to %v", s.Frame, old[k], h.state)
			}
			old[k] = h.state
			checkStash(t, h.stash)
		}
	}
	if fed+quoted > 0 {
		finishFed(t, &c, c.LastTime().Add(time.Second), fed)
	}
}

// checkStash states that nothing is held beyond the bounds.
func checkStash(t *testing.T, s *stash) {
	if s.empty() {
		return
	}
	t.Helper()
	bytes := 0
	for i := range s.pieces {
		bytes += len(s.pieces[i].data)
		if i > 0 && s.pieces[i].seq.Before(s.pieces[i-1].seq) {
			t.Errorf("stash out of order: %v", s.pieces)
		}
	}
	if bytes != s.bytes || bytes > stashBytes || len(s.pieces) > stashPieces {
		t.Errorf("stash of %d pieces and %d bytes, said to be %d", len(s.pieces), bytes, s.bytes)
	}
}

// finishFed finishes c, which took fed segments.
func finishFed(t *testing.T, c *Conn, end event.Time, fed int) {
	t.Helper()
	var r Record
	c.Finish(end, &r)
	check(t, &r)
	if got := int(r.ClientPackets + r.ServerPackets); got != fed {
		t.Errorf("%d packets counted, %d fed", got, fed)
	}
	if r.ClientBytes < 0 || r.ServerBytes < 0 || r.ClientMissing < 0 || r.ServerMissing < 0 ||
		r.ClientBytes+r.ServerBytes > int64(fed)<<16 {
		t.Errorf("bytes %d/%d, missing %d/%d in %d segments", r.ClientBytes, r.ServerBytes, r.ClientMissing, r.ServerMissing, fed)
	}
}
