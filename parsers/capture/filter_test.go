//go:build cgo

package capture

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket/pcap"

	"finwait/analyzer/event"
)

// filtered reads raw through a filter and returns the numbers of the frames
// that are left.
func filtered(t *testing.T, raw []byte, expr string) string {
	t.Helper()
	f, err := CompileFilter(expr)
	if err != nil {
		t.Fatal(err)
	}
	segs, _, _ := all(t, raw, Options{Filter: f})
	var out []string
	for _, s := range segs {
		out = append(out, fmt.Sprint(s.Frame))
	}
	return strings.Join(out, " ")
}

func TestFilter(t *testing.T) {
	a := packet4(6, 0, data())
	b := packet4(6, 0, cat(be16(40000), be16(443), data()[4:]))
	six := packet6(6, data())
	cooked := func(kind int, p []byte) []byte {
		return cat(be16(kind), be16(0), be32(3), be16(1), []byte{4, 6}, make([]byte, 8), p)
	}
	files := map[string][]byte{
		"ethernet": file(1, ether(0x0800, a), ether(0x0800, b), ether(0x86dd, six), nil),
		"raw":      file(101, a, b, six),
		"sll2":     file(276, cooked(0x0800, a), cooked(0x0800, b), cooked(0x86dd, six)),
		"null":     file(0, cat(le32(2), a), cat(le32(2), b), cat(le32(30), six)),
		"several": cat(ngSection(), ngInterface(276), ngInterface(1),
			ngPacket(0, 1, cooked(0x0800, a)), ngPacket(1, 2, ether(0x0800, b)), ngPacket(0, 3, cooked(0x86dd, six))),
	}
	for name, raw := range files {
		for expr, want := range map[string]string{
			"port 80":                "1 3",
			"tcp port 443":           "2",
			"ip6":                    "3",
			"host 10.0.0.1":          "1 2",
			"":                       "1 2 3",
			"tcp[tcpflags] & 2 != 0": "",
		} {
			if got := filtered(t, raw, expr); got != want {
				t.Errorf("%s, %q: frames %q, want %q", name, expr, got, want)
			}
		}
	}
}

func TestBadFilter(t *testing.T) {
	if _, err := CompileFilter("port eighty"); err == nil || !strings.Contains(err.Error(), `filter "port eighty"`) {
		t.Errorf("error %v", err)
	}
	f, err := CompileFilter("ether host 02:00:00:00:00:01")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(file(101, packet4(6, 0, data()))), Options{Path: "x.pcap", Filter: f})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Next(new(event.Batch))
	if err == nil || !strings.HasPrefix(err.Error(), "x.pcap: filter ") || !strings.Contains(err.Error(), "RAW") {
		t.Errorf("error %v", err)
	}
}

// TestLibpcapAgrees shows that libpcap and the reader here find the same frames
// at the same times, in every format that libpcap reads.
func TestLibpcapAgrees(t *testing.T) {
	frames := plain(30)
	nano := file(1, frames...)
	micro := bytes.Clone(nano)
	copy(micro, le32(0xa1b2c3d4))
	ng := cat(ngSection(), ngInterface(1, ngOption(9, []byte{9})))
	for i, f := range frames {
		ng = cat(ng, ngPacket(0, 1700000000_000000001+uint64(i)*1000003, f, ngOption(optPacketFlags, le32(1)), le32(0)))
	}
	for name, raw := range map[string][]byte{"nano": nano, "micro": micro[:24+3*78], "big-endian": swapped(nano), "pcapng": ng, "pcapng big-endian": bigEndian(cat(ngSection(), ngInterface(1), ngPacket(0, 5, frames[0])))} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := pcap.OpenOffline(path)
		if err != nil {
			t.Fatal(err)
		}
		fr, err := NewFrameReader(bytes.NewReader(raw), Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			want, ci, werr := h.ReadPacketData()
			var f Frame
			err := fr.Next(&f)
			if (werr == io.EOF) != (err == io.EOF) || werr != nil && werr != io.EOF {
				t.Fatalf("%s: frame %d: libpcap %v, here %v", name, n+1, werr, err)
			}
			if err == io.EOF {
				break
			}
			n++
			if !bytes.Equal(want, f.Data) || ci.Timestamp.UnixNano() != int64(f.Time) || ci.Length != f.Wire || f.Number != uint32(n) {
				t.Fatalf("%s: frame %d: libpcap %v %d, here %v %d", name, n, ci.Timestamp.UnixNano(), ci.Length, int64(f.Time), f.Wire)
			}
		}
		if n == 0 {
			t.Errorf("%s: no frames", name)
		}
		h.Close()
	}
}
