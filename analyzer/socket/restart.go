package socket

import (
	"slices"

	"finwait/analyzer/event"
)

// past is what is known of a connection that was open when the log was
// restarted, and of which no call has come since.
type past struct {
	client, server event.Endpoint
	accepted       bool
	connecting     bool
	opts           options
	opener         int32
	proc           *process
	comm           string
}

// Restart forgets all connections and what was counted, and keeps what the
// descriptors are: what is added from now on is the log. A connection that is
// open begins with its next call, as one that was open before the log began.
func (l *Log) Restart() {
	slices.SortFunc(l.live, func(a, b *tracked) int { return int(a.index) - int(b.index) })
	for _, k := range l.live {
		if k.file == nil {
			continue
		}
		k.file.kind, k.file.conn = kindPast, nil
		k.file.past = &past{
			client: k.client, server: k.server, accepted: k.accepted, connecting: k.state == stateConnecting,
			opts: k.opts, opener: k.opener, proc: k.proc, comm: k.comm,
		}
	}
	l.live, l.free = nil, nil
	l.conns, l.found = store{}, found{}
	l.uring, l.splits, l.hidden, l.rows = 0, 0, 0, 0
	l.lastTime = event.NoTime
	if l.watched != nil {
		l.watched.conn = nil
	}
	l.procs = slices.DeleteFunc(l.procs, func(p *process) bool { return p.threads <= 0 })
	for _, p := range l.procs {
		s := p.stats
		p.uring = 0
		p.stats = &stats{exe: s.exe, runtime: s.runtime, runtimeLine: s.runtimeLine, runtimeTID: s.runtimeTID, runtimeWhy: s.runtimeWhy, runtimeRank: s.runtimeRank}
	}
	for _, t := range l.threads {
		tb := t.table
		tb.wait, tb.weak, tb.reads, tb.past, tb.pastAt = Wait{}, Wait{}, [2]lastRead{}, nil, 0
	}
}

// resume begins a connection again that was open when the log was restarted.
func (l *Log) resume(t *thread, f *file, m moment) {
	if f == nil || f.kind != kindPast {
		return
	}
	p := f.past
	f.kind, f.past = kindConn, nil
	k := l.begin(t, f, m)
	f.conn = k
	k.client, k.server, k.accepted, k.opts = p.client, p.server, p.accepted, p.opts
	k.opener, k.proc, k.comm = p.opener, p.proc, p.comm
	if p.connecting {
		return
	}
	k.early, k.guessed = true, true
	k.state, k.resolved = stateEstablished, m
}
