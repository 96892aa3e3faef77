package analyzer

import (
	"math/bits"
	"slices"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/stat"
)

// shards is how many parts the connections of a view are split into, by a hash
// of the 4-tuple. It does not depend on the number of workers, so that every
// result is the same whatever --jobs is.
const shards = 8

// shardOf is the shard of a connection.
func shardOf(hash uint64) int { return int(hash >> (64 - 3)) }

// shard is one part of a view's connections, with everything that they share.
// One goroutine at a time works on it.
type shard struct {
	table
	names     *exchange.Names
	env       exchange.Env
	trackers  []*exchange.Tracker // not in use
	servers   map[event.Endpoint]*serverStats
	asked     lookaside[event.Endpoint, *serverStats]
	clients   map[[16]byte]*stat.Dist // response times of answered exchanges
	lately    lookaside[[16]byte, *stat.Dist]
	flows     []int32 // by record: the number of its flow, or -1; see Result.place
	endpoints int     // of all servers
	refused   int64   // exchanges whose endpoint found no room: they count for their server
	guessed   int     // records whose roles are a guess by the ports
	windowed  bool    // a time window cuts connections
}

// serverStats is what the exchanges with one server add up to.
type serverStats struct {
	endpoints map[exchange.NameID]*endpointStats
	last      exchange.NameID // most connections ask one endpoint many times
	lastStats *endpointStats
	inFlight  inFlight
}

// endpointStats is what the answered exchanges of one endpoint add up to.
type endpointStats struct {
	answered  int
	reset     int // HTTP/2: streams that the client reset unanswered
	aborted   int // HTTP/2: streams that the server reset or refused
	responses stat.Dist
	// When the requests were sent that were answered, reset and aborted.
	answeredAt, resetAt, abortedAt sliced
}

func newShard() *shard {
	s := &shard{names: exchange.NewNames(), servers: map[event.Endpoint]*serverStats{}, clients: map[[16]byte]*stat.Dist{}}
	s.env = exchange.Env{Names: s.names, Sink: s}
	s.table.shard = s
	return s
}

// follow takes the segments of a job's batch that are of the shard, which is
// number k.
func (s *shard) follow(j *job, k int) {
	for _, i := range j.parts[k] {
		s.add(&j.batch.Segments[i])
	}
	s.sweep(j.end)
}

// Take lends a tracker to connection owner.
func (s *shard) Take(owner uint32, port uint16) *exchange.Tracker {
	var t *exchange.Tracker
	if n := len(s.trackers); n > 0 {
		t = s.trackers[n-1]
		s.trackers = s.trackers[:n-1]
	} else {
		t = new(exchange.Tracker)
	}
	t.Init(&s.env, owner, port)
	return t
}

// finish packs what is still open at the end of the input.
func (s *shard) finish(end event.Time) {
	s.table.finish(end)
	s.trackers = nil
}

// put takes a tracker back.
func (s *shard) put(t *exchange.Tracker) {
	t.Drop()
	s.trackers = append(s.trackers, t)
}

// Exchange counts a finished exchange of connection owner.
func (s *shard) Exchange(owner uint32, x *exchange.Exchange) {
	l := s.live[owner]
	if x.Outcome != exchange.OutcomeAnswered && x.Outcome != exchange.OutcomeReset && x.Outcome != exchange.OutcomeAborted {
		return
	}
	if l.server == nil {
		end := l.Server()
		st, ok := s.asked.find(slotOfEnd(&end), end)
		if !ok {
			*st = s.server(end)
		}
		l.server = *st
	}
	e := s.endpoint(l.server, x.Endpoint)
	switch x.Outcome {
	case exchange.OutcomeAnswered:
		e.answered++
		if x.Start.Time.Known() && x.Last.Time.Known() {
			d := max(0, x.Last.Time.Sub(x.Start.Time))
			e.responses.Add(d)
			s.client(l.Client().Addr).Add(d)
			e.answeredAt.addDuration(x.Start.Time, int64(d))
			l.server.inFlight.add(x.Start.Time, x.Last.Time)
		}
	case exchange.OutcomeReset:
		e.reset++
		e.resetAt.add(x.Start.Time, 1)
		if x.Start.Time.Known() && x.Last.Time.Known() {
			e.responses.AddCensored(max(0, x.Last.Time.Sub(x.Start.Time)))
		}
	case exchange.OutcomeAborted:
		e.aborted++
		e.abortedAt.add(x.Start.Time, 1)
	}
}

// maxServers bounds the servers whose exchanges one shard keeps apart.
const maxServers = 1 << 13

// server returns the sums of one server; past maxServers, of all others.
func (s *shard) server(end event.Endpoint) *serverStats {
	st := s.servers[end]
	if st == nil && len(s.servers) >= maxServers && end != otherServer {
		return s.server(otherServer)
	}
	if st == nil {
		st = &serverStats{endpoints: map[exchange.NameID]*endpointStats{}}
		s.servers[end] = st
	}
	return st
}

// client returns the response times of one client; past maxServers, of all
// others.
func (s *shard) client(addr [16]byte) *stat.Dist {
	d, ok := s.lately.find(slotOfAddr(&addr), addr)
	if ok {
		return *d
	}
	known := s.clients[addr]
	if known == nil && len(s.clients) >= maxServers {
		addr = otherServer.Addr
		known = s.clients[addr]
	}
	if known == nil {
		known = new(stat.Dist)
		s.clients[addr] = known
	}
	*d = known
	return known
}

// maxEndpoints bounds the endpoints that one shard keeps apart: paths that no
// rule folds may be different in every request.
const maxEndpoints = 1 << 13

// endpoint returns the sums of one endpoint of a server; past maxEndpoints, of
// those without a name.
func (s *shard) endpoint(st *serverStats, id exchange.NameID) *endpointStats {
	if st.lastStats != nil && st.last == id {
		return st.lastStats
	}
	e := st.endpoints[id]
	if e == nil && s.endpoints >= maxEndpoints && id != 0 {
		s.refused++
		return s.endpoint(st, 0)
	}
	if e == nil {
		s.endpoints++
		e = &endpointStats{}
		st.endpoints[id] = e
	}
	st.last, st.lastStats = id, e
	return e
}

// inFlight samples how many requests were outstanding at once, in bounded
// memory: the number at every tick, where ticks are a power of two nanoseconds
// apart and become twice as far apart whenever more than inFlightTicks would
// be needed. The peak of the samples is at most the true peak; what begins and
// ends between two ticks is missed. Its zero value is ready.
type inFlight struct {
	shift uint8 // ticks are 1<<shift ns apart; 0 before the first exchange
	first int64 // number of the first tick
	diff  []int32
	few   [][2]event.Time // the exchanges themselves, as long as there are few; then diff is nil
}

const (
	inFlightFew   = 8
	inFlightTicks = 1024
	inFlightShift = 18 // 262 us to begin with
)

// add counts an exchange that was outstanding in [from, to).
func (f *inFlight) add(from, to event.Time) {
	if f.shift == 0 {
		f.shift = inFlightShift
	}
	if f.tick(from) >= f.tick(to) {
		return
	}
	if f.diff == nil && len(f.few) < inFlightFew {
		f.few = append(f.few, [2]event.Time{from, to})
		return
	}
	f.spread()
	f.put(from, to)
}

// spread counts the few exchanges at the ticks.
func (f *inFlight) spread() {
	list := f.few
	f.few = nil
	for _, x := range list {
		f.put(x[0], x[1])
	}
}

// put counts an exchange at the ticks.
func (f *inFlight) put(from, to event.Time) {
	a, b := f.tick(from), f.tick(to)
	if a >= b {
		return
	}
	f.cover(a, b)
	a, b = f.tick(from), f.tick(to)
	if a < b {
		f.diff[a-f.first]++
		f.diff[b-f.first]--
	}
}

// tick is the first tick at or after t.
func (f *inFlight) tick(t event.Time) int64 {
	return (int64(t) + 1<<f.shift - 1) >> f.shift
}

// cover makes room for the ticks from a to b, at a coarser scale if need be.
func (f *inFlight) cover(a, b int64) {
	if len(f.diff) == 0 {
		f.first = a
	}
	lo, hi := min(a, f.first), max(b, f.first+int64(len(f.diff))-1)
	if k := bits.Len64(uint64(hi-lo) / inFlightTicks); k > 0 {
		f.coarsen(f.shift + uint8(k))
		lo, hi = lo>>k, (hi>>k)+1
	}
	if n := int(hi-f.first) + 1; lo >= f.first && n > len(f.diff) {
		f.diff = append(f.diff, make([]int32, n-len(f.diff))...)
		return
	}
	if lo < f.first {
		f.diff = append(make([]int32, f.first-lo, hi-lo+1), f.diff...)
		f.first = lo
		f.diff = append(f.diff, make([]int32, int(hi-lo)+1-len(f.diff))...)
	}
}

// coarsen moves the differences to ticks 1<<shift ns apart.
func (f *inFlight) coarsen(shift uint8) {
	k := shift - f.shift
	if len(f.diff) == 0 || k == 0 {
		f.shift = shift
		f.first >>= k
		return
	}
	up := func(tick int64) int64 { return (tick + 1<<k - 1) >> k }
	first := up(f.first)
	diff := make([]int32, up(f.first+int64(len(f.diff))-1)-first+1)
	for i, d := range f.diff {
		diff[up(f.first+int64(i))-first] += d
	}
	f.shift, f.first, f.diff = shift, first, diff
}

// merge adds what g counted.
func (f *inFlight) merge(g *inFlight) {
	for _, x := range g.few {
		f.add(x[0], x[1])
	}
	if len(g.diff) == 0 {
		return
	}
	f.spread()
	if len(f.diff) == 0 {
		*f = inFlight{shift: g.shift, first: g.first, diff: slices.Clone(g.diff)}
		return
	}
	other := inFlight{shift: g.shift, first: g.first, diff: slices.Clone(g.diff)}
	for f.shift != other.shift {
		if f.shift < other.shift {
			f.coarsen(other.shift)
		} else {
			other.coarsen(f.shift)
		}
	}
	f.cover(other.first, other.first+int64(len(other.diff))-1)
	if f.shift != other.shift {
		other.coarsen(f.shift)
	}
	for i, d := range other.diff {
		f.diff[other.first+int64(i)-f.first] += d
	}
}

// peak is the largest number at a tick.
func (f *inFlight) peak() int {
	if len(f.few) > 0 {
		g := inFlight{shift: inFlightShift, few: f.few}
		g.spread()
		return g.peak()
	}
	var now, top int32
	for _, d := range f.diff {
		now += d
		top = max(top, now)
	}
	return int(top)
}
