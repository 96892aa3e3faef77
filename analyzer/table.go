package analyzer

import (
	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// lingerTime is how long a connection that nobody can use any more stays in
// its working form: what follows a close (late data and the RSTs it meets, a
// repeated FIN) comes within it. Later segments still count, at a higher cost.
const lingerTime = event.Time(300e6)

// lingerCount bounds how many such connections one shard keeps: beyond some 850
// closes a second they stay for less than lingerTime.
const lingerCount = 32

// coldAfter is after how many frames of others a connection is taken to have
// left the processor's caches; see conn.Touch.
const coldAfter = 1000

// table holds the connections of one shard: those of which only one segment was
// seen as that segment, live ones in working form, closed ones packed. It is
// keyed by the 4-tuple, either direction, and holds the latest connection of each.
//
// Slots are open addressing with linear probing over a power of two, at most
// three quarters full. Nothing is deleted: a closed connection keeps its slot,
// since stray segments belong to it (as in Wireshark's numbering).
type table struct {
	slots []slot
	used  int

	live    []*live // by index; nil entries are free
	recent  recent
	free    []uint32
	pool    []*live
	firsts  firsts
	records records
	linger  lingering
	scratch conn.Record // the record that is being packed
	shard   *shard
	touched uint64 // what conn.Touch wants kept; it means nothing
}

// slot is one entry: a part of the hash, and where the connection is.
type slot struct {
	tag uint32
	ref ref
}

// ref says where a connection is. Zero is an empty slot.
type ref uint32

const (
	refLive  ref = 1 << 31 // the rest is an index of live
	refFirst ref = 1 << 30 // the rest is an index of firsts; else of records, plus one
)

func liveRef(i uint32) ref       { return refLive | ref(i) }
func firstRef(i uint32) ref      { return refFirst | ref(i) }
func recordRef(i int) ref        { return ref(i) + 1 }
func (r ref) isLive() bool       { return r&refLive != 0 }
func (r ref) isFirst() bool      { return r&(refLive|refFirst) == refFirst }
func (r ref) liveIndex() uint32  { return uint32(r &^ refLive) }
func (r ref) firstIndex() uint32 { return uint32(r &^ refFirst) }
func (r ref) recordIndex() int   { return int(r) - 1 }

// live is a connection in working form. What a segment needs comes first.
type live struct {
	conn.Conn
	server *serverStats // where its exchanges are counted; nil until the first
	slot   uint32       // that points to it
	linger bool         // it is in the queue of closed connections
}

// lookup finds the slot of the segment's 4-tuple, or the empty one where it
// belongs.
func (t *table) lookup(s *event.Segment) uint32 {
	if (t.used+1)*4 > len(t.slots)*3 {
		t.grow()
	}
	mask := uint32(len(t.slots) - 1)
	tag := tagOf(s.Hash)
	for i := tag & mask; ; i = (i + 1) & mask {
		p := &t.slots[i]
		if p.ref == 0 || p.tag == tag && t.holds(p.ref, s) {
			return i
		}
	}
}

// tagOf is the half of a hash that a slot keeps. Its upper bits chose the shard
// and say nothing within one; the lower ones choose the slot.
func tagOf(hash uint64) uint32 { return uint32(hash >> 28) }

// holds reports whether the connection at r is of the segment's 4-tuple.
func (t *table) holds(r ref, s *event.Segment) bool {
	if r.isLive() {
		return t.live[r.liveIndex()].Holds(s)
	}
	if r.isFirst() {
		f := t.firsts.at(r.firstIndex())
		return s.Src == f.Src && s.Dst == f.Dst || s.Src == f.Dst && s.Dst == f.Src
	}
	a, b := conn.UnpackEnds(t.records.at(r.recordIndex()))
	return s.Src == a && s.Dst == b || s.Src == b && s.Dst == a
}

// grow doubles the slots.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(256, 2*len(old)))
	mask := uint32(len(t.slots) - 1)
	for _, p := range old {
		if p.ref == 0 {
			continue
		}
		i := p.tag & mask
		for t.slots[i].ref != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = p
		if p.ref.isLive() {
			t.live[p.ref.liveIndex()].slot = i
		}
	}
}

// add takes the next segment of the shard.
func (t *table) add(s *event.Segment) {
	if l := t.lately(s); l != nil && !l.Starts(s) {
		t.step(l, s)
		return
	}
	at := t.lookup(s)
	p := &t.slots[at]
	if p.ref.isFirst() {
		t.wake(at)
	}
	switch {
	case p.ref == 0:
		if !conn.Opens(s) {
			return
		}
		t.used++
		p.tag = tagOf(s.Hash)
		t.first(at, s)
	case p.ref.isLive():
		l := t.live[p.ref.liveIndex()]
		if l.Starts(s) {
			t.reuse(l, s)
			return
		}
		t.recent.put(*p)
		t.step(l, s)
	default:
		t.stray(at, s)
	}
}

// lately is the live connection of s, if it is a recent one.
func (t *table) lately(s *event.Segment) *live {
	tag := tagOf(s.Hash)
	set := t.recent.set(tag)
	for i := range set {
		if set[i].tag == tag && set[i].ref != 0 {
			if l := t.live[set[i].ref.liveIndex()]; l.Holds(s) {
				return l
			}
		}
	}
	return nil
}

// open begins a connection at a slot.
func (t *table) open(at uint32, s *event.Segment, old *conn.Conn) {
	i, l := t.take()
	l.Init(s, t.shard, i)
	if old != nil {
		l.ReusedAfter(old)
	}
	l.slot, l.linger, l.server = at, false, nil
	t.slots[at].ref = liveRef(i)
	t.step(l, s)
}

// take lends a free connection.
func (t *table) take() (uint32, *live) {
	var l *live
	if n := len(t.pool); n > 0 {
		l = t.pool[n-1]
		t.pool = t.pool[:n-1]
	} else {
		l = new(live)
	}
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.live[i] = l
		return i, l
	}
	t.live = append(t.live, l)
	return uint32(len(t.live) - 1), l
}

// step gives s to a live connection.
func (t *table) step(l *live, s *event.Segment) {
	if l.Idle(s) > coldAfter {
		t.touched += l.Touch()
	}
	l.Add(s)
	if l.Closed() && !l.linger {
		l.linger = true
		t.linger.push(l.Owner())
		if t.linger.len() > lingerCount {
			t.settle(t.linger.pop())
		}
	}
}

// reuse ends a connection whose 4-tuple begins another one.
func (t *table) reuse(l *live, s *event.Segment) {
	old := l.Conn
	l.Retaken(s)
	t.store(l.Owner(), l, s.Time)
	t.open(l.slot, s, &old)
}

// stray takes a segment of a connection that is packed already.
func (t *table) stray(at uint32, s *event.Segment) {
	i := t.slots[at].ref.recordIndex()
	var r conn.Record
	size := r.Unpack(t.records.at(i))
	if r.Starts(s) {
		t.open(at, s, &conn.Conn{})
		return
	}
	r.Stray(s)
	t.records.replace(i, size, &r)
}

// sweep settles connections that have been closed for long enough.
func (t *table) sweep(now event.Time) {
	for t.linger.len() > 0 {
		i := t.linger.peek()
		if l := t.live[i]; l != nil && l.linger && now-l.LastTime() < lingerTime {
			return
		}
		t.settle(t.linger.pop())
	}
}

// settle packs a closed connection. Its slot goes on pointing to it.
func (t *table) settle(i uint32) {
	l := t.live[i]
	if l == nil {
		return // its 4-tuple was reused meanwhile
	}
	t.touched += l.Touch()
	if !l.linger {
		return // and is in use again
	}
	n := t.store(i, l, l.LastTime())
	t.slots[l.slot].ref = recordRef(n)
}

// store packs connection i and frees it. It returns the record's number.
func (t *table) store(i uint32, l *live, end event.Time) int {
	r := &t.scratch
	l.Finish(end, r)
	if tr := l.Release(); tr != nil {
		t.shard.put(tr)
	}
	if r.Basis == conn.BasisPort {
		t.shard.guessed++
	}
	if t.shard.windowed {
		l.TimeCut(r)
	}
	t.recent.drop(slot{tagOf(l.Hash()), liveRef(i)})
	l.linger = false
	t.live[i] = nil
	t.free = append(t.free, i)
	t.pool = append(t.pool, l)
	return t.records.add(r)
}

// finish packs what is still open at the end of the input.
func (t *table) finish(end event.Time) {
	t.finishFirsts(end)
	for i, l := range t.live {
		if l != nil {
			t.store(uint32(i), l, end)
		}
	}
	t.slots, t.live, t.pool, t.free, t.recent = nil, nil, nil, nil, recent{}
	t.linger = lingering{}
}

// recordChunk is the size of the blocks that packed records live in.
const recordChunk = 256 << 10

// records holds packed records. Blocks are never moved, so growing costs no
// copy and no garbage.
type records struct {
	chunks [][]byte
	places chunked[place]
	buf    []byte
}

// place is where a record lies, and what it is sorted by.
type place struct {
	chunk  uint32
	offset uint32
	first  uint32 // first frame
}

func (rs *records) len() int { return rs.places.len() }

// at returns the packed bytes of record i, with whatever follows them.
func (rs *records) at(i int) []byte {
	p := rs.places.at(uint32(i))
	return rs.chunks[p.chunk][p.offset:]
}

// add packs r and returns its number.
func (rs *records) add(r *conn.Record) int {
	return int(rs.places.add(rs.write(r)))
}

// replace packs r anew in the place of record i, which takes size bytes. When
// it has grown, the old bytes stay behind; that is rare, for the numbers in it
// have variable lengths.
func (rs *records) replace(i, size int, r *conn.Record) {
	if rs.buf = r.Append(rs.buf[:0]); len(rs.buf) == size {
		copy(rs.at(i), rs.buf)
		return
	}
	*rs.places.at(uint32(i)) = rs.write(r)
}

func (rs *records) write(r *conn.Record) place {
	n := len(rs.chunks)
	if n == 0 || cap(rs.chunks[n-1])-len(rs.chunks[n-1]) < conn.MaxPacked {
		rs.chunks = append(rs.chunks, make([]byte, 0, recordChunk))
		n++
	}
	c := &rs.chunks[n-1]
	at := len(*c)
	*c = r.Append(*c)
	return place{uint32(n - 1), uint32(at), r.FirstFrame}
}

// lingering is a queue of connection indices.
type lingering struct {
	q    []uint32
	head int
}

func (l *lingering) len() int     { return len(l.q) - l.head }
func (l *lingering) peek() uint32 { return l.q[l.head] }

func (l *lingering) push(i uint32) {
	if l.head > 0 && len(l.q) == cap(l.q) {
		l.q = l.q[:copy(l.q, l.q[l.head:])]
		l.head = 0
	}
	l.q = append(l.q, i)
}

func (l *lingering) pop() uint32 {
	i := l.q[l.head]
	l.head++
	return i
}

var _ conn.Trackers = (*shard)(nil)
var _ exchange.Sink = (*shard)(nil)
