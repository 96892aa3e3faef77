package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"finwait/analyzer/event"
)

// be64 is a little-endian number of eight bytes.
func le64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// TestResolutions reads one instant in every resolution that files use.
func TestResolutions(t *testing.T) {
	const second = 1700000000
	frame := plain(1)[0]
	for _, test := range []struct {
		name   string
		option []byte
		stamp  uint64
		want   event.Time
	}{
		{"microseconds by default", nil, second*1e6 + 250000, second*1e9 + 250e6},
		{"milliseconds", ngOption(9, []byte{3}), second*1e3 + 250, second*1e9 + 250e6},
		{"nanoseconds", ngOption(9, []byte{9}), second*1e9 + 250e6, second*1e9 + 250e6},
		{"picoseconds", ngOption(9, []byte{12}), 1700*1e12 + 5e11, 1700*1e9 + 5e8},
		{"seconds", ngOption(9, []byte{0}), second, second * 1e9},
		{"half seconds", ngOption(9, []byte{0x81}), second*2 + 1, second*1e9 + 5e8},
		{"2^-32", ngOption(9, []byte{0xa0}), second<<32 | 1<<30, second*1e9 + 250e6},
		{"offset", cat(ngOption(9, []byte{6}), ngOption(14, le64(second))), 250000, second*1e9 + 250e6},
		{"negative offset", cat(ngOption(9, []byte{6}), ngOption(14, le64(math.MaxUint64-9))), 11e6, 1e9},
		{"too late", ngOption(9, []byte{0}), math.MaxUint64, event.NoTime},
		{"too late with offset", ngOption(14, le64(math.MaxInt64)), second * 1e6, event.NoTime},
		{"no resolution at all", ngOption(9, []byte{0x7f}), second, event.NoTime},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw := cat(ngSection(), ngInterface(1, test.option), ngPacket(0, test.stamp, frame))
			segs, _, r := all(t, raw, Options{})
			if len(segs) != 1 || segs[0].Time != test.want {
				t.Fatalf("got %+v, want %v", segs, test.want)
			}
			want := ""
			if test.want == event.NoTime {
				want = "bad-time=1"
			}
			if got := ids(r.Problems()); got != want {
				t.Errorf("problems %q, want %q", got, want)
			}
		})
	}
}

// bigEndian turns whole little-endian blocks of packets, interfaces and
// sections without options into big-endian ones.
func bigEndian(raw []byte) []byte {
	var out []byte
	for len(raw) > 0 {
		kind, n := binary.LittleEndian.Uint32(raw), int(binary.LittleEndian.Uint32(raw[4:]))
		body := raw[8 : n-4]
		out = cat(out, be32(int(kind)), be32(n))
		for i := 0; i < len(body); i += 4 {
			word := binary.LittleEndian.Uint32(body[i:])
			switch {
			case kind == blockPacket && i >= 20:
				out = append(out, body[i:i+4]...)
			case kind != blockPacket && i == 0 && kind == blockInterface, kind == blockSection && i == 4:
				out = cat(out, be16(int(word&0xffff)), be16(int(word>>16)))
			default:
				out = cat(out, be32(int(word)))
			}
		}
		out = cat(out, be32(n))
		raw = raw[n:]
	}
	return out
}

func TestSections(t *testing.T) {
	frames := plain(6)
	four := frames[3][14:] // raw IP
	little := cat(ngSection(), ngInterface(1), ngPacket(0, 1, frames[0]), ngInterface(1), ngPacket(1, 2, frames[1]))
	big := bigEndian(cat(ngSection(), ngInterface(101), ngPacket(0, 3, four)))
	raw := cat(little, big, ngSection(), ngInterface(1), ngPacket(0, 4, frames[4]))
	segs, _, r := all(t, raw, Options{})
	if got := payloads(segs); got != "frame 1;frame 2;frame 4;frame 5;" {
		t.Errorf("payloads %q", got)
	}
	if got := fmt.Sprint(r.Input().LinkTypes, r.Input().Kind, ids(r.Problems())); got != "[EN10MB RAW]pcapng" && got != "[EN10MB RAW] pcapng " {
		t.Errorf("input %q", got)
	}
	if segs[0].Scope != 0 || segs[1].Scope == 0 || segs[2].Scope != 0 {
		t.Errorf("scopes %d %d %d: only the second interface has one", segs[0].Scope, segs[1].Scope, segs[2].Scope)
	}
	if segs[2].Time != 3000 {
		t.Errorf("time %v", segs[2].Time)
	}
}

func TestOtherBlocks(t *testing.T) {
	frames := plain(4)
	old := ngBlock(blockOldPacket, le16(0), le16(7), le32(0), le32(5), le32(len(frames[1])), le32(len(frames[1])), frames[1])
	simple := ngBlock(blockSimple, le32(len(frames[2])), frames[2])
	names := ngBlock(blockNames,
		le16(1), le16(4+12), addrB, []byte("cache-1.svc\x00"),
		le16(2), le16(16+4), addrB6, []byte("six\x00"),
		le16(0), le16(0))
	stats := ngBlock(blockStatistics, le32(0), le32(0), le32(9), ngOption(optStatsIfDrop, le64(3)), ngOption(optStatsOSDrop, le64(40)), le32(0))
	raw := cat(
		ngSection(ngOption(optSectionHardware, []byte("box")), ngOption(optSectionOS, []byte("Linux 6.1"))),
		ngInterface(1, ngOption(optIfaceMAC, []byte{2, 0, 0, 0, 0, 9})),
		ngBlock(blockSecrets, le32(0x544c534b), le32(4), []byte("keys")),
		ngPacket(0, 4, frames[0], ngOption(optPacketFlags, le32(2)), le32(0)),
		ngBlock(0x80000001, []byte("whatever vendors write")),
		old, simple, names, stats,
		ngPacket(0, 6, frames[3], ngOption(optPacketFlags, le32(1)), le32(0)),
	)
	segs, got, r := all(t, raw, Options{})
	if p := payloads(segs); p != "frame 1;frame 2;frame 3;frame 4;" {
		t.Errorf("payloads %q", p)
	}
	if segs[2].Time != event.NoTime || segs[1].Time != 5000 {
		t.Errorf("times %v %v", segs[1].Time, segs[2].Time)
	}
	if segs[0].Notes != event.Outgoing || segs[1].Notes != 0 || segs[3].Notes != event.Incoming {
		t.Errorf("directions %b %b %b", segs[0].Notes, segs[1].Notes, segs[3].Notes)
	}
	if len(got) != 2 || got[0].Host != "cache-1.svc" || got[0].Addr != event.V4(addrB, 0) || got[1].Host != "six" || got[1].Addr.String() != "[2001:db8::2]:0" {
		t.Errorf("names %+v", got)
	}
	if p := ids(r.Problems()); p != "drops=43 no-time=1" {
		t.Errorf("problems %q", p)
	}
	if h := r.Input().Host; h != "box, Linux 6.1, 02:00:00:00:00:09" {
		t.Errorf("host %q", h)
	}
}

// TestLargeSkippedBlock puts a block that is larger than a read between
// packets.
func TestLargeSkippedBlock(t *testing.T) {
	frames := plain(2)
	raw := cat(ngSection(), ngInterface(1), ngPacket(0, 1, frames[0]),
		ngBlock(0xbad, make([]byte, 3<<20)), ngPacket(0, 2, frames[1]))
	segs, _, r := all(t, raw, Options{})
	if got := payloads(segs); got != "frame 1;frame 2;" || len(r.Problems()) != 0 {
		t.Errorf("payloads %q, problems %v", got, r.Problems())
	}
	if r.Offset() != int64(len(raw)) {
		t.Errorf("offset %d of %d", r.Offset(), len(raw))
	}
}

func TestPcapngDamage(t *testing.T) {
	frames := plain(6)
	head := cat(ngSection(), ngInterface(1))
	packet := ngPacket(0, 1, frames[0])
	n := len(packet)
	build := func(change func(b []byte) []byte) []byte {
		raw := bytes.Clone(head)
		for i, f := range frames {
			raw = append(raw, ngPacket(0, uint64(i+1), f)...)
		}
		return change(raw)
	}
	at := func(i int) int { return len(head) + (i-1)*n }
	for _, test := range []struct {
		name, want, ids string
		raw             []byte
	}{
		{"cut", "1 2 3 4 5", fmt.Sprintf("cut-file=%d", n-3), build(func(b []byte) []byte { return b[:len(b)-3] })},
		{"length odd", "1 2 4 5 6", fmt.Sprintf("bad-block=1 skipped-bytes=%d", n), build(func(b []byte) []byte { b[at(3)+4]++; return b })},
		{"length absurd", "1 2 4 5 6", fmt.Sprintf("bad-block=1 skipped-bytes=%d", n), build(func(b []byte) []byte { copy(b[at(3)+4:], le32(0x7ffffffc)); return b })},
		{"length beyond the end", "1 2 4 5 6", fmt.Sprintf("bad-block=1 skipped-bytes=%d", n), build(func(b []byte) []byte { copy(b[at(3)+4:], le32(0x8000)); return b })},
		{"trailer differs", "1 2 4 5 6", fmt.Sprintf("bad-block=1 skipped-bytes=%d", n), build(func(b []byte) []byte { b[at(4)-4]++; return b })},
		{"captured length too large", "1 2 4 5 6", "bad-block=1", build(func(b []byte) []byte { copy(b[at(3)+20:], le32(5000)); return b })},
		{"interface unknown", "1 2 4 5 6", "bad-interface=1", build(func(b []byte) []byte { copy(b[at(3)+8:], le32(5)); return b })},
		{"bytes missing", "1 2 4 5 6", fmt.Sprintf("bad-block=1 skipped-bytes=%d", n-7), build(func(b []byte) []byte { return cat(b[:at(3)+30], b[at(3)+37:]) })},
		{"overwritten", "1 2 5 6", fmt.Sprintf("bad-block=1 skipped-bytes=%d", 2*n), build(func(b []byte) []byte {
			for i := at(3); i < at(4)+9; i++ {
				b[i] = 0xff
			}
			return b
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			segs, _, r := all(t, test.raw, Options{})
			want := ""
			for _, n := range strings.Fields(test.want) {
				want += "frame " + n + ";"
			}
			if got := payloads(segs); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := ids(r.Problems()); got != test.ids {
				t.Errorf("problems %q, want %q", got, test.ids)
			}
		})
	}
}
