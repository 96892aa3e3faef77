package capture

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"finwait/analyzer/event"
)

// FuzzReader reads anything as a capture. It must end, keep to the rules of
// frames and problems, and copy to a capture with the same frames.
func FuzzReader(f *testing.F) {
	frames := plain(4)
	f.Add(file(1, frames...))
	f.Add(swapped(file(1, frames...)))
	f.Add(cat(ngSection(), ngInterface(1), ngPacket(0, 1, frames[0]), ngBlock(blockSimple, le32(9), frames[1]), ngBlock(blockNames, le16(1), le16(8), addrB, []byte("abc\x00"))))
	f.Add(bigEndian(cat(ngSection(), ngInterface(101), ngPacket(0, 3, frames[3][14:]))))
	f.Add(cat(file(1, frames...), file(276, frames...)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := NewReader(bytes.NewReader(raw), Options{Path: "x"})
		if err != nil {
			return
		}
		var b event.Batch
		var last uint32
		for {
			err := r.Next(&b)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range b.Segments {
				if s.Frame < last || s.Frame > r.Frames() || len(s.Payload) > len(raw) {
					t.Fatalf("segment %+v after frame %d", s, last)
				}
				last = s.Frame
			}
		}
		if r.Offset() > int64(len(raw)) {
			t.Fatalf("read %d of %d bytes", r.Offset(), len(raw))
		}
		for _, p := range r.Problems() {
			if p.Count <= 0 || p.ID == "" || p.Text == "" {
				t.Fatalf("problem %+v", p)
			}
		}
		if in := r.Input(); in.Start > in.End {
			t.Fatalf("input %+v", in)
		}
		copied(t, raw)
		ExtentOf(raw, raw)
	})
}

// copied copies the frames of a capture and reads them back.
func copied(t *testing.T, raw []byte) {
	fr, err := NewFrameReader(bytes.NewReader(raw), Options{})
	if err != nil {
		return
	}
	var out bytes.Buffer
	w, _ := NewWriter(&out, "finwait")
	var f Frame
	n := 0
	for {
		err := fr.Next(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&f, ""); err != nil {
			t.Fatal(err)
		}
		n++
	}
	w.Close()
	again, err := NewFrameReader(&out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for again.Next(&f) == nil {
		n--
	}
	if p := again.r.Problems(); n != 0 || len(p) > 0 {
		t.Fatalf("%d frames lost in the copy, %v", n, p)
	}
}

// FuzzDecode decodes anything as a frame of any link type, and as one of Ethernet
// the short and the long way.
func FuzzDecode(f *testing.F) {
	for _, l := range layerings() {
		f.Add(uint16(l.linkType), l.frame, 0)
		f.Add(uint16(l.linkType), l.frame[:len(l.frame)/2], len(l.frame)-len(l.frame)/2)
	}
	for _, p := range append(fragments4(data(), 8), fragments6(data(), 16)...) {
		f.Add(uint16(1), p, 0)
	}
	f.Add(uint16(1), ether(0x0800, packet4(17, 0, datagramOf(53, 1, dnsAnswer(f, "a.b.", 1, 0)))), 0)
	f.Fuzz(func(t *testing.T, linkType uint16, frame []byte, miss int) {
		if miss < 0 || miss > 1<<20 {
			return
		}
		waysAgree(t, "frame", frame, miss)
		var b event.Batch
		d := decoder{probs: &problems{}, out: &b}
		l := &link{dlt: linkType}
		d.decode(&record{data: frame, wire: len(frame) + miss, link: l}, 1, 0)
		for _, s := range b.Segments {
			quoted := s.Kind == event.SegmentUnreachable // its length is the quoted packet's
			if int(s.Len) < len(s.Payload) || !quoted && int(s.Len) > len(frame)+miss {
				t.Fatalf("%d bytes of payload, %d on the wire: %+v", len(s.Payload), s.Len, s)
			}
		}
	})
}
