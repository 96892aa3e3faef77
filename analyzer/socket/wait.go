package socket

import (
	"time"

	"finwait/analyzer/event"
)

// slack is how much later than its timeout a wait may be seen to end, and how
// far timeouts that belong together may lie apart: strace delays what it
// watches by milliseconds (observed: 1 to 10 ms).
const slack = 15 * time.Millisecond

// wait takes a wait that expired.
func (l *Log) wait(t *thread, c *event.Call, m moment) {
	w := Wait{Name: c.Name, Timeout: c.Timeout, Line: m.line, TID: m.tid, At: m.time, seq: m.seq}
	if c.Phase == event.PhaseWhole && !c.End.Known() && c.Timeout > 0 {
		w.At = c.At.Add(c.Timeout) // without durations the end is not printed
	}
	s := t.proc.stats
	switch c.Kind {
	case event.CallPoll:
		if c.Ret == 1 && c.Timeout == 0 && len(c.FDs) == 1 {
			l.glance(t, c, m)
		}
		if c.Ret != 0 || c.Timeout <= 0 && c.Timeout != event.NoTimeout {
			return
		}
		w.Kind = WaitTable
		s.wait(&s.polls, c)
		for _, fd := range c.FDs {
			f := t.table.at(fd).f
			if l.resume(t, f, m); f != nil && f.conn != nil {
				w.Kind = WaitOwn
				f.conn.beside(c)
				f.conn.direct(w)
			}
		}
		w.Kind = WaitTable
		if len(c.FDs) == 0 && c.Value == 0 {
			w.Kind = WaitTimer // a sleep
		}
		l.expire(t, w)
	case event.CallEpollWait:
		w.Kind = WaitTable
		t.proc.epollSize(c)
		s.wait(&s.epollWaits, c)
		l.expire(t, w)
	case event.CallFutex:
		w.Kind = WaitTimer
		w.Timeout = event.NoTimeout
		s.wait(&s.futexes, c)
		l.expire(t, w)
	case event.CallSleep:
		w.Kind = WaitTimer
		l.expire(t, w)
	case event.CallTimer:
		s.wait(&s.timers, c)
	case event.CallRestart:
		if c.Ret == 0 {
			w.Kind, w.Timeout = WaitTable, event.NoTimeout
			l.expire(t, w)
		}
	}
}

// glance takes a poll or select that did not wait and found one descriptor
// readable. On a connection without a request that is how pools find out that
// the server has closed (urllib3.util.wait.wait_for_read, before each use): they
// close it without reading. Unread bytes of a response look the same.
func (l *Log) glance(t *thread, c *event.Call, m moment) {
	f := t.table.at(c.FDs[0]).f
	if l.resume(t, f, m); f == nil || f.conn == nil {
		return
	}
	if k := f.conn; !k.accepted && k.state == stateEstablished && (k.answering || k.early && !k.request.seen()) {
		k.glanced = m
	}
}

// expiry is a shared wait that expired, kept for the connections that waited
// meanwhile.
type expiry struct {
	seq     uint64
	timeout int64
}

// historySize is how many expired waits of a table are kept for the sum of a
// connection that waits. What falls out makes the sum smaller, and it is a
// lower bound anyway.
const historySize = 256

// history keeps an expired wait.
func (l *Log) history(t *table, w Wait) {
	n := int64(0)
	if w.Timeout > 0 {
		n = int64(w.Timeout)
	}
	if len(t.past) < historySize {
		t.past = append(t.past, expiry{w.seq, n})
		return
	}
	t.past[t.pastAt] = expiry{w.seq, n}
	t.pastAt = (t.pastAt + 1) % historySize
}

// waitedSince adds up the shared waits that expired after seq.
func (t *table) waitedSince(seq uint64) (count int, sum time.Duration) {
	for _, e := range t.past {
		if e.seq > seq {
			count++
			sum += time.Duration(e.timeout)
		}
	}
	return count, sum
}
