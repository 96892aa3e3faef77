package strace

import (
	"slices"
	"time"

	"finwait/analyzer/event"
)

// window says between which times file f may print its next line, by what its
// last line began.
func (o *orderer) window(n *order, f int) (low, high int64) {
	if n.pos[f] == 0 {
		if n.free[f] == never {
			return never, never
		}
		return n.free[f], n.free[f] + 4*quickMost
	}
	last := o.last(n, f)
	entry := n.entry[f]
	if last == nil {
		return entry + quickLeast, entry + quickMost
	}
	c := &last.call
	if c.Errno == event.ERESTART {
		return n.free[f], n.free[f] + 2*quickMost
	}
	if c.Flags&event.FailedUnknown != 0 {
		return entry, never // until its process ends
	}
	switch c.Name {
	case "futex", "futex_time64":
		if c.FD2 == futexWait && c.Errno == 0 && c.Flags&event.FailedUnknown == 0 {
			return n.free[f], n.free[f] + 2*quickMost
		}
		if c.Errno == event.ETIMEDOUT && c.Timeout > 0 {
			return entry + int64(c.Timeout) - quickMost, entry + int64(c.Timeout) + expireMost
		}
	case "nanosleep", "clock_nanosleep":
		if c.Ret == 0 && c.Timeout > 0 && c.Timeout < time.Hour {
			return entry + int64(c.Timeout), entry + int64(c.Timeout) + 2*quickMost
		}
	case "wait4", "waitid", "pause", "rt_sigtimedwait", "rt_sigsuspend":
		return entry + quickLeast, never
	}
	switch c.Kind {
	case event.CallEpollWait, event.CallPoll:
		switch {
		case c.Timeout == 0:
		case c.Ret == 0 && c.Timeout > 0:
			return entry + int64(c.Timeout), entry + int64(c.Timeout) + expireMost
		case c.Timeout > 0:
			return entry + quickLeast, entry + int64(c.Timeout) + expireMost
		default:
			return entry + quickLeast, never
		}
	case event.CallRead, event.CallAccept, event.CallConnect, event.CallWrite:
		if c.Errno != event.EAGAIN && c.Errno != event.EINPROGRESS {
			return entry + quickLeast, entry + 8*quickMost
		}
	}
	return entry + quickLeast, entry + quickMost
}

// last returns the last line of file f in n; nil when it has been handed on.
func (o *orderer) last(n *order, f int) *stepLine {
	i := int(n.pos[f] - 1 - o.base[f])
	if i < 0 {
		if i == -1 {
			return &o.handed[f]
		}
		return nil
	}
	return &o.lines[f][i]
}

// What a futex call does, in Call.FD2 of a line that is to be put in order.
const (
	futexWait = 1
	futexWake = 2
)

// sense says how badly l fits what came before, apart from time.
func (o *orderer) sense(n *order, f int, l *stepLine) float64 {
	c := &l.call
	cost := 0.0
	if n.over != 0 && c.Kind == event.CallNone && n.over&(1<<(max(o.tableOf[f], 0)&63)) != 0 {
		return 12 // its process has exited
	}
	if c.FD2 == futexWake && c.Kind == event.CallNone {
		waiting := o.waiter(n, c.Inode) >= 0
		switch {
		case c.Ret > 0 && !waiting:
			cost += 2
		case c.Ret == 0 && waiting:
			cost += 2
		}
		return cost
	}
	if c.Name == "SIGURG" && c.Flags&event.SharesThread != 0 && n.kills[f] == 0 {
		cost += 5 // tgkill comes first
	}
	cost += o.events(n, f, c)
	table := max(o.tableOf[f], 0)
	if n.over&(1<<(table&63)) != 0 && c.Kind != event.CallGone {
		cost += 12
	}
	if c.Kind == event.CallGone && n.over&(1<<(table&63)) == 0 {
		if last := o.last(n, f); last != nil && last.call.Kind != event.CallExit {
			cost += 8 // its process has not exited yet
		}
	}
	return cost + n.descriptors(table, c)
}

// descriptors says how badly the descriptors of c fit those that are open in a
// table.
func (n *order) descriptors(table int, c *event.Call) float64 {
	cost := 0.0
	has := func(fd int32) bool { return n.bits[table][fd>>6]&(1<<(fd&63)) != 0 }
	ever := func(fd int32) bool { return n.ever[table][fd>>6]&(1<<(fd&63)) != 0 }
	switch c.Kind {
	case event.CallSocket, event.CallOpen, event.CallAccept, event.CallEpollOpen, event.CallDup:
		if c.Ret < 3 || c.Ret >= 256 || c.Errno != 0 {
			return cost
		}
		if has(int32(c.Ret)) {
			cost += 12
		}
		// The kernel gives out the lowest number that is free.
		for fd := int32(3); fd < int32(c.Ret) && c.Kind != event.CallDup; fd++ {
			if !has(fd) {
				cost += 1
				if ever(fd) {
					cost += 6
				}
				break
			}
		}
		return cost
	case event.CallNone:
		return cost
	}
	if c.FD >= 3 && c.FD < 256 && c.Errno != event.EBADF {
		switch {
		case has(c.FD):
		case ever(c.FD):
			cost += 12
		default:
			cost += 3
		}
	}
	return cost
}

// waiter returns the file that waits longest for the futex at addr; -1 none.
func (o *orderer) waiter(n *order, addr uint64) int {
	found := -1
	for f := range n.pos {
		if n.free[f] != never || n.pos[f] == 0 {
			continue
		}
		last := o.last(n, f)
		if last != nil && last.call.Inode == addr && last.call.FD2 == futexWait && last.call.Kind == event.CallNone {
			if found < 0 || n.since[f] < n.since[found] {
				found = f
			}
		}
	}
	return found
}

// extend makes the order that a candidate stands for.
func (o *orderer) extend(c candidate) *order {
	n := c.from
	l := o.line(c.file, n.pos[c.file])
	m := &order{
		before: n, file: int32(c.file), depth: o.depth, t: c.t, cost: c.cost,
		pos: slices.Clone(n.pos), entry: slices.Clone(n.entry), free: slices.Clone(n.free), since: slices.Clone(n.since),
		bits: n.bits, ever: n.ever, early: n.early,
		kills: n.kills, watch: n.watch, over: n.over,
	}
	o.returned(m, c.file)
	m.pos[c.file]++
	m.entry[c.file] = c.t
	m.free[c.file] = 0
	call := &l.call
	switch {
	case call.FD2 == futexWait && call.Kind == event.CallNone && call.Errno == 0 && call.Flags&event.FailedUnknown == 0:
		m.free[c.file], m.since[c.file] = never, o.depth
		m.woken(c.file, call.Inode, c.t)
	case call.Errno == event.ERESTART:
		m.free[c.file], m.since[c.file] = never, o.depth
	case call.Kind == event.CallThreads:
		o.signal(m, call, c.t)
	case call.Kind == event.CallExitGroup:
		m.over |= 1 << (max(o.tableOf[c.file], 0) & 63)
	case call.Name == "SIGURG" && m.kills[c.file] > 0:
		m.kills = slices.Clone(m.kills)
		m.kills[c.file]--
	case call.FD2 == futexWake && call.Kind == event.CallNone:
		for k := int64(0); k < min(call.Ret, 64); k++ {
			w := o.waiter(m, call.Inode)
			if w < 0 {
				m.early = append(slices.Clip(m.early[max(0, len(m.early)-7):]), wake{call.Inode, c.t})
				break
			}
			m.free[w] = c.t
		}
	case call.Kind == event.CallClone && call.Ret > 0:
		o.born(m, c.file, call, c.t)
	default:
		o.descriptors(m, c.file, call)
		m.watched(call)
	}
	return m
}

// woken releases a waiter at once whose wake was printed shortly before.
func (n *order) woken(f int, addr uint64, t int64) {
	for i, w := range n.early {
		if w.addr == addr && t-w.t < wakeLag {
			n.free[f] = t
			n.early = slices.Delete(slices.Clone(n.early), i, i+1)
			return
		}
	}
}

// signal releases the thread that a tgkill interrupts.
func (o *orderer) signal(m *order, c *event.Call, t int64) {
	f, ok := o.files[c.FD2]
	if !ok {
		return
	}
	m.kills = slices.Clone(m.kills)
	m.kills[f]++
	if m.free[f] != never || m.pos[f] == 0 {
		return
	}
	if last := o.last(m, f); last != nil && last.call.Errno == event.ERESTART {
		m.free[f] = t
	}
}

// born lets a child begin.
func (o *orderer) born(m *order, parent int, c *event.Call, t int64) {
	child, ok := o.files[int32(c.Ret)]
	if !ok || m.pos[child] != 0 {
		return
	}
	m.free[child] = t
	if o.tableOf[child] >= 0 {
		return
	}
	table := max(o.tableOf[parent], 0)
	if c.Flags&(event.SharesFiles|event.FlagsUnknown) != 0 || len(m.bits) >= 64 {
		o.tableOf[child] = table
		return
	}
	o.tableOf[child] = len(m.bits)
	m.bits = append(slices.Clone(m.bits), m.bits[table])
	m.ever = append(slices.Clone(m.ever), m.ever[table])
}

// events says how badly a call fits what epoll has told: a read that follows
// one which would have blocked, or the question how connect ended, comes after
// an event of the descriptor, and an event after it is watched.
func (o *orderer) events(n *order, f int, c *event.Call) float64 {
	cost := 0.0
	var news []int32
	if last := o.last(n, f); last != nil && last.call.Kind == event.CallEpollWait && last.call.Ret > 0 {
		news = last.call.FDs
		for _, token := range news {
			if !slices.ContainsFunc(n.watch, func(w watch) bool { return w.token == token }) && len(n.watch) > 0 {
				cost += 3
			}
		}
	}
	if c.Kind == event.CallRead && c.Errno == 0 || c.Kind == event.CallGetOption && c.Option == event.OptionError {
		for _, w := range n.watch {
			if w.fd == c.FD && w.dry && !slices.Contains(news, w.token) {
				cost += 5
			}
		}
	}
	return cost
}

// returned notes the events that the wait brought which the file's next line
// shows to have ended.
func (o *orderer) returned(m *order, f int) {
	last := o.last(m, f)
	if last == nil || last.call.Kind != event.CallEpollWait || last.call.Ret <= 0 {
		return
	}
	for i := range m.watch {
		if m.watch[i].dry && slices.Contains(last.call.FDs, m.watch[i].token) {
			m.watch = slices.Clone(m.watch)
			m.watch[i].dry = false
		}
	}
}

// watched notes what epoll watches, and which descriptors wait for an event.
func (n *order) watched(c *event.Call) {
	at := func(fd int32) int { return slices.IndexFunc(n.watch, func(w watch) bool { return w.fd == fd }) }
	switch {
	case c.Kind == event.CallEpollAdd && c.Errno == 0 && c.Inode != 0 && len(n.watch) < 256:
		w := watch{token: int32(c.Inode), fd: c.FD2, dry: true}
		if i := at(c.FD2); i >= 0 {
			n.watch = slices.Delete(slices.Clone(n.watch), i, i+1)
		}
		n.watch = append(slices.Clip(n.watch), w)
	case c.Kind == event.CallEpollDel || c.Kind == event.CallClose:
		fd := c.FD
		if c.Kind == event.CallEpollDel {
			fd = c.FD2
		}
		if i := at(fd); i >= 0 {
			n.watch = slices.Delete(slices.Clone(n.watch), i, i+1)
		}
	case c.Kind == event.CallRead && c.Errno == event.EAGAIN:
		if i := at(c.FD); i >= 0 {
			n.watch = slices.Clone(n.watch)
			n.watch[i].dry = true
		}
	}
}

// descriptors notes what a call opens and closes.
func (o *orderer) descriptors(m *order, f int, c *event.Call) {
	table := max(o.tableOf[f], 0)
	for table >= len(m.bits) {
		// Another order met the clone first; this one makes up for it.
		m.bits = append(slices.Clone(m.bits), m.bits[0])
		m.ever = append(slices.Clone(m.ever), m.ever[0])
	}
	set := func(fd int64) {
		if fd < 3 || fd >= 256 {
			return
		}
		m.bits, m.ever = slices.Clone(m.bits), slices.Clone(m.ever)
		m.bits[table][fd>>6] |= 1 << (fd & 63)
		m.ever[table][fd>>6] |= 1 << (fd & 63)
	}
	switch c.Kind {
	case event.CallSocket, event.CallOpen, event.CallAccept, event.CallEpollOpen, event.CallDup, event.CallDupTo:
		if c.Errno == 0 && c.Flags&event.FailedUnknown == 0 {
			set(c.Ret)
		}
	case event.CallSocketpair, event.CallOpenTwo:
		for _, fd := range c.FDs {
			set(int64(fd))
		}
	case event.CallClose:
		if c.FD >= 3 && c.FD < 256 && c.Errno == 0 {
			m.bits = slices.Clone(m.bits)
			m.bits[table][c.FD>>6] &^= 1 << (c.FD & 63)
		}
	}
}
