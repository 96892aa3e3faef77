package analyzer

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// vantageOf tells where the capture stood, by which part of the handshake took
// the round trip: at the client the SYN-ACK comes late, at the server the ACK.
func vantageOf(r *conn.Record) event.Side {
	if r.SYNRTT <= 0 || r.RTT <= 0 {
		return event.NoSide
	}
	there, back := r.SYNRTT, r.RTT-r.SYNRTT
	switch {
	case r.RTT < vantageLimit:
		return event.NoSide
	case there > 4*back:
		return event.Client
	case back > 4*there:
		return event.Server
	}
	return event.Both
}

// vantageLimit is the shortest round trip that tells the vantage point: below
// it the time in the hosts is as long as that on the wire.
const vantageLimit = 20 * time.Microsecond
