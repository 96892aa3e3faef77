package capture

import "finwait/analyzer/event"

// maxDepth is how many headers may lie inside each other, VLAN tags included.
const maxDepth = 32

// decoder turns frames into segments of the batch it fills. Its methods get
// the captured bytes from a header on, and how many more there were on the
// wire (miss).
type decoder struct {
	out   *event.Batch
	probs *problems
	input uint16

	frags fragments
	names nameCache

	// The frame being decoded.
	frame uint32
	time  event.Time
	pos   int64 // offset of its record
	notes event.Notes
	scope uint32
	depth int
	ip    ipHeader // the innermost so far
}

// ipHeader is what segments need of an IP header.
type ipHeader struct {
	src, dst event.Endpoint // without ports
	id       uint16         // IPv4 only
	ttl      uint8
	notes    event.Notes // IPv6, NoLength
}

// decode appends what rec holds to the batch.
func (d *decoder) decode(rec *record, frame uint32, pos int64) {
	d.frame, d.pos = frame, pos
	miss := rec.wire - len(rec.data)
	if miss < 0 {
		miss = 0
	}
	if miss > 0 {
		d.trouble(troubleCutFrames)
	}
	d.time, d.notes, d.scope, d.depth = rec.time, rec.notes, rec.link.scope, 0
	if rec.link.dlt == linkEthernet && d.fastEthernet(rec.data, miss) {
		return
	}
	d.link(rec.link.dlt, rec.data, miss)
}

// trouble counts k at the current frame.
func (d *decoder) trouble(k trouble) { d.probs.add(k, 1, d.pos, d.frame) }

// short counts a frame whose headers go on where the bytes end: because the
// capture cut it, or because the frame is broken.
func (d *decoder) short(miss int) {
	if miss > 0 {
		d.trouble(troubleShort)
		return
	}
	d.trouble(troubleBroken)
}

// deeper counts a header inside another one and reports whether to go on.
func (d *decoder) deeper() bool {
	if d.depth++; d.depth > maxDepth {
		d.trouble(troubleNested)
		return false
	}
	return true
}

// trim cuts p, of which miss more bytes were on the wire, to the length n that
// a header states. A length beyond the frame is ignored, as Wireshark does.
func trim(p []byte, miss, n int) ([]byte, int) {
	switch {
	case n <= len(p):
		return p[:n], 0
	case n-len(p) < miss:
		return p, n - len(p)
	}
	return p, miss
}

// What a scope is made of.
const (
	scopeInterface = iota + 1
	scopeVLAN
	scopeTunnel
)

// mixScope adds a part to a scope. The result is never 0.
func mixScope(scope uint32, kind, id uint32) uint32 {
	x := (uint64(scope)<<32 | uint64(kind)<<28 ^ uint64(id)) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	if s := uint32(x >> 32); s != 0 {
		return s
	}
	return 1
}

// enter adds a VLAN or a tunnel to the frame's scope.
func (d *decoder) enter(kind, id uint32) { d.scope = mixScope(d.scope, kind, id) }
