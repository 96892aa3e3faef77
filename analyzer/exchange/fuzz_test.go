package exchange

import (
	"path/filepath"
	"strings"
	"testing"

	"finwait/analyzer/event"
)

// encode writes steps in the notation of FuzzTracker: an operation byte (bits
// 0-1: data, cut, gap, close; bit 2: the server's), two bytes of length, the bytes.
func encode(steps []step) (out []byte) {
	for _, st := range steps {
		op := map[string]byte{"data": 0, "gap": 2, "close": 3}[st.op]
		if st.op == "data" && st.n > int64(len(st.b)) {
			op = 1
		}
		if st.side == event.Server {
			op |= 4
		}
		n := len(st.b)
		if op&3 >= 2 {
			n = int(max(st.n, 0))
		}
		n = min(n, 1<<16-1)
		out = append(out, op, byte(n>>8), byte(n))
		if op&3 < 2 {
			out = append(out, st.b[:n]...)
		}
	}
	return out
}

// FuzzTracker feeds any sequence of operations and checks what must hold for all.
func FuzzTracker(f *testing.F) {
	files, _ := filepath.Glob("testdata/scripts/*.txt")
	for _, file := range files {
		for _, s := range readScripts(f, file) {
			f.Add(encode(s.steps), uint16(6379), byte(1))
		}
	}
	f.Fuzz(func(t *testing.T, ops []byte, port uint16, piece byte) {
		rec := &recorder{names: NewNames()}
		var tr Tracker
		tr.Init(&Env{Names: rec.names, Sink: rec}, 1, port)
		feedOps(t, &tr, ops, int(piece))
		var s Summary
		tr.Finish(&s)
		checkSummary(t, &s, rec)
		tr.Init(tr.env, 2, port)
		tr.Finish(&s)
		if s.Sent+s.Open+s.Lost != 0 || s.Protocol != ProtocolNone || s.Outstanding != nil {
			t.Errorf("a tracker that was reused starts with %s", rec.summary(&s))
		}
	})
}

func feedOps(t *testing.T, tr *Tracker, ops []byte, piece int) {
	for frame := uint32(1); len(ops) >= 3; frame++ {
		op, n := ops[0], int(ops[1])<<8|int(ops[2])
		ops = ops[3:]
		side := event.Client
		if op&4 != 0 {
			side = event.Server
		}
		at := event.Moment{Time: event.Time(frame) * 1e6, Frame: frame}
		switch op & 3 {
		case 2:
			tr.Gap(side, int64(n), at)
		case 3:
			tr.Shut(side, at, int64(n)-1)
		default:
			k := min(n, len(ops))
			b := ops[:k]
			ops = ops[k:]
			for piece > 0 && len(b) > piece {
				tr.Data(side, piece, b[:piece], at)
				b = b[piece:]
			}
			if op&3 == 1 {
				tr.Data(side, len(b)+int(op)*37, b, at)
			} else {
				tr.Data(side, len(b), b, at)
			}
		}
		if n := max(len(tr.client.buf), len(tr.server.buf)); n > maxBuffer {
			t.Fatalf("%d bytes are buffered", n)
		}
		if n := cap(tr.client.buf) + cap(tr.server.buf); tr.env.lent < n {
			t.Fatalf("%d bytes are lent, %d counted", n, tr.env.lent)
		}
		if tr.q.n > maxOutstanding || tr.q.ended > tr.q.n {
			t.Fatalf("the queue holds %d, of which %d ended", tr.q.n, tr.q.ended)
		}
	}
}

func checkSummary(t *testing.T, s *Summary, rec *recorder) {
	if s.Answered+s.Open+s.Reset+s.Aborted > s.Sent {
		t.Errorf("more exchanges ended than began: %s", rec.summary(s))
	}
	if rec.count > int(s.Sent) {
		t.Errorf("%d exchanges of %d requests", rec.count, s.Sent)
	}
	if (s.Open > 0) != (s.Outstanding != nil) && !(s.Outstanding != nil && s.Outstanding.Handshake) && s.Sent < maxOutstanding {
		t.Errorf("outstanding and open differ: %s", rec.summary(s))
	}
	if p := s.Previous; p != nil && (p.Outcome != OutcomeAnswered || p.Late.Seen()) {
		t.Errorf("the previous exchange was not answered: %s", rec.line(p))
	}
	if x := s.Outstanding; x != nil && x.Outcome != OutcomeOpen {
		t.Errorf("the outstanding exchange has ended: %s", rec.line(x))
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n"))
	f.Add([]byte("\x16\x03\x01\x02\x00\x01"))
	f.Add([]byte("*1\r\n$4\r\nPING\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		Sniff(b)
		if len(b) == 0 {
			return
		}
		for _, side := range []event.Side{event.Client, event.Server} {
			// What is recognised stays recognised when more bytes come.
			m := sniff(side, b, 6379)
			if m > matchMaybe && sniff(side, append(b[:len(b):len(b)], "\r\n\r\n"...), 6379) != m {
				t.Errorf("%q: %d does not last", b, m)
			}
		}
	})
}

func FuzzEndpoint(f *testing.F) {
	f.Add([]byte("GET"), []byte("/a/123/b.png?x=y"))
	f.Add([]byte("CONNECT"), []byte("host:443"))
	f.Fuzz(func(t *testing.T, method, target []byte) {
		_, path := splitTarget(method, target)
		if got := appendEndpoint(nil, method, path); len(got) > len(method)+maxEndpoint+16 {
			t.Errorf("an endpoint of %d bytes", len(got))
		}
	})
}

// decode reads what encode wrote, with moments.
func decode(ops []byte) (steps []step) {
	for frame := uint32(1); len(ops) >= 3; frame++ {
		st := step{op: [...]string{"data", "data", "gap", "close"}[ops[0]&3], side: event.Client, n: int64(ops[1])<<8 | int64(ops[2])}
		if ops[0]&4 != 0 {
			st.side = event.Server
		}
		ops = ops[3:]
		if st.op == "data" {
			k := min(int(st.n), len(ops))
			st.b, st.n = ops[:k], int64(k)
			ops = ops[k:]
		}
		st.at = event.Moment{Time: event.Time(frame) * 1e6, Frame: frame}
		steps = append(steps, st)
	}
	return steps
}

// FuzzSplit demands that what is certain does not depend on how the stream was
// cut into segments.
func FuzzSplit(f *testing.F) {
	files, _ := filepath.Glob("testdata/scripts/*.txt")
	for _, file := range files {
		for _, s := range readScripts(f, file) {
			f.Add(encode(s.steps), uint16(6379))
		}
	}
	f.Fuzz(func(t *testing.T, ops []byte, port uint16) {
		if len(ops) > 4000 {
			return
		}
		steps := decode(ops)
		for _, st := range steps {
			if st.op == "gap" {
				return // the next message is looked for where a segment starts
			}
		}
		whole := play(steps, port, func(n int) int { return n })
		one := play(steps, port, func(int) int { return 1 })
		if guessed(whole) || guessed(one) || whole == one {
			return
		}
		t.Errorf("whole:\n%s\nbyte by byte:\n%s", whole, one)
	})
}

// guessed reports whether a played conversation says that it is not certain, or
// was judged by turns, which look for known protocols where a segment starts.
func guessed(played string) bool {
	for _, word := range []string{" unsure", " resynced=", " lost=", " capped", "opaque ", "tunnel "} {
		if strings.Contains(played, word) {
			return true
		}
	}
	return false
}
