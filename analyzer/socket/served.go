package socket

import (
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
		return j.say(ClientNoReuse, Medium, "the client closed %v after the response", d), true
	}
	return j.say(ClientIdleClose, Medium, "the client closed with no request outstanding"), true
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
