package analyzer

import (
	"slices"

	"finwait/analyzer/conn"
)

// The connections of a large input are added up in parts, one goroutine each,
// and the parts are put together. Every sum here is one of whole numbers, of
// multisets or of lists in the order of flows, so the result does not depend on
// how many parts there were.

// addAll adds up all connections.
func (b *builder) addAll() {
	own := make([]*builder, b.res.parts())
	for k := range own {
		own[k] = b.part(b.res.partSize(k, len(own)))
	}
	b.res.inParts(len(own), func(k int, at spot, r *conn.Record) { own[k].connection(at, r) })
	for _, o := range own {
		b.merge(o)
	}
	for _, flows := range b.special {
		slices.Sort(flows)
	}
	b.addPeers()
}

// addPeers adds up the peers for the sums over all connections.
func (b *builder) addPeers() {
	for _, p := range b.peers {
		b.all.merge(&p.sums)
	}
	b.halves[0].finWait2.Merge(&b.all.finWait2)
	b.halves[0].closeWait.Merge(&b.all.closeWait)
}

// part is an empty builder over the same result, for at most n connections.
func (b *builder) part(n int) *builder {
	o := newBuilder(b.res)
	o.span, o.grid, o.start, o.end, o.undated = b.span, b.grid, b.start, b.end, b.undated
	o.all.times = newTimes(b.grid)
	o.facts.pools = new(recentPools)
	o.presence = []*presence{newPresence(n, b.res.opts.TimeWait)}
	return o
}

// merge adds what o counted.
func (b *builder) merge(o *builder) {
	for i := range b.halves {
		b.halves[i].merge(&o.halves[i])
	}
	b.mergeRows(o)
	for k, e := range o.endpoints {
		own := b.endpoints[k]
		if own == nil {
			b.endpoints[k] = e
			continue
		}
		own.merge(&e.sums)
		for i, n := range e.ended {
			own.ended[i] += n
		}
		for t, n := range e.timers {
			own.timed(t, n)
		}
	}
	for id, q := range o.quality {
		b.note(id, q.count, q.text, q.flow)
	}
	for id, flows := range o.special {
		b.special[id] = append(b.special[id], flows...)
	}
	for side, n := range o.vantage {
		b.vantage[side] += n
	}
	for i := range o.churnedBy {
		b.churnedBy[i] += o.churnedBy[i]
		b.closedOver[i].merge(&o.closedOver[i])
		b.churnedOver[i].merge(&o.churnedOver[i])
	}
}

// mergeRows adds the servers and clients of o, and tells its presence their rows.
func (b *builder) mergeRows(o *builder) {
	there := o.presence[0]
	there.peers, there.clients = make([]uint32, len(o.peers)), make([]uint32, len(o.clients))
	for end, p := range o.peers {
		own, row := b.peers[end], p.row
		if own == nil {
			own, p.row = p, uint32(len(b.peers))
			b.peers[end] = p
		} else {
			own.merge(&p.sums)
			own.inFlight.merge(&p.inFlight)
			for name, n := range p.names {
				own.named(name, *n)
			}
		}
		there.peers[row] = own.row
	}
	for addr, s := range o.clients {
		own, row := b.clients[addr], s.row
		if own == nil {
			own, s.row = s, uint32(len(b.clients))
			b.clients[addr] = s
		} else {
			own.merge(s)
		}
		there.clients[row] = own.row
	}
	b.presence = append(b.presence, there)
}

// merge adds what o counted.
func (h *halfSums) merge(o *halfSums) {
	h.count += o.count
	h.censored += o.censored
	h.finWait1.Merge(&o.finWait1)
	h.finWait2.Merge(&o.finWait2)
	h.closeWait.Merge(&o.closeWait)
	for by, n := range o.endedBy {
		h.endedBy[by] += n
	}
}

// merge adds what o counted.
func (s *sums) merge(o *sums) {
	s.connections += o.connections
	s.opened += o.opened
	s.closed += o.closed
	s.requests += o.requests
	s.answered += o.answered
	s.timedOut += o.timedOut
	s.cancelled += o.cancelled
	s.aborted += o.aborted
	s.churned += o.churned
	s.late += o.late
	s.retries += o.retries
	s.missed += o.missed
	s.handshakes += o.handshakes
	s.wasted += o.wasted
	for i, n := range o.causes {
		s.causes[i] += n
	}
	for i, n := range o.reuse {
		s.reuse[i] += n
	}
	for cause, flows := range o.streams {
		for _, i := range flows {
			s.remember(Cause(cause), i)
		}
	}
	s.response.Merge(&o.response)
	s.lateResponse.Merge(&o.lateResponse)
	s.lifetime.Merge(&o.lifetime)
	s.finWait2.Merge(&o.finWait2)
	s.closeWait.Merge(&o.closeWait)
	s.gaveUp.Merge(&o.gaveUp)
	s.other.Merge(&o.other)
	s.times.add(&o.times)
}

// add adds what o counted.
func (t *times) add(o *times) {
	t.requests.merge(&o.requests)
	t.timedOut.merge(&o.timedOut)
	t.cancelled.merge(&o.cancelled)
	t.aborted.merge(&o.aborted)
	t.churned.merge(&o.churned)
	t.opened.merge(&o.opened)
	t.response.merge(&o.response)
	t.other.merge(&o.other)
	t.gaveUp.merge(&o.gaveUp)
}
