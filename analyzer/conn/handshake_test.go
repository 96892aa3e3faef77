package conn

import (
	"testing"
	"time"

	"finwait/analyzer/event"
)

// TestRoundTrip: the round trip of a handshake holds no retransmission timeout
// of the server's, wherever the capture stood.
func TestRoundTrip(t *testing.T) {
	const ms = time.Millisecond
	a, b := event.V4([]byte{10, 0, 0, 1}, 40000), event.V4([]byte{10, 0, 0, 2}, 80)
	for _, c := range []struct {
		name     string
		synAcks  []time.Duration // after the SYN
		ack      time.Duration
		rtt, syn time.Duration
	}{
		{"at the server", []time.Duration{ms}, 31 * ms, 31 * ms, ms},
		{"at the server, the SYN-ACK repeated", []time.Duration{ms, 1001 * ms}, 1031 * ms, 31 * ms, ms},
		{"at the client", []time.Duration{30 * ms}, 31 * ms, 31 * ms, 30 * ms},
		{"in the middle, repeated twice", []time.Duration{10 * ms, 1010 * ms, 3010 * ms}, 3020 * ms, 20 * ms, 10 * ms},
	} {
		l := newLender()
		var x Conn
		frame := uint32(0)
		send := func(back bool, after time.Duration, f event.Flags, seq, ack uint32) {
			frame++
			s := event.Segment{Time: event.Time(1e18).Add(after), Frame: frame, Src: a, Dst: b, Flags: f, Seq: event.SeqOf(seq),
				Ack: event.SeqOf(ack), Window: 500, IPID: uint16(frame), TTL: 64}
			if back {
				s.Src, s.Dst = b, a
			}
			if frame == 1 {
				x.Init(&s, l, 0)
			}
			x.Add(&s)
		}
		send(false, 0, event.SYN, 0, 0)
		for _, d := range c.synAcks {
			send(true, d, event.SYN|event.ACK, 500, 1)
		}
		send(false, c.ack, event.ACK, 1, 501)
		send(true, c.ack+2000*ms, event.SYN|event.ACK, 500, 1) // the ACK was lost behind the capture
		var r Record
		x.Finish(event.Time(1e18).Add(c.ack+3000*ms), &r)
		if r.RTT != c.rtt || r.SYNRTT != c.syn {
			t.Errorf("%s: round trip %v, to the SYN-ACK %v, want %v and %v", c.name, r.RTT, r.SYNRTT, c.rtt, c.syn)
		}
	}
}
