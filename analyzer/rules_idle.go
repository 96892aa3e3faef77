package analyzer

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/stat"
)

// These rules are about connections that were closed without a request
// outstanding.

// noData: the connection carried no request.
func (f *facts) noData() bool {
	if f.Marks&conn.MarkOneSided != 0 {
		return f.Sent == 0 && f.ClientBytes+f.ServerBytes+f.ClientMissing+f.ServerMissing == 0 && f.Marks&conn.MarkMidStream == 0 &&
			f.conclude(CauseNoData, stat.ConfidenceMedium, "closed without a byte of payload that was captured or acknowledged, in the one direction that was captured")
	}
	if f.Sent > 0 || f.Marks&conn.MarkMidStream != 0 || f.ClientMissing+f.ServerMissing > 0 {
		return false
	}
	if f.Protocol == exchange.ProtocolTLS {
		return f.conclude(CauseNoData, stat.ConfidenceHigh, "closed after the TLS handshake, without a request")
	}
	if f.ClientBytes > 0 {
		return false
	}
	if f.ServerBytes > 0 {
		return f.decided(CauseNoData, stat.ConfidenceMedium) || f.say("closed without a byte from the client, after %d from the server", f.ServerBytes)
	}
	return f.conclude(CauseNoData, stat.ConfidenceHigh, "closed without a byte of payload")
}

// declared: either side had announced the close.
func (f *facts) declared() bool {
	if f.DeclaredBy == event.NoSide || f.DeclaredText == "GOAWAY" || f.Outstanding {
		return false // a GOAWAY lets what is under way finish, and idle servers send one before they close
	}
	if f.DeclaredText == "body until close" && f.FirstBy == event.Server && f.How == conn.HowRST {
		return f.conclude(CauseServerAborted, stat.ConfidenceHigh, "the server reset the connection while it sent a body that only a FIN ends")
	}
	return f.decided(CauseDeclared, stat.ConfidenceHigh) || f.say("the %s announced it: %s", f.DeclaredBy, f.DeclaredText)
}

// reuseLimit is how soon after a complete response a close is a decision not
// to reuse the connection, and not an idle timer: programs close at once, and
// nobody configures idle timers this short.
const reuseLimit = 100 * time.Millisecond

// idle is how long the connection had been idle at the close, as its client
// saw it: at the server the response leaves, and the close arrives, half a
// round trip away from when it happened. False when it is not known.
func (f *facts) idle() (time.Duration, bool) {
	if !f.ResponseEnd.Known() || !f.CloseAt.Known() {
		return 0, false
	}
	from := f.ResponseEnd
	if f.Lost > 0 || f.ClientMissing+f.ServerMissing > 0 {
		from = max(from, f.ServerLastByte) // of an exchange that the input lacks in part
	}
	if f.Protocol == exchange.ProtocolWebSocket || f.Protocol == exchange.ProtocolTunnel {
		from = max(from, f.ClientLastByte, f.ServerLastByte) // what follows the upgrade is no request, nor is it idleness
	}
	d := f.CloseAt.Sub(from)
	if vantageOf(f.Record) == event.Server && f.FirstBy == event.Client ||
		vantageOf(f.Record) == event.Client && f.FirstBy == event.Server {
		d -= f.RTT
	}
	if f.promptly() {
		d = min(d, promptIdle)
	}
	return max(0, d), true
}

// promptIdle is how long a connection had been idle at most when its client closed
// it right behind the acknowledgement of the last byte: a kernel delays one by 40
// ms (Linux TCP_DELACK_MIN).
const promptIdle = 60 * time.Millisecond

// promptly reports whether a capture at the server shows the client's close right
// behind its acknowledgement of the response. Both took the same way, so however
// long the response was on its own (a queue that the handshake had not met), the
// client did not wait.
func (f *facts) promptly() bool {
	return f.Prompt && f.FirstBy == event.Client && vantageOf(f.Record) == event.Server
}

// sure is the highest confidence that a verdict may have which rests on the end
// of the last response: where a capture cut the head, its framing is not known;
// where the FIN is missing, the idle time is not.
func (f *facts) sure() stat.Confidence {
	switch {
	case f.Marks&conn.MarkCloseUnseen != 0 && !f.closeAcked():
		return stat.ConfidenceLow
	case f.Marks&(conn.MarkHeadCut|conn.MarkCloseUnseen|conn.MarkOneSided) != 0:
		return stat.ConfidenceMedium
	}
	return stat.ConfidenceHigh
}

// clientAfterResponse: the client closed with nothing outstanding.
func (f *facts) clientAfterResponse() bool {
	if f.FirstBy != event.Client || f.Answered == 0 {
		return false
	}
	idle, ok := f.idle()
	if !ok {
		return f.conclude(CauseClientIdle, stat.ConfidenceLow, "the client closed with no request outstanding; without a clock, how long it had been idle is not known")
	}
	conf := stat.ConfidenceHigh
	if f.Protocol != exchange.ProtocolHTTP1 && f.Protocol != exchange.ProtocolRedis {
		conf = stat.ConfidenceMedium
	}
	conf = min(conf, f.sure())
	if f.Protocol == exchange.ProtocolWebSocket || f.Protocol == exchange.ProtocolTunnel {
		return f.decided(CauseClientIdle, stat.ConfidenceLow) || f.say("the client closed %s after the last byte; what passed since the connection was upgraded is no request, and nothing announced the close", took(idle))
	}
	if idle <= reuseLimit && !f.timers.emptiedPool(f.Record, f.pools) {
		return f.decided(CauseClientNoReuse, conf) || f.say("the client closed %s after a complete response that allowed reuse", took(idle))
	}
	return f.decided(CauseClientIdle, conf) || f.say("idle for %s, no request outstanding", took(idle))
}

// serverAfterResponse: the server closed with nothing outstanding.
func (f *facts) serverAfterResponse() bool {
	if f.FirstBy != event.Server || f.Answered == 0 {
		return false
	}
	idle, ok := f.idle()
	if !ok {
		return f.conclude(CauseServerIdle, stat.ConfidenceMedium, "the server closed with no request outstanding")
	}
	conf := stat.ConfidenceHigh
	if idle <= reuseLimit {
		conf = stat.ConfidenceMedium
		if f.Marks&conn.MarkHeadCut != 0 {
			return f.decided(CauseDeclared, stat.ConfidenceLow) || f.say("the server closed %s after a response whose head the capture cut; it most likely announced the close there", took(idle))
		}
	}
	conf = min(conf, f.sure())
	return f.decided(CauseServerIdle, conf) || f.say("idle for %s, no request outstanding", took(idle))
}

// silenceLimit is how long a connection that was joined in the middle must
// have been silent before its close counts as that of an idle one.
const silenceLimit = time.Second

// joinedLate: the input begins inside the connection and shows no request at
// all. A long silence, longer than every timer of its client, is idleness.
func (f *facts) joinedLate() bool {
	if f.Marks&conn.MarkMidStream == 0 || f.Sent > 0 || f.ClientBytes+f.ServerBytes > 0 || !f.start.Known() || !f.CloseAt.Known() {
		return false
	}
	silent := f.CloseAt.Sub(f.start)
	if silent < silenceLimit || silent < f.timers.longest(f.Record) {
		return false
	}
	cause := CauseClientIdle
	if f.FirstBy == event.Server {
		cause = CauseServerIdle
	}
	return f.decided(cause, stat.ConfidenceLow) || f.say("silent for at least %s; a request from before the input began cannot be excluded", took(silent))
}
