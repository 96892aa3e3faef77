package analyzer

import (
	"hash/maphash"
	"slices"
	"sync"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
	"finwait/analyzer/stat"
)

// survey is what one look at all connections collects, before any is judged:
// what the timers and the replacements are found from.
type survey struct {
	res     *Result
	left    departed
	seed    maphash.Seed // of the hashes of paths
	idle    map[event.Endpoint]*idleCloses
	pools   recentPools // of idle, those of late
	lives   lives
	waiting map[endpointKey]int     // endpoints of unanswered requests
	answers map[event.Endpoint]bool // servers of unknown protocols that ever sent a byte
	lossy   map[*view]bool          // that lack packets of a connection of which both directions were captured
	facts   facts                   // of the connection that is looked at
	called  socket.Conn             // what a log knows of the connection that is looked at
}

func newSurvey(res *Result, seed maphash.Seed) *survey {
	return &survey{res: res, seed: seed, idle: map[event.Endpoint]*idleCloses{}, lives: newLives(), waiting: map[endpointKey]int{},
		answers: map[event.Endpoint]bool{}, lossy: map[*view]bool{}, facts: facts{res: res, timers: res.timers}}
}

// survey looks at all connections.
func (res *Result) survey() *survey {
	res.timers = &timers{}
	parts := make([]*survey, res.parts())
	seed := maphash.MakeSeed()
	for k := range parts {
		parts[k] = newSurvey(res, seed)
	}
	res.inParts(len(parts), func(k int, at spot, r *conn.Record) { parts[k].add(at, r) })
	for k := 1; k < len(parts); k++ {
		parts[0].merge(parts[k])
		parts[k] = nil
	}
	s := parts[0]
	for _, x := range s.idle {
		slices.Sort(x.at)
	}
	return s
}

// add looks at one connection.
func (s *survey) add(at spot, r *conn.Record) {
	x, ok := s.pools.find(slotOfAddr(&r.Client.Addr), r.Client.Addr)
	if !ok {
		*x = s.client(r.Client)
	}
	idle := *x
	idle.last = max(idle.last, r.Opened)
	if r.Outstanding && r.Endpoint != 0 {
		s.waiting[endpointKey{r.Server, at.name(r.Endpoint)}]++
	}
	if r.ServerBytes > 0 && r.Protocol == exchange.ProtocolOpaque {
		s.answers[r.Server] = true
	}
	v := at.view
	if r.ClientMissing+r.ServerMissing > 0 && r.Marks&(conn.MarkOneSided|conn.MarkFlagsOnly) == 0 || r.Marks&conn.MarkCloseUnseen != 0 {
		s.lossy[v] = true
	}
	f := &s.facts
	f.Record, f.verdict, f.spot, f.start, f.end = r, verdict{}, at, v.start, v.end
	if v.log != nil {
		c := &s.called
		v.log.Conn(at.index, c, false)
		s.lives.add(f, c.Verdict.Cause == socket.Open)
		if v.log.sample(c, r) {
			s.asks(f, true)
		}
		return
	}
	s.lives.add(f, f.open())
	if r.FirstBy == event.Client && r.CloseAt.Known() {
		s.closed(f, idle)
	} else if r.ClientNotify.Known() && r.Outstanding {
		s.asks(f, false) // the rules may find that its client let go first
	}
}

// asks remembers a flow that is no departure, but may have passed one on, or
// have waited for a timer.
func (s *survey) asks(f *facts, waited bool) {
	d := s.departureOf(f.spot, f.Record)
	d.asks, d.waited = true, waited
	s.left.add(d)
}

// closed looks at a connection that its client closed.
func (s *survey) closed(f *facts, idle *idleCloses) {
	if !f.Outstanding {
		if d, ok := f.idle(); ok && d > reuseLimit {
			idle.at = append(idle.at, f.CloseAt)
		}
		return
	}
	d := s.departureOf(f.spot, f.Record)
	unsure := f.Marks&conn.MarkUnsure != 0 && f.Protocol != exchange.ProtocolHTTP1
	unsure = unsure || f.Marks&(conn.MarkRequestUnseen|conn.MarkCloseUnseen) != 0 || f.oneWay() || f.goodbye()
	d.waited = !unsure && !f.glanced() && f.Marks&conn.MarkGaveUp == 0 && !f.heldAnswered() && !f.serverNotified()
	s.left.add(d)
}

// client is what is collected for a client's address.
func (s *survey) client(end event.Endpoint) *idleCloses {
	end.Port = 0
	x := s.idle[end]
	if x == nil {
		x = &idleCloses{last: event.NoTime}
		s.idle[end] = x
	}
	return x
}

// merge adds what o collected.
func (s *survey) merge(o *survey) {
	s.left.join(&o.left)
	for end, x := range o.idle {
		own := s.client(end)
		own.last = max(own.last, x.last)
		own.at = append(own.at, x.at...)
	}
	s.lives.merge(&o.lives)
	for end := range o.answers {
		s.answers[end] = true
	}
	for v := range o.lossy {
		s.lossy[v] = true
	}
	for k, n := range o.waiting {
		s.waiting[k] += n
	}
}

// own are the waits that are nobody else's doing, in the order of their flows.
func (s *survey) own() waits {
	moments := make([]stat.Moment, 0, s.left.len())
	s.left.each(func(ref uint32, d *departure) {
		if !d.waited || d.opaque && !s.answers[d.server] {
			return
		}
		if _, passedOn := s.res.departures.passedOn(int(d.flow)); !passedOn {
			moments = append(moments, stat.MomentOf(int64(d.flow), ref))
		}
	})
	moments, _ = stat.SortMoments(moments, make([]stat.Moment, len(moments)))
	own := waits{&s.left, make([]uint32, len(moments))}
	for i, m := range moments {
		own.refs[i] = m.Ref
	}
	return own
}

// findTimers finds the timers behind the closes that are nobody else's doing.
func (res *Result) findTimers(s *survey) {
	res.findDepartures(&s.left, s.idle)
	res.timers = findTimers(s.own(), res.opts)
	s.left = departed{}
	res.timers.idle = s.idle
	res.answers, res.lossy = s.answers, s.lossy
}

// leastPart is how many connections are worth a goroutine.
const leastPart = 2000

// parts is in how many parts the connections are worth looking at.
func (res *Result) parts() int { return max(1, min(res.opts.Jobs, len(res.flows)/leastPart)) }

// partOf is the part that looks at a shard of a view.
func partOf(view, shard, parts int) int { return (view*shards + shard) % parts }

// partSize is how many records a part has.
func (res *Result) partSize(part, parts int) int {
	n := 0
	for k, v := range res.views {
		for m, s := range v.shards {
			if partOf(k, m, parts) == part {
				n += s.records.len()
			}
		}
	}
	return n
}

// inParts unpacks every flow, those of one part in one goroutine, in the order
// in which their records lie in memory. What f collects must not depend on the
// order, nor on how many parts there are.
func (res *Result) inParts(parts int, f func(part int, at spot, r *conn.Record)) {
	var done sync.WaitGroup
	for k := range parts {
		done.Go(func() {
			var r conn.Record
			for n, v := range res.views {
				for m, s := range v.shards {
					if partOf(n, m, parts) != k {
						continue
					}
					for index, flow := range s.flows {
						if flow >= 0 {
							at := spot{int(flow), v, s, index}
							res.unpack(at, &r)
							f(k, at, &r)
						}
					}
				}
			}
		})
	}
	done.Wait()
}

// place tells every record the number of its flow.
func (res *Result) place() {
	for _, v := range res.views {
		for _, s := range v.shards {
			s.flows = make([]int32, s.records.len())
			for i := range s.flows {
				s.flows[i] = -1
			}
		}
	}
	for i := range res.flows {
		f := &res.flows[i]
		res.views[f.view].shards[f.shard].flows[f.index] = int32(i)
	}
}
