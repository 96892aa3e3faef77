package samples

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"finwait/analyzer"
	"finwait/analyzer/event"
	"finwait/parsers/capture"
	"finwait/samples/gen/wire"
)

// traffic is what the benchmarks read: connections that carry many requests,
// some of which time out, and many short ones.
var traffic = []wire.Config{
	{Kind: wire.Keepalive, Conns: 2000, Requests: 10, Concurrent: 200, Seed: 1},
	{Kind: wire.Short, Conns: 10000, Concurrent: 1000, Seed: 1},
}

// generate writes a capture in memory.
func generate(tb testing.TB, c wire.Config) ([]byte, wire.Total) {
	tb.Helper()
	var b bytes.Buffer
	total, err := wire.Write(&b, c)
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), total
}

// run reads a capture and concludes, without printing.
func run(tb testing.TB, data []byte, jobs int) *analyzer.Result {
	tb.Helper()
	a := analyzer.New(analyzer.Options{Jobs: jobs})
	rd, err := capture.NewReader(bytes.NewReader(data), capture.Options{Path: "generated"})
	if err != nil {
		tb.Fatal(err)
	}
	if err := a.Capture(a.NewView(), rd); err != nil {
		tb.Fatal(err)
	}
	return a.Finish()
}

// allocations is how many allocations f makes, by all goroutines.
func allocations(f func()) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}

// BenchmarkAnalyze reads a capture, follows its connections and concludes.
func BenchmarkAnalyze(b *testing.B) {
	for _, c := range traffic {
		data, total := generate(b, c)
		b.Run(string(c.Kind), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			n := allocations(func() {
				for b.Loop() {
					run(b, data, runtime.GOMAXPROCS(0))
				}
			})
			packets := float64(total.Packets) * float64(b.N)
			b.ReportMetric(packets/b.Elapsed().Seconds(), "packets/s")
			b.ReportMetric(n/packets, "allocs/packet")
		})
	}
}

// BenchmarkFollow is BenchmarkAnalyze without decoding: the segments are ready.
func BenchmarkFollow(b *testing.B) {
	for _, c := range traffic {
		data, total := generate(b, c)
		batches := decoded(b, data)
		b.Run(string(c.Kind), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a := analyzer.New(analyzer.Options{})
				if err := a.Capture(a.NewView(), &replay{batches: batches}); err != nil {
					b.Fatal(err)
				}
				a.Finish()
			}
			b.ReportMetric(float64(total.Packets)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}

// decoded are the batches of a capture.
func decoded(tb testing.TB, data []byte) (list []event.Batch) {
	tb.Helper()
	rd, err := capture.NewReader(bytes.NewReader(data), capture.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	for {
		var b event.Batch
		err := rd.Next(&b)
		list = append(list, b)
		if err == io.EOF {
			return list
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// replay is a source of batches that were decoded before.
type replay struct {
	batches []event.Batch
	next    int
}

func (r *replay) Next(b *event.Batch) error {
	if r.next == len(r.batches) {
		b.Reset()
		return io.EOF
	}
	*b = r.batches[r.next]
	r.next++
	return nil
}

func (r *replay) Input() event.Input        { return event.Input{Path: "generated", Kind: "pcap"} }
func (r *replay) Problems() []event.Problem { return nil }

// TestAllocations bounds the allocations per packet by the difference between a
// capture and a shorter one: some for a connection, none for a packet.
func TestAllocations(t *testing.T) {
	for _, c := range traffic {
		c.Conns /= 10
		few, some := generate(t, c)
		c.Conns *= 3
		many, more := generate(t, c)
		for _, jobs := range []int{1, 3} {
			n := allocations(func() { run(t, many, jobs) }) - allocations(func() { run(t, few, jobs) })
			packets, conns := float64(more.Packets-some.Packets), float64(more.Conns-some.Conns)
			if n/packets > 0.5 {
				t.Errorf("%s with %d jobs: %.2f allocations a packet", c.Kind, jobs, n/packets)
			}
			t.Logf("%s with %d jobs: %.3f allocations a packet, %.2f a connection", c.Kind, jobs, n/packets, n/conns)
		}
	}
}
