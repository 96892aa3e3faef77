package analyzer

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/stat"
)

// These rules are about requests that may be none: what the input cannot show,
// and messages of unknown protocols that ask for no answer.

// oneSided: only one direction was captured, so answers cannot be seen.
func (f *facts) oneSided() bool {
	if !f.oneWay() || f.ClientPackets > 0 && !f.Outstanding || f.Sent == 0 && f.ClientBytes+f.ServerBytes+f.ClientMissing+f.ServerMissing == 0 {
		return false
	}
	if !f.Outstanding && f.FirstBy == event.Server && f.DeclaredBy == event.Server && f.How == conn.HowFIN {
		return f.decided(CauseDeclared, stat.ConfidenceMedium) || f.say("the server announced it (%s) and closed; its direction alone was captured", f.DeclaredText)
	}
	return f.conclude(CauseUnknown, stat.ConfidenceLow, "only one direction was captured, so whether the request was answered cannot be seen")
}

// neverAnswers: a protocol that nothing recognises, and a server that never
// sent a byte on any connection, such as one that collects metrics or logs. A
// server that hangs for everybody looks the same.
func (f *facts) neverAnswers() bool {
	if f.Protocol != exchange.ProtocolOpaque || !f.Outstanding || f.res.answers[f.Server] || f.Late.Known() {
		return false
	}
	return f.conclude(CauseUnknown, stat.ConfidenceLow, "this server never sent a byte on any connection: its protocol may have no answers, so whether one was awaited is not known")
}

// goodbyeLimit is how soon after its last message a client closes that means
// goodbye by it, beyond a round trip.
const goodbyeLimit = 5 * time.Millisecond

// goodbye reports whether the last message of an unknown protocol, after others
// that were answered, was a goodbye (MySQL COM_QUIT, PostgreSQL Terminate, MQTT
// DISCONNECT, SSH): the client closed right behind it. A request that its
// caller cancels at once looks the same.
func (f *facts) goodbye() bool {
	if f.Protocol != exchange.ProtocolOpaque || !f.Outstanding || f.ResponseStart.Known() || f.ServerBytes == 0 {
		return false
	}
	d, ok := conn.Duration(f.RequestEnd, f.CloseAt)
	return ok && f.FirstBy == event.Client && d <= max(f.RTT, goodbyeLimit)
}

// saidGoodbye: the client said goodbye and closed.
func (f *facts) saidGoodbye() bool {
	if !f.goodbye() {
		return false
	}
	f.Outstanding, f.Phase = false, conn.PhaseNone
	f.Sent, f.Open = max(f.Sent, 1)-1, max(f.Open, 1)-1
	idle := f.RequestStart.Sub(f.ServerLastByte)
	if f.ServerLastByte.Known() && idle <= reuseLimit {
		return f.decided(CauseClientNoReuse, stat.ConfidenceMedium) || f.say("the client closed behind a last message, which looks like a goodbye, %s after the last answer", took(idle))
	}
	return f.conclude(CauseClientIdle, stat.ConfidenceMedium, "the client closed behind a last message, which looks like a goodbye, after an idle time")
}

// obeyLimit is how soon after a client's last message a server closes that was
// asked to.
const obeyLimit = 50 * time.Millisecond

// obeyedGoodbye: in a protocol that nothing recognises the server closed,
// without a byte, right after a message of the client: a quit that it obeyed.
// A server that fails at once on a request looks the same.
func (f *facts) obeyedGoodbye() bool {
	if f.Protocol != exchange.ProtocolOpaque || f.FirstBy != event.Server || !f.Outstanding || f.How != conn.HowFIN || f.ResponseStart.Known() || f.Answered == 0 {
		return false
	}
	if d, ok := conn.Duration(f.RequestEnd, f.CloseAt); !ok || d > obeyLimit+f.RTT {
		return false
	}
	f.Outstanding, f.Phase = false, conn.PhaseNone
	f.Sent, f.Open = max(f.Sent, 1)-1, max(f.Open, 1)-1
	f.DeclaredBy = event.Client
	return f.conclude(CauseDeclared, stat.ConfidenceMedium, "the server closed right after a last message of the client, without an answer: it looks like a quit that the server obeyed")
}
