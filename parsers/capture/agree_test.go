package capture

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"finwait/analyzer/event"
	"finwait/samples/gen/wire"
)

// generated is a capture of made-up traffic.
func generated(t testing.TB, c wire.Config) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := wire.Write(&buf, c); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestFastAgrees decodes frames the short and the long way: made-up traffic,
// every frame of the layerings, cut at every length, and with every byte of
// the headers changed.
func TestFastAgrees(t *testing.T) {
	var frames [][]byte
	fr, err := NewFrameReader(bytes.NewReader(generated(t, wire.Config{Conns: 40})), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		var f Frame
		if err := fr.Next(&f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, bytes.Clone(f.Data))
	}
	for _, l := range layerings() {
		if l.linkType == 1 {
			frames = append(frames, l.frame)
		}
	}
	options := cat([]byte{1, 1, 8, 10}, be32(1), be32(2))
	for _, f := range [][]byte{ether(0x0800, packet4(6, 0, segment(0x18, options, "0123"))), ether(0x86dd, packet6(6, segment(0x18, options, "0123")))} {
		for i := range f {
			frames = append(frames, f[:i])
			for _, bit := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
				g := bytes.Clone(f)
				g[i] ^= bit
				frames = append(frames, g)
			}
		}
	}
	taken := 0
	for i, f := range frames {
		for _, miss := range []int{0, 1, 1000} {
			if waysAgree(t, fmt.Sprint("frame ", i), f, miss) {
				taken++
			}
		}
	}
	if taken < 3000 {
		t.Errorf("the short way was taken %d times of %d", taken, 3*len(frames))
	}
}

// waysAgree decodes an Ethernet frame the short and the long way, and reports
// whether the short one took it. Both must then give the same segment.
func waysAgree(t testing.TB, name string, frame []byte, miss int) bool {
	t.Helper()
	end := event.Endpoint{Addr: [16]byte(bytes.Repeat([]byte{9}, 16)), Port: 9}
	dirty := event.Segment{Time: 9, Hash: 9, Scope: 9, Frame: 9, Src: end, Dst: end, Seq: event.SeqOf(9), Ack: event.SeqOf(9), TSVal: 9, TSEcr: 9, Len: 9,
		Window: 9, IPID: 9, Flags: 9, Scale: 9, TTL: 9, Kind: 1, Code: 9, Notes: 9, Input: 9, Payload: []byte("9")}
	fast, slow := new(event.Batch), new(event.Batch)
	d := decoder{probs: &problems{}, out: fast, frame: 7, time: 99, scope: 5, input: 2, notes: event.Incoming}
	fast.Segments = append(fast.Segments, dirty)[:0] // of a former use
	if !d.fastEthernet(frame, miss) {
		if len(fast.Segments) != 0 {
			t.Fatalf("%s: not taken, but something happened", name)
		}
		return false
	}
	d.out = slow
	d.link(linkEthernet, frame, miss)
	if len(slow.Segments) != 1 || fmt.Sprintf("%+v", slow.Segments[0]) != fmt.Sprintf("%+v", fast.Segments[0]) {
		t.Fatalf("%s, %d missing, % x:\nfast %+v\nslow %+v", name, miss, frame, fast.Segments, slow.Segments)
	}
	return true
}

// TestSamplesAgree decodes every frame of the samples the short and the long
// way, and, if it is whole, with gopacket; and it reads every sample once as
// Reader does and once record by record.
func TestSamplesAgree(t *testing.T) {
	files, err := filepath.Glob("../../samples/*.pcap.gz")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	frames, taken := 0, 0
	for _, file := range files {
		raw := unpacked(t, file)
		readingsAgree(t, filepath.Base(file), raw, Options{})
		segs, _, _ := all(t, raw, Options{})
		byFrame := map[uint32]event.Segment{}
		for _, s := range segs {
			byFrame[s.Frame] = s
		}
		fr, err := NewFrameReader(bytes.NewReader(raw), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var f Frame
		for fr.Next(&f) == nil {
			frames++
			if f.LinkType == linkEthernet && waysAgree(t, fmt.Sprint(file, " frame ", f.Number), f.Data, max(0, f.Wire-len(f.Data))) {
				taken++
				if f.Wire == len(f.Data) {
					gopacketAgrees(t, file, &f, byFrame[f.Number])
				}
			}
		}
	}
	if taken < 5000 {
		t.Errorf("the short way was taken for %d of %d frames", taken, frames)
	}
}

// unpacked is the content of a compressed file.
func unpacked(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestGopacketAgrees compares every segment of made-up traffic with what
// gopacket decodes.
func TestGopacketAgrees(t *testing.T) {
	for _, c := range []wire.Config{{Conns: 60}, {Kind: wire.Short, Conns: 60, Format: wire.Pcapng}} {
		raw := generated(t, c)
		fr, err := NewFrameReader(bytes.NewReader(raw), Options{})
		if err != nil {
			t.Fatal(err)
		}
		segs, _, _ := all(t, raw, Options{})
		for _, s := range segs {
			var f Frame
			if err := fr.Next(&f); err != nil {
				t.Fatal(err)
			}
			gopacketAgrees(t, "made up", &f, s)
		}
		if len(segs) < 500 {
			t.Errorf("%d segments", len(segs))
		}
	}
}

// gopacketAgrees compares the segment of a whole Ethernet frame with what
// gopacket decodes.
func gopacketAgrees(t *testing.T, name string, f *Frame, s event.Segment) {
	t.Helper()
	p := gopacket.NewPacket(f.Data, layers.LayerTypeEthernet, gopacket.NoCopy)
	tcp, ok := p.TransportLayer().(*layers.TCP)
	if !ok {
		t.Fatalf("%s, frame %d: gopacket: %v", name, f.Number, p.ErrorLayer())
	}
	want := event.Segment{
		Time: f.Time, Frame: f.Number,
		Seq: event.SeqOf(tcp.Seq), Ack: event.SeqOf(tcp.Ack), Window: tcp.Window,
		Len: uint32(len(tcp.Payload)), Payload: tcp.Payload, Flags: event.Flags(tcp.Contents[13]),
	}
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		want.Src, want.Dst = event.V4(ip.SrcIP, uint16(tcp.SrcPort)), event.V4(ip.DstIP, uint16(tcp.DstPort))
		want.IPID, want.TTL = ip.Id, ip.TTL
	case *layers.IPv6:
		want.Src = event.Endpoint{Addr: [16]byte(ip.SrcIP), Port: uint16(tcp.SrcPort)}
		want.Dst = event.Endpoint{Addr: [16]byte(ip.DstIP), Port: uint16(tcp.DstPort)}
		want.TTL, want.Notes = ip.HopLimit, event.IPv6
	}
	want.Hash = event.HashEnds(&want.Src, &want.Dst)
	for _, o := range tcp.Options {
		switch o.OptionType {
		case layers.TCPOptionKindTimestamps:
			want.TSVal, want.TSEcr = binary.BigEndian.Uint32(o.OptionData), binary.BigEndian.Uint32(o.OptionData[4:])
			want.Notes |= event.HasTimestamps
		case layers.TCPOptionKindWindowScale:
			want.Scale = o.OptionData[0]
			want.Notes |= event.HasWindowScale
		}
	}
	s.Notes &^= event.DuplicateSACK // gopacket does not look at the blocks
	if len(want.Payload) == 0 {
		want.Payload, s.Payload = nil, nil
	}
	if got, want := fmt.Sprintf("%+v", s), fmt.Sprintf("%+v", want); got != want {
		t.Fatalf("%s, frame %d:\ngot  %s\nwant %s", name, s.Frame, got, want)
	}
}

// TestCopy copies some frames with comments and reads them back.
func TestCopy(t *testing.T) {
	raw := cat(ngSection(), ngInterface(1), ngInterface(101, ngOption(9, []byte{9})))
	for i, f := range plain(6) {
		if i%2 == 1 {
			f = f[14:]
		}
		raw = cat(raw, ngPacket(i%2, 1700000000_000000+uint64(i), f, ngOption(optPacketFlags, le32(i%3)), le32(0)))
	}
	fr, err := NewFrameReader(bytes.NewReader(raw), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := NewWriter(&out, "finwait")
	if err != nil {
		t.Fatal(err)
	}
	var f Frame
	for fr.Next(&f) == nil {
		if err := w.Write(&f, fmt.Sprintf("frame %d of the original", f.Number)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	before, _, _ := all(t, raw, Options{})
	after, _, r := all(t, out.Bytes(), Options{})
	if ids(r.Problems()) != "" || len(after) != 6 || fmt.Sprint(r.Input().LinkTypes) != "[EN10MB RAW]" {
		t.Fatalf("%d segments, %v, %+v", len(after), r.Problems(), r.Input())
	}
	for i := range before {
		if fmt.Sprintf("%+v", before[i]) != fmt.Sprintf("%+v", after[i]) {
			t.Errorf("segment %d:\nbefore %+v\nafter  %+v", i, before[i], after[i])
		}
	}
	if !bytes.Contains(out.Bytes(), []byte("frame 6 of the original")) {
		t.Error("the comment is missing")
	}
}

// TestExtent looks at both ends of captures.
func TestExtent(t *testing.T) {
	frames := plain(20)
	raw := file(1, frames...)
	ng := cat(ngSection(ngOption(optSectionOS, []byte("Linux"))), ngInterface(1))
	for i, f := range frames {
		ng = append(ng, ngPacket(0, uint64(1000+i), f)...)
	}
	for _, test := range []struct {
		name       string
		head, tail []byte
		want       Extent
	}{
		{"pcap", raw[:200], raw[777:], Extent{1700000000e9, 1700000000e9 + 19e6, ""}},
		{"pcap without tail", raw, nil, Extent{1700000000e9, event.NoTime, ""}},
		{"pcap cut", raw[:200], raw[777 : len(raw)-9], Extent{1700000000e9, 1700000000e9 + 18e6, ""}},
		{"pcapng", ng[:300], ng[777:], Extent{1000000, 1019000, "Linux"}},
		{"no packets", raw[:24], raw[:24], Extent{event.NoTime, event.NoTime, ""}},
		{"no capture", []byte("hello"), nil, Extent{event.NoTime, event.NoTime, ""}},
	} {
		if got := ExtentOf(test.head, test.tail); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}
