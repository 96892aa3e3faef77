package socket

import (
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// Log follows the sockets of one log. Feed it with Add and end with Finish.
type Log struct {
	env   *exchange.Env
	input uint16

	seq     uint64
	threads map[int32]*thread
	recent  *thread
	first   *thread
	alias   int32 // the thread whose lines carry no pid; 0 not known
	cloning []*thread
	procs   []*process
	buried  stats // of processes that ended and get no row
	rows    int   // processes that ended and get one
	hidden  int64 // processes with connections that get none

	live     []*tracked // connections that have not ended
	free     []*tracked
	conns    store // all that began, in that order
	scratch  Conn  // of the connection that ends
	onEnd    func(int, *Conn)
	passed   []*file // sockets that were sent to a process and not received yet, in order
	found    found
	closed   bool // the log shows closes
	accepted bool // a connection was accepted
	cloned   bool // the log shows clones
	splits   int
	uring    uint32
	lastTime event.Time
	lastLine uint32
	watched  *watched // nil: no connection is watched
}

// New returns a Log whose connections' requests go to env's sink with their
// index in the result as owner.
func New(env *exchange.Env, input uint16) *Log {
	return &Log{env: env, input: input, threads: map[int32]*thread{}, lastTime: event.NoTime}
}

// OnEnd makes the Log call f with every connection when it ends, with its index
// in the result, before it is judged. The Conn is only valid while f runs.
func (l *Log) OnEnd(f func(index int, c *Conn)) { l.onEnd = f }

// Add takes a run of calls.
func (l *Log) Add(b *event.CallBatch) {
	for i := range b.Calls {
		l.Call(&b.Calls[i])
	}
}

// Call takes one call.
func (l *Log) Call(c *event.Call) {
	l.seq++
	l.lastLine = max(l.lastLine, c.EndLine)
	m := moment{time: c.End, line: c.EndLine, tid: c.TID, seq: l.seq}
	if c.Phase == event.PhaseEnter || !m.time.Known() {
		m.time = c.At
	}
	if m.time.Known() {
		l.lastTime = max(l.lastTime, m.time)
	}
	switch c.Kind {
	case event.CallClosesShown:
		l.closed = true
		return
	case event.CallSame:
		l.same(c)
		return
	case event.CallAttached, event.CallNone:
		return
	}
	t := l.thread(c)
	if t == nil {
		return
	}
	if t.table.dead && c.Kind != event.CallGone {
		if !t.guessed || c.Phase != event.PhaseWhole && c.Phase != event.PhaseEnter || c.Kind == event.CallExit || c.Kind == event.CallExitGroup {
			return // the rest of a call that ended with its process
		}
		l.split(t) // it lives on, so it was another process
	}
	if l.watched != nil {
		l.applyWatched(t, c, m)
		return
	}
	l.apply(t, c, m)
}

// same learns which thread the lines without a pid are of.
func (l *Log) same(c *event.Call) {
	if l.alias != 0 || c.Ret <= 0 || c.Ret > 1<<30 {
		return
	}
	l.alias = int32(c.Ret)
	t := l.threads[0]
	if t == nil {
		return
	}
	delete(l.threads, 0)
	if old := l.threads[l.alias]; old != nil && old != t {
		old.table.users--
		old.proc.threads--
		t.guessed = t.guessed && old.guessed
	}
	t.tid = l.alias
	if t.proc.pid == 0 {
		t.proc.pid = l.alias
	}
	l.threads[l.alias] = t
}

// apply carries a call out.
func (l *Log) apply(t *thread, c *event.Call, m moment) {
	switch c.Kind {
	case event.CallSocket, event.CallSocketpair, event.CallOpen, event.CallOpenTwo, event.CallEpollOpen, event.CallAccept:
		l.open(t, c, m)
	case event.CallClose, event.CallCloseRange, event.CallDup, event.CallDupTo, event.CallSetFD, event.CallUnshareFiles:
		l.descriptor(t, c, m)
	case event.CallConnect:
		l.connect(t, c, m)
	case event.CallBind, event.CallListen, event.CallSockname, event.CallPeername:
		l.address(t, c, m)
	case event.CallSetOption, event.CallGetOption, event.CallSetFlags:
		l.option(t, c, m)
	case event.CallRead:
		l.read(t, c, m)
	case event.CallWrite, event.CallTransfer:
		l.write(t, c, m)
	case event.CallShutdown:
		l.shutdown(t, c, m)
	case event.CallEpollAdd, event.CallEpollDel:
		l.watch(t, c, m)
	case event.CallEpollWait, event.CallPoll, event.CallFutex, event.CallSleep, event.CallTimer, event.CallRestart:
		l.wait(t, c, m)
	case event.CallClone:
		l.clone(t, c, m)
	case event.CallExec:
		l.exec(t, c, m)
	case event.CallExitGroup:
		if c.Phase != event.PhaseExit {
			l.exitGroup(t, m)
		}
	case event.CallGone:
		l.gone(t, c, m)
	case event.CallSuperseded:
		l.superseded(t, c)
	case event.CallDetached:
		l.detached(t, m)
	case event.CallProcess, event.CallThreads, event.CallSignal:
		l.identify(t, c, m)
	case event.CallUring:
		l.ring(t, c, m)
	}
}

// identify learns which process a thread belongs to.
func (l *Log) identify(t *thread, c *event.Call, m moment) {
	switch c.Kind {
	case event.CallProcess:
		if c.Ret > 0 && !t.proc.known {
			t.proc.pid, t.proc.known = int32(c.Ret), true
		}
	case event.CallThreads:
		if c.FD > 0 && !t.proc.known {
			if o := l.threads[c.FD2]; o != nil && o.proc == t.proc {
				t.proc.pid, t.proc.known = c.FD, true
			}
		}
	case event.CallSignal:
		if c.Name == "SIGURG" && c.Flags&event.SharesThread != 0 {
			t.proc.runs(3, "Go", "threads are preempted with SIGURG", c.Line, c.TID)
		}
		if c.Value == 14 { // SIGALRM
			l.expire(t, Wait{Kind: WaitTimer, Name: "SIGALRM", Timeout: event.NoTimeout, Line: c.Line, TID: c.TID, At: c.At, seq: m.seq})
		}
	}
}

// ring notes that a process gives work to io_uring, which no line shows.
func (l *Log) ring(t *thread, c *event.Call, m moment) {
	if t.proc.uring == 0 {
		t.proc.uring = c.Line
	}
	if l.uring == 0 {
		l.uring = c.Line
	}
	if c.Name == "io_uring_setup" {
		l.open(t, c, m)
	}
}

// detached takes the end of the trace of a thread: what it had open stays open.
func (l *Log) detached(t *thread, m moment) {
	t.gone = true
	t.table.users--
	t.proc.threads--
	delete(l.threads, t.tid)
}
