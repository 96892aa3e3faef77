package analyzer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// wire makes the segments of connections between a few clients and a server.
type wire struct {
	now   event.Time
	frame uint32
	segs  []event.Segment
}

// send appends a segment between client port p and the server; back is from
// the server.
func (w *wire) send(after time.Duration, p uint16, back bool, f event.Flags, seq, ack, n uint32) *event.Segment {
	w.now = w.now.Add(after)
	w.frame++
	s := event.Segment{
		Time: w.now, Frame: w.frame, Src: event.V4([]byte{10, 0, 0, 1}, p), Dst: event.V4([]byte{10, 0, 0, 2}, 80),
		Flags: f, Seq: event.SeqOf(seq), Ack: event.SeqOf(ack), Len: n, Payload: make([]byte, n), Window: 500, IPID: uint16(w.frame), TTL: 64,
	}
	if back {
		s.Src, s.Dst = s.Dst, s.Src
	}
	s.Hash = event.HashEnds(&s.Src, &s.Dst)
	w.segs = append(w.segs, s)
	return &w.segs[len(w.segs)-1]
}

const ms = time.Millisecond

// dial sends a handshake with client number isn.
func (w *wire) dial(p uint16, isn uint32) {
	w.send(ms, p, false, event.SYN, isn, 0, 0)
	w.send(ms, p, true, event.SYN|event.ACK, isn+500, isn+1, 0)
	w.send(ms, p, false, event.ACK, isn+1, isn+501, 0)
}

// part sends the FINs of both ends.
func (w *wire) part(p uint16, isn uint32) {
	w.send(ms, p, false, event.FIN|event.ACK, isn+1, isn+501, 0)
	w.send(ms, p, true, event.FIN|event.ACK, isn+501, isn+2, 0)
	w.send(ms, p, false, event.ACK, isn+2, isn+502, 0)
}

// follow gives the segments to one shard, which settles closed connections by
// the rule, and returns its records in order of their first frames.
func follow(segs []event.Segment, settle func(*shard, event.Time)) []conn.Record {
	s := newShard()
	for i := range segs {
		s.add(&segs[i])
		settle(s, segs[i].Time)
	}
	s.finish(segs[len(segs)-1].Time)
	list := make([]conn.Record, s.records.len())
	for i := range list {
		list[i].Unpack(s.records.at(i))
	}
	slices.SortFunc(list, func(a, b conn.Record) int { return int(a.FirstFrame) - int(b.FirstFrame) })
	return list
}

// The rules by which closed connections are settled.
var settlings = map[string]func(*shard, event.Time){
	"never":        func(*shard, event.Time) {},
	"at once":      func(s *shard, now event.Time) { s.sweep(now.Add(time.Hour)) },
	"in time":      func(s *shard, now event.Time) { s.sweep(now) },
	"now and then": func(s *shard, now event.Time) { s.sweep(now.Add(time.Duration(now%2) * time.Hour)) },
}

// outline is what does not depend on when a connection is settled: all but the
// roles, which a late SYN-ACK may still tell.
func outline(list []conn.Record) string {
	var b strings.Builder
	for i := range list {
		r := list[i]
		if r.Client.Compare(r.Server) > 0 {
			r.Client, r.Server, r.ClientPackets, r.ServerPackets = r.Server, r.Client, r.ServerPackets, r.ClientPackets
			r.FirstBy = r.FirstBy.Peer()
		}
		fmt.Fprintf(&b, "frames %d-%d %v %v packets %d/%d %v %v@%d how %v last %d close %d fin %d\n", r.FirstFrame, r.LastFrame,
			r.Client, r.Server, r.ClientPackets, r.ServerPackets, r.FirstBy, r.CloseFrame, r.CloseAt, r.How, r.Last, r.LastClose, r.PeerFIN)
	}
	return b.String()
}

// same follows the segments under all rules and returns what they agree on.
func same(t *testing.T, segs []event.Segment) []conn.Record {
	t.Helper()
	want := follow(segs, settlings["never"])
	for name, settle := range settlings {
		if got := outline(follow(segs, settle)); got != outline(want) {
			t.Errorf("settled %s:\n%s\nnever:\n%s", name, got, outline(want))
		}
	}
	return want
}

// firstFrames are the first frames of the records.
func firstFrames(list []conn.Record) (frames []uint32) {
	for i := range list {
		frames = append(frames, list[i].FirstFrame)
	}
	return frames
}

func TestTableReuse(t *testing.T) {
	const port = 1000
	for _, test := range []struct {
		name string
		play func(w *wire)
		want []uint32 // first frames
	}{
		{"another SYN while open", func(w *wire) {
			w.dial(port, 1000)
			w.dial(port, 5000)
		}, []uint32{1, 4}},
		{"another SYN after the close", func(w *wire) {
			w.dial(port, 1000)
			w.part(port, 1000)
			w.dial(port, 5000)
			w.part(port, 5000)
		}, []uint32{1, 7}},
		{"the same SYN after the close", func(w *wire) {
			w.dial(port, 1000)
			w.part(port, 1000)
			w.send(time.Second, port, false, event.SYN, 1000, 0, 0)
		}, []uint32{1}},
		{"a SYN of the other end", func(w *wire) {
			w.dial(port, 1000)
			w.part(port, 1000)
			w.send(time.Second, port, true, event.SYN, 9000, 0, 0)
		}, []uint32{1, 7}},
		{"the SYN-ACK's number from the other end", func(w *wire) {
			w.dial(port, 1000)
			w.part(port, 1000)
			w.send(time.Second, port, true, event.SYN, 1500, 0, 0)
		}, []uint32{1}},
		{"joined at the close, then the SYN before it", func(w *wire) {
			w.part(port, 1000)
			w.send(time.Second, port, false, event.SYN, 1000, 0, 0)
			w.send(time.Second, port, false, event.SYN, 1001, 0, 0)
		}, []uint32{1, 5}},
		{"a RST alone, then its SYN", func(w *wire) {
			w.send(ms, port, true, event.RST|event.ACK, 0, 1001, 0)
			w.send(ms, port, false, event.SYN, 1000, 0, 0)
			w.send(ms, port, false, event.SYN, 2000, 0, 0)
		}, []uint32{1, 3}},
		{"an end that never showed a number", func(w *wire) {
			w.send(ms, port, false, event.RST, 77, 0, 0)
			w.send(ms, port, true, event.SYN, 4000, 0, 0)
		}, []uint32{1}},
		{"strays belong to the last connection", func(w *wire) {
			w.dial(port, 1000)
			w.part(port, 1000)
			w.dial(port, 5000)
			w.part(port, 5000)
			w.send(time.Minute, port, true, event.ACK, 1, 1, 0)
			w.send(time.Minute, port, false, event.RST, 1, 0, 0)
		}, []uint32{1, 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w wire
			test.play(&w)
			list := same(t, w.segs)
			if got := firstFrames(list); !slices.Equal(got, test.want) {
				t.Errorf("connections start at frames %v, want %v", got, test.want)
			}
			packets := uint32(0)
			for i := range list {
				packets += list[i].ClientPackets + list[i].ServerPackets
			}
			if int(packets) != len(w.segs) {
				t.Errorf("%d packets counted of %d", packets, len(w.segs))
			}
		})
	}
}

func TestTableQuotes(t *testing.T) {
	var w wire
	quote := func(port uint16, seq uint32, notes event.Notes) {
		s := w.send(ms, port, false, event.SYN, seq, 0, 0)
		s.Kind, s.Notes = event.SegmentUnreachable, notes
	}
	quote(1, 100, event.CutByCapture) // tells only the ports: no connection
	quote(2, 100, 0)
	w.dial(3, 1000)
	quote(3, 9000, event.CutByCapture) // of connection 3
	quote(3, 9000, 0)                  // of a dial that was not captured
	list := same(t, w.segs)
	if got, want := firstFrames(list), []uint32{2, 3, 7}; !slices.Equal(got, want) {
		t.Errorf("connections start at frames %v, want %v", got, want)
	}
	if r := list[1]; r.ClientPackets != 2 || r.ServerPackets != 1 {
		t.Errorf("a quote counts as a packet: %+v", r)
	}
}

// TestTableSettling plays random segments on few ports: when closed
// connections are settled changes nothing that Wireshark shows.
func TestTableSettling(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var w wire
		flags := []event.Flags{event.SYN, event.SYN | event.ACK, event.ACK, event.ACK, event.ACK, event.ACK | event.PSH,
			event.FIN | event.ACK, event.FIN | event.ACK, event.RST, event.RST | event.ACK}
		for range 60 {
			port := uint16(rng.IntN(4))
			switch rng.IntN(8) {
			case 0:
				w.dial(port, 1000*rng.Uint32N(4))
			case 1:
				w.part(port, 1000*rng.Uint32N(4))
			default:
				f := flags[rng.IntN(len(flags))]
				w.send(time.Duration(rng.IntN(400))*ms, port, rng.IntN(2) == 0, f, 1000*rng.Uint32N(4), 500*rng.Uint32N(6), 0)
			}
		}
		same(t, w.segs)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestTableGrows opens and closes many connections: each is found again, and
// the working forms are used again.
func TestTableGrows(t *testing.T) {
	var w wire
	const n = 3000
	for p := range uint16(n) {
		w.dial(p, 1000)
		w.part(p, 1000)
	}
	for p := range uint16(n) {
		w.send(0, p, false, event.RST, 1002, 0, 0)
	}
	s := newShard()
	for i := range w.segs {
		s.add(&w.segs[i])
	}
	if len(s.live) > lingerCount+2 {
		t.Errorf("%d connections in working form, %d linger", len(s.live), lingerCount)
	}
	s.finish(w.now)
	if s.records.len() != n {
		t.Fatalf("%d connections, want %d", s.records.len(), n)
	}
	var r conn.Record
	for i := range n {
		r.Unpack(s.records.at(i))
		if r.ClientPackets+r.ServerPackets != 7 {
			t.Fatalf("%v has %d packets, want 7", r.Client, r.ClientPackets+r.ServerPackets)
		}
	}
}

// TestTableStraysTakeNoMemory: a connection that goes on for long behind a
// forged RST must not grow with its packets.
func TestTableStraysTakeNoMemory(t *testing.T) {
	var w wire
	w.dial(1, 1000)
	w.send(ms, 1, true, event.RST, 7, 0, 0)
	s := newShard()
	for i := range w.segs {
		s.add(&w.segs[i])
	}
	s.sweep(w.now.Add(time.Hour))
	const n = 20000
	for range n {
		w.segs = w.segs[:0]
		s.add(w.send(ms, 1, false, event.ACK, 1001, 1501, 10))
	}
	held := 0
	for _, c := range s.records.chunks {
		held += len(c)
	}
	var r conn.Record
	size := r.Unpack(s.records.at(0))
	if held > 10*size {
		t.Errorf("%d bytes held for a record of %d", held, size)
	}
	if r.ClientPackets != n+2 || r.Last != w.now {
		t.Errorf("%d packets until %v, want %d until %v", r.ClientPackets, r.Last, n+2, w.now)
	}
}

func TestRecords(t *testing.T) {
	var rs records
	var want []conn.Record
	for i := range 4000 {
		r := conn.Record{Client: event.V4([]byte{10, 0, byte(i >> 8), byte(i)}, 1), Server: event.V4([]byte{10, 1, 0, 1}, 80),
			FirstFrame: uint32(i + 1), LastFrame: uint32(i + 9), ClientPackets: uint32(i), ClientBytes: int64(i % 40)}
		if n := rs.add(&r); n != i {
			t.Fatalf("record %d has number %d", i, n)
		}
		want = append(want, r)
	}
	if len(rs.chunks) < 2 {
		t.Fatal("all records fit one chunk: the test shows nothing")
	}
	for i := range want {
		var r conn.Record
		size := r.Unpack(rs.at(i))
		want[i].ServerPackets += uint32(i % 3 * 1000) // some grow, some do not
		r.ServerPackets = want[i].ServerPackets
		rs.replace(i, size, &r)
	}
	for i := range want {
		var r conn.Record
		if r.Unpack(rs.at(i)); r.Client != want[i].Client || r.ServerPackets != want[i].ServerPackets || r.ClientBytes != want[i].ClientBytes {
			t.Fatalf("record %d: got %+v, want %+v", i, r, want[i])
		}
		if first := rs.places.at(uint32(i)).first; first != want[i].FirstFrame {
			t.Fatalf("record %d is sorted by %d, want %d", i, first, want[i].FirstFrame)
		}
	}
}

// bench measures how long one shard takes for the segments.
func (w *wire) bench(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s := newShard()
		for i := range w.segs {
			s.add(&w.segs[i])
		}
		s.finish(w.now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(w.segs)), "ns/segment")
}

func BenchmarkTable(b *testing.B) {
	var w wire
	for p := range uint16(1000) {
		w.dial(p, 1000)
		for range 5 {
			w.send(ms, p, false, event.ACK, 1001, 1501, 0)
		}
		w.part(p, 1000)
	}
	w.bench(b)
}

// BenchmarkTableCold follows 20,000 connections at once, which come twice: to
// send a request, and when all others have, in another order, for the response
// and the close.
func BenchmarkTableCold(b *testing.B) {
	const conns = 20000
	w := wire{now: 1e18}
	request, response := []byte("GET /a HTTP/1.1\r\nHost: b\r\n\r\n"), []byte("HTTP/1.1 204 No Content\r\n\r\n")
	n, m := uint32(len(request)), uint32(len(response))
	for p := range uint16(conns) {
		w.dial(p, 1000)
		w.send(0, p, false, event.ACK, 1001, 1501, n).Payload = request
		w.send(0, p, true, event.ACK, 1501, 1001+n, 0)
	}
	for k := range conns {
		p := uint16(k * 7919 % conns)
		w.send(0, p, true, event.ACK, 1501, 1001+n, m).Payload = response
		w.send(0, p, false, event.ACK, 1001+n, 1501+m, 0)
		w.send(0, p, false, event.FIN|event.ACK, 1001+n, 1501+m, 0)
		w.send(0, p, true, event.FIN|event.ACK, 1501+m, 1002+n, 0)
		w.send(0, p, false, event.ACK, 1002+n, 1502+m, 0)
	}
	w.bench(b)
}

// TestTableFirsts: connections of one segment take little memory, however many
// they are, and are connections all the same.
func TestTableFirsts(t *testing.T) {
	for name, flags := range map[string]event.Flags{"SYN": event.SYN, "RST": event.RST, "FIN": event.FIN | event.ACK, "data": event.ACK} {
		w := &wire{now: 1e18}
		s := newShard()
		for p := range uint16(5000) {
			n := uint32(0)
			if flags == event.ACK {
				n = 100
			}
			s.add(w.send(ms, p+1, false, flags, 7, 0, n))
		}
		if got := len(s.live); got != 0 {
			t.Errorf("%s: %d connections are in working form", name, got)
		}
		s.add(w.send(ms, 1, false, flags, 7, 0, 0))
		s.finish(w.now)
		if got := s.records.len(); got != 5000 {
			t.Errorf("%s: %d connections, want 5000", name, got)
		}
		two := 0
		for i := range s.records.len() {
			var r conn.Record
			r.Unpack(s.records.at(i))
			two += b2i(r.ClientPackets+r.ServerPackets == 2)
		}
		if two != 1 {
			t.Errorf("%s: %d connections of two segments, want 1", name, two)
		}
	}
}

// TestTableTaken tells a connection whose 4-tuple another one took from an open
// one.
func TestTableTaken(t *testing.T) {
	for _, test := range []struct {
		name   string
		play   func(w *wire)
		unseen bool
	}{
		{"open", func(w *wire) { w.dial(1000, 1000) }, false},
		{"taken while open", func(w *wire) {
			w.dial(1000, 1000)
			w.dial(1000, 5000)
		}, true},
		{"taken after the close", func(w *wire) {
			w.dial(1000, 1000)
			w.part(1000, 1000)
			w.dial(1000, 5000)
		}, false},
		{"taken after a close of which only the acknowledgement was seen", func(w *wire) {
			w.dial(1000, 1000)
			w.send(ms, 1000, true, event.ACK, 1501, 1002, 0)
			w.dial(1000, 5000)
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w wire
			test.play(&w)
			if r := same(t, w.segs)[0]; (r.Marks&conn.MarkClosedUnseen != 0) != test.unseen {
				t.Errorf("close unseen is %v, want %v", !test.unseen, test.unseen)
			}
		})
	}
}
