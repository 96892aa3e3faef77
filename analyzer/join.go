package analyzer

import (
	"fmt"
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/socket"
	"finwait/analyzer/stat"
)

// pairing is a connection of a log that a capture shows as well.
type pairing struct {
	log    *logged
	index  int        // in the log
	offset event.Time // add to the log's times to get the capture's
	timed  bool       // offset is known
}

// candidate is a connection of a capture that a log's connection may be.
type candidate struct {
	flow           int
	opened, closed event.Time
	client         event.Endpoint
	used           bool
}

const (
	// joinSlack is how far the SYN may lie from the connect() that sent it,
	// once the offset of the clocks is known: strace stops the program at
	// the call and after it.
	joinSlack = event.Time(20 * time.Millisecond)
	// zoneStep is what time zones are multiples of.
	zoneStep = event.Time(15 * time.Minute)
)

// joinLogs finds the connections of logs in the captures: by both addresses,
// and, for sockets whose own address the log does not show, by the server and
// the time.
func (res *Result) joinLogs() {
	logs := 0
	for _, v := range res.views {
		logs += b2i(v.log != nil)
	}
	if logs == 0 || logs == len(res.views) {
		return
	}
	byServer := map[event.Endpoint][]*candidate{}
	var r conn.Record
	for i := range res.flows {
		if res.view(i).log != nil {
			continue
		}
		res.record(i, &r)
		byServer[r.Server] = append(byServer[r.Server], &candidate{flow: i, opened: r.Opened, closed: r.CloseAt, client: r.Client})
	}
	res.pairs = map[int32]pairing{}
	for _, v := range res.views {
		if v.log != nil {
			res.joinLog(v.log, byServer)
		}
	}
	res.dropJoined()
}

// joinLog joins one log.
func (res *Result) joinLog(l *logged, byServer map[event.Endpoint][]*candidate) {
	offset, spread, n := l.offset(byServer)
	timed := n > 0
	var c socket.Conn
	for i := range l.Len() {
		l.Conn(i, &c, false)
		best := l.partner(&c.Record, byServer[c.Record.Server], offset, timed)
		if best == nil {
			continue
		}
		best.used, l.joined[i] = true, true
		res.pairs[int32(best.flow)] = pairing{l, i, offset, timed}
	}
	if !timed {
		return
	}
	clock := Clock{Input: l.path, Against: res.inputs[0].Path, OffsetS: time.Duration(offset).Seconds(), SpreadS: spread.Seconds(), Count: n}
	clock.Text = fmt.Sprintf("the log's clock is off by %s (%d connections); its times were corrected", seconds(time.Duration(offset).Abs()), n)
	if offset == 0 {
		clock.Text = fmt.Sprintf("log and capture share a clock (%d connections)", n)
	}
	if l.trace.Clock == event.ClockDay {
		clock.Text = fmt.Sprintf("the log's times have no date and no zone; %d connections place them", n)
	}
	res.clocks = append(res.clocks, clock)
}

// partner finds the connection of the capture that r is: the one with the same
// 4-tuple that began nearest; where the log does not show the client's port,
// the one to the same server that began and ended when r did, if there is only
// one.
func (l *logged) partner(r *conn.Record, list []*candidate, offset event.Time, timed bool) *candidate {
	var best *candidate
	var dist, second event.Time
	for _, c := range list {
		if c.used || r.Client.Known() && r.Client != c.client {
			continue
		}
		d := event.Time(0)
		if timed {
			d = gapOf(r.Opened, c.opened, offset) + gapOf(r.CloseAt, c.closed, offset)
		}
		if !r.Client.Known() && (!timed || d > joinSlack) {
			continue
		}
		switch {
		case best == nil || d < dist:
			if best != nil {
				second = dist
			} else {
				second = d + 2*joinLead
			}
			best, dist = c, d
		case d < second:
			second = d
		}
	}
	if best != nil && !r.Client.Known() && second-dist < joinLead {
		return nil
	}
	return best
}

// joinLead is how much better than the next one a connection must fit whose
// port the log does not show.
const joinLead = event.Time(500 * time.Microsecond)

// gapOf is how far a time of the log, put right, and one of the capture lie
// apart; 0 when either is not known.
func gapOf(log, capture, offset event.Time) event.Time {
	if !log.Known() || !capture.Known() {
		return 0
	}
	return max(log+offset-capture, capture-log-offset)
}

// offset estimates what must be added to the log's times, from the differences
// between SYNs and the connect() calls of the same 4-tuples, else the accept()
// calls, which may wait for the program for as long as it likes, or, where the log
// shows no local ports, from the difference that most pairs to one server
// share. n is how many connections it rests on; 0 when it cannot be told.
func (l *logged) offset(byServer map[event.Endpoint][]*candidate) (off event.Time, spread time.Duration, n int) {
	if l.trace.Clock == event.ClockNone {
		return 0, 0, 0
	}
	var dialled, accepted, all []time.Duration
	var c socket.Conn
	for i := range l.Len() {
		l.Conn(i, &c, false)
		r := &c.Record
		if !r.Opened.Known() || c.Evidence.Early {
			continue
		}
		for _, x := range byServer[r.Server] {
			d := x.opened.Sub(r.Opened)
			switch {
			case r.Client == x.client && c.Evidence.Accepted:
				accepted = append(accepted, -d) // accept() comes after the SYN
			case r.Client == x.client:
				dialled = append(dialled, d)
			case !r.Client.Known() && len(all) < maxPairs:
				all = append(all, d)
			}
		}
	}
	delays, sign := dialled, event.Time(1)
	switch {
	case len(dialled) > 0:
	case len(accepted) > 0:
		delays, sign = accepted, -1
	default:
		delays = commonest(all)
	}
	delays = agreeing(delays, sendLimit)
	if n = len(delays); n == 0 {
		return 0, 0, 0
	}
	return sign * l.sameClock(delays[n/20]), delays[n*3/4] - delays[n/4], n
}

// maxPairs bounds the differences that are looked at without a 4-tuple.
const maxPairs = 1 << 20

// sendLimit is the longest that a SYN takes from the call to the wire on a
// busy host under strace.
const sendLimit = 50 * time.Millisecond

// sameClock is the offset of clocks whose SYNs lie least after their connect().
// A packet leaves a little after its call, so a small positive difference is
// that delay, and the clocks are one (log and capture of one host). Times of
// day lie a whole number of quarter hours off: the date and the time zone.
func (l *logged) sameClock(least time.Duration) event.Time {
	whole := time.Duration(0)
	if l.trace.Clock == event.ClockDay {
		whole = least.Truncate(time.Duration(zoneStep))
		if least < whole {
			whole -= time.Duration(zoneStep)
		}
	}
	if rest := least - whole; rest >= 0 && rest <= sendLimit {
		return event.Time(whole)
	}
	return event.Time(least)
}

// commonest are the differences of the millisecond that most pairs share, when
// at least three do, or the only one.
func commonest(list []time.Duration) []time.Duration {
	best := agreeing(list, time.Millisecond)
	if len(best) < 3 && len(list) > 1 {
		return nil
	}
	return best
}

// agreeing are the differences, sorted, that lie so close together that no
// other stretch as long holds more; of equal stretches the one nearest to zero.
// A 4-tuple that was used again gives differences to both connections, and the
// clocks of one host are usually one.
func agreeing(list []time.Duration, within time.Duration) []time.Duration {
	slices.Sort(list)
	best, from := 0, 0
	for i, j := 0, 0; j < len(list); j++ {
		for list[j]-list[i] > within {
			i++
		}
		if n := j - i + 1; n > best || n == best && list[i].Abs() < list[from].Abs() {
			best, from = n, i
		}
	}
	return list[from : from+best]
}

// dropJoined removes the connections of logs that a capture shows as well: they
// are rows of the capture.
func (res *Result) dropJoined() {
	joined := func(i int) bool {
		f := &res.flows[i]
		l := res.views[f.view].log
		return l != nil && l.joined[f.index]
	}
	res.countTwice(res.sightings(joined))
	kept := res.flows[:0]
	for i, f := range res.flows {
		if !joined(i) {
			kept = append(kept, f)
		}
	}
	res.flows = kept // captures come first, so their numbers stay
}

// mergeLog brings in what the log says of a connection that the capture shows:
// which timer of the program expired, or that it ended. Where the two disagree
// on a timeout, the better evidence decides and says so.
func (f *facts) mergeLog(p pairing) {
	c := p.log.conn(p.index)
	cause, sure := causeOf(c.Verdict.Cause), sureness(c.Verdict.Confidence)
	if cause == f.cause {
		f.confidence = max(f.confidence, sure)
		return
	}
	expired := c.Evidence.Wait.Kind != socket.WaitNone && c.Evidence.Wait.Kind != socket.WaitTimer
	switch {
	case f.cause == CauseRequestCancelled && cause == CauseRequestTimeout && expired && f.confidence < stat.ConfidenceHigh:
		f.cause, f.confidence = CauseRequestTimeout, max(sure, stat.ConfidenceMedium)
		f.add("; the log shows that a wait of the program (%s) expired just before: %s", c.Evidence.Wait.Name, c.Verdict.Because)
		if t := f.timers.nearest(waitOf(f.Record)); t != nil {
			f.timer, f.basis = t, t.basis
		}
	case f.cause == CauseRequestTimeout && cause == CauseRequestCancelled && f.confidence < stat.ConfidenceHigh && sure >= stat.ConfidenceMedium:
		f.cause, f.confidence, f.timer = CauseRequestCancelled, sure, nil
		f.add("; but the log shows no wait that expired: %s", c.Verdict.Because)
	case f.cause == CauseUnknown && cause != CauseUnknown:
		f.cause, f.confidence = cause, sure
		if f.explain {
			f.because = c.Verdict.Because
		}
	}
}

// add adds to the reason.
func (f *facts) add(format string, args ...any) {
	if f.explain {
		f.because += fmt.Sprintf(format, args...)
	}
}

// process is what the log adds to a flow of a capture.
func (p *pairing) process(r *conn.Record) *FlowProcess {
	c := p.log.conn(p.index)
	out := p.log.process(c)
	if !p.timed || !called(c.Evidence.End) {
		return out
	}
	if at := c.Evidence.ClosedAt.Add(time.Duration(p.offset)); at.Known() {
		out.ClosedAt = Stamp(at)
		own := event.Client
		if c.Evidence.Accepted {
			own = event.Server
		}
		if r.FirstBy == own && r.CloseAt.Known() {
			out.CloseToFINS = secondsOf(r.CloseAt.Sub(at))
		}
	}
	return out
}
