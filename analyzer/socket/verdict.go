package socket

import (
	"fmt"
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// Cause is why a connection ended, in the contract's words.
type Cause string

// The contract's causes.
const (
	RequestTimeout   Cause = "request-timeout"
	RequestCancelled Cause = "request-cancelled"
	ClientIdleClose  Cause = "client-idle-close"
	ClientNoReuse    Cause = "client-no-reuse"
	DeclaredClose    Cause = "declared-close"
	ServerIdleClose  Cause = "server-idle-close"
	ServerAborted    Cause = "server-aborted-request"
	IdleRace         Cause = "idle-race"
	ConnectTimeout   Cause = "connect-timeout"
	ConnectRefused   Cause = "connect-refused"
	NetworkFailure   Cause = "network-failure"
	NoData           Cause = "no-data"
	Open             Cause = "open"
	Unknown          Cause = "unknown"
)

// Confidence is how sure a verdict is, in the contract's words.
type Confidence string

// The contract's levels.
const (
	High   Confidence = "high"
	Medium Confidence = "medium"
	Low    Confidence = "low"
)

// Verdict is why a connection ended, judged from the log alone.
type Verdict struct {
	Cause      Cause
	Confidence Confidence
	Because    string   // one sentence
	Lines      []uint32 // of the log, the evidence; rising, but for logs of several files
	TIDs       []int32  // of a log of several files (-ff), the thread of each of Lines, which is its file's; else nil
	Kernel     bool     // of a timeout: the kernel's own, set on the socket
	// Elapsed is how long the program had waited: from the clock, or without
	// one the sum of the waits that expired, then a lower bound and AtLeast.
	Elapsed time.Duration
	AtLeast bool
}

// soonAfter is how shortly after a complete response a close belongs to it
// rather than to an idle time: the client did not want to keep the connection.
const soonAfter = 100 * time.Millisecond

// judge holds what the rules need to know of the whole log.
type judge struct {
	separate bool                      // the log is several files (-ff)
	limit    Confidence                // the most that a verdict can have; "" no limit
	clock    bool                      // times are fine enough to compare durations
	waits    bool                      // the log shows poll, epoll and the like
	moves    bool                      // the log shows read and write, which any program may use on a socket
	runtimes map[int32]string          // of the processes, as far as told
	explain  bool                      // fill in the sentence and the lines
	learned  map[int32][]time.Duration // waiting times of certain timeouts, by process, rising
}

// rule gives a verdict, or false when it does not apply.
type rule func(j *judge, c *Conn) (Verdict, bool)

// clientRules judge the connections that the program made. The first that
// applies decides.
var clientRules = [...]rule{
	opaqueRule, refusedRule, connectTimeoutRule, unreachableRule, connectingRule,
	brokenRule, missedRule, peerFirstRule, openRule, unseenRule, endedRule,
	kernelWaitRule, ownWaitRule, sharedWaitRule, timerWaitRule, elapsedRule, cancelledRule,
	bodyRule, notifyRule, declaredRule, noDataRule, noReuseRule, idleRule,
}

// serverRules judge the connections that the program accepted: the client's
// reasons are not in the log.
var serverRules = [...]rule{
	opaqueRule, missedRule, servedPeerFirstRule, openRule, unseenRule, servedRule,
}

// learn finds the timeouts that are certain: how long they waited decides about
// the others.
func (l *Log) learn(tr *event.Trace) *judge {
	j := &judge{separate: tr.Separate, learned: map[int32][]time.Duration{}, runtimes: map[int32]string{}}
	for _, p := range l.procs {
		if j.runtimes[p.pid] = p.runtime; p.stats != &l.buried {
			j.runtimes[p.pid] = p.stats.runtime
		}
	}
	j.clock = tr.Clock != event.ClockNone && tr.Resolution < 100*time.Millisecond
	j.waits = tr.Traced("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2") > 0
	j.moves = tr.Traced("read", "write") > 0
	switch {
	case tr.Inferred && tr.Clock == event.ClockNone:
		j.limit = Low
	case tr.Inferred:
		j.limit = Medium
	}
	certain := map[int32][]time.Duration{}
	var c Conn
	for i, p := range l.conns.places {
		if p.class&classSample == 0 {
			continue
		}
		l.conns.get(i, &c)
		if v, ok := j.certain(&c); ok {
			certain[c.Evidence.PID] = append(certain[c.Evidence.PID], v.Elapsed)
		}
	}
	for _, list := range certain {
		slices.Sort(list)
	}
	j.learned = certain
	return j
}

// certain reports whether c is a timeout by the strongest rules alone. Nothing
// must have been learned yet, so that the order of connections does not matter.
func (j *judge) certain(c *Conn) (Verdict, bool) {
	v := j.verdict(c)
	return v, v.Cause == RequestTimeout && v.Confidence != Low && c.Evidence.Other == 0 && c.Record.Phase != conn.PhaseReadingBody
}

func (j *judge) verdict(c *Conn) Verdict {
	rules := clientRules[:]
	if c.Evidence.Accepted {
		rules = serverRules[:]
	}
	for _, r := range rules {
		if v, ok := r(j, c); ok {
			if j.explain {
				j.cite(&v, c)
			}
			return v
		}
	}
	return j.say(Unknown, Low, "the log does not show how it ended")
}

// say makes a verdict with the sentence that explains it.
func (j *judge) say(cause Cause, sure Confidence, format string, args ...any) Verdict {
	v := Verdict{Cause: cause, Confidence: sure}
	if j.explain {
		v.Because = fmt.Sprintf(format, args...)
	}
	return v
}

// lines are the connection's own, in the order in which they usually come.
func (e *Evidence) lines() [places]uint32 {
	return [...]uint32{e.ConnectLine, e.RequestLine, e.ResponseLine, e.Wait.Line, e.ErrnoLine, e.Other, e.Alert, e.EOFLine, e.CloseLine}
}

// cite puts the lines of the connection that matter into its verdict. Lines of
// one file rise; those of several files stand beside their threads.
func (j *judge) cite(v *Verdict, c *Conn) {
	lines := c.Evidence.lines()
	if v.Cause != RequestTimeout && v.Cause != ConnectTimeout && v.Cause != RequestCancelled {
		lines[placeWait] = 0
	}
	for i, n := range lines {
		tid := c.Evidence.tids[i]
		switch last := len(v.Lines) - 1; {
		case n == 0:
		case j.separate:
			if last < 0 || v.Lines[last] != n || v.TIDs[last] != tid {
				v.Lines, v.TIDs = append(v.Lines, n), append(v.TIDs, tid)
			}
		case last < 0 || n > v.Lines[last]:
			v.Lines = append(v.Lines, n)
		}
	}
}

// waited fills in how long the request had waited.
func (j *judge) waited(v Verdict, c *Conn) Verdict {
	r := &c.Record
	from := r.RequestStart
	if r.Phase == conn.PhaseConnect {
		from = r.Opened
	}
	if d, ok := conn.Duration(from, r.CloseAt); ok && j.clock {
		v.Elapsed = d
	} else {
		v.Elapsed, v.AtLeast = c.Evidence.Waited, true
	}
	return v
}

// fired is how long after the request its timer fired: when the wait expired,
// which a busy program may notice much later, or else elapsed.
func (j *judge) fired(c *Conn, elapsed time.Duration) time.Duration {
	if c.Evidence.Wait.Kind == WaitNone || c.Record.Phase == conn.PhaseConnect {
		return elapsed
	}
	if d, ok := conn.Duration(c.Record.RequestStart, c.Evidence.Wait.At); ok && j.clock && d > 0 {
		return min(d, elapsed)
	}
	return elapsed
}

// agrees reports whether another certain timeout of the same process waited
// within 5 % or 15 ms as long. The connection's own sample does not count.
func (j *judge) agrees(c *Conn, d time.Duration) bool {
	list := j.learned[c.Evidence.PID]
	low := min(d-slack, d*20/21)
	high := max(d+slack, d*20/19)
	from, _ := slices.BinarySearch(list, low)
	to, _ := slices.BinarySearch(list, high+1)
	n := to - from
	own := 0
	if c.Evidence.Other == 0 && c.Record.Outstanding && c.Record.Phase != conn.PhaseReadingBody && c.Evidence.Wait.Kind > WaitNone && c.Evidence.Wait.Kind < WaitTimer {
		own = 1
	}
	return n > own
}

// of says what a timeout was, where it is known.
func of(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf(" of %v", d)
}
