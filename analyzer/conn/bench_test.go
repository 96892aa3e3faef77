package conn

import (
	"testing"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// BenchmarkKeepAlive plays one request and its answer, each acknowledged, over
// and over: what a connection costs while it is used.
func BenchmarkKeepAlive(b *testing.B) {
	p := newPlayer(1000)
	play := func(texts ...string) (segs []event.Segment) {
		for _, text := range texts {
			l, err := parseLine(text)
			if err != nil {
				b.Fatal(err)
			}
			s, _ := p.play(b, &l, len(p.sent)+1, false)
			segs = append(segs, s)
		}
		return segs
	}
	open := play("> S", "< S.", "> .")
	turn := play(`> P. "GET /item/17 HTTP/1.1\r\nHost: a\r\n\r\n"`, "< .", `< P. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"`, "> .")
	var c Conn
	c.Init(&open[0], newLender(), 0)
	for i := range open {
		c.Add(&open[i])
	}
	up, down := turn[0].Len, turn[2].Len
	b.ReportAllocs()
	for b.Loop() {
		for i := range turn {
			c.Add(&turn[i])
			s := &turn[i]
			s.Time += 1e6
			s.Frame += 4
			s.IPID++
			if s.Src == p.ends[0] {
				s.Seq, s.Ack = s.Seq.Add(up), s.Ack.Add(down)
			} else {
				s.Seq, s.Ack = s.Seq.Add(down), s.Ack.Add(up)
			}
		}
	}
	var r Record
	c.Finish(turn[3].Time, &r)
	if r.Answered != uint32(b.N) || r.ClientMissing+r.ServerMissing != 0 {
		b.Fatalf("%d of %d answered, %d bytes missing", r.Answered, b.N, r.ClientMissing+r.ServerMissing)
	}
}

// BenchmarkShort opens and closes connections: what a health check costs.
func BenchmarkShort(b *testing.B) {
	p := newPlayer(1000)
	var segs []event.Segment
	for _, text := range []string{"> S", "< S.", "> .", "> F.", "< F.", "> ."} {
		l, err := parseLine(text)
		if err != nil {
			b.Fatal(err)
		}
		s, _ := p.play(b, &l, len(p.sent)+1, false)
		segs = append(segs, s)
	}
	var c Conn
	var r Record
	trackers := newLender()
	var packed []byte
	b.ReportAllocs()
	for b.Loop() {
		c.Init(&segs[0], trackers, 0)
		for i := range segs {
			c.Add(&segs[i])
		}
		c.Finish(segs[5].Time, &r)
		packed = r.Append(packed[:0])
	}
	if r.TimeWaitBy != event.Client || r.Protocol != exchange.ProtocolNone {
		b.Fatalf("time-wait by %v, protocol %v", r.TimeWaitBy, r.Protocol)
	}
	b.ReportMetric(float64(len(packed)), "bytes/record")
}
