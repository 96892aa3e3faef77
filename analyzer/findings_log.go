package analyzer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/socket"
)

// longCallLimit is how long a call on a socket must take to be listed: shorter
// ones are what strace costs.
const longCallLimit = 10 * time.Millisecond

// longCalls are the calls on sockets of a process that took longest.
func (l *logged) longCalls(p *socket.Process) []LongCall {
	list := []LongCall{}
	for _, c := range p.Longest {
		if c.Took >= longCallLimit {
			list = append(list, LongCall{fmt.Sprintf("%s(%d)", c.Name, c.FD), c.Took.Seconds(), l.line(c.Line, c.TID)})
		}
	}
	return list
}

// leakLimit is how long a program may take to close what its peer has closed.
// A log that ends sooner shows nothing.
const leakLimit = time.Second

// leaked are the connections that one process has not closed.
type leaked struct {
	count int
	lines []string // where it read the peer's FIN, the first ones
}

// leaks are the connections whose peer's FIN was read and which were not closed
// until the log ended, by process. Without a clock every one counts.
func (l *logged) leaks(end event.Time) map[int32]*leaked {
	all := map[int32]*leaked{}
	if !slices.ContainsFunc(l.Processes, func(p socket.Process) bool { return p.Leaks > 0 }) {
		return all
	}
	var c socket.Conn
	for i := range l.Len() {
		if l.Conn(i, &c, false); !c.Leak() {
			continue
		}
		if d, ok := conn.Duration(c.Evidence.EOFAt, end); ok && d < leakLimit {
			continue
		}
		p := all[c.Evidence.PID]
		if p == nil {
			p = &leaked{}
			all[c.Evidence.PID] = p
		}
		if p.count++; len(p.lines) < leakLines {
			p.lines = append(p.lines, l.line(c.Evidence.EOFLine, c.Evidence.EOFTID()))
		}
	}
	return all
}

// leakLines is how many lines a finding names.
const leakLines = 5

// findSocketLeaks: a traced process reads its peer's FIN and never closes.
func (b *builder) findSocketLeaks(*Report) []Finding {
	var list []Finding
	for _, v := range b.res.views {
		if v.log == nil {
			continue
		}
		all := v.log.leaks(v.end)
		for i := range v.log.Processes {
			if p := &v.log.Processes[i]; all[p.PID] != nil {
				list = append(list, socketLeak(p, all[p.PID]))
			}
		}
	}
	return list
}

func socketLeak(p *socket.Process, l *leaked) Finding {
	severity := SeverityMedium
	if l.count >= fewConnections {
		severity = SeverityHigh
	}
	name := fmt.Sprintf("Process %d", p.PID)
	if p.Exe != "" {
		name += " (" + p.Exe + ")"
	}
	return Finding{ID: "socket-leak", Severity: severity,
		Title:    name + " does not close what its peers have closed",
		Text:     fmt.Sprintf("%s: read returned 0, which is the peer's FIN, and no close followed before the log ended (%s).", plural(l.count, "connection"), strings.Join(l.lines, ", ")),
		Advice:   "Close the socket (or the response body, or the stream) whenever a read returns 0 or an error, also on the paths that give up early. Each of them is a socket in CLOSE-WAIT and a descriptor; ss -tanp state close-wait counts them.",
		Disproof: "A pool closes them when it next looks (urllib3 and Go do so before the next use), or the log ends too early.", Count: l.count, Streams: []int{}}
}

// blind is what the logs lack so much that nothing can be said against how
// connections are used; "" when nothing.
func (b *builder) blind() string {
	var list []string
	for _, p := range b.res.problems {
		switch p.ID {
		case "close-not-traced", "payload-not-traced", "io-uring":
			list = append(list, p.Text)
		}
	}
	return strings.Join(list, "; ")
}

// notJudged takes the place of a clean bill where the log lacks what it would
// rest on.
func (b *builder) notJudged(blind string) Finding {
	return Finding{ID: "not-enough-traced", Severity: SeverityInfo, Title: "The log does not show enough to judge",
		Text:     fmt.Sprintf("%s; no pattern of timeouts or needless closes, but %s.", plural(b.all.connections, "connection"), blind),
		Advice:   "Record again: finwait explain capture prints the commands. What io_uring does, only a packet capture shows.",
		Disproof: "A capture of the same time shows that nothing is wrong.", Streams: []int{}}
}
