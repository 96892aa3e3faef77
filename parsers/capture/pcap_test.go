package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"testing"
	"testing/iotest"

	"finwait/analyzer/event"
)

// plain is an Ethernet frame with the usual segment and a number as payload,
// n times.
func plain(n int) [][]byte {
	var out [][]byte
	for i := range n {
		out = append(out, ether(0x0800, packet4(6, 0, segment(0x18, nil, fmt.Sprintf("frame %d;", i+1)))))
	}
	return out
}

// payloads joins the payloads of segments.
func payloads(segs []event.Segment) string {
	var b strings.Builder
	for _, s := range segs {
		b.Write(s.Payload)
	}
	return b.String()
}

// ids lists problems as "id=count".
func ids(ps []event.Problem) string {
	var out []string
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%s=%d", p.ID, p.Count))
	}
	return strings.Join(out, " ")
}

// swapped turns a little-endian pcap file into a big-endian one.
func swapped(raw []byte) []byte {
	raw = bytes.Clone(raw)
	flip := func(b []byte) uint32 {
		v := binary.LittleEndian.Uint32(b)
		binary.LittleEndian.PutUint32(b, bits.ReverseBytes32(v))
		return v
	}
	flip(raw)
	raw[4], raw[5], raw[6], raw[7] = 0, 2, 0, 4
	flip(raw[16:])
	flip(raw[20:])
	for at := 24; at < len(raw); {
		flip(raw[at:])
		flip(raw[at+4:])
		n := flip(raw[at+8:])
		flip(raw[at+12:])
		at += 16 + int(n)
	}
	return raw
}

func TestPcapVariants(t *testing.T) {
	frames := plain(3)
	nano := file(1, frames...)
	micro := bytes.Clone(nano)
	copy(micro, le32(0xa1b2c3d4))
	fcs := bytes.Clone(nano)
	copy(fcs[20:], le32(1|4<<28|1<<26)) // FCS length and its flag
	long := cat(le32(0xa1b2cd34), nano[4:24])
	for i, f := range frames {
		long = cat(long, le32(1700000000), le32(i*1000), le32(len(f)), le32(len(f)), le32(2), le16(0x0800), []byte{0, 0}, f)
	}
	for _, test := range []struct {
		name  string
		raw   []byte
		third event.Time // of the third frame
	}{
		{"nanoseconds", nano, 1700000000_002000000},
		{"microseconds", micro, 1700000002_000000000}, // a fraction of 2,000,000 counts on
		{"big-endian", swapped(nano), 1700000000_002000000},
		{"fcs bits", fcs, 1700000000_002000000},
		{"modified", long, 1700000000_002000000},
	} {
		t.Run(test.name, func(t *testing.T) {
			segs, _, r := all(t, test.raw, Options{Path: "x"})
			if got := payloads(segs); got != "frame 1;frame 2;frame 3;" {
				t.Errorf("payloads %q", got)
			}
			if len(segs) == 3 && segs[2].Time != test.third {
				t.Errorf("time %v, want %v", segs[2].Time, test.third)
			}
			in := r.Input()
			if in.Kind != "pcap" || in.Packets != 3 || in.Snaplen != 262144 || fmt.Sprint(in.LinkTypes) != "[EN10MB]" || in.Bytes != int64(len(test.raw)) {
				t.Errorf("input %+v", in)
			}
			if in.Start != segs[0].Time || in.End != test.third {
				t.Errorf("start %v end %v", in.Start, in.End)
			}
			if got := ids(r.Problems()); got != "" {
				t.Errorf("problems %s", got)
			}
		})
	}
}

// TestPcapDamage breaks files in ways that are known, and shows what is left
// of them and what is said.
func TestPcapDamage(t *testing.T) {
	frames := plain(8)
	record := 16 + len(frames[0])
	at := func(i int) int { return 24 + (i-1)*record } // of frame i, of the first eight
	broken := func(change func(raw []byte) []byte) []byte {
		return change(file(1, frames...))
	}
	for _, test := range []struct {
		name string
		raw  []byte
		want string // numbers of the frames that are left
		ids  string
	}{
		{"cut in the last frame", broken(func(b []byte) []byte { return b[:len(b)-5] }), "1 2 3 4 5 6 7", fmt.Sprintf("cut-file=%d", record-5)},
		{"cut in a record header", broken(func(b []byte) []byte { return b[:at(8)+7] }), "1 2 3 4 5 6 7", "cut-file=7"},
		{"absurd length", broken(func(b []byte) []byte { copy(b[at(3)+8:], le32(0x7fffffff)); return b }),
			"1 2 4 5 6 7 8", fmt.Sprintf("bad-record=1 skipped-bytes=%d", record)},
		{"length a little too large", broken(func(b []byte) []byte { copy(b[at(3)+8:], le32(len(frames[2])+9)); return b }),
			"1 2 3 5 6 7 8", fmt.Sprintf("bad-record=1 cut-frames=1 skipped-bytes=%d undecoded-short=1", record-9-16)},
		{"length beyond the end", broken(func(b []byte) []byte { copy(b[at(3)+8:], le32(200000)); return b }),
			"1 2 4 5 6 7 8", fmt.Sprintf("bad-record=1 skipped-bytes=%d", record)},
		{"bytes missing", broken(func(b []byte) []byte { return cat(b[:at(3)+20], b[at(3)+30:]) }),
			"1 2 5 6 7 8", fmt.Sprintf("bad-record=1 skipped-bytes=%d", record-10)},
		{"zeros in the middle", broken(func(b []byte) []byte { clear(b[at(3) : at(3)+16]); return b }),
			"1 2 4 5 6 7 8", fmt.Sprintf("bad-record=1 skipped-bytes=%d undecoded-broken=1 zero-records=1", record-16)},
		{"captured more than there was", broken(func(b []byte) []byte { copy(b[at(3)+12:], le32(10)); return b }), "1 2 3 4 5 6 7 8", ""},
		{"length of zero", broken(func(b []byte) []byte { copy(b[at(8)+8:], le32(0)); return b[:at(8)+16] }), "1 2 3 4 5 6 7", "cut-frames=1 undecoded-short=1"},
		{"two files in one", cat(file(1, frames[:4]...), file(1, frames[4:]...)), "1 2 3 4 5 6 7 8", "joined-files=1"},
		{"another link type appended", cat(file(1, frames[:4]...), file(101, frames[4][14:])), "1 2 3 4 5", "joined-files=1"},
		{"nothing but a header", file(1), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			segs, _, r := all(t, test.raw, Options{Path: "x"})
			want := ""
			for _, n := range strings.Fields(test.want) {
				want += "frame " + n + ";"
			}
			got := payloads(segs)
			for _, s := range segs { // a payload that ran into damage
				if n := len("frame 1;"); len(s.Payload) > n {
					got = strings.ReplaceAll(got, string(s.Payload), string(s.Payload[:n]))
				}
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := ids(r.Problems()); got != test.ids {
				t.Errorf("problems %q, want %q", got, test.ids)
			}
			if in := r.Input(); in.Start < 1700000000e9 && in.Start != event.NoTime || in.End > 1700000001e9 {
				t.Errorf("from %v to %v", in.Start, in.End)
			}
		})
	}
}

func TestProblemPlace(t *testing.T) {
	raw := file(1, plain(8)...)
	copy(raw[24+2*(len(raw)-24)/8+8:], le32(0x7fffffff))
	_, _, r := all(t, raw, Options{Path: "client.pcap", FirstFrame: 101})
	p := r.Problems()[0]
	if want := fmt.Sprintf("client.pcap: byte %d (frame 103)", 24+2*(len(raw)-24)/8); p.Where != want || !p.Damage {
		t.Errorf("place %q damage %v, want %q", p.Where, p.Damage, want)
	}
}

func TestFirstFrame(t *testing.T) {
	segs, _, r := all(t, file(1, plain(2)...), Options{FirstFrame: 10, Input: 3})
	if len(segs) != 2 || segs[0].Frame != 10 || segs[1].Frame != 11 || segs[1].Input != 3 || r.Frames() != 11 || r.Input().Packets != 2 {
		t.Errorf("got %+v, last %d", segs, r.Frames())
	}
}

func TestNotACapture(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                 "not a pcap",
		"abc":                              "not a pcap",
		"hello, world":                     "it starts with 68 65 6c 6c",
		"\xd4\xc3\xb2\xa1\x02\x00":         "cut inside the pcap file header (byte 6)",
		"\n\r\r\n\x1c\x00\x00\x00\x4d\x3c": "cut inside its first section header",
	} {
		_, err := NewReader(strings.NewReader(raw), Options{Path: "x.bin"})
		if err == nil || !strings.HasPrefix(err.Error(), "x.bin: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", raw, err, want)
		}
	}
}

// TestReadFailure shows that only a failing read is an error, after what was
// read before it.
func TestReadFailure(t *testing.T) {
	raw := file(1, plain(4)...)
	broken := errors.New("disk on fire")
	r, err := NewReader(io.MultiReader(bytes.NewReader(raw[:len(raw)-10]), iotest.ErrReader(broken)), Options{Path: "x"})
	if err != nil {
		t.Fatal(err)
	}
	var b event.Batch
	if err := r.Next(&b); err != nil || len(b.Segments) != 3 {
		t.Errorf("first batch: %d segments, %v", len(b.Segments), err)
	}
	if err := r.Next(&b); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// TestSmallReads shows that the size of the reads changes nothing.
func TestSmallReads(t *testing.T) {
	raw := file(1, plain(50)...)
	for _, src := range []io.Reader{iotest.OneByteReader(bytes.NewReader(raw)), iotest.DataErrReader(bytes.NewReader(raw))} {
		r, err := NewReader(src, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b event.Batch
		if err := r.Next(&b); err != nil || len(b.Segments) != 50 {
			t.Errorf("%d segments, %v", len(b.Segments), err)
		}
		if err := r.Next(&b); err != io.EOF {
			t.Errorf("then %v", err)
		}
	}
}

// TestBatchOwnsItsMemory cycles two batches and looks at the payloads of the
// one while the other was filled.
func TestBatchOwnsItsMemory(t *testing.T) {
	var frames [][]byte
	for i := range 3000 {
		frames = append(frames, ether(0x0800, packet4(6, 0, segment(0x18, nil, strings.Repeat(fmt.Sprintf("%08d", i), 150)))))
	}
	r, err := NewReader(bytes.NewReader(file(1, frames...)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var batches [2]event.Batch
	n, blocks := 0, 0
	check := func(b *event.Batch) {
		for _, s := range b.Segments {
			if want := strings.Repeat(fmt.Sprintf("%08d", s.Frame-1), 150); string(s.Payload) != want {
				t.Fatalf("frame %d: payload %.20q", s.Frame, s.Payload)
			}
			n++
		}
	}
	for i := 0; ; i++ {
		err := r.Next(&batches[i%2])
		if i > 0 {
			check(&batches[(i+1)%2]) // filled before, still whole
		}
		if err == io.EOF {
			break
		}
		blocks++
	}
	if n != 3000 || blocks < 3 {
		t.Errorf("%d segments in %d batches", n, blocks)
	}
}
