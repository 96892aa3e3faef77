package analyzer

import (
	"cmp"
	"slices"
	"sync"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
)

// survey is what one look at all connections collects, before any is judged:
// what the timers and the replacements are found from.
type survey struct {
	res     *Result
	waits   []sampled // of closes that may be timeouts
	left    []departure
	idle    map[event.Endpoint]*idleCloses
	lives   lives
	waiting map[endpointKey]int     // endpoints of unanswered requests
	answers map[event.Endpoint]bool // servers of unknown protocols that ever sent a byte
	facts   facts                   // of the connection that is looked at
	called  socket.Conn             // what a log knows of the connection that is looked at
}

// sampled is the wait of one flow.
type sampled struct {
	wait
	flow int
}

func newSurvey(res *Result) *survey {
	return &survey{res: res, idle: map[event.Endpoint]*idleCloses{}, lives: newLives(), waiting: map[endpointKey]int{},
		answers: map[event.Endpoint]bool{}, facts: facts{res: res, timers: res.timers}}
}

// survey looks at all connections.
func (res *Result) survey() *survey {
	res.timers = &timers{}
	parts := make([]*survey, res.parts())
	for k := range parts {
		parts[k] = newSurvey(res)
	}
	res.inParts(len(parts), func(k int, at spot, r *conn.Record) { parts[k].add(at, r) })
	for k := 1; k < len(parts); k++ {
		parts[0].merge(parts[k])
		parts[k] = nil
	}
	s := parts[0]
	slices.SortFunc(s.waits, func(x, y sampled) int { return cmp.Compare(x.flow, y.flow) })
	for _, x := range s.idle {
		slices.Sort(x.at)
	}
	return s
}

// add looks at one connection.
func (s *survey) add(at spot, r *conn.Record) {
	idle := s.client(r.Client)
	idle.last = max(idle.last, r.Opened)
	if r.Outstanding && r.Endpoint != 0 {
		s.waiting[endpointKey{r.Server, at.name(r.Endpoint)}]++
	}
	if r.ServerBytes > 0 && r.Protocol == exchange.ProtocolOpaque {
		s.answers[r.Server] = true
	}
	v := at.view
	f := &s.facts
	f.Record, f.verdict, f.spot, f.start, f.end = r, verdict{}, at, v.start, v.end
	if v.log != nil {
		c := &s.called
		v.log.Conn(at.index, c, false)
		s.lives.add(f, c.Verdict.Cause == socket.Open)
		if v.log.sample(c, r) {
			s.waits = append(s.waits, sampled{waitOf(r), at.flow})
		}
		return
	}
	s.lives.add(f, f.open())
	if r.FirstBy == event.Client && r.CloseAt.Known() {
		s.closed(f, idle)
	}
}

// closed looks at a connection that its client closed.
func (s *survey) closed(f *facts, idle *idleCloses) {
	if !f.Outstanding {
		if d, ok := f.idle(); ok && d > reuseLimit {
			idle.at = append(idle.at, f.CloseAt)
		}
		return
	}
	s.left = append(s.left, departure{f.CloseAt, f.RequestStart, f.Client, f.Server, f.name(f.Path), f.flow})
	unsure := f.Marks&conn.MarkUnsure != 0 && f.Protocol != exchange.ProtocolHTTP1
	unsure = unsure || f.Marks&conn.MarkOneSided != 0 || f.goodbye()
	if !unsure && !f.glanced() && f.Marks&conn.MarkGaveUp == 0 && !f.heldAnswered() && !f.serverNotified() {
		s.waits = append(s.waits, sampled{waitOf(f.Record), f.flow})
	}
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
	s.waits = append(s.waits, o.waits...)
	s.left = append(s.left, o.left...)
	for end, x := range o.idle {
		own := s.client(end)
		own.last = max(own.last, x.last)
		own.at = append(own.at, x.at...)
	}
	s.lives.merge(&o.lives)
	for end := range o.answers {
		s.answers[end] = true
	}
	for k, n := range o.waiting {
		s.waiting[k] += n
	}
}

// findTimers finds the timers behind the closes that are nobody else's doing.
func (res *Result) findTimers(s *survey) {
	res.sortDepartures(s.left)
	var own []wait
	for _, w := range s.waits {
		var r conn.Record
		at := res.spot(w.flow)
		res.unpack(at, &r)
		if r.Protocol == exchange.ProtocolOpaque && !s.answers[r.Server] {
			continue
		}
		if _, passedOn := res.passedOn(&facts{Record: &r, spot: at}); !passedOn {
			own = append(own, w.wait)
		}
	}
	res.timers = findTimers(own, res.opts.Timeouts)
	res.timers.idle = s.idle
	res.answers = s.answers
}

// leastPart is how many connections are worth a goroutine.
const leastPart = 2000

// parts is in how many parts the connections are worth looking at.
func (res *Result) parts() int { return max(1, min(res.opts.Jobs, len(res.flows)/leastPart)) }

// inParts unpacks every flow, those of one part in one goroutine, in the order
// in which their records lie in memory. What f collects must not depend on the
// order, nor on how many parts there are.
func (res *Result) inParts(parts int, f func(part int, at spot, r *conn.Record)) {
	var done sync.WaitGroup
	for k := range parts {
		done.Go(func() {
			var r conn.Record
			for n, v := range res.views {
				for m := range v.shards {
					if (n*shards+m)%parts != k {
						continue
					}
					s := v.shards[m]
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
