package capture

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"finwait/analyzer/event"
)

// fragments4 cuts the payload of an IPv4 packet at the given places.
func fragments4(payload []byte, cuts ...int) [][]byte {
	var out [][]byte
	from := 0
	for _, to := range append(cuts, len(payload)) {
		more := 0x2000
		if to == len(payload) {
			more = 0
		}
		out = append(out, ether(0x0800, packet4(6, more|from/8, payload[from:to])))
		from = to
	}
	return out
}

// fragments6 is fragments4 for IPv6.
func fragments6(payload []byte, cuts ...int) [][]byte {
	var out [][]byte
	from := 0
	for _, to := range append(cuts, len(payload)) {
		more := 1
		if to == len(payload) {
			more = 0
		}
		header := cat([]byte{6, 0}, be16(from|more), be32(99))
		out = append(out, ether(0x86dd, packet6(44, cat(header, payload[from:to]))))
		from = to
	}
	return out
}

func TestFragments(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 10)
	whole := segment(0x18, nil, text)
	f := fragments4(whole, 48, 96)
	f6 := fragments6(whole, 48, 96)
	overlap := fragments4(whole, 96)
	cut := f[0][:14+20+30]
	for _, test := range []struct {
		name   string
		frames [][]byte
		frame  uint32 // of the segment; 0 none
		ids    string
	}{
		{"in order", f, 3, ""},
		{"reversed", [][]byte{f[2], f[1], f[0]}, 3, ""},
		{"repeated", [][]byte{f[0], f[0], f[2], f[2], f[1]}, 5, ""},
		{"one missing", f[:2], 0, "incomplete-fragments=2"},
		{"overlapping", [][]byte{overlap[0], f[1], f[2]}, 3, ""},
		{"ipv6", f6, 3, ""},
		{"ipv6 reversed", [][]byte{f6[2], f6[0], f6[1]}, 3, ""},
		{"other connection between", [][]byte{f[0], f6[0], f[1], f[2], f6[1]}, 4, "incomplete-fragments=2"},
		{"other vlan", [][]byte{f[0], f[1], ether(0x8100, vlan(4, 0x0800, f[2][14:]))}, 0, "incomplete-fragments=3"},
		{"not in eights", [][]byte{ether(0x0800, packet4(6, 0x2000, whole[:50])), f[1], f[2]}, 3, ""},
		{"beyond a datagram", [][]byte{ether(0x0800, packet4(6, 0x1fff, whole))}, 0, "undecoded-broken=1"},
		{"empty", [][]byte{ether(0x0800, packet4(6, 0x2000, nil))}, 0, "undecoded-broken=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			segs, _, r := all(t, file(1, test.frames...), Options{})
			switch {
			case test.frame == 0 && len(segs) != 0:
				t.Errorf("got %s", brief(segs[0]))
			case test.frame != 0 && (len(segs) != 1 || segs[0].Frame != test.frame || string(segs[0].Payload) != text || int(segs[0].Len) != len(text)):
				t.Errorf("got %+v", segs)
			}
			if got := ids(r.Problems()); got != test.ids {
				t.Errorf("problems %q, want %q", got, test.ids)
			}
		})
	}
	t.Run("first cut by the capture", func(t *testing.T) {
		raw := cat(file(1), pcapRecordOf(0, cut, len(f[0])))
		segs, _, _ := all(t, raw, Options{})
		if len(segs) != 1 || segs[0].Notes&event.NoLength == 0 || segs[0].Notes&event.CutByCapture == 0 || segs[0].Src.Port != 40000 {
			t.Errorf("got %+v", segs)
		}
	})
}

// TestFragmentBounds floods the reassembly with first fragments.
func TestFragmentBounds(t *testing.T) {
	payload := make([]byte, 1400)
	var d decoder
	d.probs = &problems{}
	d.out = &event.Batch{}
	for i := range 20000 {
		d.frame, d.pos, d.depth = uint32(i+1), int64(i), 0
		p := packet4(6, 0x2000, payload)
		copy(p[4:], be16(i))
		copy(p[12:], be32(i))
		d.ip4(p, 0)
		if d.frags.held > maxFragmentData+len(payload) || len(d.frags.waiting) > maxDatagrams {
			t.Fatalf("frame %d: %d bytes in %d datagrams wait", i, d.frags.held, len(d.frags.waiting))
		}
	}
	d.frags.flush(d.probs)
	if got := ids(d.probs.sorted()); !strings.HasPrefix(got, "fragment-limit=") || !strings.Contains(got, "incomplete-fragments=") {
		t.Errorf("problems %q", got)
	}
	if len(d.frags.waiting) != 0 || d.frags.held != 0 {
		t.Errorf("%d datagrams, %d bytes left", len(d.frags.waiting), d.frags.held)
	}
}

// TestFragmentTimeout shows that a datagram does not wait for ever, so that a
// later one of the same identification is not mixed with it.
func TestFragmentTimeout(t *testing.T) {
	old := fragments4(segment(0x18, nil, strings.Repeat("old ", 30)), 48)
	young := fragments4(segment(0x18, nil, strings.Repeat("new ", 30)), 48)
	late := pcapRecordOf(40000, old[0], len(old[0])) // 40 s later
	raw := cat(file(1), pcapRecordOf(0, old[1], len(old[1])), late, pcapRecordOf(40001, young[1], len(young[1])))
	segs, _, r := all(t, raw, Options{})
	if len(segs) != 1 || !strings.HasSuffix(string(segs[0].Payload), "new ") {
		t.Errorf("got %q", payloads(segs))
	}
	if got := ids(r.Problems()); got != "incomplete-fragments=1" {
		t.Errorf("problems %q", got)
	}
}

func TestICMP(t *testing.T) {
	quoted4 := packet4(6, 0, segment(0x02, nil, "1234567890"))
	quoted6 := packet6(6, segment(0x02, nil, "1234567890"))
	icmp := func(kind, code int, quote []byte) []byte {
		return ether(0x0800, packet4(1, 0, cat([]byte{byte(kind), byte(code)}, be16(0), be32(0), quote)))
	}
	icmp6 := func(kind, code int, quote []byte) []byte {
		return ether(0x86dd, packet6(58, cat([]byte{byte(kind), byte(code)}, be16(0), be32(0), quote)))
	}
	const four, six = `10.0.0.1:40000>10.0.0.2:80 seq=1000 len=10 payload="" icmp=`, `[2001:db8::1]:40000>[2001:db8::2]:80 seq=1000 len=10 payload="" icmp=`
	for _, test := range []struct {
		name  string
		frame []byte
		want  string
		cut   bool
	}{
		{"port unreachable", icmp(3, 3, quoted4), four + "3.3", false},
		{"fragmentation needed", icmp(3, 4, quoted4), four + "3.4", false},
		{"time exceeded", icmp(11, 0, quoted4), four + "11.0", false},
		{"eight bytes quoted", icmp(3, 1, quoted4[:28]), strings.Replace(four, "len=10", "len=0", 1) + "3.1", true},
		{"fifteen bytes quoted", icmp(3, 1, quoted4[:35]), strings.Replace(four, "len=10", "len=0", 1) + "3.1", true},
		{"sixteen bytes quoted", icmp(3, 1, quoted4[:36]), four + "3.1", false},
		{"seven bytes quoted", icmp(3, 1, quoted4[:27]), "", false},
		{"redirect", icmp(5, 1, quoted4), "", false},
		{"echo", icmp(8, 0, quoted4), "", false},
		{"quotes udp", icmp(3, 3, packet4(17, 0, make([]byte, 20))), "", false},
		{"quotes a later fragment", icmp(3, 3, packet4(6, 5, make([]byte, 20))), "", false},
		{"no route", icmp6(1, 0, quoted6), six + "1.0", false},
		{"packet too big", icmp6(2, 0, quoted6), six + "2.0", false},
		{"neighbour solicitation", icmp6(135, 0, quoted6), "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			segs, _, _ := all(t, file(1, test.frame), Options{})
			got := ""
			for _, s := range segs {
				got += strings.TrimPrefix(brief(s), "1 ")
				if cut := s.Notes&event.CutByCapture != 0; cut != test.cut {
					t.Errorf("cut %v, want %v", cut, test.cut)
				}
				if want := event.HashEnds(&s.Src, &s.Dst); s.Hash != want {
					t.Errorf("hash %x, want %x", s.Hash, want)
				}
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// dnsAnswer is the answer to a question for host: an alias, then addresses.
func dnsAnswer(t testing.TB, host string, kind dnsmessage.Type, code dnsmessage.RCode) []byte {
	t.Helper()
	name := dnsmessage.MustNewName(host)
	alias := dnsmessage.MustNewName("real.example.")
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{Response: true, RCode: code},
		Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{
			{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.CNAMEResource{CNAME: alias}},
			{Header: dnsmessage.ResourceHeader{Name: alias, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: [4]byte(addrB)}},
			{Header: dnsmessage.ResourceHeader{Name: alias, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AAAAResource{AAAA: [16]byte(addrB6)}},
		},
	}
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDNS(t *testing.T) {
	answer := dnsAnswer(t, "Cache-1.Svc.", dnsmessage.TypeA, dnsmessage.RCodeSuccess)
	frame := func(src, dst int, message []byte) []byte {
		return ether(0x0800, packet4(17, 0, datagramOf(src, dst, message)))
	}
	const want = "cache-1.svc=10.0.0.2:0 cache-1.svc=[2001:db8::2]:0"
	for _, test := range []struct {
		name   string
		frames [][]byte
		want   string
	}{
		{"answer", [][]byte{frame(53, 40000, answer)}, want},
		{"twice", [][]byte{frame(53, 40000, answer), frame(53, 40000, answer)}, want},
		{"to the server", [][]byte{frame(40000, 53, answer)}, ""},
		{"error", [][]byte{frame(53, 40000, dnsAnswer(t, "x.", dnsmessage.TypeA, dnsmessage.RCodeNameError))}, ""},
		{"other question", [][]byte{frame(53, 40000, dnsAnswer(t, "x.", dnsmessage.TypeTXT, dnsmessage.RCodeSuccess))}, ""},
		{"cut", [][]byte{frame(53, 40000, answer[:len(answer)-20])}, "cache-1.svc=10.0.0.2:0"},
		{"garbage", [][]byte{frame(53, 40000, []byte(strings.Repeat("\xc0\x0c\x80\x80", 40)))}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, names, _ := all(t, file(1, test.frames...), Options{})
			var got []string
			for _, n := range names {
				got = append(got, fmt.Sprintf("%s=%s", n.Host, n.Addr))
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("got %q, want %q", s, test.want)
			}
		})
	}
}
