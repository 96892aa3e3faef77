package analyzer

import (
	"maps"
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/stat"
)

// builder adds up the connections for a report.
type builder struct {
	res       *Result
	span      time.Duration // of all inputs; 0 without a clock
	grid      grid          // slices of it
	start     event.Time
	end       event.Time
	undated   bool        // start and end tell a duration only
	all       sums        // of all peers, filled in when they are complete
	halves    [2]halfSums // by client, by server
	peers     map[event.Endpoint]*peerSums
	clients   map[[16]byte]*sums
	endpoints map[endpointKey]*endpointSums
	quality   map[string]*noted
	special   map[string][]int32  // flows for findings that no cause names, by finding
	vantage   [event.Both + 1]int // connections by where the capture stood
	churnedBy [causes]int
	presence  []*presence    // of each part
	courses   [states]course // what a sweep over presence finds
	recent    recentRows
	facts     facts   // of the connection that is being added
	counted   counted // and what it adds
	// Closes by cause over time, all of them and the churned ones.
	closedOver, churnedOver [causes]sliced
}

// halfSums is what the half-closes that one side began add up to.
type halfSums struct {
	count, censored               int
	finWait1, finWait2, closeWait stat.Dist
	endedBy                       [conn.EndedBySimultaneous + 1]int
}

// peerSums are the sums of one server.
type peerSums struct {
	sums
	names    map[string]*int // how many connections called the server so
	inFlight inFlight

	// The name that the last connection gave, by its number in a shard.
	last  exchange.NameID
	shard *shard
	count *int
}

// named counts n connections that gave the server a name.
func (p *peerSums) named(name string, n int) *int {
	count := p.names[name]
	if count == nil {
		count = new(int)
		p.names[name] = count
	}
	*count += n
	return count
}

// called counts the name that a connection gives the server, if it gives one.
func (p *peerSums) called(at spot, r *conn.Record) {
	if r.ServerName != 0 && r.ServerName == p.last && at.shard == p.shard {
		*p.count++
		return
	}
	if name := at.serverName(r); name != "" {
		p.last, p.shard, p.count = r.ServerName, at.shard, p.named(name, 1)
	}
}

// endpointKey names one endpoint of one server.
type endpointKey struct {
	server   event.Endpoint
	endpoint string
}

// endpointSums are the sums of one endpoint. Connections belong to the
// endpoint of their closing request.
type endpointSums struct {
	sums
	ended     [causes]int // requests outstanding at the close, by its cause
	exchanges int         // answered, over all connections
	reset     int
	aborted2  int            // HTTP/2 streams that the server gave up
	timers    map[*timer]int // closes by the timer that made them; nil none
}

// timed counts closes by a timer; nil is none.
func (e *endpointSums) timed(t *timer, n int) {
	if t == nil {
		return
	}
	if e.timers == nil {
		e.timers = map[*timer]int{}
	}
	e.timers[t] += n
}

// newBuilder returns one that has counted nothing.
func newBuilder(res *Result) *builder {
	return &builder{res: res, start: event.NoTime, end: event.NoTime,
		peers: map[event.Endpoint]*peerSums{}, clients: map[[16]byte]*sums{},
		endpoints: map[endpointKey]*endpointSums{}, quality: map[string]*noted{}, special: map[string][]int32{}}
}

// build makes the report.
func (res *Result) build() *Report {
	b := newBuilder(res)
	b.undated = !slices.ContainsFunc(res.views, func(v *view) bool { return v.start.Known() && !v.undated })
	for _, v := range res.views {
		if v.undated && !b.undated {
			continue // its moments lie decades from those of the others
		}
		if v.start.Known() && (!b.start.Known() || v.start < b.start) {
			b.start = v.start
		}
		b.end = max(b.end, v.end)
	}
	if b.start.Known() {
		b.span = b.end.Sub(b.start)
	}
	b.grid = gridOf(b.start, b.end)
	b.all.times = newTimes(b.grid)
	b.addAll()
	b.exchanges()
	b.sweep()
	r := &Report{
		Schema: ReportSchema, Tool: Tool{"finwait", res.opts.Version},
		Inputs: b.inputs(), Span: b.reportSpan(), Settings: res.opts.settings(), Slices: b.slices(), Quality: b.qualities(), Totals: b.totals(),
		HalfClose: HalfCloses{b.halfClose(0), b.halfClose(1)},
		Timers:    b.timers(), Peers: b.peerRows(), Endpoints: b.endpointRows(), Clients: b.clientRows(),
		Timeline: b.timeline(),
	}
	r.WhatIf = b.whatIf()
	r.Processes, r.Clocks = b.processes(), b.res.clocks
	r.Findings = b.findings(r)
	r.Verdict = b.verdict(r)
	b.omit(r)
	return r
}

// connection adds one flow.
func (b *builder) connection(at spot, r *conn.Record) {
	if l := at.view.log; l != nil && l.OtherEnd(at.index) {
		return // its other end is in the log as well
	}
	c := b.count(at, r)
	p, cl := b.addServer(c), b.addClient(c)
	b.presence[0].add(c, p.row, cl.row)
	e := b.addRequests(c, p, cl)
	if c.placed {
		b.addTimes(c, p, cl, e)
	}
	b.half(c)
	if c.retried {
		b.special["retried"] = append(b.special["retried"], c.flow)
	}
	if at.view.log == nil {
		b.mark(c)
	}
}

// count judges a flow and says what it adds.
func (b *builder) count(at spot, r *conn.Record) *counted {
	res, f, c := b.res, &b.facts, &b.counted
	res.judge(f, at, r, false)
	*c = counted{flow: int32(at.flow), f: f, requests: requestsOf(f), placed: b.placed(at.view)}
	c.churned = res.wasReplaced(at.flow) && f.cause != CauseOpen
	c.retried = c.churned && f.cause == CauseRequestTimeout && res.sameRequest(at, f.Record, int(res.replaced[at.flow]))
	if at.view.log == nil {
		c.half, c.halfOK = halfCloseOf(f.Record, at.view.end, res.opts.FinTimeout)
	}
	c.spanEnd = f.CloseAt
	if !c.spanEnd.Known() {
		c.spanEnd = f.Last
		if f.cause == CauseOpen {
			c.spanEnd = max(f.Last, at.view.end)
		}
	}
	return c
}

// addServer adds a flow to its server.
func (b *builder) addServer(c *counted) *peerSums {
	f := c.f
	p := b.peerRow(f)
	p.add(c)
	p.lasted(c)
	if c.halfOK && c.half.by == event.Client {
		observe(&p.closeWait, c.half.closeWait)
	}
	if b.res.rows.server(f.Server) == f.Server {
		p.called(f.spot, f.Record)
	}
	if c.placed && f.Outstanding && f.RequestStart.Known() && c.spanEnd.Known() {
		p.inFlight.add(f.RequestStart, c.spanEnd)
	}
	return p
}

// addClient adds a flow to its client.
func (b *builder) addClient(c *counted) *sums {
	cl := b.clientRow(c.f)
	cl.add(c)
	cl.lasted(c)
	return cl
}

// addRequests adds a flow to the endpoint of its closing request, and how long
// that request took; nil when it had no request.
func (b *builder) addRequests(c *counted, p *peerSums, cl *sums) *endpointSums {
	f := c.f
	if f.Sent == 0 && !f.Outstanding {
		return nil
	}
	e := b.requestRow(f)
	e.add(c)
	if f.Outstanding {
		e.ended[f.cause] += int(f.Open)
		e.timed(f.timer, 1)
	}
	at := f.RequestStart
	if !c.placed {
		at = event.NoTime
	}
	b.survival(p, cl, e, f, at)
	return e
}

// reactionLimit is how soon after its client's close, beyond a round trip, what
// a server sends is its reaction to the close and not the answer.
const reactionLimit = 10 * time.Millisecond

// reacted reports whether the server noticed that its client had gone: what it
// sent at once tells nothing about how long the answer would have taken.
func (f *facts) reacted() bool {
	d, ok := conn.Duration(f.CloseAt, f.Late)
	return ok && d <= f.RTT+reactionLimit
}

// half adds a half-close. How long those of clients lasted is added up with
// their servers already; see addPeers.
func (b *builder) half(c *counted) {
	if !c.halfOK {
		return
	}
	h := &b.halves[b2i(c.half.by == event.Server)]
	h.count++
	h.censored += b2i(c.half.censored)
	h.endedBy[c.half.endedBy]++
	observe(&h.finWait1, c.half.finWait1)
	if c.half.by != event.Client {
		observe(&h.finWait2, c.half.finWait2)
		observe(&h.closeWait, c.half.closeWait)
	}
}

// exchanges adds the answered exchanges that the shards counted.
func (b *builder) exchanges() {
	for n, v := range b.res.views {
		for _, s := range v.shards {
			for addr, d := range s.clients {
				if !b.res.twice[seen{uint16(n), event.Endpoint{Addr: addr}}] {
					b.client(addr).response.Merge(d)
				}
			}
			for end, st := range s.servers {
				if b.res.twice[seen{uint16(n), end}] {
					continue
				}
				p := b.peer(end)
				if b.placed(v) {
					p.inFlight.merge(&st.inFlight)
				}
				for id, x := range st.endpoints {
					name := b.res.fold(end, s.names.String(id))
					if id == 0 {
						name = p.fallback(end)
					}
					e := b.endpoint(end, name)
					e.exchanges += x.answered
					e.reset += x.reset
					e.aborted2 += x.aborted
					e.response.Merge(&x.responses)
					p.response.Merge(&x.responses)
					b.all.response.Merge(&x.responses)
					if !b.placed(v) {
						continue
					}
					for _, t := range [...]*times{&e.times, &p.times, &b.all.times} {
						t.merge(x)
					}
				}
			}
		}
	}
}

// fallback is the name of an endpoint whose protocol shows none.
func (p *peerSums) fallback(server event.Endpoint) string {
	if n := p.name(); n != nil {
		return *n
	}
	return server.String()
}

// name is what most connections called the server; nil when none did.
func (p *peerSums) name() *string {
	best := ""
	for _, n := range slices.Sorted(maps.Keys(p.names)) {
		if best == "" || *p.names[n] > *p.names[best] {
			best = n
		}
	}
	return text(best)
}

// retryLimit is how soon a request is sent again that is a retry, not the next
// round of a program that asks for the same thing all the time.
const retryLimit = event.Time(time.Second)

// sameRequest reports whether flow next began with the request that was
// outstanding on the one at a spot, while the server was still at work on it.
func (res *Result) sameRequest(at spot, r *conn.Record, next int) bool {
	if r.Path == 0 {
		return false
	}
	var n conn.Record
	to := res.spot(next)
	res.unpack(to, &n)
	if n.Sent != 1 || n.Opened-r.CloseAt > retryLimit || r.Late.Known() && r.Late < n.Opened || r.PeerFIN.Known() && r.PeerFIN < n.Opened {
		return false // later than a retry, after the server was done, or not the connection's first request
	}
	if n.Path == 0 {
		// It was answered, and only its endpoint is kept: where that is a path
		// as it was sent, and not a family of them.
		e := res.endpoint(at, r)
		return n.Endpoint != 0 && res.endpoint(to, &n) == e && e == at.name(r.Method)+" "+at.name(r.Path)
	}
	if at.shard == to.shard {
		return r.Path == n.Path && r.Method == n.Method
	}
	return at.name(r.Path) == to.name(n.Path) && at.name(r.Method) == to.name(n.Method)
}

// vantages counts connections by where the capture stood.
func (b *builder) vantages() Causes {
	m := Causes{}
	for side, word := range map[event.Side]string{event.Client: "client", event.Server: "server", event.Both: "middle"} {
		if n := b.vantage[side]; n > 0 {
			m[word] = n
		}
	}
	return m
}
