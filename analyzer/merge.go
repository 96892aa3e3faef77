package analyzer

import (
	"slices"
	"sync"

	"finwait/analyzer/conn"
	"finwait/analyzer/stat"
)

// The connections of a large input are added up in parts, one goroutine each,
// and the parts are put together. Every sum here is one of whole numbers, of
// multisets or of lists in the order of flows, so the result does not depend on
// how many parts there were.

// addAll adds up all connections.
func (b *builder) addAll() {
	own := make([]*builder, b.res.parts())
	for k := range own {
		own[k] = b.part()
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
	var fw2, timeWait, open, cw []*stat.Spans
	for _, p := range b.peers {
		fw2, timeWait = append(fw2, &p.fw2Spans), append(timeWait, &p.timeWaitSpans)
		open, cw = append(open, &p.openSpans), append(cw, &p.cwSpans)
		b.all.mergeCounts(&p.sums)
	}
	var done sync.WaitGroup
	for _, x := range [...]struct {
		all *stat.Spans
		of  []*stat.Spans
	}{{&b.all.fw2Spans, fw2}, {&b.all.timeWaitSpans, timeWait}, {&b.all.openSpans, open}, {&b.all.cwSpans, cw}} {
		done.Go(func() { *x.all = *stat.Union(x.of) })
	}
	for _, s := range b.clients {
		done.Go(func() {
			s.fw2Spans.Sort()
			s.timeWaitSpans.Sort()
		})
	}
	done.Wait()
}

// part is an empty builder over the same result.
func (b *builder) part() *builder {
	o := newBuilder(b.res)
	o.span, o.grid, o.start, o.end, o.undated = b.span, b.grid, b.start, b.end, b.undated
	o.all.times = newTimes(b.grid)
	return o
}

// merge adds what o counted.
func (b *builder) merge(o *builder) {
	for i := range b.halves {
		b.halves[i].merge(&o.halves[i])
	}
	for end, p := range o.peers {
		own := b.peers[end]
		if own == nil {
			b.peers[end] = p
			continue
		}
		own.merge(&p.sums)
		own.inFlight.merge(&p.inFlight)
		for name, n := range p.names {
			own.names[name] += n
		}
	}
	for addr, s := range o.clients {
		if own := b.clients[addr]; own != nil {
			own.merge(s)
		} else {
			b.clients[addr] = s
		}
	}
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

// merge adds what o counted.
func (h *halfSums) merge(o *halfSums) {
	h.count += o.count
	h.censored += o.censored
	h.finWait1.Merge(&o.finWait1)
	h.finWait2.Merge(&o.finWait2)
	h.closeWait.Merge(&o.closeWait)
	h.spans.Merge(&o.spans)
	for by, n := range o.endedBy {
		if h.endedBy == nil {
			h.endedBy = map[string]int{}
		}
		h.endedBy[by] += n
	}
}

// merge adds what o counted.
func (s *sums) merge(o *sums) {
	s.mergeCounts(o)
	s.fw2Spans.Merge(&o.fw2Spans)
	s.timeWaitSpans.Merge(&o.timeWaitSpans)
	s.openSpans.Merge(&o.openSpans)
	s.cwSpans.Merge(&o.cwSpans)
}

// mergeCounts is merge without the spans.
func (s *sums) mergeCounts(o *sums) {
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
