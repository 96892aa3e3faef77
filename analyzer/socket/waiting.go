package socket

import (
	"time"

	"finwait/analyzer/event"
)

// Count is how often something was seen in the calls of a process.
type Count struct {
	Count int
	Line  uint32        // of the first
	Least time.Duration // of the timeouts; 0 without one
	Most  time.Duration
}

func (n *Count) add(line uint32, d time.Duration) {
	if n.Count == 0 {
		n.Line, n.Least = line, d
	}
	n.Count++
	n.Least, n.Most = min(n.Least, d), max(n.Most, d)
}

// stats is what the calls of one process say about how it waits.
type stats struct {
	exe                            string
	sockets, epolls                int
	receive, send, user, keepAlive Count
	polls, epollWaits              Count // that expired
	futexes, timers                Count
	recent                         []int32 // connections that ended since the last call that moved bytes
	recentAt                       moment
	runtime                        string
	runtimeLine                    uint32
	runtimeWhy                     string
	connections                    int
}

func (s *stats) note(n *Count, c *event.Call) { n.add(c.Line, time.Duration(max(c.Value, 0))) }
func (s *stats) wait(n *Count, c *event.Call) { n.add(c.EndLine, max(c.Timeout, 0)) }

// ended notes that a connection of the process ended.
func (p *process) ended(index int32, m moment) {
	p.stats.connections++
}

// Process is what a log shows of one process that used TCP.
type Process struct {
	PID         int32
	Known       bool   // PID is the process's; otherwise that of a thread of it
	Exe         string // the program that it executed; "" unknown
	Runtime     string // Go, Python, Node, Java, nginx, curl, Perl; "" unknown
	RuntimeWhy  string // what told
	RuntimeLine uint32
	Sockets     int
	Connections int

	// How it waits. What was set in the kernel:
	ReceiveTimeout, SendTimeout, UserTimeout, KeepAlive Count
	// and what expired in user space:
	Polls, Epolls, Futexes, Timers Count
}

// Waiting says in a sentence how the process waits.
func (p *Process) Waiting() string {
	kernel := p.ReceiveTimeout.Count + p.SendTimeout.Count
	switch {
	case kernel > 0:
		return "timeouts set in the kernel (SO_RCVTIMEO, SO_SNDTIMEO)"
	case p.Epolls.Count > 0:
		return "timers of its own: epoll waits that expire, no timeout set on any socket"
	case p.Polls.Count > 0:
		return "poll or select with a timeout, no timeout set on any socket"
	case p.Timers.Count > 0:
		return "timers of the kernel (setitimer, timerfd), no timeout set on any socket"
	}
	return "no wait with a timeout is in the log"
}

// Result is what a log holds.
type Result struct {
	Conns     []Conn
	Processes []Process
	Notes     []event.Problem
}

// Finish ends the log. What is still open stays so.
func (l *Log) Finish(tr *event.Trace) Result {
	l.finishLive()
	l.judgeAll(tr)
	r := Result{Conns: l.conns}
	for _, p := range l.procs {
		s := &p.stats
		if s.connections == 0 && s.sockets == 0 {
			continue
		}
		r.Processes = append(r.Processes, Process{
			PID: p.pid, Known: p.known, Exe: s.exe, Runtime: s.runtime, RuntimeWhy: s.runtimeWhy, RuntimeLine: s.runtimeLine,
			Sockets: s.sockets, Connections: s.connections,
			ReceiveTimeout: s.receive, SendTimeout: s.send, UserTimeout: s.user, KeepAlive: s.keepAlive,
			Polls: s.polls, Epolls: s.epollWaits, Futexes: s.futexes, Timers: s.timers,
		})
	}
	return r
}
