package socket

import (
	"fmt"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// Result is what a log holds. Its connections are packed; see Conn.
type Result struct {
	Processes []Process
	Notes     []event.Problem // what limits the conclusions, and what the log itself shows

	conns store
	judge *judge
}

// Len is the number of connections. They are in the order of their beginning;
// the index is the owner that the sink saw.
func (r *Result) Len() int { return len(r.conns.places) }

// Conn unpacks connection i and judges it. The sentence and the lines of the
// verdict are filled in where explain says so.
func (r *Result) Conn(i int, c *Conn, explain bool) {
	r.conns.get(i, c)
	j := *r.judge
	j.explain = explain
	c.Verdict = j.verdict(c)
	if j.limit == Low || j.limit == Medium && c.Verdict.Confidence == High {
		c.Verdict.Confidence = j.limit
	}
}

// Packed are the blocks that connections lie in, each of which begins with its
// conn.Record as that is packed, and where they begin. A verdict may correct the
// record, which Conn shows and the packed one does not.
func (r *Result) Packed() (chunks [][]byte, places []Place) { return r.conns.chunks, r.conns.places }

// Corrects reports whether the verdict on connection i may correct its record.
func (r *Result) Corrects(i int) bool { return r.conns.places[i].class&classCut != 0 }

// Doubtful reports whether the verdict may say that the last answer of c was
// none, or not a whole one.
func (c *Conn) Doubtful() bool { return classOf(c)&classCut != 0 }

// OtherEnd reports whether the log holds both ends of connection i, and this is
// the one that accepted.
func (r *Result) OtherEnd(i int) bool {
	return r.conns.linked != nil && r.conns.linked[i] < 0
}

// Finish ends the log. What is still open stays so. The Log must not be used
// afterwards.
func (l *Log) Finish(tr *event.Trace) Result {
	l.finishLive()
	r := Result{conns: l.conns, judge: l.learn(tr)}
	for _, p := range l.procs {
		s := p.stats
		if s == &l.buried || s.connections == 0 && (s.sockets == 0 || p.uring == 0) {
			continue
		}
		r.Processes = append(r.Processes, Process{
			PID: p.pid, Known: p.known, Exe: s.exe, Runtime: s.runtime, RuntimeWhy: s.runtimeWhy, RuntimeLine: s.runtimeLine, RuntimeTID: s.runtimeTID,
			Sockets: s.sockets, Connections: s.connections, Leaks: l.found.leaks[p.pid], Longest: s.longest,
			ReceiveTimeout: s.receive, SendTimeout: s.send, UserTimeout: s.user, KeepAlive: s.keepAlive,
			Polls: s.polls, Epolls: s.epollWaits, Futexes: s.futexes, Timers: s.timers,
		})
	}
	r.Notes = append(l.notes(tr, r.Len() > 0), l.found.problems(tr)...)
	r.link(l.accepted)
	return r
}

// link finds the two ends of connections within the log: a program that
// accepts what another program of the log connects.
func (r *Result) link(accepted bool) {
	if !accepted {
		return
	}
	type pair struct{ client, server event.Endpoint }
	of := func(p Place) pair {
		client, server := conn.UnpackEnds(r.conns.chunks[p.Chunk][p.Offset:])
		return pair{client, event.Endpoint{Port: server.Port}}
	}
	ends := map[pair][]int32{}
	for i, p := range r.conns.places {
		if x := of(p); p.class&classAccepted != 0 && x.client.Known() {
			ends[x] = append(ends[x], int32(i))
		}
	}
	if len(ends) == 0 {
		return
	}
	linked := make([]int32, r.Len())
	for i, p := range r.conns.places {
		x := of(p)
		if p.class&classAccepted != 0 || len(ends[x]) == 0 {
			continue
		}
		o := ends[x][0]
		ends[x] = ends[x][1:]
		linked[i], linked[o] = o+1, -int32(i)-1
	}
	r.conns.linked = linked
}

// notes says what the log lacks and what that makes doubtful.
func (l *Log) notes(tr *event.Trace, some bool) []event.Problem {
	var out []event.Problem
	add := func(on bool, id string, count int64, line uint32, format string, args ...any) {
		if !on {
			return
		}
		p := event.Problem{ID: id, Count: count, Text: fmt.Sprintf(format, args...)}
		if line > 0 {
			p.Where = fmt.Sprintf("line %d", line)
		}
		out = append(out, p)
	}
	closes := tr.Traced("close", "close_range", "shutdown")
	add(some && closes == 0, "close-not-traced", 1, 0, "the log holds no close calls (as with -e trace=network): when connections ended is not known; record with -e trace=network,desc,process")
	moves := tr.Traced("read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg", "recv", "send")
	add(some && moves == 0, "payload-not-traced", 1, 0, "the log holds no reads and writes: requests are not known; record with -e trace=network,desc,process")
	waits := tr.Traced("poll", "ppoll", "select", "_newselect", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2")
	add(some && waits == 0 && moves > 0, "waits-not-traced", 1, 0, "the log holds no poll, select or epoll calls: which wait expired is not known; record with -e trace=network,desc,process")
	add(l.hidden > 0, "processes-left-out", l.hidden, 0, "processes whose way of waiting has no row of its own: of those that ended, the first %d have one", maxRows)
	add(l.uring > 0, "io-uring", 1, l.uring, "a process uses io_uring, whose work strace does not show")
	cloned, line := l.childless()
	add(cloned > 0, "no-follow", int64(cloned), line, "recorded without -f: threads and processes that were created do not appear")
	add(some && tr.Clock == event.ClockNone, "no-clock", 1, 0, "the lines carry no times: only their order is known; record with -ttt")
	add(some && tr.Clock == event.ClockDay, "no-date", 1, 0, "times have no date and are local: durations are known, moments are not; record with -ttt")
	add(some && tr.Clock == event.ClockRelative, "no-date", 1, 0, "times count from the first line (-r): when things happened is not known; record with -ttt")
	add(some && tr.Resolution >= time.Second, "coarse-clock", 1, 0, "times are whole seconds (-t): durations are not known; record with -ttt")
	add(l.splits > 0, "threads-regrouped", int64(l.splits), 0, "threads were taken for processes of their own because a descriptor that was open was given out again")
	add(tr.Cut > 0 && tr.Cut <= 64 && some, "strings-cut", 1, 0, "strings are cut at %d bytes: paths and response headers may be incomplete; record with -s 256", tr.Cut)
	add(some && tr.Rate >= slowRate, "strace-slows", int64(tr.Rate), 0, "calls a second where the log is densest: strace stops the program at each and handles one at a time (about 30 us), so up to %.0f %% of the time there was its own; trust order and timeouts, not durations; trace less (-e trace=network,desc,process --seccomp-bpf)",
		min(100, 100*tr.Rate*stopCost.Seconds()))
	return out
}

const (
	// stopCost is what one traced call costs: two stops of the program, each
	// with a change to strace and back. Measured with dd bs=1 under
	// strace -f -tt -T: 31 us a call, without strace 0.4 us. strace is one
	// thread, so the calls of all threads add up.
	stopCost = 30 * time.Microsecond
	// slowRate is from which rate on strace itself distorts the timing: it is
	// at work for about a third of the time. A rate that is high for a short
	// time only, less than a megabyte of log, is not noticed.
	slowRate = 10_000
)

// found counts what the connections themselves show.
type found struct {
	leaked, ports first
	leaks         map[int32]int // connections that each process leaked
}

// first is how many connections show something, and the one that began first of
// them.
type first struct {
	count int64
	index int32
	line  uint32
	tid   int32
}

func (f *first) add(index int32, line uint32, tid int32) {
	if f.count == 0 || index < f.index {
		f.index, f.line, f.tid = index, line, tid
	}
	f.count++
}

// add looks at a connection that ended.
func (f *found) add(index int32, e *Evidence) {
	if e.leak() {
		f.leaked.add(index, e.EOFLine, e.tids[placeEOF])
		if f.leaks == nil {
			f.leaks = map[int32]int{}
		}
		f.leaks[e.PID]++
	}
	if e.Errno == event.EADDRNOTAVAIL {
		f.ports.add(index, e.ErrnoLine, e.tids[placeErrno])
	}
}

// problems says it.
func (f *found) problems(tr *event.Trace) (list []event.Problem) {
	add := func(x first, id, text string) {
		if x.count == 0 {
			return
		}
		where := fmt.Sprintf("line %d", x.line)
		if tr.Separate && x.tid != 0 {
			where += fmt.Sprintf(" of thread %d", x.tid)
		}
		list = append(list, event.Problem{ID: id, Count: x.count, Where: where, Text: text})
	}
	add(f.leaked, "leaked-sockets", "connections that the peer closed (read returned 0) and the program never did: they stay in CLOSE-WAIT")
	add(f.ports, "ports-exhausted", "connect failed with EADDRNOTAVAIL: no local port was free, as when TIME-WAIT holds them")
	return list
}

// childless counts the children that clone returned and that no line is of.
func (l *Log) childless() (int, uint32) {
	n := 0
	var line uint32
	for _, t := range l.threads {
		if t.cloneLine > 0 && !t.spoke {
			n++
			if line == 0 || t.cloneLine < line {
				line = t.cloneLine
			}
		}
	}
	return n, line
}
