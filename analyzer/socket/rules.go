package socket

import (
	"fmt"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

func opaqueRule(j *judge, c *Conn) (Verdict, bool) {
	if !c.Evidence.Opaque {
		return Verdict{}, false
	}
	return j.say(Unknown, Low, "the process used the socket through io_uring, which system call traces do not show"), true
}

func refusedRule(j *judge, c *Conn) (Verdict, bool) {
	if c.Record.Handshake != conn.HandshakeRefused {
		return Verdict{}, false
	}
	return j.say(ConnectRefused, High, "connect failed with ECONNREFUSED"), true
}

func unreachableRule(j *judge, c *Conn) (Verdict, bool) {
	if c.Record.Phase != conn.PhaseConnect || c.Evidence.Errno == 0 {
		return Verdict{}, false
	}
	return j.say(NetworkFailure, High, "connect failed with %s", c.Evidence.Errno), true
}

// connectTimeoutRule: the kernel gave up, a timeout set in the kernel ran out,
// or a wait expired between connect and close.
func connectTimeoutRule(j *judge, c *Conn) (Verdict, bool) {
	e := &c.Evidence
	if c.Record.Phase != conn.PhaseConnect || c.Record.Handshake != conn.HandshakeUnanswered {
		return Verdict{}, false
	}
	switch {
	case e.Errno == event.ETIMEDOUT:
		v := j.waited(j.say(ConnectTimeout, High, "connect failed with ETIMEDOUT: the kernel's own limit"), c)
		v.Kernel = true
		return v, true
	case e.Kernel:
		v := j.waited(j.say(ConnectTimeout, High, "connect on a blocking socket came back with EINPROGRESS: SO_SNDTIMEO%s ran out", of(e.SendTimeout)), c)
		v.Kernel = true
		return v, true
	case e.End != EndClose && e.End != EndShutdown && e.End != EndDup:
		return Verdict{}, false
	case e.Wait.Kind == WaitOwn:
		return j.waited(j.say(ConnectTimeout, High, "not connected when %s on it expired after %v, then closed", e.Wait.Name, e.Wait.Timeout), c), true
	case e.Wait.Kind != WaitNone && e.Other == 0:
		return j.waited(j.say(ConnectTimeout, Medium, "not connected when %s expired, then closed", e.Wait.Name), c), true
	}
	return Verdict{}, false
}

// connectingRule: the handshake was under way and no wait had expired.
func connectingRule(j *judge, c *Conn) (Verdict, bool) {
	e := &c.Evidence
	if c.Record.Phase != conn.PhaseConnect {
		return Verdict{}, false
	}
	switch e.End {
	case EndOpen, EndDetached:
		return j.say(Open, High, "still connecting when the log ends"), true
	case EndUnseen:
		return j.say(Unknown, Low, "its descriptor was given out again while it was connecting; the close is not in the log"), true
	case EndExit, EndKilled, EndExec:
		return j.say(RequestCancelled, Medium, "still connecting when the process ended"), true
	}
	if !j.waits {
		return j.say(Unknown, Low, "closed while connecting; the log shows no waits, so a timeout cannot be told"), true
	}
	return j.say(RequestCancelled, Low, "closed while connecting, without a wait that expired"), true
}

// brokenRule: the kernel gave an established connection up.
func brokenRule(j *judge, c *Conn) (Verdict, bool) {
	if !c.Evidence.Broken {
		return Verdict{}, false
	}
	why := "the kernel gave it up"
	if c.Evidence.UserTimeout > 0 {
		why = fmt.Sprintf("the kernel gave it up (TCP_USER_TIMEOUT %v)", c.Evidence.UserTimeout)
	}
	return j.say(NetworkFailure, High, "%s on an established connection: %s", c.Evidence.Errno, why), true
}

// missedRule: the connection was open before the log began, or its time window,
// and nothing passed on it since. A request may have been outstanding.
func missedRule(j *judge, c *Conn) (Verdict, bool) {
	r, e := &c.Record, &c.Evidence
	if !e.Early || r.Sent > 0 || r.ClientBytes+r.ServerBytes > 0 || r.Initiator == event.NoSide && (e.End == EndOpen || e.End == EndDetached) {
		return Verdict{}, false
	}
	if !j.moves {
		return Verdict{}, false
	}
	return j.say(Unknown, Low, "it was open before, and nothing passed on it since: whether a request was outstanding is not known"), true
}

// peerFirstRule: the peer's FIN or RST was read before the program closed.
func peerFirstRule(j *judge, c *Conn) (Verdict, bool) {
	r, e := &c.Record, &c.Evidence
	if r.Initiator != event.Server {
		return Verdict{}, false
	}
	what := "the server closed first (read returned 0)"
	if r.How == conn.HowRST {
		what = "the server reset the connection (" + e.Errno.String() + ")"
	} else if e.Errno == event.EPIPE {
		what = "the server had closed (EPIPE)"
	} else if e.Glanced {
		what = "a look at the idle connection found something to read, which no request had asked for, and it was closed unread: the server had closed it"
		return j.say(ServerIdleClose, sure(!e.Unsure), "%s", what), true
	}
	switch {
	case r.Outstanding && r.Phase == conn.PhaseAwaitingHeaders && e.Reused && (e.Errno == event.EPIPE || j.racing(c)):
		return j.say(IdleRace, Medium, "%s right after a request on a connection that had been idle", what), true
	case r.Outstanding:
		return j.say(ServerAborted, High, "%s with a request outstanding", what), true
	case r.DeclaredBy != event.NoSide:
		return j.say(DeclaredClose, High, "%s, as announced by the %s (%s)", what, r.DeclaredBy, r.DeclaredText), true
	case r.Sent == 0 && r.ClientBytes+r.ServerBytes == 0:
		return j.say(NoData, Medium, "%s without a byte of payload", what), true
	}
	return j.say(ServerIdleClose, High, "%s with no request outstanding", what), true
}

// sure is Medium, or Low where there is a doubt.
func sure(yes bool) Confidence {
	if yes {
		return Medium
	}
	return Low
}

// racing reports whether the server's close met a request on the wire: it came
// within a few milliseconds of the request, after the connection had been idle.
func (j *judge) racing(c *Conn) bool {
	d, ok := conn.Duration(c.Record.RequestStart, c.Evidence.EOFAt)
	return ok && j.clock && d < 5*time.Millisecond
}

func openRule(j *judge, c *Conn) (Verdict, bool) {
	e := &c.Evidence
	if e.End != EndOpen && e.End != EndDetached {
		return Verdict{}, false
	}
	return j.say(Open, High, "not closed within the log"), true
}

func unseenRule(j *judge, c *Conn) (Verdict, bool) {
	if c.Evidence.End != EndUnseen {
		return Verdict{}, false
	}
	return j.say(Unknown, Low, "its descriptor was given out again, so it was closed before that; the close is not in the log"), true
}

// endedRule: the kernel closed it because the process ended. Whether the
// program had given the request up before is not told.
func endedRule(j *judge, c *Conn) (Verdict, bool) {
	if !c.Record.Outstanding {
		return Verdict{}, false
	}
	switch c.Evidence.End {
	case EndExit:
		return j.say(RequestCancelled, Medium, "the process exited with a request outstanding"), true
	case EndKilled:
		return j.say(RequestCancelled, High, "the process was killed with a request outstanding"), true
	case EndExec:
		return j.say(RequestCancelled, Medium, "the process executed another program with a request outstanding"), true
	}
	return Verdict{}, false
}

// kernelWaitRule: a read or write on the blocking socket itself ran into its
// SO_RCVTIMEO or SO_SNDTIMEO.
func kernelWaitRule(j *judge, c *Conn) (Verdict, bool) {
	e := &c.Evidence
	if !c.Record.Outstanding || e.Wait.Kind != WaitKernel {
		return Verdict{}, false
	}
	v := j.waited(j.say(RequestTimeout, High, "%s failed with EAGAIN: the socket's timeout%s in the kernel ran out, then closed", e.Wait.Name, of(e.Wait.Timeout)), c)
	v.Kernel = true
	return v, true
}

// ownWaitRule: poll or select on this very descriptor expired.
func ownWaitRule(j *judge, c *Conn) (Verdict, bool) {
	e := &c.Evidence
	if !c.Record.Outstanding || e.Wait.Kind != WaitOwn {
		return Verdict{}, false
	}
	return j.waited(j.say(RequestTimeout, High, "%s on it expired after %v with the request outstanding, then closed", e.Wait.Name, e.Wait.Timeout), c), true
}

// reactLimit is how long after its timer a program closes: strace delays it by
// milliseconds, a collector of garbage by tens of them. A wait that expired
// longer ago was another timer's (seen in a proxy that serves many).
const reactLimit = 150 * time.Millisecond

// ticketLimit is how long a session ticket of TLS 1.3 may be, with its record's
// head; see package exchange.
const ticketLimit = 705

// ticketTime is how soon after the request that follows the handshake a ticket
// comes: the server sends it when it has read the client's Finished.
const ticketTime = 20 * time.Millisecond

// ticket reports whether all that was read since the request may be a session
// ticket of TLS 1.3, which strace's cut strings do not tell from an answer: it
// is short, and came at once on a fresh connection. Go's clients take no tickets
// unless they are told to keep sessions (crypto/tls, Config.ClientSessionCache);
// OpenSSL's always do.
func (j *judge) ticket(c *Conn) bool {
	r := &c.Record
	if r.Protocol != exchange.ProtocolTLS || j.runtimes[c.Evidence.PID] == "Go" || r.Sent != 1 || c.Evidence.Answer > ticketLimit {
		return false
	}
	d, ok := conn.Duration(r.RequestStart, r.ResponseEnd)
	return !ok || d <= ticketTime
}

// sharedWaitRule: an epoll wait of the process expired between the request and
// the close. Runtimes with timers of their own (Go, Node, nginx, asyncio, the
// Java selectors) wait no other way, and the timeout of the last wait is only
// what was left of the timer. Data read from another connection between the
// two makes a hedged request likelier, whose loser is cancelled; unless other
// timeouts of the process had waited as long.
func sharedWaitRule(j *judge, c *Conn) (Verdict, bool) {
	e := &c.Evidence
	if !c.Record.Outstanding || e.Wait.Kind != WaitTable {
		return Verdict{}, false
	}
	v := j.waited(j.say(RequestTimeout, Medium, "no complete response when %s, then closed", j.expired(c)), c)
	gap, timed := conn.Duration(e.Wait.At, e.ClosedAt)
	switch {
	case j.agrees(c, v.Elapsed):
		v = j.alike(v, High)
		if e.Other != 0 {
			v.Confidence = Medium
		}
	case timed && j.clock && gap > reactLimit:
		v = j.waited(j.say(RequestCancelled, Low, "closed with the request outstanding, %v after %s had expired: something else made it close", gap, e.Wait.Name), c)
	case e.Other != 0:
		v = j.waited(j.say(RequestCancelled, Low, "closed with the request outstanding after data of another connection was read (line %d)", e.Other), c)
	}
	return v, true
}

// expired says that a wait expired, and how long after the request. The wait's
// own timeout would say nothing: it is what was left of the program's timer.
func (j *judge) expired(c *Conn) string {
	if !j.explain {
		return ""
	}
	e := &c.Evidence
	if d, ok := conn.Duration(c.Record.RequestStart, e.Wait.At); ok && j.clock && d > 0 {
		return fmt.Sprintf("%s expired %v after the request", e.Wait.Name, d.Round(10*time.Microsecond))
	}
	return e.Wait.Name + " expired"
}

// alike makes a timeout surer because others of the process waited as long.
// Without a clock nobody knows how long they waited, only that the timeouts
// that ran out meanwhile add up alike: that proves nothing.
func (j *judge) alike(v Verdict, sure Confidence) Verdict {
	if j.clock {
		v.Confidence = sure
		v.Because += "; other timeouts of the process waited as long"
	}
	return v
}

// timerWaitRule: only a futex, a sleep or a timer of the process expired.
func timerWaitRule(j *judge, c *Conn) (Verdict, bool) {
	e := &c.Evidence
	if !c.Record.Outstanding || e.Wait.Kind != WaitTimer || e.Other != 0 {
		return Verdict{}, false
	}
	v := j.waited(j.say(RequestTimeout, Low, "no complete response when %s, then closed", j.expired(c)), c)
	if j.agrees(c, v.Elapsed) {
		v = j.alike(v, Medium)
	}
	return v, true
}

// elapsedRule: no wait is shown, but it had waited as long as other timeouts.
func elapsedRule(j *judge, c *Conn) (Verdict, bool) {
	if !c.Record.Outstanding || !j.clock {
		return Verdict{}, false
	}
	v := j.waited(j.say(RequestTimeout, Medium, "closed with the request outstanding after as long a wait as other timeouts of the process"), c)
	if !j.agrees(c, v.Elapsed) || v.AtLeast || v.Elapsed < slack {
		return Verdict{}, false
	}
	if j.waits {
		v.Confidence = Low // a busy event loop meets its timers between two events, but none is shown
	}
	return v, true
}

func cancelledRule(j *judge, c *Conn) (Verdict, bool) {
	if !c.Record.Outstanding {
		return Verdict{}, false
	}
	if !j.waits {
		return j.waited(j.say(RequestCancelled, Low, "closed with the request outstanding; the log shows no waits, so a timeout cannot be told"), c), true
	}
	return j.waited(j.say(RequestCancelled, Medium, "closed with the request outstanding, and no wait had expired"), c), true
}

// shortWait is the longest timeout that runtimes wait with between two steps of
// other work; without a clock its expiry proves nothing about a response.
const shortWait = 20 * time.Millisecond

// bodyRule: the response's headers were cut, or are inside TLS, so its length is
// not known, and a wait expired after its last byte. That is also how an idle connection ends,
// so it is a timeout only when the time since the request agrees with other
// timeouts of the process.
func bodyRule(j *judge, c *Conn) (Verdict, bool) {
	e, r := &c.Evidence, &c.Record
	if !bodyUnsure(c) || !j.clock && (!e.Unsure || e.Wait.Timeout < shortWait) {
		return Verdict{}, false
	}
	v := j.waited(j.say(RequestTimeout, Medium, "only a part of the response when %s, then closed", j.expired(c)), c)
	if !j.agrees(c, v.Elapsed) || !j.agrees(c, j.fired(c, v.Elapsed)) {
		return Verdict{}, false
	}
	if v = j.alike(v, Medium); !j.clock {
		v.Confidence = Low
	}
	if r.Answered > 0 {
		r.Answered--
	}
	r.Open++
	r.Outstanding, r.Phase = true, conn.PhaseReadingBody
	if j.ticket(c) {
		again := j.alike(j.say(v.Cause, v.Confidence, "no response when %s, then closed; all that had been read (%d bytes) may be a session ticket", j.expired(c), e.Answer), v.Confidence)
		v.Because, r.Phase = again.Because, conn.PhaseAwaitingHeaders
	}
	return v, true
}

// bodyUnsure reports whether the program closed c after a response whose end is
// not certain, with a wait that expired.
func bodyUnsure(c *Conn) bool {
	e, r := &c.Evidence, &c.Record
	blind := e.Unsure || r.Protocol == exchange.ProtocolTLS
	return blind && r.Sent > 0 && e.Wait.Kind != WaitNone && e.Wait.Kind != WaitTimer && (e.End == EndClose || e.End == EndShutdown || e.End == EndDup)
}

// notifyRule: the server's TLS close_notify made the client close.
func notifyRule(j *judge, c *Conn) (Verdict, bool) {
	r := &c.Record
	if !r.ServerNotify.Known() && !c.Evidence.ServerAlert || r.Outstanding {
		return Verdict{}, false
	}
	return j.say(ServerIdleClose, Medium, "the server announced the end inside TLS (close_notify), then the client closed"), true
}

func declaredRule(j *judge, c *Conn) (Verdict, bool) {
	r := &c.Record
	if r.DeclaredBy == event.NoSide {
		return Verdict{}, false
	}
	return j.say(DeclaredClose, High, "closed as announced by the %s (%s)", r.DeclaredBy, r.DeclaredText), true
}

func noDataRule(j *judge, c *Conn) (Verdict, bool) {
	if c.Record.Sent > 0 || c.Record.ClientBytes > 0 || c.Evidence.Early {
		return Verdict{}, false
	}
	if !j.moves {
		return j.say(Unknown, Low, "closed by the program; the log shows no reads and writes, so what it had carried is not known"), true
	}
	return j.say(NoData, High, "closed without a byte sent"), true
}

// noReuseRule: closed right after a complete response. Without a clock it is
// right after when the process did nothing else on the network meanwhile.
func noReuseRule(j *judge, c *Conn) (Verdict, bool) {
	e, r := &c.Evidence, &c.Record
	if e.End == EndKilled || e.End == EndExec || r.Sent == 0 {
		return Verdict{}, false
	}
	if e.End == EndExit {
		return j.ranOnce(c)
	}
	if e.Exiting && r.Answered > 1 && j.runtimes[e.PID] != "curl" {
		return Verdict{}, false // a pool that is emptied at the end, not a program that runs once
	}
	last := max(r.ServerLastByte, r.ClientLastByte)
	d, ok := conn.Duration(last, r.CloseAt)
	switch {
	case ok && j.clock && r.CloseAt < last:
		return j.say(ClientNoReuse, Medium, "shut down before the response came, which it then read: the connection could not be used again"), true
	case ok && j.clock && d <= soonAfter && e.Unsure:
		return j.say(ClientNoReuse, Low, "closed %v after the response, whose head is cut: it may have announced the close", d), true
	case ok && j.clock && d <= soonAfter:
		return j.say(ClientNoReuse, Medium, "closed %v after the response, although it could have been used again", d), true
	case ok && j.clock, e.Idle, e.Active:
		return Verdict{}, false
	}
	if e.Unsure {
		return j.say(ClientNoReuse, Low, "closed with nothing else done since the response, whose head is cut: it may have announced the close"), true
	}
	return j.say(ClientNoReuse, Low, "closed with nothing else done since the response, although it could have been used again"), true
}

// ranOnce: the process ended right after the only request of its connection, as
// command-line programs do that leave the close to the kernel (wget).
func (j *judge) ranOnce(c *Conn) (Verdict, bool) {
	r := &c.Record
	d, ok := conn.Duration(max(r.ServerLastByte, r.ClientLastByte), c.Record.Last)
	if !ok || !j.clock || d > soonAfter || r.Sent != 1 || r.Answered != 1 {
		return Verdict{}, false
	}
	return j.say(ClientNoReuse, Medium, "the process ended %v after the response to its only request, although the connection could have been used again", d), true
}

func idleRule(j *judge, c *Conn) (Verdict, bool) {
	e := &c.Evidence
	switch e.End {
	case EndExit, EndKilled, EndExec:
		return j.say(ClientIdleClose, High, "the process ended with no request outstanding"), true
	}
	if e.Exiting {
		return j.say(ClientIdleClose, Medium, "closed with no request outstanding, just before the process exited"), true
	}
	if e.Unsure {
		return j.say(ClientIdleClose, Low, "closed with no request outstanding, as far as the log shows: the last response may not have been complete"), true
	}
	return j.say(ClientIdleClose, Medium, "closed with no request outstanding"), true
}
