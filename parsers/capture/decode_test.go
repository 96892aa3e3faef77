package capture

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"finwait/analyzer/event"
)

// all reads a whole capture.
func all(t testing.TB, raw []byte, opts Options) ([]event.Segment, []event.Name, *Reader) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(raw), opts)
	if err != nil {
		t.Fatal(err)
	}
	var segs []event.Segment
	var names []event.Name
	for {
		var b event.Batch // not reused, so that the payloads stay
		err := r.Next(&b)
		if err == io.EOF {
			return segs, names, r
		}
		if err != nil {
			t.Fatal(err)
		}
		segs = append(segs, b.Segments...)
		names = append(names, b.Names...)
	}
}

// brief writes a segment as one line.
func brief(s event.Segment) string {
	kind := ""
	if s.Kind == event.SegmentUnreachable {
		kind = fmt.Sprintf(" icmp=%d.%d", s.Code>>8, s.Code&0xff)
	}
	return fmt.Sprintf("%d %s>%s seq=%d len=%d payload=%q%s", s.Frame, s.Src, s.Dst, s.Seq.Uint32(), s.Len, s.Payload, kind)
}

// ends of the usual segment in either version.
const (
	usual4 = `10.0.0.1:40000>10.0.0.2:80 seq=1000 len=4 payload="data"`
	usual6 = `[2001:db8::1]:40000>[2001:db8::2]:80 seq=1000 len=4 payload="data"`
)

// layering is one way to a TCP header.
type layering struct {
	name     string
	linkType int
	frame    []byte
	want     string // the usual segment; "" none
	trouble  string // ID of the only problem, but for cut-frames
	tshark   bool   // Wireshark 4.0 sees the same
}

// layerings are all link layers, encapsulations and tunnels that are decoded.
func layerings() []layering {
	four, six := packet4(6, 0, data()), packet6(6, data())
	whole := ether(0x0800, four)
	snap := cat([]byte{0xaa, 0xaa, 3, 0, 0, 0}, be16(0x0800), four)
	udp := func(port int, payload []byte) []byte {
		return ether(0x0800, packet4(17, 0, datagramOf(50000, port, payload)))
	}
	gre := func(header []byte, payload []byte) []byte {
		return ether(0x0800, packet4(47, 0, cat(header, payload)))
	}
	cooked := cat(be16(4), be16(1), be16(6), make([]byte, 8), be16(0x0800), four)
	cooked2 := cat(be16(0x86dd), be16(0), be32(7), be16(1), []byte{4, 6}, make([]byte, 8), six)
	wlan := cat([]byte{0x88, 0x01, 0, 0}, make([]byte, 20), be16(0), snap)
	radiotap := cat([]byte{0, 0, 8, 0}, le32(0), wlan)
	hop := cat([]byte{6, 0, 1, 4, 0, 0, 0, 0}, data())
	return []layering{
		{"ethernet ip4", 1, whole, usual4, "", true},
		{"ethernet ip6", 1, ether(0x86dd, six), usual6, "", true},
		{"ethernet padding", 1, cat(ether(0x0800, packet4(6, 0, segment(0x10, nil, ""))), make([]byte, 6)), `10.0.0.1:40000>10.0.0.2:80 seq=1000 len=0 payload=""`, "", true},
		{"vlan", 1, ether(0x8100, vlan(5, 0x0800, four)), usual4, "", true},
		{"qinq", 1, ether(0x88a8, vlan(5, 0x8100, vlan(6, 0x86dd, six))), usual6, "", true},
		{"qinq 9100", 1, ether(0x9100, vlan(5, 0x8100, vlan(6, 0x0800, four))), usual4, "", true},
		{"802.3 snap", 1, ether(len(snap), snap), usual4, "", true},
		{"802.3 snap of another organization", 1, ether(len(snap), cat(snap[:3], []byte{1, 2, 3}, snap[6:])), "", "", true},
		{"802.3 llc ip", 1, ether(len(four)+3, cat([]byte{6, 6, 3}, four)), usual4, "", true},
		{"arp", 1, ether(0x0806, make([]byte, 28)), "", "", true},
		{"mpls", 1, ether(0x8847, cat(be32(100<<12|64), be32(200<<12|1<<8|64), four)), usual4, "", true},
		{"mpls pseudowire", 1, ether(0x8847, cat(be32(200<<12|1<<8|64), be32(0), whole)), usual4, "", false},
		{"pppoe", 1, ether(0x8864, cat([]byte{0x11, 0}, be16(1), be16(len(four)+2), be16(0x21), four)), usual4, "", true},
		{"pbb", 1, ether(0x88e7, cat(be32(77), whole)), usual4, "", true},
		{"vn-tag", 1, ether(0x8926, cat(be32(0), be16(0x0800), four)), usual4, "", true},
		{"macsec", 1, ether(0x88e5, make([]byte, 40)), "", "undecoded-encrypted", true},
		{"sll", 113, cooked, usual4, "", true},
		{"sll2", 276, cooked2, usual6, "", true},
		{"null", 0, cat(le32(2), four), usual4, "", true},
		{"null big-endian", 0, cat(be32(30), six), usual6, "", true},
		{"null ip6 linux", 0, cat(le32(10), six), usual6, "", false},
		{"loop", 108, cat(be32(24), six), usual6, "", true},
		{"enc", 109, cat(le32(2), be32(1), be32(0), four), usual4, "", true},
		{"raw", 101, four, usual4, "", true},
		{"raw 12", 12, six, usual6, "", true},
		{"raw 14", 14, six, usual6, "", true},
		{"ipv4", 228, four, usual4, "", true},
		{"ipv6", 229, six, usual6, "", true},
		{"ppp", 9, cat([]byte{0xff, 3}, be16(0x21), four), usual4, "", true},
		{"ppp with another control byte", 9, cat([]byte{0xff, 7}, be16(0x21), four), usual4, "", true},
		{"ppp compressed", 9, cat([]byte{0x57}, six), usual6, "", true},
		{"ppp hdlc", 50, cat([]byte{0xff, 3}, be16(0x57), six), usual6, "", true},
		{"cisco in ppp hdlc", 50, cat([]byte{0x0f, 0}, be16(0x0800), four), usual4, "", true},
		{"frame relay", 107, cat([]byte{0x18, 0x41, 3, 0xcc}, four), usual4, "", true},
		{"frame relay ip6", 107, cat([]byte{0x18, 0x41, 3, 0x8e}, six), usual6, "", true},
		{"frame relay snap", 107, cat([]byte{0x18, 0x41, 3, 0, 0x80, 0, 0, 0}, be16(0x0800), four), usual4, "", true},
		{"frame relay long address", 107, cat([]byte{0x18, 0x40, 0x40, 0x01, 3, 0xcc}, four), usual4, "", true},
		{"frame relay cisco", 107, cat([]byte{0x18, 0x41}, be16(0x0800), four), usual4, "", false},
		{"frame relay cut", 107, []byte{0x18, 0x41, 3}, "", "undecoded-broken", true},
		{"frame relay address only", 107, []byte{0x18, 0x40}, "", "undecoded-broken", true},
		{"c hdlc", 104, cat([]byte{0x0f, 0}, be16(0x0800), four), usual4, "", true},
		{"atm rfc 1483", 100, snap, usual4, "", true},
		{"fddi", 10, cat([]byte{0x50}, make([]byte, 12), snap), usual4, "", true},
		{"firewire", 138, cat(make([]byte, 16), be16(0x0800), four), usual4, "", true},
		{"pflog", 117, cat([]byte{61, 2, 0, 0}, make([]byte, 60), four), usual4, "", true},
		{"nflog", 239, cat([]byte{2, 0, 0, 0}, le16(8), le16(1), le32(0), le16(4+len(four)), le16(9), four), usual4, "", true},
		{"ppi", 192, cat([]byte{0, 0}, le16(8), le32(1), whole), usual4, "", true},
		{"pktap", 258, cat(le32(108), le32(1), le32(1), make([]byte, 96), whole), usual4, "", true},
		{"802.11", 105, wlan, usual4, "", true},
		{"radiotap", 127, radiotap, usual4, "", true},
		{"802.11 protected", 105, cat([]byte{0x08, 0x41, 0, 0}, make([]byte, 40)), "", "undecoded-encrypted", true},
		{"unknown link type", 147, whole, "", "unknown-link-type", true},
		{"link type above 255", 300, whole, "", "unknown-link-type", false},

		{"hop-by-hop", 1, ether(0x86dd, packet6(0, hop)), usual6, "", true},
		{"ip6 atomic fragment", 1, ether(0x86dd, packet6(44, cat([]byte{6, 0, 0, 0}, be32(9), data()))), usual6, "", true},
		{"ah", 1, ether(0x0800, packet4(51, 0, cat([]byte{6, 4, 0, 0}, make([]byte, 20), data()))), usual4, "", true},
		{"esp", 1, ether(0x0800, packet4(50, 0, make([]byte, 60))), "", "undecoded-encrypted", true},
		{"ipip", 1, ether(0x0800, packet4(4, 0, four)), usual4, "", true},
		{"6in4", 1, ether(0x0800, packet4(41, 0, six)), usual6, "", true},
		{"4in6", 1, ether(0x86dd, packet6(4, four)), usual4, "", true},
		{"etherip", 1, ether(0x0800, packet4(97, 0, cat([]byte{0x30, 0}, whole))), usual4, "", true},
		{"mpls in ip", 1, ether(0x0800, packet4(137, 0, cat(be32(1<<8|64), four))), usual4, "", true},
		{"gre", 1, gre(cat(be16(0), be16(0x0800)), four), usual4, "", true},
		{"gre with everything", 1, gre(cat(be16(0xb000), be16(0x86dd), be32(0), be32(42), be32(1)), six), usual6, "", true},
		{"gre ethernet", 1, gre(cat(be16(0x2000), be16(0x6558), be32(42)), whole), usual4, "", true},
		{"pptp", 1, gre(cat(be16(0x3081), be16(0x880b), be16(len(four)+4), be16(9), be32(1), be32(1), []byte{0xff, 3, 0, 0x21}), four), usual4, "", true},
		{"erspan 1", 1, gre(cat(be16(0), be16(0x88be)), whole), usual4, "", false},
		{"erspan 2", 1, gre(cat(be16(0x1000), be16(0x88be), be32(1), be32(0x10000001), be32(0)), whole), usual4, "", true},
		{"erspan 3", 1, gre(cat(be16(0x1000), be16(0x22eb), be32(1), be32(0x20000001), be32(0), be32(0)), whole), usual4, "", true},
		{"erspan 3 with ip", 1, gre(cat(be16(0x1000), be16(0x22eb), be32(1), be32(0x20000001), be32(0), be32(0x00000800)), four), usual4, "", false},
		{"erspan 3 with another frame type", 1, gre(cat(be16(0x1000), be16(0x22eb), be32(1), be32(0x20000001), be32(0), be32(0x00005400)), whole), "", "", true},
		{"erspan 7", 1, gre(cat(be16(0x1000), be16(0x22eb), be32(1), be32(0x70000001), be32(0), be32(0)), whole), "", "", true},
		{"vxlan without its flag", 1, udp(4789, cat(be32(0), be32(42<<8), whole)), usual4, "", true},
		{"vxlan", 1, udp(4789, cat(be32(0x08000000), be32(42<<8), whole)), usual4, "", true},
		{"vxlan flannel", 1, udp(8472, cat(be32(0x08000000), be32(1<<8), whole)), usual4, "", true},
		{"vxlan-gpe", 1, udp(4790, cat(be32(0x0c000001), be32(1<<8), four)), usual4, "", true},
		{"geneve", 1, udp(6081, cat([]byte{1, 0}, be16(0x6558), be32(42<<8), be32(0), whole)), usual4, "", true},
		{"gtp-u", 1, udp(2152, cat([]byte{0x30, 255}, be16(len(four)), be32(7), four)), usual4, "", true},
		{"gtp-u extension", 1, udp(2152, cat([]byte{0x34, 255}, be16(len(six)+8), be32(7), be16(0), []byte{0, 0x85, 1, 0, 9, 0}, six)), usual6, "", true},
		{"teredo", 1, udp(3544, six), usual6, "", true},
		{"mpls in udp", 1, udp(6635, cat(be32(1<<8|64), four)), usual4, "", true},
		{"vxlan in gre in vlan", 1, ether(0x8100, vlan(3, 0x0800, packet4(47, 0, cat(be16(0), be16(0x0800), packet4(17, 0, datagramOf(1, 4789, cat(be32(0x08000000), be32(1<<8), whole))))))), usual4, "", true},
		{"plain udp", 1, udp(9999, data()), "", "", true},
		{"too deep", 1, ether(0x8100, bytes.Repeat([]byte{0, 1, 0x81, 0}, 100)), "", "undecoded-nesting", false},

		{"ip4 bad version", 1, ether(0x0800, cat([]byte{0x55}, four[1:])), "", "undecoded-broken", true},
		{"ip4 short header length", 1, ether(0x0800, cat([]byte{0x44}, four[1:])), "", "undecoded-broken", true},
		{"ip4 length too small", 1, ether(0x0800, cat(four[:2], be16(10), four[4:])), "", "undecoded-broken", true},
		{"ip4 length too large", 1, ether(0x0800, cat(four[:2], be16(2000), four[4:])), usual4, "", true},
		{"ip4 offloaded", 1, ether(0x0800, cat(four[:2], be16(0), four[4:])), usual4, "", true},
		{"ip6 offloaded", 1, ether(0x86dd, cat(six[:4], be16(0), six[6:], make([]byte, 1277))), `[2001:db8::1]:40000>[2001:db8::2]:80 seq=1000 len=1281 payload="data` + strings.Repeat(`\x00`, 1277) + `"`, "", false},
		{"ip6 without a length", 1, ether(0x86dd, cat(six[:4], be16(0), six[6:])), "", "undecoded-broken", true},
		{"ip6 option beyond its header", 1, ether(0x86dd, packet6(0, cat([]byte{6, 0, 1, 9, 0, 0, 0, 0}, data()))), usual6, "", true},
		{"ip6 option beyond the packet", 1, ether(0x86dd, packet6(0, cat([]byte{6, 0, 1, 200, 0, 0, 0, 0}, data()))), "", "undecoded-broken", true},
		{"erspan 3 without a sequence number", 1, gre(cat(be16(0), be16(0x22eb), be32(0x20000001), be32(0), be32(0)), whole), usual4, "", true},
		{"ip6 hop-by-hop in ip4", 1, ether(0x0800, packet4(0, 0, hop)), usual4, "", true},
		{"first fragment that lacks bytes", 1, ether(0x0800, cat(packet4(6, 0x2000, data())[:2], be16(500), packet4(6, 0x2000, data())[4:])), usual4, "", false},
		{"later fragment that lacks bytes", 1, ether(0x0800, cat(packet4(6, 1, data())[:2], be16(500), packet4(6, 1, data())[4:])), "", "", true},
		{"tcp header of 16 bytes", 1, ether(0x0800, packet4(6, 0, cat(data()[:12], []byte{0x40}, data()[13:]))), `10.0.0.1:40000>10.0.0.2:80 seq=1000 len=0 payload=""`, "", true},
		{"tcp header beyond the packet", 1, ether(0x0800, packet4(6, 0, cat(data()[:12], []byte{0xf0}, data()[13:]))), `10.0.0.1:40000>10.0.0.2:80 seq=1000 len=0 payload=""`, "", true},
		{"tcp cut by ip", 1, ether(0x0800, packet4(6, 0, data()[:18])), `10.0.0.1:40000>10.0.0.2:80 seq=1000 len=0 payload=""`, "", true},
		{"tcp of 15 bytes", 1, ether(0x0800, packet4(6, 0, data()[:15])), "", "undecoded-broken", true},
		{"empty frame", 1, nil, "", "undecoded-broken", true},
	}
}

func TestLayerings(t *testing.T) {
	for _, l := range layerings() {
		t.Run(l.name, func(t *testing.T) {
			segs, _, r := all(t, file(l.linkType, l.frame), Options{Path: "x.pcap"})
			var got string
			for _, s := range segs {
				got += strings.TrimPrefix(brief(s), "1 ")
			}
			if got != l.want {
				t.Errorf("got  %s\nwant %s", got, l.want)
			}
			var ids []string
			for _, p := range r.Problems() {
				ids = append(ids, p.ID)
			}
			if got := strings.Join(ids, " "); got != l.trouble {
				t.Errorf("problems %q, want %q", got, l.trouble)
			}
		})
	}
}

// TestTsharkAgrees shows that Wireshark finds the same segments in the same
// frames. It needs the tshark that layering.tshark speaks of.
func TestTsharkAgrees(t *testing.T) {
	version, err := exec.Command("tshark", "--version").Output()
	if err != nil || !bytes.Contains(version, []byte("TShark (Wireshark) 4.0")) {
		t.Skip("no tshark 4.0")
	}
	var list []layering
	raw := ngSection()
	for _, l := range layerings() {
		if !l.tshark {
			continue
		}
		list = append(list, l)
		raw = append(raw, ngInterface(l.linkType)...)
	}
	for i, l := range list {
		raw = append(raw, ngPacket(i, uint64(i), l.frame)...)
	}
	path := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("tshark", "-r", path, "-T", "fields", "-E", "occurrence=l", "-e", "tcp.stream", "-e", "tcp.srcport", "-e", "tcp.len",
		"-d", "udp.port==4790,vxlan_gpe", "-d", "udp.port==8472,vxlan", "-d", "udp.port==3544,teredo").Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	lines := strings.Split(string(out), "\n")
	for i, l := range list {
		stream, rest, _ := strings.Cut(lines[i], "\t")
		want := ""
		switch {
		case strings.HasPrefix(l.name, "tcp header of 16"):
			want = "40000\t8" // Wireshark counts from the bad header length
		case strings.Contains(l.want, "len=0"):
			want = "40000\t0"
		case l.want != "":
			want = "40000\t4"
		}
		if (stream != "") != (want != "") || stream != "" && rest != want && rest+"0" != want {
			t.Errorf("%s: tshark says %q, want %q", l.name, lines[i], want)
		}
	}
}
