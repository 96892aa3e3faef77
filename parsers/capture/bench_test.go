package capture

import (
	"bytes"
	"io"
	"testing"

	"finwait/analyzer/event"
	"finwait/samples/gen/wire"
)

// BenchmarkReader reads made-up captures from memory: framing, decoding and
// the copy into the batches.
func BenchmarkReader(b *testing.B) {
	for _, c := range []wire.Config{
		{Kind: wire.Keepalive, Conns: 1000},
		{Kind: wire.Short, Conns: 5000},
		{Kind: wire.Keepalive, Conns: 1000, Format: wire.Pcapng},
	} {
		b.Run(string(c.Kind)+"/"+string(or(c.Format, wire.Pcap)), func(b *testing.B) {
			raw := generated(b, c)
			var batches [4]event.Batch
			var frames uint32
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := NewReader(bytes.NewReader(raw), Options{})
				if err != nil {
					b.Fatal(err)
				}
				for i := 0; err == nil; i++ {
					err = r.Next(&batches[i%len(batches)])
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				frames = r.Frames()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(frames), "ns/packet")
			b.ReportMetric(float64(frames)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}

// or returns a unless it is zero.
func or(a, b wire.Format) wire.Format {
	if a == "" {
		return b
	}
	return a
}

// BenchmarkDecode decodes one frame the short and the long way.
func BenchmarkDecode(b *testing.B) {
	options := cat([]byte{1, 1, 8, 10}, be32(1), be32(2))
	frame := ether(0x0800, packet4(6, 0, segment(0x18, options, "0123456789")))
	var batch event.Batch
	d := decoder{probs: &problems{}, out: &batch}
	b.Run("short", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			batch.Segments = batch.Segments[:0]
			d.fastEthernet(frame, 0)
		}
	})
	b.Run("long", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			batch.Segments = batch.Segments[:0]
			d.depth = 0
			d.link(linkEthernet, frame, 0)
		}
	})
}
