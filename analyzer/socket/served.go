package socket

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// servedPeerFirstRule: the client closed a connection that the program
// accepted. Why is the client's business; a request that waited was given up.
func servedPeerFirstRule(j *judge, c *Conn) (Verdict, bool) {
	r := &c.Record
	if r.Initiator != event.Client {
		return Verdict{}, false
	}
	switch {
	case r.Outstanding:
		return j.waited(j.say(RequestCancelled, Low, "the client closed with its request outstanding; its reason is not in the server's log"), c), true
	case r.DeclaredBy != event.NoSide:
		return j.say(DeclaredClose, High, "the client closed, as announced by the %s (%s)", r.DeclaredBy, r.DeclaredText), true
	case r.Sent == 0 && j.moves:
		return j.say(NoData, High, "the client closed without a request"), true
	case r.Sent == 0:
		return j.say(Unknown, Low, "the client closed first; the log shows no reads and writes, so what it had carried is not known"), true
	}
	last := max(r.ServerLastByte, r.ClientLastByte)
	if d, ok := conn.Duration(last, r.CloseAt); ok && j.clock && d <= soonAfter {
		slow, took := slowAnswer(c)
		switch {
		case slow && d <= tooSoon:
			v := j.say(RequestCancelled, Low, "the client's FIN was read %v after the response to a request that took %v had been written, sooner than it could have closed because of it: it had left before", d, took)
			r.Answered--
			r.Open++
			r.Outstanding, r.Phase = true, conn.PhaseAwaitingHeaders
			return v, true
		case slow && d <= maybeBefore:
			return j.say(ClientNoReuse, Low, "the client closed %v after the response to a request that took %v, or had left before", d, took), true
		}
		return j.say(ClientNoReuse, Medium, "the client closed %v after the response", d), true
	}
	return j.say(ClientIdleClose, Medium, "the client closed with no request outstanding"), true
}

const (
	// tooSoon is how soon after its response a server's read finds the FIN of a
	// client that had left while the request was worked on: the read does not
	// wait. Measured under strace: 60 to 200 us; for clients that do close behind
	// the response (curl), 360 us and more even without a network between.
	tooSoon = 250 * time.Microsecond
	// maybeBefore is how soon it may be on a busy machine.
	maybeBefore = time.Millisecond
	// slowLeast is how long a request took at least that its client may have
	// given up.
	slowLeast = 100 * time.Millisecond
)

// slowAnswer reports whether the last request of an accepted connection was
// answered late enough for its client to have given up, and how late.
func slowAnswer(c *Conn) (bool, time.Duration) {
	r := &c.Record
	d, ok := conn.Duration(r.RequestStart, r.ResponseStart)
	return ok && d >= slowLeast && r.Answered > 0 && !r.Outstanding, d
}

// leftUnseen reports whether the client of c may have left before its response.
func leftUnseen(c *Conn) bool {
	slow, _ := slowAnswer(c)
	d, ok := conn.Duration(max(c.Record.ServerLastByte, c.Record.ClientLastByte), c.Record.CloseAt)
	return slow && c.Record.Initiator == event.Client && ok && d <= tooSoon
}

// servedRule: the program closed a connection that it had accepted.
func servedRule(j *judge, c *Conn) (Verdict, bool) {
	r := &c.Record
	switch {
	case r.Outstanding:
		return j.say(ServerAborted, High, "the server closed with a request outstanding"), true
	case r.DeclaredBy != event.NoSide:
		return j.say(DeclaredClose, High, "the server closed, as announced by the %s (%s)", r.DeclaredBy, r.DeclaredText), true
	case r.Sent == 0 && j.moves:
		return j.say(NoData, Medium, "the server closed without a request"), true
	case r.Sent == 0:
		return j.say(Unknown, Low, "closed by the program; the log shows no reads and writes, so what it had carried is not known"), true
	}
	return j.say(ServerIdleClose, High, "the server closed with no request outstanding"), true
}
