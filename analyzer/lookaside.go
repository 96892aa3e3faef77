package analyzer

import (
	"encoding/binary"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// Connections are counted in rows that are found by address and by name. Most
// captures have few of them, so a small table of those that were met lately
// stands before the maps: it saves a hash of 18 to 40 bytes and a look into a
// map for each of five rows of a connection (BenchmarkFinish). A capture with
// more rows than it holds is none the worse.

// recentSlots is how many rows of a kind are remembered.
const recentSlots = 64

// lookaside remembers values by key, one in every slot.
type lookaside[K comparable, V any] [recentSlots]struct {
	key   K
	value V
	known bool
}

// find looks for a key in a slot. The value may be read, and on false must be
// set.
func (t *lookaside[K, V]) find(slot uint32, key K) (value *V, ok bool) {
	e := &t[slot%recentSlots]
	if e.known && e.key == key {
		return &e.value, true
	}
	e.key, e.known = key, true
	return &e.value, false
}

// slotOfEnd spreads addresses and ports over slots.
func slotOfEnd(e *event.Endpoint) uint32 { return slotOfAddr(&e.Addr) + uint32(e.Port)*7 }

// slotOfAddr spreads addresses over slots.
func slotOfAddr(a *[16]byte) uint32 {
	return binary.LittleEndian.Uint32(a[8:])*31 + binary.BigEndian.Uint32(a[12:])*0x9e3779b1>>26
}

// recentRows are the rows that a builder met lately.
type recentRows struct {
	peers     lookaside[event.Endpoint, *peerSums]
	clients   lookaside[[16]byte, *sums]
	endpoints lookaside[endpointID, *endpointSums]
}

// endpointID names an endpoint of a server within one shard, whose numbers for
// names are its own.
type endpointID struct {
	server event.Endpoint
	id     exchange.NameID // 0: it is named by the server's address
	host   bool            // id names the host: the protocol shows no endpoints
	shard  *shard
}

// endpointIDOf tells what names the endpoint of a connection; see
// Result.endpoint.
func endpointIDOf(f *facts) endpointID {
	switch {
	case f.Endpoint != 0:
		return endpointID{f.Server, f.Endpoint, false, f.shard}
	case f.Protocol != exchange.ProtocolHTTP1:
		return endpointID{f.Server, f.ServerName, true, f.shard}
	}
	return endpointID{f.Server, 0, true, f.shard}
}

// peerRow are the sums of the server of a connection.
func (b *builder) peerRow(f *facts) *peerSums {
	p, ok := b.recent.peers.find(slotOfEnd(&f.Server), f.Server)
	if !ok {
		*p = b.peer(f.Server)
	}
	return *p
}

// clientRow are the sums of its client.
func (b *builder) clientRow(f *facts) *sums {
	s, ok := b.recent.clients.find(slotOfAddr(&f.Client.Addr), f.Client.Addr)
	if !ok {
		*s = b.client(f.Client.Addr)
	}
	return *s
}

// requestRow are the sums of its endpoint.
func (b *builder) requestRow(f *facts) *endpointSums {
	k := endpointIDOf(f)
	e, ok := b.recent.endpoints.find(slotOfEnd(&f.Server)+uint32(k.id)*13, k)
	if !ok {
		*e = b.endpoint(f.Server, b.res.endpoint(f.spot, f.Record))
	}
	return *e
}
