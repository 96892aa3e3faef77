package analyzer

import (
	"bytes"
	"cmp"
	"slices"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// Bounds of a report's rows: what a scan touches would fill gigabytes, and
// nobody reads so many. All else is added up in one row.
const (
	maxPeerRows     = 5_000
	maxEndpointRows = 10_000
	maxClientRows   = 10_000
)

// otherRow is the name of the row that stands for all that have none.
const otherRow = "other"

// otherServer and otherClient are the keys of the rows that stand for all that
// have none. No packet has such addresses (RFC 4291, section 2.7: a multicast
// group is no source).
var (
	otherServer = event.Endpoint{Addr: otherClient}
	otherClient = [16]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// standing is what decides which rows are kept: in this order, the larger first.
type standing struct{ churned, lost, size int }

func (r *standing) add(o standing) {
	r.churned += o.churned
	r.lost += o.lost
	r.size += o.size
}

// standings are the standings of all rows there could be, a few dozen bytes each.
type standings struct {
	res       *Result
	facts     facts
	peers     map[event.Endpoint]standing
	endpoints map[endpointKey]standing
	clients   map[[16]byte]standing
}

func newStandings(res *Result) *standings {
	return &standings{res: res, facts: facts{pools: new(recentPools)}, peers: map[event.Endpoint]standing{}, endpoints: map[endpointKey]standing{}, clients: map[[16]byte]standing{}}
}

// tally adds to the standing of a row.
func tally[K comparable](m map[K]standing, k K, o standing) {
	r := m[k]
	r.add(o)
	m[k] = r
}

// add counts one connection.
func (q *standings) add(at spot, r *conn.Record) {
	f := &q.facts
	q.res.judge(f, at, r, false)
	n := requestsOf(f)
	o := standing{b2i(q.res.wasReplaced(at.flow) && f.cause != CauseOpen), n.TimedOut, 1}
	tally(q.peers, f.Server, o)
	tally(q.clients, f.Client.Addr, o)
	if f.Sent > 0 || f.Outstanding {
		o.size = int(f.Open)
		tally(q.endpoints, endpointKey{f.Server, q.res.endpoint(at, f.Record)}, o)
	}
}

// exchanges counts the answered exchanges that the shards counted.
func (q *standings) exchanges() {
	for _, v := range q.res.views {
		for _, s := range v.shards {
			for end, st := range s.servers {
				for id, x := range st.endpoints {
					name := q.res.fold(end, s.names.String(id))
					if id == 0 {
						name = end.String()
					}
					tally(q.endpoints, endpointKey{end, name}, standing{0, x.reset, x.answered + x.reset + x.aborted})
				}
			}
		}
	}
}

// merge adds what o counted.
func (q *standings) merge(o *standings) {
	for k, r := range o.peers {
		tally(q.peers, k, r)
	}
	for k, r := range o.endpoints {
		tally(q.endpoints, k, r)
	}
	for k, r := range o.clients {
		tally(q.clients, k, r)
	}
}

// rows says which rows a report keeps apart. A nil set keeps all.
type rows struct {
	peers     map[event.Endpoint]bool
	endpoints map[endpointKey]bool
	clients   map[[16]byte]bool
	merged    int64 // rows that are not kept
}

// chooseRows decides which rows are kept. pairs is how many pairs of client and
// server there are, waiting how many endpoints never answered a request: where
// they cannot exceed the bounds, nothing is counted.
func (res *Result) chooseRows(pairs, waiting int) {
	known := 0
	for _, v := range res.views {
		for _, s := range v.shards {
			known += s.endpoints
		}
	}
	if pairs <= min(maxPeerRows, maxClientRows) && pairs+waiting+known <= maxEndpointRows {
		return
	}
	parts := make([]*standings, res.parts())
	for k := range parts {
		parts[k] = newStandings(res)
	}
	res.inParts(len(parts), func(k int, at spot, r *conn.Record) { parts[k].add(at, r) })
	q := parts[0]
	for k := 1; k < len(parts); k++ {
		q.merge(parts[k])
		parts[k] = nil
	}
	q.exchanges()
	var n [3]int
	res.rows.peers, n[0] = best(q.peers, maxPeerRows, event.Endpoint.Compare)
	res.rows.endpoints, n[1] = best(q.endpoints, maxEndpointRows, endpointKey.compare)
	res.rows.clients, n[2] = best(q.clients, maxClientRows, func(x, y [16]byte) int { return bytes.Compare(x[:], y[:]) })
	res.rows.merged = int64(n[0] + n[1] + n[2])
}

// best are the keys of the most rows with the highest standings, and how many are
// left out; nil when all find room.
func best[K comparable](m map[K]standing, most int, compare func(x, y K) int) (map[K]bool, int) {
	if len(m) <= most {
		return nil, 0
	}
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y K) int {
		a, b := m[x], m[y]
		return cmp.Or(cmp.Compare(b.churned, a.churned), cmp.Compare(b.lost, a.lost), cmp.Compare(b.size, a.size), compare(x, y))
	})
	kept := make(map[K]bool, most)
	for _, k := range keys[:most] {
		kept[k] = true
	}
	return kept, len(keys) - most
}

// compare orders endpoints by server, then by name.
func (k endpointKey) compare(o endpointKey) int {
	return cmp.Or(k.server.Compare(o.server), cmp.Compare(k.endpoint, o.endpoint))
}

// server is the key of a server's row.
func (s *rows) server(end event.Endpoint) event.Endpoint {
	if s.peers != nil && !s.peers[end] {
		return otherServer
	}
	return end
}

// client is the key of a client's row.
func (s *rows) client(addr [16]byte) [16]byte {
	if s.clients != nil && !s.clients[addr] {
		return otherClient
	}
	return addr
}

// endpoint is the key of an endpoint's row.
func (s *rows) endpoint(k endpointKey) endpointKey {
	if s.endpoints != nil && !s.endpoints[k] {
		return endpointKey{otherServer, otherRow}
	}
	return k
}

// serverRow names a server's row.
func serverRow(end event.Endpoint) string {
	if end == otherServer {
		return otherRow
	}
	return end.String()
}

// otherLast orders the row of all others behind the rest, whatever it adds up to.
func otherLast(x, y string) int { return cmp.Compare(b2i(x == otherRow), b2i(y == otherRow)) }

// peer are the sums of a server's row.
func (b *builder) peer(server event.Endpoint) *peerSums {
	server = b.res.rows.server(server)
	p := b.peers[server]
	if p == nil {
		p = &peerSums{sums: sums{row: uint32(len(b.peers)), times: newTimes(b.grid)}, names: map[string]*int{}}
		b.peers[server] = p
	}
	return p
}

// client are the sums of a client's row.
func (b *builder) client(addr [16]byte) *sums {
	addr = b.res.rows.client(addr)
	s := b.clients[addr]
	if s == nil {
		s = &sums{row: uint32(len(b.clients)), times: newTimes(b.grid)}
		b.clients[addr] = s
	}
	return s
}

// endpoint are the sums of an endpoint's row.
func (b *builder) endpoint(server event.Endpoint, name string) *endpointSums {
	k := b.res.rows.endpoint(endpointKey{server, name})
	e := b.endpoints[k]
	if e == nil {
		e = &endpointSums{sums: sums{times: newTimes(b.grid)}}
		b.endpoints[k] = e
	}
	return e
}
