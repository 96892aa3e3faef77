package conn

import (
	"testing"

	"finwait/analyzer/event"
)

// exchanged follows a connection with two requests, the second of which the
// server resets after it acknowledged it (or did not). clock gives packets their
// times.
func exchanged(acknowledged bool, clock func(frame uint32) event.Time) *Record {
	const request, response = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	a, b := event.V4([]byte{10, 0, 0, 1}, 40000), event.V4([]byte{10, 0, 0, 2}, 80)
	l := newLender()
	var c Conn
	frame := uint32(0)
	send := func(back bool, f event.Flags, seq, ack int, payload string) {
		frame++
		s := event.Segment{Time: clock(frame), Frame: frame, Src: a, Dst: b, Flags: f, Seq: event.SeqOf(uint32(seq)),
			Ack: event.SeqOf(uint32(ack)), Len: uint32(len(payload)), Payload: []byte(payload), Window: 500, IPID: uint16(frame), TTL: 64}
		if back {
			s.Src, s.Dst = b, a
		}
		if frame == 1 {
			c.Init(&s, l, 0)
		}
		c.Add(&s)
	}
	n, m := len(request), len(response)
	send(false, event.SYN, 0, 0, "")
	send(true, event.SYN|event.ACK, 500, 1, "")
	send(false, event.ACK, 1, 501, "")
	send(false, event.ACK, 1, 501, request)
	send(true, event.ACK, 501, 1+n, response)
	send(false, event.ACK, 1+n, 501+m, request)
	if acknowledged {
		send(true, event.ACK, 501+m, 1+2*n, "")
	}
	send(true, event.RST|event.ACK, 501+m, 1+n, "")
	var r Record
	c.Finish(clock(frame), &r)
	return &r
}

// TestUntimed: what a request met does not depend on its packets having times.
func TestUntimed(t *testing.T) {
	for name, clock := range map[string]func(uint32) event.Time{
		"clock":    func(n uint32) event.Time { return event.Time(1e18 + int64(n)*1e6) },
		"none":     func(uint32) event.Time { return event.NoTime },
		"even":     func(n uint32) event.Time { return untimed(n, n%2 == 0) },
		"odd":      func(n uint32) event.Time { return untimed(n, n%2 == 1) },
		"no close": func(n uint32) event.Time { return untimed(n, n < 7) },
	} {
		for _, acknowledged := range []bool{false, true} {
			r := exchanged(acknowledged, clock)
			if !r.Outstanding || r.FirstBy != event.Server {
				t.Fatalf("%s: no request was outstanding at the server's close: %+v", name, r)
			}
			if unread := r.Marks&MarkRequestUnread != 0; unread == acknowledged {
				t.Errorf("%s, acknowledged %v: unread %v", name, acknowledged, unread)
			}
			if r.Marks&MarkRequestUnacked != 0 {
				t.Errorf("%s, acknowledged %v: a request counts as lost within milliseconds", name, acknowledged)
			}
		}
	}
}

// untimed is the time of frame n, if it has one.
func untimed(n uint32, timed bool) event.Time {
	if !timed {
		return event.NoTime
	}
	return event.Time(1e18 + int64(n)*1e6)
}
