package analyzer

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"finwait/analyzer/event"
)

// crowd has a connection to each of n servers from a client of its own; those
// to the first ten servers are followed by another one.
func crowd(n int) []event.Segment {
	w := &wire{now: 1e18}
	own := func(i int, p uint16, f event.Flags, seq uint32) {
		s := w.send(ms, p, false, f, seq, 0, 0)
		s.Src.Addr[13], s.Src.Addr[14], s.Src.Addr[15] = byte(i>>16), byte(i>>8), byte(i)
		s.Dst = event.V4([]byte{20, byte(i >> 16), byte(i >> 8), byte(i)}, 80)
		s.Hash = event.HashEnds(&s.Src, &s.Dst)
	}
	for i := n - 1; i >= 0; i-- {
		for k := range 1 + b2i(i < 10) {
			p, isn := uint16(1000+k), uint32(7)
			own(i, p, event.SYN, isn)
			own(i, p, event.ACK, isn+1)
			own(i, p, event.RST, isn+1)
			w.now += 1e9 * event.Time(b2i(i < 10))
		}
	}
	return w.segs
}

// TestRowsAreBounded: past the bounds there is one row for all others; which
// rows are kept does not depend on the jobs, and nothing is lost.
func TestRowsAreBounded(t *testing.T) {
	const n = maxPeerRows + 6000
	segs := crowd(n)
	var want []byte
	for _, jobs := range []int{1, 3} {
		r := analyse(segs, Options{Jobs: jobs}).Report()
		got, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		} else if !bytes.Equal(want, got) {
			t.Error("the report depends on the jobs")
		}
		if len(r.Peers) != maxPeerRows+1 || r.Peers[maxPeerRows].Server != otherRow || len(r.Clients) != maxClientRows+1 {
			t.Fatalf("%d servers and %d clients, the last server is %s", len(r.Peers), len(r.Clients), r.Peers[len(r.Peers)-1].Server)
		}
		sum, churned := 0, 0
		for i := range r.Peers {
			sum += r.Peers[i].Connections
			if i < 10 {
				churned += r.Peers[i].Churned
			}
		}
		if sum != r.Totals.Connections || sum != n+10 {
			t.Errorf("the rows have %d connections, the totals %d, want %d", sum, r.Totals.Connections, n+10)
		}
		if churned != 10 || r.Totals.Churned != 10 {
			t.Errorf("%d of the first rows churned, %d in all: want those that churn first", churned, r.Totals.Churned)
		}
		if noteCount(r, "rows-merged") != int64(n-maxPeerRows+n-maxClientRows) {
			t.Errorf("the notes are %+v", r.Quality)
		}
	}
}

// TestInFlightFew: keeping few exchanges as they are changes nothing.
func TestInFlightFew(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var few, all, parts inFlight
		n := 1 + rnd.IntN(3*inFlightFew)
		span := time.Duration(1) << (20 + rnd.IntN(20))
		for k := range n {
			from := event.Time(1e18).Add(time.Duration(rnd.Int64N(int64(span))))
			to := from.Add(time.Duration(rnd.Int64N(int64(span))))
			few.add(from, to)
			all.shift = max(all.shift, inFlightShift)
			all.put(from, to)
			var one inFlight
			one.add(from, to)
			if k%3 == 0 {
				one.spread()
			}
			parts.merge(&one)
		}
		if x, y, z := few.peak(), all.peak(), parts.peak(); x != y || x != z {
			t.Fatalf("%d exchanges in %v: peaks of %d, %d and %d", n, span, x, y, z)
		}
	}
}
