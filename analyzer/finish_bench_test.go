package analyzer

import (
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"finwait/analyzer/event"
)

// rush is a capture of short connections, one request each, of 8 clients to 4
// servers: every 20 microseconds one begins, and its next packet follows after
// 500 others have begun, so that 5000 are open at once.
type rush struct {
	conns    int
	timeouts int // of a hundred connections, how many are closed by a timer
	slot     int
	frame    uint32
}

const (
	rushSteps = 10 // packets of a connection
	rushGap   = 500
)

// Next fills a batch with the packets of some slots of time.
func (r *rush) Next(b *event.Batch) error {
	b.Reset()
	for range 100 {
		if r.slot >= r.conns+rushSteps*rushGap {
			return io.EOF
		}
		for step := range rushSteps {
			if i := r.slot - step*rushGap; i >= 0 && i < r.conns {
				r.packet(b, i, step)
			}
		}
		r.slot++
	}
	return nil
}

// packet appends one packet of connection i.
func (r *rush) packet(b *event.Batch, i, step int) {
	waits := i*37%100 < r.timeouts
	if waits && (step == 4 || step == 5) {
		return
	}
	get := fmt.Sprintf("GET /api/v%d/items/%d HTTP/1.1\r\nHost: shop\r\n\r\n", i%16, i)
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	up, down := uint32(len(get)), uint32(len(ok))
	if waits {
		down = 0
	}
	isn := uint32(i)*2654435761 | 1
	s := event.Segment{Time: event.Time(1795390840e9 + r.slot*20e3 + step*1e3), Window: 500, IPID: uint16(r.frame), TTL: 64}
	s.Src = event.V4([]byte{10, 0, 1, byte(i % 8)}, uint16(1024+i/8%60000))
	s.Dst = event.V4([]byte{10, 0, 2, byte(i / 3 % 4)}, 80)
	back := false
	set := func(from bool, f event.Flags, seq, ack uint32) {
		back, s.Flags, s.Seq, s.Ack = from, f, event.SeqOf(seq), event.SeqOf(ack)
	}
	switch step {
	case 0:
		set(false, event.SYN, isn, 0)
	case 1:
		set(true, event.SYN|event.ACK, isn+500, isn+1)
	case 2:
		set(false, event.ACK, isn+1, isn+501)
	case 3:
		set(false, event.ACK|event.PSH, isn+1, isn+501)
		s.Payload = []byte(get)
	case 4:
		set(true, event.ACK|event.PSH, isn+501, isn+1+up)
		s.Payload = []byte(ok)
	case 5:
		set(false, event.ACK, isn+1+up, isn+501+down)
	case 6:
		set(false, event.FIN|event.ACK, isn+1+up, isn+501+down)
	case 7:
		set(true, event.ACK, isn+501+down, isn+2+up)
	case 8:
		set(true, event.FIN|event.ACK, isn+501+down, isn+2+up)
	case 9:
		set(false, event.ACK, isn+2+up, isn+502+down)
	}
	if back {
		s.Src, s.Dst = s.Dst, s.Src
	}
	r.frame++
	s.Frame, s.Len, s.Hash = r.frame, uint32(len(s.Payload)), event.HashEnds(&s.Src, &s.Dst)
	b.Segments = append(b.Segments, s)
}

func (*rush) Input() event.Input        { return event.Input{Path: "made.pcap"} }
func (*rush) Problems() []event.Problem { return nil }

// BenchmarkFinish concludes from 200,000 connections that were read: what
// follows the reading of a capture. B/conn is what is allocated on the way.
func BenchmarkFinish(b *testing.B) {
	for _, timeouts := range []int{0, 5, 100} {
		for _, jobs := range []int{1, 2} {
			b.Run(fmt.Sprintf("timeouts=%d%%/jobs=%d", timeouts, jobs), func(b *testing.B) {
				const conns = 200_000
				a := New(Options{Jobs: jobs})
				if err := a.Capture(a.NewView(), &rush{conns: conns, timeouts: timeouts}); err != nil && err != io.EOF {
					b.Fatal(err)
				}
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				start, n := time.Now(), 0
				for b.Loop() {
					t := &a.Finish().Report().Totals
					if t.Connections != conns || t.TimedOut != conns*timeouts/100 {
						b.Fatalf("%d connections, %d timed out: %v", t.Connections, t.TimedOut, t.Causes)
					}
					n++
				}
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(n*conns), "ns/conn")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(n*conns), "B/conn")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
