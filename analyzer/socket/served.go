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
		return j.waited(say(RequestCancelled, Low, c, "the client closed with its request outstanding; its reason is not in the server's log"), c), true
	case r.DeclaredBy != event.NoSide:
		return say(DeclaredClose, High, c, "the client closed, as announced by the %s (%s)", r.DeclaredBy, r.DeclaredText), true
	case r.Sent == 0 && j.moves:
		return say(NoData, High, c, "the client closed without a request"), true
	case r.Sent == 0:
		return say(Unknown, Low, c, "the client closed first; the log shows no reads and writes, so what it had carried is not known"), true
	}
	last := max(r.ServerLastByte, r.ClientLastByte)
	if d, ok := conn.Duration(last, r.CloseAt); ok && j.clock && d <= soonAfter {
		return say(ClientNoReuse, Medium, c, "the client closed %v after the response", d), true
	}
	return say(ClientIdleClose, Medium, c, "the client closed with no request outstanding"), true
}

// servedRule: the program closed a connection that it had accepted.
func servedRule(j *judge, c *Conn) (Verdict, bool) {
	r := &c.Record
	switch {
	case r.Outstanding:
		return say(ServerAborted, High, c, "the server closed with a request outstanding"), true
	case r.DeclaredBy != event.NoSide:
		return say(DeclaredClose, High, c, "the server closed, as announced by the %s (%s)", r.DeclaredBy, r.DeclaredText), true
	case r.Sent == 0 && j.moves:
		return say(NoData, Medium, c, "the server closed without a request"), true
	case r.Sent == 0:
		return say(Unknown, Low, c, "closed by the program; the log shows no reads and writes, so what it had carried is not known"), true
	}
	return say(ServerIdleClose, High, c, "the server closed with no request outstanding"), true
}
