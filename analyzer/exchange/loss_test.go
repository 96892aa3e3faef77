package exchange

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"finwait/analyzer/event"
)

// A conversation whose answers name their requests: the path /p7x is answered
// with the status 407. Up to pipeline requests are sent at once.
func numbered(r *rand.Rand, n, pipeline int) (steps []step) {
	var requests, answers []byte
	for i := range n {
		body := strings.Repeat("x", r.IntN(4000))
		request := fmt.Sprintf("GET /p%dx HTTP/1.1\r\nHost: h\r\n\r\n", i)
		if r.IntN(3) == 0 {
			request = fmt.Sprintf("POST /p%dx HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", i, len(body)/2, body[:len(body)/2])
		}
		answer := fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", 400+i, len(body), body)
		if r.IntN(2) == 0 {
			answer = fmt.Sprintf("HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", 400+i, len(body)+1, body+"y")
		}
		requests, answers = append(requests, request...), append(answers, answer...)
		if r.IntN(pipeline) == 0 || i == n-1 {
			steps = segments(r, steps, event.Client, requests)
			steps = segments(r, steps, event.Server, answers)
			requests, answers = nil, nil
		}
	}
	return steps
}

func segments(r *rand.Rand, steps []step, side event.Side, b []byte) []step {
	for len(b) > 0 {
		k := min(len(b), 1+r.IntN(1448))
		steps = append(steps, step{op: "data", side: side, n: int64(k), b: b[:k]})
		b = b[k:]
	}
	return steps
}

// pairs checks that no answer was given to another request.
type pairs struct {
	t     *testing.T
	names *Names
	right int
}

func (p *pairs) Exchange(_ uint32, x *Exchange) {
	var n int
	_, path, _ := strings.Cut(p.names.String(x.Endpoint), " ")
	if _, err := fmt.Sscanf(path, "/p%dx", &n); err != nil || x.Outcome != OutcomeAnswered || x.Status == 0 {
		return
	}
	if int(x.Status) != 400+n {
		p.t.Errorf("%s was answered with %d", path, x.Status)
	}
	p.right++
}

// TestLoss drops segments, or cuts them as a snap length does, and demands that
// what is still said is true.
func TestLoss(t *testing.T) {
	for _, mode := range []string{"none", "gap", "snaplen"} {
		sum, n, open := 0, 0, 0
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 7))
			p := &pairs{t: t, names: NewNames()}
			var tr Tracker
			tr.Init(&Env{Names: p.names, Sink: p}, 1, 80)
			pipeline := 1 + int(seed%4)
			if mode == "snaplen" { // a cut segment hides all requests but its first
				pipeline = 1
			}
			steps := numbered(r, 30, pipeline)
			for i, st := range steps {
				at := event.Moment{Time: event.Time(i) * 1e6, Frame: uint32(i + 1)}
				switch {
				case mode == "gap" && r.IntN(40) == 0:
					tr.Gap(st.side, st.n, at)
				case mode == "snaplen":
					tr.Data(st.side, int(st.n), st.b[:min(len(st.b), 60)], at)
				default:
					tr.Data(st.side, int(st.n), st.b, at)
				}
			}
			end := event.Moment{Time: 1e12, Frame: 1 << 20}
			last := []byte("GET /p99x HTTP/1.1\r\n\r\n")
			tr.Data(event.Client, len(last), last, end)
			tr.Shut(event.Client, end, -1)
			var s Summary
			tr.Finish(&s)
			if x := s.Outstanding; x != nil && p.names.String(x.Endpoint) != "GET /p99x" && !s.Unsure {
				t.Errorf("%s was answered, but is outstanding", p.names.String(x.Endpoint))
			} else if x != nil {
				open++
			}
			sum += p.right
			n += 30
			if t.Failed() {
				t.Fatalf("%s, seed %d", mode, seed)
			}
		}
		t.Logf("%s: %d of %d answers and %d of %d open requests were told", mode, sum, n, open, n/30)
		if mode == "none" && sum != n || sum < n/4 {
			t.Errorf("%s: only %d of %d answers were told", mode, sum, n)
		}
	}
}

// span checks that every answer was one to its own request, in a conversation
// without pipelining: by frame, the number of the exchange.
type span struct {
	t     *testing.T
	of    map[uint32]int
	right int
}

func (p *span) Exchange(_ uint32, x *Exchange) {
	if x.Outcome != OutcomeAnswered {
		return
	}
	n := p.of[x.Start.Frame]
	if p.of[x.End.Frame] != n || p.of[x.First.Frame] != n || p.of[x.Last.Frame] != n {
		p.t.Errorf("start %d, end %d, first %d and last %d are of exchanges %d, %d, %d and %d", x.Start.Frame, x.End.Frame, x.First.Frame,
			x.Last.Frame, n, p.of[x.End.Frame], p.of[x.First.Frame], p.of[x.Last.Frame])
	}
	p.right++
}

func recordsOf(n int) []byte {
	var b []byte
	for n > 0 {
		k := min(n, 1<<14)
		b = append(b, recordData, 3, 3, byte((k+17)>>8), byte(k+17))
		b = append(b, make([]byte, k+17)...)
		n -= k
	}
	return b
}

// TestLossOfTurns drops segments of protocols whose answers have no number.
func TestLossOfTurns(t *testing.T) {
	talk := map[string]func(r *rand.Rand) (request, answer []byte){
		"opaque": func(r *rand.Rand) ([]byte, []byte) { return make([]byte, 1+r.IntN(3000)), make([]byte, 1+r.IntN(9000)) },
		"tls": func(r *rand.Rand) ([]byte, []byte) {
			return recordsOf(30 + r.IntN(3000)), recordsOf(30 + r.IntN(40000))
		},
		"redis": func(r *rand.Rand) ([]byte, []byte) {
			key, value := strings.Repeat("k", 1+r.IntN(2000)), strings.Repeat("v", r.IntN(4000))
			answer := fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
			if r.IntN(2) == 0 {
				answer = fmt.Sprintf("*2\r\n$%d\r\n%s\r\n%s", len(value), value, answer)
			}
			return fmt.Appendf(nil, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(key), key), []byte(answer)
		},
	}
	for name, next := range talk {
		sum, n, open := 0, 0, 0
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 3))
			p := &span{t: t, of: make(map[uint32]int)}
			var tr Tracker
			tr.Init(&Env{Names: NewNames(), Sink: p}, 1, 443)
			frame := uint32(0)
			for i := range 30 {
				request, answer := next(r)
				steps := segments(r, nil, event.Client, request)
				if i < 29 {
					steps = segments(r, steps, event.Server, answer)
				}
				for _, st := range steps {
					frame++
					p.of[frame] = i + 1
					at := event.Moment{Time: event.Time(frame) * 1e6, Frame: frame}
					if i > 0 && i < 29 && r.IntN(40) == 0 {
						tr.Gap(st.side, st.n, at)
					} else {
						tr.Data(st.side, int(st.n), st.b, at)
					}
				}
			}
			tr.Shut(event.Client, event.Moment{Time: 1e12, Frame: frame + 1}, -1)
			var s Summary
			tr.Finish(&s)
			if x := s.Outstanding; x != nil && p.of[x.Start.Frame] == 30 {
				open++
			} else if x != nil && !s.Unsure {
				t.Errorf("the request of exchange %d is outstanding", p.of[x.Start.Frame])
			}
			sum += p.right
			n += 29
			if t.Failed() {
				t.Fatalf("%s, seed %d", name, seed)
			}
		}
		t.Logf("%s: %d of %d answers and %d of %d open requests were told", name, sum, n, open, n/29)
	}
}
