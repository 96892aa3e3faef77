package analyzer

import (
	"sync"
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// presenceRows bounds the rows of servers, and those of clients, that presence
// can name.
const presenceRows = 1 << 16

// There are fewer rows, one for all others included.
const _ = uint(presenceRows - max(maxPeerRows, maxClientRows) - 1)

// presence is when sockets were in the states of which reports tell the peak
// and the course, over the connections of one part. Every stay is kept once,
// with the rows of its server and its client; sorted by time, one sweep over
// all parts counts all rows. A connection costs up to 72 bytes.
//
// The states are FIN-WAIT-2 and CLOSE-WAIT after a client's close, which begin
// together, FIN-WAIT-2 after a server's, the TIME-WAIT of clients, and open.
type presence struct {
	spans          [states]stat.Spans
	peers, clients []uint32 // the rows of all parts, by those of this one
	timeWait       bool     // a TIME-WAIT lasts
}

// state is one that presence tells of.
type state uint8

const (
	stateOpen state = iota
	stateFinWait2
	stateCloseWait
	stateTimeWait
	stateServerWait // FIN-WAIT-2 after a server's close
	states
)

// newPresence expects at most n connections.
func newPresence(n int, timeWait time.Duration) *presence {
	p := &presence{timeWait: timeWait > 0}
	p.spans[stateTimeWait] = stat.SpansOf(int64(max(1, timeWait)))
	for s := range p.spans {
		p.spans[s].Expect(n)
	}
	return p
}

// add counts the stays of a connection, in the rows of its server and client.
func (p *presence) add(c *counted, peer, client uint32) {
	f, row := c.f, peer<<16|client
	if f.Opened.Known() && c.spanEnd.Known() {
		p.spans[stateOpen].Add(int64(f.Opened), int64(c.spanEnd)+1, row)
	}
	if p.timeWait && f.TimeWaitAt.Known() && (f.TimeWaitBy == event.Client || f.TimeWaitBy == event.Both) {
		p.spans[stateTimeWait].Begin(int64(f.TimeWaitAt), row)
	}
	h := &c.half
	switch {
	case !c.halfOK || !h.waitFrom.Known():
	case h.by == event.Server:
		p.spans[stateServerWait].Add(int64(h.waitFrom), int64(h.waitTo), row)
	case h.by == event.Client:
		from := int64(h.waitFrom)
		p.spans[stateFinWait2].Begin(from, row)
		p.spans[stateFinWait2].End(max(from, int64(h.waitTo)), row)
		p.spans[stateCloseWait].End(max(from, int64(h.closeTo)), row)
	}
}

// sort puts the stays in order.
func (p *presence) sort() {
	var spare []stat.Moment
	for s := range p.spans {
		if state(s) == stateCloseWait {
			continue
		}
		spare = p.spans[s].Sort(spare)
	}
	p.spans[stateCloseWait].Sort(spare)
	p.spans[stateCloseWait].Share(&p.spans[stateFinWait2])
}

// course is what a sweep over one state finds.
type course struct {
	all            stat.Meter
	peers, clients []stat.Meter // by row
	line           *stat.Line   // of all; nil where no timeline is drawn
	lines          []*stat.Line // by peer's row; nil for those without
	where          []*presence
}

// step takes what a sweep meets.
func (c *course) step(at int64, step, part int, row uint32) {
	p := c.where[part]
	peer, client := p.peers[row>>16], p.clients[row&0xffff]
	c.all.Step(at, step)
	c.peers[peer].Step(at, step)
	c.clients[client].Step(at, step)
	if c.line == nil {
		return
	}
	c.line.Step(at, step)
	if l := c.lines[peer]; l != nil {
		l.Step(at, step)
	}
}

// sweep follows all states over time. Peaks and lines go to the rows.
func (b *builder) sweep() {
	top := b.topPeers()
	var done sync.WaitGroup
	limit := make(chan struct{}, b.res.opts.Jobs)
	for _, p := range b.presence {
		b.limited(&done, limit, p.sort)
	}
	done.Wait()
	for s := range states {
		c := &b.courses[s]
		c.where = b.presence
		c.peers, c.clients = make([]stat.Meter, len(b.peers)), make([]stat.Meter, len(b.clients))
		b.draw(c, top)
		b.limited(&done, limit, func() { c.sweep(s) })
	}
	done.Wait()
	b.presence = nil
}

// limited runs f in a goroutine of its own, when the limit allows.
func (b *builder) limited(done *sync.WaitGroup, limit chan struct{}, f func()) {
	limit <- struct{}{}
	done.Go(func() {
		f()
		<-limit
	})
}

// sweep follows one state.
func (c *course) sweep(s state) {
	sets := make([]*stat.Spans, len(c.where))
	for i, p := range c.where {
		sets[i] = &p.spans[s]
	}
	stat.Sweep(sets, c.step)
	if c.line != nil {
		c.line.End()
		for _, l := range c.lines {
			if l != nil {
				l.End()
			}
		}
	}
}
