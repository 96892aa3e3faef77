package analyzer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
	"finwait/analyzer/stat"
)

// CallSource is an strace log that is being read: one file, or the files of
// strace -ff together.
type CallSource interface {
	// Next fills the batch with the calls that follow, or returns io.EOF.
	Next(*event.CallBatch) error
	// Inputs says what was read so far, file by file.
	Inputs() []event.Input
	// Problems are what could not be read, so far.
	Problems() []event.Problem
	// Trace says how the log was recorded. It is whole after io.EOF.
	Trace() event.Trace
}

// logged is what one log came to. Its connections are records of the view's
// first shard, in the same order.
type logged struct {
	socket.Result
	trace  event.Trace
	path   string
	files  int    // inputs that it is made of: one, or those of strace -ff
	clock  bool   // times are fine enough to compare durations
	joined []bool // connections that a capture shows as well
}

// Log reads an strace log to its end, as a view of its own. The error is that
// of reading; what was read before it counts.
func (a *Analyzer) Log(src CallSource) error {
	v := a.views[a.NewView()]
	s := v.shards[0]
	sink := newLogSink(s)
	log := socket.New(&exchange.Env{Names: s.names, Sink: sink}, uint16(len(a.inputs)))
	log.OnEnd(sink.ended)
	cut := logCut{opts: &a.opts, restarted: sink.restart}
	err := cut.read(src, log)
	if _, ok := errors.AsType[uncutError](err); ok {
		return err
	}
	trace := src.Trace()
	v.log = &logged{Result: log.Finish(&trace), trace: trace}
	v.undated = trace.Undated()
	v.log.clock = trace.Clock != event.ClockNone && trace.Resolution < 100*time.Millisecond
	v.log.files = len(src.Inputs())
	a.inputs = append(a.inputs, src.Inputs()...)
	if int(v.input) < len(a.inputs) {
		v.log.path = a.inputs[v.input].Path
	}
	a.problems = append(a.problems, src.Problems()...)
	for _, p := range v.log.Notes {
		if p.Where != "" {
			p.Where = v.log.path + ": " + p.Where
		}
		a.problems = append(a.problems, p)
	}
	v.log.joined = make([]bool, v.log.Len())
	s.records = v.log.records()
	sink.finish(&v.log.Result)
	for _, in := range src.Inputs() {
		if cut.holds(in) {
			v.widen(in.Start)
			v.widen(in.End)
		}
	}
	v.window, v.before, v.behind = cut.window, cut.before, cut.behind
	if err == io.EOF {
		return nil
	}
	return err
}

// widen makes the view's time cover t.
func (v *view) widen(t event.Time) {
	if !t.Known() {
		return
	}
	if !v.start.Known() || t < v.start {
		v.start = t
	}
	v.end = max(v.end, t)
}

// records are those of the log's connections. They stay where the log packed
// them, except for the few that a verdict corrects.
func (l *logged) records() records {
	chunks, places := l.Packed()
	rs := records{chunks: slices.Clone(chunks)}
	var c socket.Conn
	var r conn.Record
	for i, p := range places {
		own := rs.places.at(rs.places.add(place{chunk: p.Chunk, offset: p.Offset, first: p.First}))
		if !l.Corrects(i) {
			continue
		}
		r.Unpack(rs.at(i))
		if l.Conn(i, &c, false); c.Record != r {
			*own = rs.write(&c.Record)
		}
	}
	return rs
}

// logSink counts the exchanges of a log with their servers, which are known
// when their connections end. Those of connections that the program accepted
// wait until it is known whether the log holds their other end, too.
type logSink struct {
	shard    *shard
	open     map[uint32][]logExchange
	accepted []logExchange
	doubtful []unsureAnswer
	ends     map[uint32]pair // of the accepted
}

// unsureAnswer is an exchange that the verdict on its connection may undo.
type unsureAnswer struct {
	logExchange
	ends pair
}

// logExchange is an answered exchange.
type logExchange struct {
	owner    uint32
	endpoint exchange.NameID
	from, to event.Time
}

// restart forgets what was counted.
func (k *logSink) restart() {
	clear(k.open)
	clear(k.ends)
	k.accepted, k.doubtful = nil, nil
	clear(k.shard.servers)
	k.shard.endpoints, k.shard.refused = 0, 0
}

// maxAccepted bounds the exchanges that wait until the log ends, 32 bytes each.
// What is more counts at once, even if it counts a second time at its other end.
const maxAccepted = 1 << 20

func newLogSink(s *shard) *logSink {
	return &logSink{shard: s, open: map[uint32][]logExchange{}, ends: map[uint32]pair{}}
}

// Exchange keeps an exchange.
func (k *logSink) Exchange(owner uint32, x *exchange.Exchange) {
	if x.Outcome == exchange.OutcomeAnswered {
		k.open[owner] = append(k.open[owner], logExchange{owner, x.Endpoint, x.Start.Time, x.Last.Time})
	}
}

// ended counts the exchanges of a connection.
func (k *logSink) ended(i int, c *socket.Conn) {
	list := k.open[uint32(i)]
	if len(list) == 0 {
		return
	}
	delete(k.open, uint32(i))
	if c.Doubtful() {
		// The verdict may say that the last answer was none.
		k.doubtful = append(k.doubtful, unsureAnswer{list[len(list)-1], pairOf(&c.Record)})
		list = list[:len(list)-1]
	}
	if c.Evidence.Accepted && len(k.accepted)+len(list) <= maxAccepted {
		k.accepted = append(k.accepted, list...)
		k.ends[uint32(i)] = pairOf(&c.Record)
		return
	}
	for i := range list {
		k.count(pairOf(&c.Record), &list[i])
	}
}

// finish counts what is left.
func (k *logSink) finish(r *socket.Result) {
	var c socket.Conn
	for i := range k.doubtful {
		x := &k.doubtful[i]
		if r.Conn(int(x.owner), &c, false); !c.Record.Outstanding && !r.OtherEnd(int(x.owner)) {
			k.count(x.ends, &x.logExchange)
		}
	}
	for i := range k.accepted {
		if x := &k.accepted[i]; !r.OtherEnd(int(x.owner)) {
			k.count(k.ends[x.owner], x)
		}
	}
}

// count counts an exchange between a client and a server.
func (k *logSink) count(ends pair, x *logExchange) {
	st := k.shard.server(ends.server)
	e := k.shard.endpoint(st, x.endpoint)
	e.answered++
	if x.from.Known() && x.to.Known() {
		d := max(0, x.to.Sub(x.from))
		e.responses.Add(d)
		k.shard.client(ends.client).Add(d)
		e.answeredAt.addDuration(x.from, int64(d))
		st.inFlight.add(x.from, x.to)
	}
}

// causeOf is the cause with a contract's word.
func causeOf(word socket.Cause) Cause {
	return Cause(max(0, slices.Index(causeWords[:], string(word))))
}

// sureness is the level with a contract's word.
func sureness(c socket.Confidence) stat.Confidence {
	switch c {
	case socket.High:
		return stat.ConfidenceHigh
	case socket.Medium:
		return stat.ConfidenceMedium
	}
	return stat.ConfidenceLow
}

// judgeLog fills in the verdict that a log gives on one of its connections. The
// timer's value comes from all closes that agree, where there is a clock.
func (f *facts) judgeLog(l *logged, i int) {
	if f.called == nil {
		f.called = new(socket.Conn)
	}
	l.Conn(i, f.called, f.explain)
	v := &f.called.Verdict
	f.cause, f.confidence = causeOf(v.Cause), sureness(v.Confidence)
	if f.explain {
		f.because = v.Because
	}
	f.waited = v.Elapsed
	if l.sawLeave(f.called, f.Record) {
		f.judgeLeave()
		return
	}
	if f.cause != CauseRequestTimeout || !l.clock {
		return
	}
	if m, ok := f.timers.match(f.Record); ok {
		f.timer, f.basis, f.waited = m.timer, m.basis, m.waited
	} else if t := f.timers.nearest(waitOf(f.Record)); t != nil {
		f.timer, f.basis = t, t.basis
	}
}

// judgeLeave looks for a timer behind a client that left a server while its
// request was worked on. The server's log does not show the client's reason, but
// when: clients that leave again and again after the same time have a timer. A
// server that looks for departures only now and then shows its own rhythm.
func (f *facts) judgeLeave() {
	m, ok := f.timers.match(f.Record)
	if !ok || m.timer.count < 2 || m.timer.confidence < stat.ConfidenceMedium {
		return
	}
	f.timer, f.basis, f.waited = m.timer, m.basis, m.waited
	from := m.basis.words()
	if m.basis == basisConnect {
		from = "its connection was accepted"
	}
	_ = f.decided(CauseRequestTimeout, min(m.confidence, stat.ConfidenceMedium)) ||
		f.say("the client closed %s after %s%s", took(m.waited), from, m.timer.others())
}

// process is the process of a connection that a log shows.
func (l *logged) process(c *socket.Conn) *FlowProcess {
	e := &c.Evidence
	p := &FlowProcess{PID: int(e.PID), TID: int(e.TID), FD: int(e.FD), Comm: text(e.Comm), ClosedAt: Stamp(event.NoTime)}
	if e.CloseLine != 0 && called(e.End) {
		n := int(e.CloseLine)
		p.CloseLine = &n
		if !l.trace.Undated() {
			p.ClosedAt = Stamp(e.ClosedAt)
		}
	}
	return p
}

// called reports whether the program itself closed or shut down.
func called(e socket.End) bool {
	return e == socket.EndClose || e == socket.EndShutdown || e == socket.EndDup
}

// conn is a connection of the log.
func (l *logged) conn(i int) *socket.Conn {
	c := new(socket.Conn)
	l.Conn(i, c, true)
	return c
}

// lines are the lines of the log that a verdict rests on.
func (l *logged) lines(c *socket.Conn) []string {
	list := []string{}
	for i, n := range c.Verdict.Lines {
		tid := int32(0)
		if i < len(c.Verdict.TIDs) {
			tid = c.Verdict.TIDs[i]
		}
		list = append(list, l.line(n, tid))
	}
	return list
}

// line names a line of the log. Of the files of strace -ff, whose names end in
// their thread's number, it names the thread's.
func (l *logged) line(n uint32, tid int32) string {
	path := l.path
	if i := strings.LastIndexByte(path, '.'); l.trace.Separate && tid != 0 && i >= 0 {
		path = fmt.Sprintf("%s.%d", path[:i], tid)
	}
	return fmt.Sprintf("%s:%d", path, n)
}

// processes say how the processes of all logs wait.
func (b *builder) processes() []Process {
	var list []Process
	for _, v := range b.res.views {
		if v.log == nil {
			continue
		}
		for i := range v.log.Processes {
			list = append(list, v.log.waiting(&v.log.Processes[i]))
		}
	}
	return list
}

// waiting says how one process waits.
func (l *logged) waiting(p *socket.Process) Process {
	kernel := p.ReceiveTimeout.Count + p.SendTimeout.Count + p.UserTimeout.Count
	row := Process{PID: int(p.PID), Comm: text(p.Exe), Runtime: text(p.Runtime), Sockets: p.Sockets, KernelTimed: kernel, Text: p.Waiting(), Evidence: []string{}, LongCalls: []LongCall{}}
	switch {
	case kernel > 0:
		row.Mechanism = "kernel"
	case p.Epolls.Count > 0:
		row.Mechanism = "user-space"
	case p.Polls.Count > 0:
		row.Mechanism = "poll"
	case p.Timers.Count+p.Futexes.Count > 0:
		row.Mechanism = "user-space"
	default:
		row.Mechanism = "none"
	}
	for _, x := range [...]struct {
		what string
		n    socket.Count
	}{{"SO_RCVTIMEO", p.ReceiveTimeout}, {"SO_SNDTIMEO", p.SendTimeout}, {"TCP_USER_TIMEOUT", p.UserTimeout},
		{"expired epoll wait", p.Epolls}, {"expired poll or select", p.Polls}, {"expired futex", p.Futexes}, {"timer", p.Timers}} {
		if x.n.Count > 0 {
			row.Evidence = append(row.Evidence, fmt.Sprintf("%s: %s (%d in all)", l.line(x.n.Line, x.n.TID), x.what, x.n.Count))
		}
	}
	if p.RuntimeLine > 0 {
		row.Evidence = append(row.Evidence, fmt.Sprintf("%s: %s", l.line(p.RuntimeLine, p.RuntimeTID), p.RuntimeWhy))
	}
	row.LongCalls = l.longCalls(p)
	row.Leaks = p.Leaks
	return row
}

// sample reports whether the close of a log's connection is a sample for the
// timers.
func (l *logged) sample(c *socket.Conn, r *conn.Record) bool {
	return l.clock && c.Verdict.Cause == socket.RequestTimeout && r.CloseAt.Known() || l.sawLeave(c, r)
}

// sawLeave reports whether a server's log shows when a client left whose request
// was being worked on: the program read the FIN before it had answered anything,
// so it had not been busy.
func (l *logged) sawLeave(c *socket.Conn, r *conn.Record) bool {
	return l.clock && c.Evidence.Accepted && c.Verdict.Cause == socket.RequestCancelled && r.FirstBy == event.Client &&
		r.CloseAt.Known() && r.Outstanding && !r.ResponseStart.Known()
}
