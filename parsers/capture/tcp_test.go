package capture

import (
	"testing"

	"finwait/analyzer/event"
)

func TestOptions(t *testing.T) {
	stamps := cat([]byte{8, 10}, be32(77), be32(66))
	sack := func(edges ...int) []byte {
		out := []byte{1, 1, 5, byte(2 + 4*len(edges))}
		for _, e := range edges {
			out = append(out, be32(e)...)
		}
		return out
	}
	for _, test := range []struct {
		name    string
		options []byte
		want    event.Notes
	}{
		{"none", nil, 0},
		{"nop nop timestamps", cat([]byte{1, 1}, stamps), event.HasTimestamps},
		{"timestamps nop nop", cat(stamps, []byte{1, 1}), event.HasTimestamps},
		{"syn", cat([]byte{2, 4, 5, 180, 4, 2}, stamps, []byte{1, 3, 3, 7}), event.HasTimestamps | event.HasWindowScale},
		{"end", cat([]byte{0, 8, 10, 0}), 0},
		{"sack above the acknowledgement", sack(3000, 4000), 0},
		{"sack below it", sack(1000, 1500), event.DuplicateSACK},
		{"sack inside the second block", sack(3100, 3200, 3000, 4000), event.DuplicateSACK},
		{"sack beside the second block", sack(3100, 3200, 5000, 6000), 0},
		{"sack with timestamps", cat([]byte{1, 1}, stamps, sack(1000, 1500)), event.HasTimestamps | event.DuplicateSACK},
		{"length of zero", []byte{3, 0, 1, 1}, event.BadOptions},
		{"length of one", []byte{1, 1, 3, 1}, event.BadOptions},
		{"too long", []byte{8, 10, 0, 0}, event.BadOptions},
		{"kind alone", []byte{1, 1, 1, 8}, event.BadOptions},
		{"timestamps with a wrong length", []byte{8, 4, 0, 0}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			frame := ether(0x0800, packet4(6, 0, segment(0x10, test.options, "data")))
			segs, _, _ := all(t, file(1, frame), Options{})
			if len(segs) != 1 || string(segs[0].Payload) != "data" || segs[0].Len != 4 {
				t.Fatalf("got %+v", segs)
			}
			s := segs[0]
			if s.Notes != test.want {
				t.Errorf("notes %b, want %b", s.Notes, test.want)
			}
			if s.Notes&event.HasTimestamps != 0 && (s.TSVal != 77 || s.TSEcr != 66) {
				t.Errorf("timestamps %d %d", s.TSVal, s.TSEcr)
			}
			if s.Notes&event.HasWindowScale != 0 && s.Scale != 7 {
				t.Errorf("scale %d", s.Scale)
			}
		})
	}
}

// TestSnaplen cuts a frame at every length and demands what Wireshark gives: a
// segment as soon as 16 bytes of the TCP header are there, with its length on
// the wire and the captured part of the payload.
func TestSnaplen(t *testing.T) {
	options := cat([]byte{1, 1, 8, 10}, be32(1), be32(2))
	for _, frame := range [][]byte{
		ether(0x0800, packet4(6, 0, segment(0x18, options, "0123456789"))),
		ether(0x8100, vlan(1, 0x86dd, packet6(6, segment(0x18, options, "0123456789")))),
	} {
		header := len(frame) - 10
		for n := range frame {
			raw := cat(file(1), pcapRecordOf(0, frame[:n], len(frame)))
			segs, _, r := all(t, raw, Options{})
			seen := n >= header-32+16
			if seen != (len(segs) == 1) {
				t.Errorf("%d bytes: %d segments", n, len(segs))
				continue
			}
			want := "cut-frames=1"
			if !seen {
				want = "cut-frames=1 undecoded-short=1"
			}
			if got := ids(r.Problems()); got != want {
				t.Errorf("%d bytes: problems %q, want %q", n, got, want)
			}
			if !seen {
				continue
			}
			s := segs[0]
			if s.Len != 10 || len(s.Payload) != max(0, n-header) || s.Notes&event.CutByCapture == 0 || s.Notes&event.BadOptions != 0 {
				t.Errorf("%d bytes: %+v", n, s)
			}
			if has := s.Notes&event.HasTimestamps != 0; has != (n >= header) {
				t.Errorf("%d bytes: timestamps %v", n, has)
			}
		}
	}
}

// TestScopes shows what the same segment's scope depends on, and that both
// directions share it.
func TestScopes(t *testing.T) {
	four := packet4(6, 0, data())
	whole := ether(0x0800, four)
	vx := func(id int) []byte {
		return ether(0x0800, packet4(17, 0, datagramOf(1, 4789, cat(be32(0x08000000), be32(id<<8), whole))))
	}
	cooked := func(iface int) []byte {
		return cat(be16(0x0800), be16(0), be32(iface), be16(1), []byte{0, 6}, make([]byte, 8), four)
	}
	scope := func(linkType int, frame []byte) uint32 {
		segs, _, _ := all(t, file(linkType, frame), Options{})
		if len(segs) != 1 {
			t.Fatalf("%d segments", len(segs))
		}
		return segs[0].Scope
	}
	seen := map[uint32]string{}
	for name, s := range map[string]uint32{
		"plain":     scope(1, whole),
		"vlan 1":    scope(1, ether(0x8100, vlan(1, 0x0800, four))),
		"vlan 2":    scope(1, ether(0x8100, vlan(2, 0x0800, four))),
		"vxlan 1":   scope(1, vx(1)),
		"vxlan 2":   scope(1, vx(2)),
		"interface": scope(276, cooked(1)),
		"another":   scope(276, cooked(2)),
	} {
		if other := seen[s]; other != "" {
			t.Errorf("%s and %s share the scope %d", name, other, s)
		}
		seen[s] = name
		if (s == 0) != (name == "plain") {
			t.Errorf("%s has the scope %d", name, s)
		}
	}
	if a, b := scope(1, ether(0x8100, vlan(1, 0x0800, four))), scope(1, ether(0x8100, vlan(0x6001, 0x0800, four))); a != b {
		t.Errorf("the priority of a VLAN tag changes the scope")
	}
}

// TestBadHeader: a segment whose header cannot be that short reached no socket,
// so it closes nothing; which connection it belongs to still shows.
func TestBadHeader(t *testing.T) {
	for _, test := range []struct {
		words int
		flags event.Flags
		notes event.Notes
	}{
		{0, event.SYN | event.ACK, event.BadOptions},
		{4, event.SYN | event.ACK, event.BadOptions},
		{5, 0xff, 0},
		{15, 0xff, event.BadOptions | event.EndUnknown},
	} {
		raw := segment(0xff, nil, "data")
		raw[12] = byte(test.words << 4)
		segs, _, _ := all(t, file(linkEthernet, ether(0x0800, packet4(6, 0, raw))), Options{})
		if len(segs) != 1 || segs[0].Flags != test.flags || segs[0].Notes != test.notes {
			t.Errorf("%d words: %+v, want one segment with flags %#x and notes %#x", test.words, segs, test.flags, test.notes)
		}
	}
}
