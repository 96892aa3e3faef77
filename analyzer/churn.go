package analyzer

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// pair is a client address and the server it talks to.
type pair struct {
	client [16]byte
	server event.Endpoint
}

// pairOf are the client and the server of r.
func pairOf(r *conn.Record) pair { return pair{r.Client.Addr, r.Server} }

// retryLead is how long before the close a replacement may have been opened: a
// client that gives up a request dials again at once, and the FIN of the old
// connection leaves a little later (Go closes it in another goroutine).
const retryLead = event.Time(20e6)

// lives collects when connections were opened and closed, for findReplacements:
// two moments each, 12 bytes long, in one list for every pair. The moments'
// references are those of opening and closing.
type lives struct {
	of     map[pair]int // the pair's list
	lists  [][]stat.Moment
	recent lookaside[pair, int]
}

// closing and opening name a flow and what happened to it; opens and flowOf tell
// them from a moment.
func closing(flow int) uint32    { return uint32(flow) << 1 }
func opening(flow int) uint32    { return uint32(flow)<<1 | 1 }
func opens(m stat.Moment) bool   { return m.Ref&1 != 0 }
func flowOf(m stat.Moment) int32 { return int32(m.Ref >> 1) }

// ofOneTime orders moments of the same time: closes come first, then by flow.
func ofOneTime(x, y stat.Moment) (sign int) {
	return cmp.Or(cmp.Compare(x.Ref&1, y.Ref&1), cmp.Compare(x.Ref, y.Ref))
}

func newLives() lives { return lives{of: map[pair]int{}} }

// list finds the list of a pair.
func (ls *lives) list(p pair) int {
	k, ok := ls.of[p]
	if !ok {
		k = len(ls.lists)
		ls.of[p] = k
		ls.lists = append(ls.lists, nil)
	}
	return k
}

// add counts a connection; open says that it was not closed.
func (ls *lives) add(f *facts, open bool) {
	p := pairOf(f.Record)
	k, ok := ls.recent.find(slotOfAddr(&p.client)+slotOfEnd(&p.server), p)
	if !ok {
		*k = ls.list(p)
	}
	opened := f.Opened
	if !opened.Known() {
		opened = event.Time(f.FirstFrame) * lineTime // a log without a clock: the order of lines
	}
	list := ls.lists[*k]
	if cap(list)-len(list) < 2 {
		list = slices.Grow(list, len(list)+2) // twice as long: a quarter at a time would leave thrice as much behind
	}
	list = append(list, stat.MomentOf(int64(opened), opening(f.flow)))
	if !open {
		closed := f.CloseAt
		if !closed.Known() {
			closed = f.Last
		}
		if !closed.Known() {
			closed = event.Time(f.CloseFrame) * lineTime
		}
		list = append(list, stat.MomentOf(int64(closed), closing(f.flow)))
	}
	ls.lists[*k] = list
}

// merge adds what o collected, and empties it.
func (ls *lives) merge(o *lives) {
	for p, n := range o.of {
		k := ls.list(p)
		if ls.lists[k] == nil {
			ls.lists[k] = o.lists[n]
		} else {
			ls.lists[k] = append(ls.lists[k], o.lists[n]...)
		}
		o.lists[n] = nil
	}
	*o = lives{}
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
func (res *Result) findReplacements(ls *lives) {
	res.replaced = make([]int32, len(res.flows))
	for i := range res.replaced {
		res.replaced[i] = -1
	}
	var done sync.WaitGroup
	var next atomic.Int64
	for range min(res.opts.Jobs, len(ls.lists)) {
		done.Go(func() {
			var m matcher
			for k := next.Add(1) - 1; k < int64(len(ls.lists)); k = next.Add(1) - 1 {
				m.match(ls.lists[k], res.replaced)
				ls.lists[k] = nil
			}
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

// matcher matches the closes of one pair after the other with openings.
type matcher struct {
	spare  []stat.Moment // for sorting
	closed []int32       // flows whose close nothing matches yet, in order of time
	opened []stat.Moment // openings of late that match nothing yet
	rising bool          // their flows are in order
	now    []int32       // flows that close at the moment, and that nothing matches
}

// match matches the moments of one pair, writing to replaced. It costs a sort,
// and a step for every moment, but for openings in a burst of less than
// retryLead that close in another order: those may move each other.
func (m *matcher) match(list []stat.Moment, replaced []int32) {
	if len(m.spare) < len(list) {
		m.spare = make([]stat.Moment, len(list))
	}
	list, m.spare = stat.SortMoments(list, m.spare)
	m.closed, m.opened, m.now, m.rising = m.closed[:0], m.opened[:0], m.now[:0], true
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].At() == list[0].At() {
			n++
		}
		if n > 1 {
			slices.SortFunc(list[:n], ofOneTime)
		}
		m.moment(list[:n], replaced)
		list = list[n:]
	}
}

// moment matches what happens at one time: closes, then openings, each by flow.
func (m *matcher) moment(list []stat.Moment, replaced []int32) {
	pending := m.now[:0]
	for _, x := range list {
		flow := flowOf(x)
		if !opens(x) {
			if next, ok := m.before(x); ok {
				replaced[flow] = next
			} else {
				pending = append(pending, flow)
			}
			continue
		}
		for len(pending) > 0 && pending[0] < flow { // nothing replaces itself, or what came later
			m.closed, pending = append(m.closed, pending[0]), pending[1:]
		}
		k := len(m.closed) - 1
		if k >= 0 && m.closed[k] == flow {
			k-- // its close is older than its opening: the clock stepped
		}
		if k < 0 {
			m.rising = m.rising && (len(m.opened) == 0 || flowOf(m.opened[len(m.opened)-1]) < flow)
			m.opened = append(m.opened, x)
			continue
		}
		replaced[m.closed[k]] = flow
		m.closed = slices.Delete(m.closed, k, k+1)
	}
	m.closed = append(m.closed, pending...)
}

// before takes the first opening, of a later flow, that came just before a close.
func (m *matcher) before(x stat.Moment) (flow int32, ok bool) {
	for len(m.opened) > 0 && event.Time(x.At()-m.opened[0].At()) > retryLead {
		m.opened = m.opened[1:]
	}
	m.rising = m.rising || len(m.opened) == 0
	var k int // mostly the flow was opened long before, and the first one will do
	if len(m.opened) > 0 && flowOf(m.opened[0]) > flowOf(x) {
		k = 0
	} else if m.rising {
		k, _ = slices.BinarySearchFunc(m.opened, flowOf(x)+1, func(o stat.Moment, f int32) int { return cmp.Compare(flowOf(o), f) })
	} else if k = slices.IndexFunc(m.opened, func(o stat.Moment) bool { return flowOf(o) > flowOf(x) }); k < 0 {
		k = len(m.opened)
	}
	if k == len(m.opened) {
		return 0, false
	}
	flow = flowOf(m.opened[k])
	if k < len(m.opened)/2 {
		copy(m.opened[1:], m.opened[:k])
		m.opened = m.opened[1:]
	} else {
		m.opened = slices.Delete(m.opened, k, k+1)
	}
	return flow, true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
