package socket

import (
	"time"

	"finwait/analyzer/event"
)

// Count is how often something was seen in the calls of a process.
type Count struct {
	Count int
	Line  uint32        // of the first
	TID   int32         // its thread; 0 not known
	Least time.Duration // of the timeouts; 0 without one
	Most  time.Duration
}

func (n *Count) add(line uint32, tid int32, d time.Duration) {
	if n.Count == 0 {
		n.Line, n.TID, n.Least = line, tid, d
	}
	n.Count++
	n.Least, n.Most = min(n.Least, d), max(n.Most, d)
}

// stats is what the calls of one process say about how it waits.
type stats struct {
	exe                            string
	sockets                        int
	connections, accepted          int
	receive, send, user, keepAlive Count
	polls, epollWaits              Count // that expired
	futexes, timers                Count
	longest                        [LongCalls]Long
	recent                         []int32 // connections that ended since the process last sent anything
	runtime                        string
	runtimeLine                    uint32
	runtimeTID                     int32
	runtimeWhy                     string
	runtimeRank                    uint8
	epollAdds                      int
}

func (s *stats) note(n *Count, c *event.Call) {
	if c.Option == event.OptionKeepAlive {
		n.add(c.Line, c.TID, 0)
		return
	}
	n.add(c.Line, c.TID, time.Duration(max(c.Value, 0)))
}
func (s *stats) wait(n *Count, c *event.Call) { n.add(c.EndLine, c.TID, max(c.Timeout, 0)) }

// Long is a call on a connection that took long.
type Long struct {
	Name string
	Took time.Duration // 0: none is known
	Line uint32
	TID  int32 // its thread; 0 not known
	FD   int32
}

// LongCalls is how many of the longest calls of a process are kept.
const LongCalls = 3

// long keeps the longest calls on sockets, longest first.
func (s *stats) long(c *event.Call) {
	if !c.At.Known() || !c.End.Known() {
		return
	}
	d := c.End.Sub(c.At)
	if d <= s.longest[LongCalls-1].Took {
		return
	}
	i := LongCalls - 1
	for ; i > 0 && s.longest[i-1].Took < d; i-- {
		s.longest[i] = s.longest[i-1]
	}
	s.longest[i] = Long{Name: c.Name, Took: d, Line: c.Line, TID: c.TID, FD: c.FD}
}

// maxRecent bounds the connections that are remembered as just ended.
const maxRecent = 1024

// ended notes that a connection of the process ended.
func (p *process) ended(index int32) {
	p.stats.connections++
	if len(p.stats.recent) < maxRecent {
		p.stats.recent = append(p.stats.recent, index)
	}
}

// Process is what a log shows of one process that used TCP.
type Process struct {
	PID         int32
	Known       bool   // PID is the process's; otherwise that of a thread of it
	Exe         string // the program that it executed; "" unknown
	Runtime     string // Go, Python, Node, Java, nginx, curl, Perl; "" unknown
	RuntimeWhy  string // what told
	RuntimeLine uint32 // and where
	RuntimeTID  int32  // thread of that line; 0 not known
	Sockets     int    // TCP sockets that it made
	Connections int
	Leaks       int             // connections that the peer closed and the process never did
	Longest     [LongCalls]Long // longest first

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
