package analyzer

import (
	"finwait/analyzer/exchange"
	"finwait/analyzer/stat"
)

// arrange puts the connections of all views in order, captures before logs, and
// numbers those of every view in the order of their first packets, as Wireshark
// does.
func (res *Result) arrange() {
	n := 0
	for _, v := range res.views {
		n += v.records()
	}
	res.flows = make([]flowRef, 0, n)
	for _, log := range [...]bool{false, true} {
		for k, v := range res.views {
			if (v.log != nil) == log {
				res.arrangeView(k, v)
			}
		}
	}
}

// records is how many connections the view has.
func (v *view) records() int {
	n := 0
	for _, s := range v.shards {
		n += s.records.len()
	}
	return n
}

// arrangeView appends the connections of a view. Those that begin with the same
// frame, or line, stay in the order of their shards and records. (A reference
// holds both: no shard has 2^29 records, which would take 80 GB.)
func (res *Result) arrangeView(number int, v *view) {
	n := v.records()
	list := make([]stat.Moment, 0, n)
	for k, s := range v.shards {
		s.records.places.each(func(index uint32, p *place) {
			list = append(list, stat.MomentOf(int64(p.first), index*shards+uint32(k)))
		})
	}
	list, _ = stat.SortMoments(list, make([]stat.Moment, n))
	for stream, m := range list {
		res.flows = append(res.flows, flowRef{index: m.Ref / shards, stream: uint32(stream), view: uint16(number), shard: uint8(m.Ref % shards)})
	}
}

// spot is where a connection's record lies, and its number.
type spot struct {
	flow  int
	view  *view
	shard *shard
	index int // in the shard's records
}

// name is the string of a name of the connection.
func (at spot) name(id exchange.NameID) string { return at.shard.names.String(id) }

// spot finds flow i.
func (res *Result) spot(i int) spot {
	f := res.flows[i]
	v := res.views[f.view]
	return spot{i, v, v.shards[f.shard], int(f.index)}
}
