package analyzer

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/stat"
)

// departure is a client that closed with a request outstanding. It may have
// passed on the departure of another one, if it is a proxy; and a timer of its
// own may have run out. It takes 120 bytes.
type departure struct {
	wait
	at, sent event.Time // of its close and its request
	hash     uint64     // of the path; 0: there is none, or "/"
	path     exchange.NameID
	flow     int32
	asks     bool // it is none, but may have passed one on
	waited   bool // its wait may be that of a timer
	opaque   bool // nothing recognised its protocol
}

// departed are departures.
type departed = chunked[departure]

// departures tell of every flow that closed with a request outstanding whether
// another client had departed just before: a proxy passes that on.
type departures struct {
	byPath []lead // asked for the same path, elsewhere
	byHost []lead // had connected to the host that the flow comes from
}

// lead is how long before the close of a flow another client had left.
type lead struct {
	flow int32
	time int32 // ns, at most passOnLimit
}

// passOnLimit is how soon after its client has left a proxy closes its
// connection to the server: one turn of its event loop.
const passOnLimit = event.Time(10 * time.Millisecond)

// departureSample bounds how many departures just before a close are looked at.
const departureSample = 64

// departureOf is the departure that a record shows.
func (s *survey) departureOf(at spot, r *conn.Record) departure {
	d := departure{wait: waitOf(r), at: r.CloseAt, sent: r.RequestStart, path: r.Path, flow: int32(at.flow),
		opaque: r.Protocol == exchange.ProtocolOpaque}
	if r.Path != 0 {
		if path := at.name(r.Path); path != "" && path != "/" {
			d.hash = maphash.String(s.seed, path) | 1
		}
	}
	return d
}

// findDepartures finds out what was passed on. A proxy that rewrites paths is
// recognised by its host alone. hosts are the addresses that clients have.
func (res *Result) findDepartures(list *departed, hosts map[event.Endpoint]*idleCloses) {
	moments := make([]stat.Moment, 0, list.len())
	list.each(func(ref uint32, d *departure) { moments = append(moments, stat.MomentOf(int64(d.at), ref)) })
	moments, spare := stat.SortMoments(moments, make([]stat.Moment, len(moments)))
	orderTies(moments, list)
	d := passing{list: list, res: res}
	d.toHosts(moments, hosts)
	paths := moments[:0]
	for _, m := range moments {
		if h := list.at(m.Ref).hash; h != 0 {
			paths = append(paths, stat.MomentOf(int64(h), m.Ref))
		}
	}
	paths, _ = stat.SortMoments(paths, spare)
	d.samePaths(paths)
	for _, l := range [...][]lead{d.byPath, d.byHost} {
		slices.SortFunc(l, func(x, y lead) int { return cmp.Compare(x.flow, y.flow) })
	}
	res.departures = d.departures
}

// orderTies orders departures at the same time by flow.
func orderTies(moments []stat.Moment, list *departed) {
	for i := 0; i < len(moments); {
		n := i + 1
		for n < len(moments) && moments[n].At() == moments[i].At() {
			n++
		}
		if n > i+1 {
			slices.SortFunc(moments[i:n], func(x, y stat.Moment) int { return cmp.Compare(list.at(x.Ref).flow, list.at(y.Ref).flow) })
		}
		i = n
	}
}

// passing finds departures.
type passing struct {
	departures
	res  *Result
	list *departed
	left []*departure // those that one may have passed on, in order of time
}

// samePaths looks among those of the same path. moments are the hashes of the
// paths, in order, and for each hash in order of time.
func (p *passing) samePaths(moments []stat.Moment) {
	for len(moments) > 0 {
		n := 1
		for n < len(moments) && moments[n].At() == moments[0].At() {
			n++
		}
		if group := moments[:n]; p.elsewhere(group) {
			p.left = p.left[:0]
			for _, m := range group {
				if d := p.list.at(m.Ref); !d.asks {
					p.left = append(p.left, d)
				}
			}
			for _, m := range group {
				p.among(p.list.at(m.Ref), p.left, &p.byPath, func(x, d *departure) bool {
					return d.client.Addr != x.client.Addr && d.server.Addr != x.server.Addr && p.path(d) == p.path(x)
				})
			}
		}
		moments = moments[n:]
	}
}

// path is the path that the client of a departure had asked for.
func (p *passing) path(d *departure) string { return p.res.spot(int(d.flow)).name(d.path) }

// elsewhere reports whether a group has more than one server's host.
func (p *passing) elsewhere(group []stat.Moment) bool {
	first := p.list.at(group[0].Ref)
	for _, m := range group[1:] {
		if p.list.at(m.Ref).server.Addr != first.server.Addr {
			return true
		}
	}
	return false
}

// toHosts looks among the departures of clients that had connected to the host
// from which a departed connection comes. Other clients of a busy proxy leave
// all the time, so this is weak.
func (p *passing) toHosts(moments []stat.Moment, hosts map[event.Endpoint]*idleCloses) {
	byHost := map[[16]byte][]*departure{}
	for _, m := range moments {
		d := p.list.at(m.Ref)
		if !d.asks && hosts[event.Endpoint{Addr: d.server.Addr}] != nil {
			byHost[d.server.Addr] = append(byHost[d.server.Addr], d)
		}
	}
	if len(byHost) == 0 {
		return
	}
	p.list.each(func(_ uint32, x *departure) {
		if x.client.Addr != x.server.Addr {
			p.among(x, byHost[x.client.Addr], &p.byHost, func(*departure, *departure) bool { return true })
		}
	})
}

// among finds the last departure just before the close of x that fits.
func (p *passing) among(x *departure, list []*departure, to *[]lead, fits func(x, d *departure) bool) {
	n, _ := slices.BinarySearchFunc(list, x.at, func(d *departure, t event.Time) int { return cmp.Compare(d.at, t) })
	for i := n - 1; i >= max(0, n-departureSample) && x.at-list[i].at <= passOnLimit; i-- {
		d := list[i]
		if d.flow != x.flow && d.server != x.server && d.sent <= x.sent && fits(x, d) {
			*to = append(*to, lead{x.flow, int32(x.at - d.at)})
			return
		}
	}
}

// passedOn tells how long before the close of flow i another client left that
// had asked for the same path before, elsewhere: i's client is a proxy that
// passes the cancel on. A proxy that rewrites paths is not recognised.
func (d *departures) passedOn(i int) (time.Duration, bool) { return leadOf(d.byPath, i) }

// leftBehind is passedOn by addresses alone.
func (d *departures) leftBehind(i int) (time.Duration, bool) { return leadOf(d.byHost, i) }

func leadOf(list []lead, i int) (time.Duration, bool) {
	if len(list) == 0 {
		return 0, false
	}
	k, ok := slices.BinarySearchFunc(list, int32(i), func(l lead, flow int32) int { return cmp.Compare(l.flow, flow) })
	if !ok {
		return 0, false
	}
	return time.Duration(list[k].time), true
}
