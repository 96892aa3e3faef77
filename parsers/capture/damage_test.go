package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"finwait/samples/gen/wire"
)

// recordOffsets lists where the records of a capture start.
func recordOffsets(t *testing.T, raw []byte) []int {
	t.Helper()
	fr, err := NewFrameReader(bytes.NewReader(raw), Options{})
	if err != nil {
		t.Fatal(err)
	}
	head := 16
	if fr.r.scan.ng {
		head = 28
	}
	var out []int
	for {
		var f Frame
		if fr.Next(&f) != nil {
			return out
		}
		out = append(out, int(fr.r.stream.base)+fr.used)
		end := out[len(out)-1]
		start := end - head - len(f.Data)
		if fr.r.scan.ng {
			start = end - int(binary.LittleEndian.Uint32(raw[end-4:]))
		}
		out[len(out)-1] = start
	}
}

// TestDamageCostsLittle destroys the headers of some records of a large file.
// All other frames must still be found, wherever the blocks end.
func TestDamageCostsLittle(t *testing.T) {
	for _, format := range []wire.Format{wire.Pcap, wire.Pcapng} {
		raw := generated(t, wire.Config{Conns: 150, Format: format})
		whole, _, _ := all(t, raw, Options{})
		offsets := recordOffsets(t, raw)
		rng := rand.New(rand.NewPCG(1, 2))
		broken := map[int]bool{}
		for len(broken) < 60 {
			i := 4 * rng.IntN(len(offsets)/4-1) // a chain of good records between them
			if broken[i] {
				continue
			}
			broken[i] = true
			for j := range 16 {
				raw[offsets[i]+j] = 0xff
			}
		}
		left, _, r := all(t, raw, Options{})
		var want []string
		for i, s := range whole {
			if !broken[i] {
				want = append(want, fmt.Sprint(s.Time, s.Seq, s.Len))
			}
		}
		var got []string
		for _, s := range left {
			got = append(got, fmt.Sprint(s.Time, s.Seq, s.Len))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %d of %d frames left, want %d", format, len(got), len(whole), len(want))
		}
		for _, p := range r.Problems() {
			if p.ID != "skipped-bytes" && p.Count != 60 {
				t.Errorf("%s: problem %+v", format, p)
			}
		}
	}
}

// TestHopelessIsFast reads megabytes in which every search is in vain, or
// nearly finds something.
func TestHopelessIsFast(t *testing.T) {
	const size = 12 << 20
	fill := func(head, pattern []byte) []byte {
		return append(bytes.Clone(head), bytes.Repeat(pattern, size/len(pattern))...)
	}
	plausible := cat(le32(1700000000), le32(1), le32(200000), le32(200000))
	noise := make([]byte, 1<<20)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	ng := cat(ngSection(), ngInterface(1))
	for name, raw := range map[string][]byte{
		"zeros":             fill(file(1), make([]byte, 1024)),
		"ones":              fill(file(1), []byte{0xff}),
		"noise":             fill(file(1), noise),
		"headers only":      fill(cat(file(1), le32(1), le32(1), le32(0x7fffffff), le32(0)), plausible),
		"pcapng zeros":      fill(ng, make([]byte, 1024)),
		"pcapng noise":      fill(ng, noise),
		"pcapng half right": fill(cat(ng, le32(6), le32(1)), cat(le32(6), le32(0x80000))),
		"pcapng sections":   fill(ng, ngSection()),
		"pcapng interfaces": fill(ng, ngInterface(1)),
		"pcapng statistics": fill(ng, ngBlock(blockStatistics, le32(0), le32(0), le32(9), ngOption(optStatsIfDrop, le64(3)), le32(0))),
	} {
		start := time.Now()
		_, _, r := all(t, raw, Options{})
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if len(r.Problems()) > 10 {
			t.Errorf("%s: %d problems", name, len(r.Problems()))
		}
		t.Log(name, time.Since(start), ids(r.Problems()))
	}
}
