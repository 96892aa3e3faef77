package capture

import (
	"cmp"
	"slices"
	"time"

	"finwait/analyzer/event"
)

// Bounds of the reassembly of IP fragments. Linux waits 30 s for the rest of a
// datagram (net.ipv4.ipfrag_time) and gives it 4 MiB in all (ipfrag_high_thresh).
const (
	fragmentWait    = 30 * time.Second
	maxFragmentData = 4 << 20 // bytes waiting, of all datagrams
	maxDatagrams    = 4096    // datagrams waiting
	maxPieces       = 512     // fragments of one datagram
	maxDatagram     = 65535
)

// fragmentKey tells which fragments belong together (RFC 791, RFC 8200), and
// where they were seen, since copies must not fill each other's gaps.
type fragmentKey struct {
	src, dst [16]byte
	scope    uint32
	id       uint32
	proto    byte
	six      bool
}

// piece is one fragment.
type piece struct {
	key  fragmentKey
	at   int  // its place in the datagram
	more bool // not the last
	data []byte
	miss int  // bytes that the capture cut off
	cut  bool // it lacks bytes, whether the capture cut them off or the frame never had them
}

// datagram is what has come of one datagram.
type datagram struct {
	key    fragmentKey
	gone   bool    // complete or given up
	pieces []piece // by place
	size   int     // 0 until the last fragment is known
	held   int     // bytes in pieces
	first  event.Time
	frame  uint32 // of the first fragment
	pos    int64
}

// fragments puts datagrams together. The zero value is ready.
type fragments struct {
	waiting map[fragmentKey]*datagram
	order   []*datagram // by arrival; some are gone
	held    int
}

// fragment keeps a fragment and decodes the datagram when it is complete. The
// segment then belongs to the frame of the last fragment that came, as in
// Wireshark.
//
// Fragments that overlap are joined as Wireshark joins them, the earlier place
// first; Linux drops such a datagram since 2018.
func (d *decoder) fragment(p piece) {
	if p.cut {
		// Never to be completed; the ports can still be seen in the
		// first fragment.
		if p.at == 0 {
			d.ip.notes |= event.NoLength | event.EndUnknown
			d.transport(p.key.proto, p.data, p.miss)
		}
		return
	}
	if p.more {
		p.data = p.data[:len(p.data)&^7]
	}
	if len(p.data) == 0 || p.at+len(p.data) > maxDatagram {
		d.trouble(troubleBroken)
		return
	}
	d.frags.expire(d)
	g := d.frags.add(d, p)
	if g == nil || !g.complete() {
		return
	}
	whole := g.join()
	d.frags.drop(g)
	d.transport(p.key.proto, whole, 0)
}

// expire gives up the datagrams that waited too long, or that are too many.
func (f *fragments) expire(d *decoder) {
	for len(f.order) > 0 {
		g := f.order[0]
		switch {
		case g.gone:
		case len(f.waiting) >= maxDatagrams, f.held >= maxFragmentData:
			d.probs.add(troubleFragmentLimit, int64(len(g.pieces)), g.pos, g.frame)
			f.drop(g)
		case d.time.Sub(g.first) > fragmentWait:
			d.probs.add(troubleFragments, int64(len(g.pieces)), g.pos, g.frame)
			f.drop(g)
		default:
			if len(f.order) > 2*maxDatagrams {
				f.order = slices.DeleteFunc(f.order, func(g *datagram) bool { return g.gone })
			}
			return
		}
		f.order = f.order[1:]
	}
}

// add keeps p and returns its datagram, or nil when p adds nothing.
func (f *fragments) add(d *decoder, p piece) *datagram {
	g := f.waiting[p.key]
	if g == nil {
		if f.waiting == nil {
			f.waiting = map[fragmentKey]*datagram{}
		}
		g = &datagram{key: p.key, first: d.time, frame: d.frame, pos: d.pos}
		f.waiting[p.key] = g
		f.order = append(f.order, g)
	}
	i, known := slices.BinarySearchFunc(g.pieces, p.at, func(q piece, at int) int { return cmp.Compare(q.at, at) })
	if known && len(g.pieces[i].data) >= len(p.data) {
		return nil // a copy
	}
	if len(g.pieces) >= maxPieces {
		d.trouble(troubleFragmentLimit)
		return nil
	}
	if !p.more {
		g.size = p.at + len(p.data)
	}
	p.data = slices.Clone(p.data)
	g.held += len(p.data)
	f.held += len(p.data)
	g.pieces = slices.Insert(g.pieces, i, p)
	return g
}

// drop forgets a datagram.
func (f *fragments) drop(g *datagram) {
	f.held -= g.held
	g.gone, g.pieces = true, nil
	delete(f.waiting, g.key)
}

// flush counts what still waits at the end of the capture.
func (f *fragments) flush(ps *problems) {
	for _, g := range f.order {
		if !g.gone {
			ps.add(troubleFragments, int64(len(g.pieces)), g.pos, g.frame)
			f.drop(g)
		}
	}
	f.order = nil
}

// complete reports whether the pieces cover the datagram.
func (g *datagram) complete() bool {
	end := 0
	for _, p := range g.pieces {
		if p.at > end {
			return false
		}
		end = max(end, p.at+len(p.data))
	}
	return g.size > 0 && end >= g.size
}

// join returns the datagram's bytes.
func (g *datagram) join() []byte {
	whole := make([]byte, 0, g.size)
	for _, p := range g.pieces {
		if skip := len(whole) - p.at; skip < len(p.data) {
			whole = append(whole, p.data[skip:]...)
		}
	}
	return whole[:g.size]
}
