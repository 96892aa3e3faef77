package analyzer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// twin is a second sight of a connection: from the server's host, when the
// flow itself is the client's.
type twin struct {
	flow   flowRef       // where its record lies; it is no row of its own
	offset time.Duration // add to its times to get those of the flow
	oneWay time.Duration // half of what a SYN and its answer took on the way
}

// sight is a connection that a view shows from its SYN on. The two initial
// sequence numbers name it in every capture, also behind a translator of
// addresses, which leaves them alone.
type sight struct {
	flow           int
	client, server uint32
	opened         event.Time
	rtt            time.Duration // from the last SYN to the SYN-ACK here: the longer, the nearer to the client
	retried        bool          // that was not the first SYN
}

// joinCaptures finds connections that several views show, keeps the sight nearest
// to the client as the row and remembers the farthest as its twin.
func (res *Result) joinCaptures() {
	captures := 0
	for _, v := range res.views {
		captures += b2i(v.log == nil)
	}
	if captures < 2 {
		return
	}
	pairs := res.findTwins()
	if len(pairs) == 0 {
		return
	}
	res.measureTwins(pairs)
	dropped := make(map[int]bool, len(pairs))
	for i := range pairs {
		dropped[pairs[i].far.flow] = true
		for _, s := range pairs[i].between {
			dropped[s.flow] = true
		}
	}
	counts := res.sightings(func(i int) bool { return dropped[i] })
	res.countTwice(counts)
	res.countOnce(counts, pairs)
	kept := make([]flowRef, 0, len(res.flows)-len(dropped))
	res.twins = map[int32]twin{}
	number := make([]int32, len(res.flows))
	for i, f := range res.flows {
		if !dropped[i] {
			number[i] = int32(len(kept))
			kept = append(kept, f)
		}
	}
	for _, p := range pairs {
		res.twins[number[p.near.flow]] = twin{res.flows[p.far.flow], -p.offset, p.oneWay}
	}
	res.flows = kept
}

// seen is a client's address or a server as one view has it.
type seen struct {
	view uint16
	end  event.Endpoint
}

// sightings is how many connections a view has of a client or server.
type sightings struct{ dropped, all int }

// mostly reports whether n are at least half of the connections.
func (s sightings) mostly(n int) bool { return 2*n >= s.all }

// sightings counts the connections of every client and server, view by view.
func (res *Result) sightings(dropped func(flow int) bool) map[seen]sightings {
	m := map[seen]sightings{}
	res.each(func(i int, r *conn.Record) {
		for _, k := range res.seen(i, r) {
			s := m[k]
			m[k] = sightings{s.dropped + b2i(dropped(i)), s.all + 1}
		}
	})
	return m
}

// seen names the client and the server of flow i, whose record is r.
func (res *Result) seen(i int, r *conn.Record) [2]seen {
	view := res.flows[i].view
	return [2]seen{{view, event.Endpoint{Addr: r.Client.Addr}}, {view, r.Server}}
}

// countTwice finds the clients and servers whose exchanges two views counted:
// most of their connections in one view are dropped, because another view has
// them. What that view alone shows of them is then not counted, for the
// exchanges that a shard has added up cannot be taken apart.
func (res *Result) countTwice(counts map[seen]sightings) {
	if res.twice == nil {
		res.twice = map[seen]bool{}
	}
	for k, s := range counts {
		if s.mostly(s.dropped) {
			res.twice[k] = true
		}
	}
}

// countOnce counts those that countTwice left out in every view that has them.
// Views at about the same place may each drop half of what they share: of
// those the one with the most connections counts, the first one of equals, and
// another one only if it shares less than half of its own with one that counts.
func (res *Result) countOnce(counts map[seen]sightings, pairs []twins) {
	shared := map[seen]map[seen]int{}
	share := func(k, with seen) {
		if !res.twice[k] {
			return
		}
		if shared[k] == nil {
			shared[k] = map[seen]int{}
		}
		shared[k][with]++
	}
	var r conn.Record
	var all [][2]seen // of one connection
	for _, p := range pairs {
		all = all[:0]
		for _, s := range append(p.between, p.near, p.far) {
			res.record(s.flow, &r)
			x := res.seen(s.flow, &r)
			for _, y := range all {
				for i := range x {
					share(x[i], y[i])
					share(y[i], x[i])
				}
			}
			all = append(all, x)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(shared), func(x, y seen) int {
		return cmp.Or(cmp.Compare(counts[y].all, counts[x].all), cmp.Compare(x.view, y.view), x.end.Compare(y.end))
	}) {
		counted := 0
		for with, n := range shared[k] {
			if !res.twice[with] {
				counted += n
			}
		}
		if !counts[k].mostly(counted) {
			delete(res.twice, k)
		}
	}
}

// twins is one connection as two or more views show it.
type twins struct {
	near, far sight   // by their distance from the client
	between   []sight // what further views show; it is counted nowhere
	offset    time.Duration
	oneWay    time.Duration
}

// add adds the sight of a further view.
func (p *twins) add(s sight) {
	switch {
	case s.rtt > p.near.rtt:
		p.near, s = s, p.near
	case s.rtt < p.far.rtt:
		p.far, s = s, p.far
	}
	p.between = append(p.between, s)
}

// findTwins matches sights by their initial sequence numbers. What a view shows
// twice stays a row of its own.
func (res *Result) findTwins() []twins {
	type names struct{ client, server uint32 }
	first := map[names]sight{} // of those that one view showed so far
	found := map[names]int{}   // of the others, in pairs
	var pairs []twins
	res.each(func(i int, r *conn.Record) {
		if r.ClientStart == 0 || r.ServerStart == 0 || res.view(i).log != nil {
			return
		}
		n := names{r.ClientStart, r.ServerStart}
		s := sight{i, r.ClientStart, r.ServerStart, r.Opened, r.SYNRTT, r.SYNRetries > 0}
		if k, ok := found[n]; ok {
			if p := &pairs[k]; !res.sameView(s, append(p.between, p.near, p.far)...) {
				p.add(s)
			}
			return
		}
		other, ok := first[n]
		if !ok {
			first[n] = s
			return
		}
		if res.sameView(s, other) {
			return
		}
		delete(first, n)
		found[n] = len(pairs)
		if s.rtt > other.rtt {
			s, other = other, s
		}
		pairs = append(pairs, twins{near: other, far: s})
	})
	return pairs
}

// sameView reports whether the view of s shows one of the others, too.
func (res *Result) sameView(s sight, others ...sight) bool {
	return slices.ContainsFunc(others, func(o sight) bool { return res.flows[o.flow].view == res.flows[s.flow].view })
}

// resentLeast is how much longer than the shortest a handshake's way must take
// to show that its SYN-ACK was sent again: half of the first
// retransmission timeout (RFC 6298, section 2), since the way is half of both.
const resentLeast = synRetry / 2

// viewPair is two views that show the same connections.
type viewPair struct{ near, far uint16 }

// measureTwins estimates, for every pair of views, how far their clocks are
// apart: as NTP does (RFC 5905, section 8), from the SYN's way there and the
// SYN-ACK's way back, as the median over all connections. What differs between
// the two ways is taken for half of the round trip. Handshakes that lost a
// segment tell nothing; they are given the median of the others.
func (res *Result) measureTwins(pairs []twins) {
	groups := map[viewPair][]*twins{}
	for i := range pairs {
		p := &pairs[i]
		there := p.far.opened.Sub(p.near.opened)
		back := p.near.opened.Add(p.near.rtt).Sub(p.far.opened.Add(p.far.rtt))
		p.oneWay, p.offset = max(0, (there+back)/2), (there-back)/2
		k := viewPair{res.flows[p.near.flow].view, res.flows[p.far.flow].view}
		groups[k] = append(groups[k], p)
	}
	for k, group := range groups {
		res.clocks = append(res.clocks, res.setClock(k, group))
	}
	slices.SortFunc(res.clocks, func(x, y Clock) int { return cmp.Or(cmp.Compare(x.Input, y.Input), cmp.Compare(x.Against, y.Against)) })
}

// setClock gives the connections of two views the offset that their whole
// handshakes agree on.
func (res *Result) setClock(k viewPair, group []*twins) Clock {
	whole := slices.DeleteFunc(slices.Clone(group), func(p *twins) bool { return p.near.retried || p.far.retried })
	if len(whole) == 0 {
		whole = group
	}
	least := whole[0].oneWay
	for _, p := range whole {
		least = min(least, p.oneWay)
	}
	var offsets, ways []time.Duration
	for _, p := range whole {
		if p.oneWay < least+resentLeast {
			offsets, ways = append(offsets, p.offset), append(ways, p.oneWay)
		}
	}
	slices.Sort(offsets)
	slices.Sort(ways)
	n := len(offsets)
	middle := offsets[n/2]
	for _, p := range group {
		p.offset = middle
		if p.oneWay >= least+resentLeast {
			p.oneWay = ways[n/2]
		}
	}
	c := Clock{Input: res.inputs[res.views[k.far].input].Path, Against: res.inputs[res.views[k.near].input].Path,
		OffsetS: -middle.Seconds(), SpreadS: (offsets[n*3/4] - offsets[n/4]).Seconds(), Count: n}
	ahead := "ahead"
	if middle < 0 {
		ahead = "behind"
	}
	c.Text = fmt.Sprintf("%d connections are in both captures; the second one's clock is %s by %s", len(group), ahead, seconds(middle.Abs()))
	return c
}

// twin unpacks the other sight of flow i into r, with its times put right;
// false when there is none.
func (res *Result) twin(i int, r *conn.Record) (twin, bool) {
	t, ok := res.twins[int32(i)]
	if !ok {
		return t, false
	}
	s := res.views[t.flow.view].shards[t.flow.shard]
	r.Unpack(s.records.at(int(t.flow.index)))
	for _, at := range [...]*event.Time{&r.Opened, &r.Last, &r.CloseAt, &r.RequestStart, &r.RequestEnd, &r.ResponseStart, &r.ResponseEnd, &r.Late} {
		*at = at.Add(t.offset)
	}
	return t, true
}

// stallFromBoth tells from both sights why no answer came in time: whether the
// request reached the server, and whether an answer left it early enough to
// arrive before the client closed.
func (res *Result) stallFromBoth(f *facts) *string {
	var far conn.Record
	t, ok := res.twin(f.flow, &far)
	if !ok || f.FirstBy != event.Client || !f.Outstanding {
		return nil
	}
	if far.Sent < f.Sent {
		if far.ClientMissing > 0 || res.views[t.flow.view].end.Add(t.offset) < f.RequestEnd.Add(t.oneWay) {
			return nil // it passed there unseen, or behind the end of that capture
		}
		return text("network") // it never arrived
	}
	if late := far.RequestEnd.Sub(f.RequestEnd) - t.oneWay; late > f.CloseAt.Sub(f.RequestEnd)/2 {
		return text("network") // it arrived when half of the wait was over
	}
	answer := far.Late
	if !answer.Known() {
		answer = far.ResponseStart
	}
	if answer.Known() && answer >= f.RequestStart && answer.Add(t.oneWay) < f.CloseAt &&
		(!f.ResponseStart.Known() || f.Phase == conn.PhaseAwaitingHeaders) {
		return text("network") // it left in time, and was late or lost on the way
	}
	return text("server")
}

// otherSide is what the second sight adds to a row.
func (res *Result) otherSide(i int, r *conn.Record) *FlowTwin {
	var far conn.Record
	t, ok := res.twin(i, &far)
	if !ok {
		return nil
	}
	return &FlowTwin{
		Input: res.inputs[far.Input].Path, Stream: int(t.flow.stream), OneWayS: secondsOf(t.oneWay),
		Client: far.Client.String(), Server: far.Server.String(),
		Lost: Pair{int64(max(r.ClientPackets, far.ClientPackets) - far.ClientPackets), int64(max(far.ServerPackets, r.ServerPackets) - r.ServerPackets)},
	}
}
