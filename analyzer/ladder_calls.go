package analyzer

import (
	"fmt"
	"io"
	"strings"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
)

// callTrace follows one connection through a second reading of its log.
type callTrace struct {
	log    *logged
	number int // of the log among the logs
	index  int // of the connection in the log
	conn   *socket.Conn
	offset time.Duration // add to the log's times
	timed  bool          // its times can be compared with the capture's, if there is one
	own    event.Side    // which end the program is
	cause  string
	cited  map[socket.LineOf]bool
	start  event.Time
	steps  steps
	last   socket.LineOf // of the last step, if that is a call's beginning
	env    exchange.Env
	notes  map[uint32][]string // by line
	opts   *Options
}

// traceCalls begins to follow the calls of flow i; nil when no log shows it.
func (res *Result) traceCalls(i int) *callTrace {
	p, ok := res.pairs[int32(i)]
	if l := res.view(i).log; l != nil {
		p, ok = pairing{log: l, index: int(res.flows[i].index), timed: true}, true
	}
	if !ok {
		return nil
	}
	c := p.log.conn(p.index)
	t := &callTrace{log: p.log, index: p.index, conn: c, offset: time.Duration(p.offset), timed: p.timed, own: event.Client,
		cause: string(c.Verdict.Cause), start: c.Record.Opened, cited: map[socket.LineOf]bool{}, notes: map[uint32][]string{}, opts: &res.opts}
	if c.Evidence.Accepted {
		t.own = event.Server
	}
	for _, v := range res.views {
		if v.log == p.log {
			break
		}
		t.number += b2i(v.log != nil)
	}
	for k, n := range c.Verdict.Lines {
		at := socket.LineOf{Line: n}
		if k < len(c.Verdict.TIDs) {
			at.TID = c.Verdict.TIDs[k]
		}
		t.cited[at] = true
	}
	return t
}

// Log is the number, from 0 in the order of Analyzer.Log, of the log that is to
// be read again; false when no log shows the connection.
func (t *Trace) Log() (int, bool) {
	if t.calls == nil {
		return 0, false
	}
	return t.calls.number, true
}

// Calls reads the log again.
func (t *Trace) Calls(src CallSource) error {
	k := t.calls
	k.env = exchange.Env{Names: exchange.NewNames(), Sink: k}
	log := socket.New(&k.env, 0)
	lines := make([]socket.LineOf, 0, len(k.cited))
	for n := range k.cited {
		lines = append(lines, n)
	}
	log.Watch(k.index, lines, k.add)
	cut := logCut{opts: k.opts, restarted: func() { clear(k.notes) }}
	if err := cut.read(src, log); err != io.EOF {
		return err
	}
	trace := src.Trace()
	log.Finish(&trace) // ends the last exchange, which is noted
	return nil
}

// Exchange notes in which calls a request and its response began.
func (k *callTrace) Exchange(owner uint32, x *exchange.Exchange) {
	if int(owner) != k.index || len(k.notes) >= 2*ladderHead {
		return
	}
	what := "request"
	if name := k.env.Names.String(x.Endpoint); name != "" {
		what += " " + name
	}
	if x.Outcome != exchange.OutcomeAnswered {
		what += ", not answered"
	}
	if x.Start.Seen() {
		k.notes[x.Start.Frame] = append(k.notes[x.Start.Frame], what)
	}
	if x.First.Seen() {
		what = "response"
		if x.Status != 0 {
			what = fmt.Sprintf("response %d", x.Status)
		}
		k.notes[x.First.Frame] = append(k.notes[x.First.Frame], what)
	}
}

// add takes a call that concerns the connection. A call on two lines is one
// step, unless something else happened meanwhile.
func (k *callTrace) add(c *event.Call) {
	begun := socket.LineOf{TID: c.TID, Line: c.Line}
	if c.Phase == event.PhaseExit && k.last == begun {
		k.steps.last().What = strings.TrimPrefix(describeCall(c), "... ")
		k.last = socket.LineOf{}
		return
	}
	k.last = socket.LineOf{}
	if c.Phase == event.PhaseEnter {
		k.last = begun
	}
	s := Step{Kind: StepCall, Frame: c.EndLine, From: k.from(c).String(), What: describeCall(c), at: c.At}
	switch {
	case c.Phase == event.PhaseExit && c.End.Known(), (c.Kind == event.CallRead || c.Kind == event.CallAccept || waiting(c.Kind)) && c.End.Known():
		s.at = c.End
	case c.Phase == event.PhaseWhole && starts(c.Kind):
		s.Frame = c.Line
	}
	s.at = s.at.Add(k.offset)
	s.Evidence = k.cited[socket.LineOf{Line: s.Frame}] || k.cited[socket.LineOf{TID: c.TID, Line: s.Frame}]
	s.Note = k.meaning(c, s.Evidence)
	k.steps.keep(s)
}

// starts reports whether a kind of call takes effect when it begins.
func starts(k event.CallKind) bool {
	switch k {
	case event.CallWrite, event.CallClose, event.CallShutdown, event.CallConnect:
		return true
	}
	return false
}

// from is whose bytes a call moves: the peer's, when it is a read.
func (k *callTrace) from(c *event.Call) event.Side {
	if c.Kind == event.CallRead {
		return k.own.Peer()
	}
	return k.own
}

// waiting reports whether a kind of call is a wait.
func waiting(k event.CallKind) bool {
	switch k {
	case event.CallPoll, event.CallEpollWait, event.CallFutex, event.CallSleep, event.CallTimer, event.CallRestart:
		return true
	}
	return false
}

// meaning says what a call means for the connection.
func (k *callTrace) meaning(c *event.Call, cited bool) string {
	e := &k.conn.Evidence
	switch {
	case cited && c.Line == e.CloseLine && e.End != socket.EndUnseen:
		if k.conn.Record.FirstBy == k.own {
			return "closes first: " + k.cause
		}
		return "closes"
	case c.Kind == event.CallRead && c.Ret == 0 && !c.Failed() && c.Value != 0:
		return "the peer closed"
	case c.Errno == event.ECONNRESET:
		return "the peer reset"
	case c.Errno == event.EAGAIN && cited:
		return "the socket's timeout in the kernel ran out"
	case waiting(c.Kind) && c.Ret == 0 && c.Timeout != 0 && cited:
		return "the wait expired"
	case waiting(c.Kind) && c.Ret == 0 && c.Timeout > 0:
		return "expired"
	case c.Line == e.Alert && e.Alert != 0:
		return "TLS alert"
	case e.Other != 0 && c.EndLine == e.Other:
		return "data of another connection"
	case c.Errno == event.EINPROGRESS:
		return "connecting"
	}
	return ""
}

// merge puts the calls between the segments of a capture, or returns them alone
// when there are none. start is the time of the first segment. Calls whose times
// cannot be compared come last.
func (k *callTrace) merge(segments []Step, start event.Time) []Step {
	calls := k.steps.list(k.notes)
	if len(segments) == 0 {
		start = k.start
	}
	for i := range calls {
		if !k.timed {
			calls[i].at = event.NoTime
		}
		if !start.Known() {
			start = calls[i].at
		}
		if d, ok := conn.Duration(start, calls[i].at); ok {
			calls[i].AtS = secondsOf(d)
		}
		if len(segments) > 0 && k.conn.Evidence.PID != 0 {
			calls[i].What += fmt.Sprintf(" by %d", k.conn.Evidence.PID)
		}
	}
	if !k.timed {
		return append(segments, calls...)
	}
	all := make([]Step, 0, len(segments)+len(calls))
	for len(segments) > 0 && len(calls) > 0 {
		if calls[0].at <= segments[0].at {
			all, calls = append(all, calls[0]), calls[1:]
		} else {
			all, segments = append(all, segments[0]), segments[1:]
		}
	}
	return append(append(all, segments...), calls...)
}

// payloadShown is how much of a payload a ladder shows.
const payloadShown = 32

// describeCall tells a call in strace's words, shortened.
func describeCall(c *event.Call) string {
	var b strings.Builder
	switch c.Kind {
	case event.CallGone:
		if c.Flags&event.Killed != 0 {
			return fmt.Sprintf("+++ killed by signal %d +++", c.Value)
		}
		return "+++ exited +++"
	case event.CallExitGroup, event.CallExit:
		return c.Name + "()"
	}
	if c.Phase == event.PhaseExit && starts(c.Kind) {
		b.WriteString("... ")
	}
	b.WriteString(c.Name)
	b.WriteByte('(')
	b.WriteString(strings.Join(callArguments(c), ", "))
	switch {
	case c.Phase == event.PhaseEnter:
		b.WriteString(" <unfinished ...>")
		return b.String()
	case c.Flags&event.FailedUnknown != 0:
		b.WriteString(") = ?")
	case c.Failed():
		b.WriteString(") = -1 " + c.Errno.String())
	default:
		fmt.Fprintf(&b, ") = %d", c.Ret)
	}
	return b.String()
}

// callArguments are the arguments that matter.
func callArguments(c *event.Call) []string {
	var list []string
	if len(c.FDs) > 0 && c.Kind == event.CallPoll {
		list = append(list, fmt.Sprint(c.FDs[:min(len(c.FDs), 4)]))
	} else if c.FD != event.NoFD {
		list = append(list, fmt.Sprint(c.FD))
	}
	switch c.Kind {
	case event.CallDupTo, event.CallEpollAdd, event.CallEpollDel, event.CallTransfer, event.CallCloseRange:
		list = append(list, fmt.Sprint(c.FD2))
	case event.CallRead, event.CallWrite:
		if len(c.Data) > 0 {
			list = append(list, payload(c.Data))
		}
		if c.Phase == event.PhaseEnter && c.Size > 0 {
			list = append(list, fmt.Sprint(c.Size))
		}
	case event.CallSetOption, event.CallGetOption:
		if name := c.Option.String(); name != "" {
			list = append(list, name)
		}
	case event.CallShutdown:
		list = append(list, [...]string{"SHUT_RD", "SHUT_WR", "SHUT_RDWR"}[min(max(c.Value, 0), 2)])
	}
	if c.Timeout > 0 && waiting(c.Kind) {
		list = append(list, c.Timeout.String())
	}
	return list
}

// payload is the beginning of a payload in quotes; what is no text is left out.
func payload(b []byte) string {
	n := 0
	for n < len(b) && n < payloadShown && b[n] >= ' ' && b[n] < 0x7f && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return `"` + string(b[:n]) + `"...`
}
