package socket

import (
	"slices"

	"finwait/analyzer/event"
)

// thread is one thread of a log.
type thread struct {
	tid       int32
	table     *table
	proc      *process
	guessed   bool // its table is the default, not shown by a clone
	gone      bool
	comm      string
	lastFD    int32
	spoke     bool             // it has a line of its own
	cloneLine uint32           // of the clone that made it; 0 not seen
	cloning   *event.CallFlags // flags of a clone that has not returned
	fork      *table           // its table as it was when the clone began
}

// process is one process of a log.
type process struct {
	pid     int32
	threads int
	known   bool   // pid is known to be the process's, not just a thread's
	uring   uint32 // line of its first io_uring call
	stats   *stats // a common one for those that have ended and get no row
	runtime string // of those
}

// thread returns the thread that a call is of, and makes it when it is new.
func (l *Log) thread(c *event.Call) *thread {
	tid := c.TID
	if tid == 0 && l.alias != 0 {
		tid = l.alias
	}
	t := l.recent
	if t == nil || t.tid != tid || t.gone {
		t = l.threads[tid]
		if t == nil {
			if c.Kind == event.CallGone || c.Kind == event.CallSignal || c.Kind == event.CallExit {
				return nil // of a thread that did nothing, or is gone already
			}
			t = l.appear(tid, c)
		}
		l.recent = t
	}
	t.spoke = true
	if c.Comm != "" {
		t.comm = c.Comm
	}
	return t
}

// appear makes a thread that no clone has announced. While exactly one clone
// is under way it is that one's child; a thread that begins with execve is a
// process of its own; any other shares the first table.
func (l *Log) appear(tid int32, c *event.Call) *thread {
	if parent := l.onlyCloning(); parent != nil && c.Kind != event.CallExec {
		t := l.child(parent, tid, *parent.cloning, parent.fork)
		t.guessed = true // until the clone returns
		return t
	}
	t := &thread{tid: tid, guessed: true, lastFD: event.NoFD}
	if c.Kind == event.CallExec && l.first != nil {
		t.table, t.proc, t.guessed = &table{}, l.newProcess(tid), false
		t.proc.known = true
	} else if l.first == nil || l.first.gone || l.first.table.dead {
		t.table, t.guessed = &table{}, false
		t.proc = l.newProcess(tid)
		l.first = t
	} else {
		t.table, t.proc = l.first.table, l.first.proc
	}
	t.table.users++
	t.proc.threads++
	l.threads[tid] = t
	return t
}

// onlyCloning returns the one thread that is inside clone, fork or vfork.
func (l *Log) onlyCloning() *thread {
	if len(l.cloning) == 1 && !l.cloning[0].table.dead {
		return l.cloning[0]
	}
	return nil
}

func (l *Log) newProcess(pid int32) *process {
	p := &process{pid: pid, stats: &stats{}}
	l.procs = append(l.procs, p)
	return p
}

// child makes the thread that parent's clone created. from is the parent's
// table as it was when the call began.
func (l *Log) child(parent *thread, tid int32, flags event.CallFlags, from *table) *thread {
	t := &thread{tid: tid, comm: parent.comm, lastFD: event.NoFD}
	shares := flags&(event.SharesFiles|event.FlagsUnknown) != 0
	t.guessed = flags&event.FlagsUnknown != 0
	switch {
	case shares:
		t.table = parent.table
	case from != nil:
		t.table = from
	default:
		t.table = parent.table.copy()
	}
	if flags&(event.SharesThread|event.FlagsUnknown) != 0 {
		t.proc = parent.proc
	} else {
		t.proc = l.newProcess(tid)
		t.proc.known = true
		t.proc.stats.exe = parent.proc.stats.exe
	}
	t.table.users++
	t.proc.threads++
	if old := l.threads[tid]; old != nil && !old.gone {
		l.leave(old, EndExit, moment{})
	}
	l.threads[tid] = t
	return t
}

// clone takes a clone, fork or vfork.
func (l *Log) clone(t *thread, c *event.Call, m moment) {
	if c.Phase == event.PhaseEnter {
		if t.cloning != nil { // the end of an earlier one is lost
			l.drop(t.fork)
			l.stopCloning(t)
		}
		flags := c.Flags
		t.cloning = &flags
		if flags&(event.SharesFiles|event.FlagsUnknown) == 0 {
			t.fork = t.table.copy()
		}
		l.cloning = append(l.cloning, t)
		return
	}
	from := t.fork
	l.stopCloning(t)
	if c.Ret <= 0 || c.Failed() || c.Flags&event.FailedUnknown != 0 || c.Ret > 1<<30 {
		l.drop(from)
		return
	}
	tid := int32(c.Ret)
	l.cloned = true
	old := l.threads[tid]
	if old != nil && !old.gone && old.table != t.table && old.table == from {
		old.guessed = false
		return // it has been running already
	}
	if old != nil && !old.gone && old.guessed {
		l.adopt(t, old, c.Flags, from)
		return
	}
	if old != nil && !old.gone && c.Flags&event.SharesFiles != 0 && old.table == t.table {
		return
	}
	l.child(t, tid, c.Flags, from).cloneLine = c.Line
}

// adopt corrects the table of a thread that was seen before its clone returned.
func (l *Log) adopt(parent, t *thread, flags event.CallFlags, from *table) {
	if flags&event.FlagsUnknown != 0 {
		return
	}
	t.guessed = false
	want := parent.table
	if flags&event.SharesFiles == 0 {
		if want = from; want == nil {
			want = parent.table.copy()
		}
	}
	if flags&event.SharesThread == 0 && t.proc.pid != t.tid {
		t.proc.threads--
		t.proc = l.newProcess(t.tid)
		t.proc.known = true
		t.proc.threads++
	}
	if want != t.table {
		t.table.users--
		t.table = want
		t.table.users++
	}
}

// stopCloning forgets that t is inside clone.
func (l *Log) stopCloning(t *thread) {
	if t.cloning == nil {
		return
	}
	t.cloning, t.fork = nil, nil
	l.cloning = slices.DeleteFunc(l.cloning, func(o *thread) bool { return o == t })
}

// drop gives back the references of a table that no thread ever used.
func (l *Log) drop(t *table) {
	if t != nil && t.users == 0 {
		t.each(0, 1<<31-1, func(_ int32, s slot) { s.f.refs-- })
	}
}

// exec takes a successful execve: descriptors marked so are closed, and the
// thread is alone in its process from now on.
func (l *Log) exec(t *thread, c *event.Call, m moment) {
	if c.Failed() || c.Flags&event.FailedUnknown != 0 || c.Ret != 0 {
		return
	}
	for _, o := range l.threads {
		if o != t && !o.gone && o.proc == t.proc && o.table == t.table && !o.guessed {
			o.gone = true
			o.table.users--
			o.proc.threads--
			delete(l.threads, o.tid)
		}
	}
	if t.table.users > 1 && !t.guessed {
		old := t.table
		old.users--
		t.table = old.copy()
		t.table.users = 1
	}
	t.table.each(0, 1<<31-1, func(fd int32, s slot) {
		if s.cloexec {
			t.table.set(fd, slot{})
			l.release(t, s.f, EndExec, m)
		}
	})
	if len(c.Data) > 0 {
		t.proc.stats.exe = string(c.Data)
		t.proc.program(string(c.Data), c.Line, c.TID)
	}
	if l.first == nil {
		l.first = t
	}
}

// superseded takes "+++ superseded by execve in pid N +++", which is printed
// under the leader: the thread N goes on as the leader.
func (l *Log) superseded(t *thread, c *event.Call) {
	n := l.threads[int32(c.Ret)]
	if n == nil || n == t {
		return
	}
	if n.table != t.table {
		t.table.users--
		t.table = n.table
		t.table.users++
	}
	n.gone = true
	n.table.users--
	n.proc.threads--
	delete(l.threads, n.tid)
}

// exitGroup takes the end of a process by exit_group.
func (l *Log) exitGroup(t *thread, m moment) {
	for _, i := range t.proc.stats.recent {
		l.conns.exits(i)
	}
	shared := t.table
	for _, o := range l.threads {
		if !o.gone && o.table == shared && o.proc != t.proc {
			return // another process goes on with the table
		}
	}
	l.closeAll(t, shared, EndExit, m)
}

// gone takes the end of a thread.
func (l *Log) gone(t *thread, c *event.Call, m moment) {
	how := EndExit
	if c.Flags&event.Killed != 0 {
		how = EndKilled
	}
	l.leave(t, how, m)
}

// leave takes a thread away; with the last of a table its descriptors close.
func (l *Log) leave(t *thread, how End, m moment) {
	if t.gone {
		return
	}
	l.stopCloning(t)
	t.gone = true
	t.proc.threads--
	t.table.users--
	if t.table.users <= 0 {
		l.closeAll(t, t.table, how, m)
	}
	if t.proc.threads == 0 {
		l.bury(t.proc)
	}
	if l.recent == t {
		l.recent = nil
	}
	if l.threads[t.tid] == t {
		delete(l.threads, t.tid)
	}
}

// maxRows bounds the processes of which the result tells how they waited, apart
// from those that never end: half a kilobyte each, and nobody reads more.
const maxRows = 1000

// bury forgets about a process that ended what no row will tell.
func (l *Log) bury(p *process) {
	s := p.stats
	if s == &l.buried {
		return
	}
	s.recent = nil
	seen := s.connections > 0 || s.sockets > 0 && p.uring != 0
	if seen && l.rows < maxRows {
		l.rows++
		return
	}
	if seen {
		l.hidden++
	}
	p.runtime, p.stats = s.runtime, &l.buried
}

// closeAll closes every descriptor of a table.
func (l *Log) closeAll(t *thread, tb *table, how End, m moment) {
	tb.dead = true
	for _, c := range slices.Clone(l.cloning) {
		if c.table == tb {
			l.drop(c.fork)
			l.stopCloning(c)
		}
	}
	tb.each(0, 1<<31-1, func(fd int32, s slot) {
		tb.set(fd, slot{})
		l.release(t, s.f, how, m)
	})
}

// split gives t a table of its own, because what it does contradicts the one
// that it was thought to share.
func (l *Log) split(t *thread) {
	t.table.users--
	t.proc.threads--
	shared := t.table
	t.table = &table{users: 1}
	shared.each(0, 1<<31-1, func(fd int32, s slot) {
		if s.f.by == t { // what it opened itself goes with it
			shared.set(fd, slot{})
			t.table.set(fd, s)
		}
	})
	t.proc = l.newProcess(t.tid)
	t.proc.threads = 1
	t.guessed = false
	l.splits++
}

func sortedKeys[V any](m map[int32]V) []int32 {
	keys := make([]int32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
