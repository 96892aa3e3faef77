package analyzer

import (
	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// Result is a finished analysis: every connection with its verdict, and the
// report over all of them.
type Result struct {
	opts       Options
	views      []*view
	inputs     []event.Input
	problems   []event.Problem
	flows      []flowRef
	swapped    map[int32]bool // flows whose roles popularity turned round
	timers     *timers
	replaced   []int32                // by flow: the flow that replaced it, or -1
	churned    []uint64               // a bit for every flow that was replaced
	folds      map[endpointKey]string // endpoint names that the values of a path segment fold into others
	departures departures             // which flows passed on that a client had left
	pairs      map[int32]pairing      // by flow of a capture: the connection of a log that it is
	clocks     []Clock
	twins      map[int32]twin          // by flow: the same connection as another capture shows it
	twice      map[seen]bool           // whose exchanges another view has counted
	answers    map[event.Endpoint]bool // servers of unknown protocols that ever sent a byte
	lossy      map[*view]bool          // views that lack packets of connections
	rows       rows
	report     *Report
}

// flowRef is where a connection's record lies. The number of a flow is its
// index in Result.flows.
type flowRef struct {
	index  uint32 // in the shard's records
	stream uint32 // number within its view
	view   uint16
	shard  uint8
}

// Finish concludes. The analyzer must not be fed afterwards.
func (a *Analyzer) Finish() *Result {
	res := &Result{opts: a.opts, views: a.views, inputs: a.inputs, problems: a.problems}
	for _, v := range a.views {
		v.cut()
		for _, s := range v.shards {
			s.finish(v.end)
		}
	}
	res.arrange()
	res.joinCaptures()
	res.tellRoles()
	res.joinLogs()
	res.place()
	s := res.survey()
	res.findTimers(s)
	res.foldEndpoints(s.waiting)
	res.findReplacements(&s.lives)
	res.chooseRows(len(s.lives.lists), len(s.waiting))
	res.report = res.build()
	return res
}

// Report is the report over all connections.
func (res *Result) Report() *Report { return res.report }

// record unpacks flow i.
func (res *Result) record(i int, r *conn.Record) { res.unpack(res.spot(i), r) }

// unpack unpacks the record at a spot.
func (res *Result) unpack(at spot, r *conn.Record) {
	r.Unpack(at.shard.records.at(at.index))
	if len(res.swapped) > 0 && res.swapped[int32(at.flow)] {
		swapRoles(r)
	}
}

// each unpacks every flow in order.
func (res *Result) each(f func(i int, r *conn.Record)) {
	var r conn.Record
	for i := range res.flows {
		res.record(i, &r)
		f(i, &r)
	}
}

// name is the string of a name of flow i.
func (res *Result) name(i int, id exchange.NameID) string { return res.spot(i).name(id) }

// view is what flow i was seen in.
func (res *Result) view(i int) *view { return res.views[res.flows[i].view] }

// judge fills f with the verdict on the flow at a spot, whose record is r. f's
// own record differs from r where a rule corrects it. f may be used again for
// other flows.
func (res *Result) judge(f *facts, at spot, r *conn.Record, explain bool) {
	f.own = *r
	f.Record, f.verdict, f.spot = &f.own, verdict{}, at
	f.res, f.timers, f.start, f.end, f.explain = res, res.timers, at.view.start, at.view.end, explain
	if at.view.log != nil {
		f.judgeLog(at.view.log, at.index)
		return
	}
	f.judge()
	if p, ok := res.pairs[int32(at.flow)]; ok {
		f.mergeLog(p)
	}
}

// tellRoles tells client from server by popularity, where neither a SYN nor a
// recognised payload does: a server's endpoint is shared by more connections
// than a client's.
func (res *Result) tellRoles() {
	shared := map[event.Endpoint]int{}
	guessed := func(r *conn.Record) bool { return r.Basis == conn.BasisPort }
	n := 0
	for _, v := range res.views {
		for _, s := range v.shards {
			n += s.guessed
		}
	}
	if n == 0 {
		return
	}
	res.each(func(_ int, r *conn.Record) {
		if guessed(r) {
			shared[r.Client], shared[r.Server] = 0, 0
		}
	})
	res.each(func(_ int, r *conn.Record) {
		for _, e := range [...]event.Endpoint{r.Client, r.Server} {
			if n, ok := shared[e]; ok {
				shared[e] = n + 1
			}
		}
	})
	res.swapped = map[int32]bool{}
	var turned []int32
	res.each(func(i int, r *conn.Record) {
		if guessed(r) && shared[r.Client] > shared[r.Server] {
			turned = append(turned, int32(i))
		}
	})
	for _, i := range turned {
		res.swapped[i] = true
	}
}

// swapRoles exchanges client and server. What the requests were is not known
// any more: they had been read the other way round.
func swapRoles(r *conn.Record) {
	r.Basis = conn.BasisPopularity
	r.Client, r.Server = r.Server, r.Client
	r.ClientPackets, r.ServerPackets = r.ServerPackets, r.ClientPackets
	r.ClientBytes, r.ServerBytes = r.ServerBytes, r.ClientBytes
	r.ClientRetrans, r.ServerRetrans = r.ServerRetrans, r.ClientRetrans
	r.ClientMissing, r.ServerMissing = r.ServerMissing, r.ClientMissing
	r.ClientStart, r.ServerStart = r.ServerStart, r.ClientStart
	r.ClientLastByte, r.ServerLastByte = r.ServerLastByte, r.ClientLastByte
	r.ClientNotify, r.ServerNotify = r.ServerNotify, r.ClientNotify
	r.Initiator, r.FirstBy, r.TimeWaitBy = r.Initiator.Peer(), r.FirstBy.Peer(), r.TimeWaitBy.Peer()
	r.DeclaredBy = r.DeclaredBy.Peer()
	r.Sent, r.Answered, r.Open, r.Lost = 0, 0, 0, r.Sent
	r.Outstanding, r.Phase, r.Late, r.LateEnd = false, conn.PhaseNone, event.NoTime, event.NoTime
	r.Method, r.Host, r.Path, r.Endpoint, r.ServerName = 0, 0, 0, 0, 0
	r.Marks |= conn.MarkSwapped
}
