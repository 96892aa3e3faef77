package exchange

// Env is what the trackers of one shard share. It is not safe for concurrent
// use; Names and Sink must be set before the first Tracker.Init.
type Env struct {
	Names *Names
	Sink  Sink // nil: exchanges are only counted

	scratch []byte   // an endpoint while it is folded
	bufs    [][]byte // free buffers for heads that arrive in pieces
	tls     []*tlsState
	redis   []*redisState
}

// Bounds of what a direction may buffer, and of what Env keeps for reuse.
const (
	maxBuffer  = 64 << 10 // a message head, or what is needed to recognise a protocol
	firstGrant = 2 << 10  // what most heads need
	maxFree    = 64       // free objects of a kind that are kept
)

// buffer returns an empty buffer.
func (e *Env) buffer() []byte {
	if n := len(e.bufs); n > 0 {
		b := e.bufs[n-1]
		e.bufs = e.bufs[:n-1]
		return b[:0]
	}
	return make([]byte, 0, firstGrant)
}

// release takes back a buffer; nil is allowed.
func (e *Env) release(b []byte) {
	if cap(b) > 0 && len(e.bufs) < maxFree {
		e.bufs = append(e.bufs, b)
	}
}
