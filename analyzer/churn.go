package analyzer

import (
	"cmp"
	"slices"
	"sync"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// pair is a client address and the server it talks to.
type pair struct {
	client [16]byte
	server event.Endpoint
}

// life is when a connection was opened and closed.
type life struct {
	flow   int32
	opened event.Time
	closed event.Time // NoTime: it was not
}

// early is how long before the close a replacement may have been opened: a
// client that gives up a request dials again at once, and the FIN of the old
// connection leaves a little later (Go closes it in another goroutine).
const retryLead = event.Time(20e6)

// lives collects when connections were opened and closed, for findReplacements.
type lives map[pair][]life

// add counts a connection; open says that it was not closed.
func (ls lives) add(f *facts, open bool) {
	p := pair{f.Client.Addr, f.Server}
	l := life{int32(f.flow), f.Opened, event.NoTime}
	if !l.opened.Known() {
		l.opened = event.Time(f.FirstFrame) * lineTime // a log without a clock: the order of lines
	}
	if !open {
		l.closed = f.CloseAt
		if !l.closed.Known() {
			l.closed = f.Last
		}
		if !l.closed.Known() {
			l.closed = event.Time(f.CloseFrame) * lineTime
		}
	}
	ls[p] = append(ls[p], l)
}

// open reports whether the connection was not closed within the input. It is
// what the rules find, without the timers that the later ones need, and corrects
// nothing in the record.
func (f *facts) open() bool {
	switch f.Handshake {
	case conn.HandshakeRefused, conn.HandshakeUnreachable:
		return false
	case conn.HandshakeUnanswered:
		return f.Marks&conn.MarkAnsweredLate == 0 && f.unanswered() && f.cause == CauseOpen
	}
	return f.Marks&(conn.MarkGaveUp|conn.MarkClosedUnseen) == 0 && f.FirstBy == event.NoSide
}

// lineTime stands for the time from one line of a log without a clock to the
// next: so long that no opening counts as a little before a close.
const lineTime = event.Time(1e9)

// findReplacements matches every close with the connection that the same
// client opened to the same server because of it: the next one that was opened
// after the close (or just before it), each new connection replacing one old
// one, the latest close first. A connection that would have been opened anyway,
// for more concurrency, is taken for a replacement.
func (res *Result) findReplacements(ls lives) {
	res.replaced = make([]int32, len(res.flows))
	for i := range res.replaced {
		res.replaced[i] = -1
	}
	var done sync.WaitGroup
	limit := make(chan struct{}, res.opts.Jobs)
	for _, list := range ls {
		limit <- struct{}{}
		done.Go(func() {
			res.matchLives(list)
			<-limit
		})
	}
	done.Wait()
	res.churned = make([]uint64, (len(res.flows)+63)/64)
	for i, next := range res.replaced {
		if next >= 0 {
			res.churned[i/64] |= 1 << (i % 64)
		}
	}
}

// wasReplaced reports whether flow i was: a bit that stays in the cache, while
// the number of its replacement does not.
func (res *Result) wasReplaced(i int) bool { return res.churned[i/64]>>(i%64)&1 != 0 }

// change is an opening or a close on the time line of one group.
type change struct {
	at     event.Time
	flow   int32
	closed bool
}

// matchLives matches the closes of one group with its openings.
func (res *Result) matchLives(lives []life) {
	changes := make([]change, 0, 2*len(lives))
	for _, l := range lives {
		changes = append(changes, change{l.opened, l.flow, false})
		if l.closed.Known() {
			changes = append(changes, change{l.closed, l.flow, true})
		}
	}
	slices.SortFunc(changes, func(x, y change) int {
		if x.at != y.at {
			return cmp.Compare(x.at, y.at)
		}
		return cmp.Or(cmp.Compare(b2i(y.closed), b2i(x.closed)), cmp.Compare(x.flow, y.flow))
	})
	var closed, opened []change // closes, and recent openings, that nothing matches yet
	for _, c := range changes {
		if c.closed {
			for len(opened) > 0 && c.at-opened[0].at > retryLead {
				opened = opened[1:]
			}
			if k := slices.IndexFunc(opened, func(o change) bool { return o.flow > c.flow }); k >= 0 {
				res.replaced[c.flow] = opened[k].flow
				opened = slices.Delete(opened, k, k+1)
				continue
			}
			closed = append(closed, c)
			continue
		}
		k := len(closed) - 1
		for k >= 0 && (closed[k].flow == c.flow || closed[k].at == c.at && closed[k].flow > c.flow) {
			k-- // a dial of one packet closes when it opens: nothing replaces itself, or what came later
		}
		if k >= 0 {
			res.replaced[closed[k].flow] = c.flow
			closed = slices.Delete(closed, k, k+1)
			continue
		}
		opened = append(opened, c)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
