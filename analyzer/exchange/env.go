package exchange

// Env is what the trackers of one shard share. It is not safe for concurrent
// use; Names and Sink must be set before the first Tracker.Init.
type Env struct {
	Names *Names
	Sink  Sink // nil: exchanges are only counted

	scratch []byte   // an endpoint while it is folded
	bufs    [][]byte // free buffers for heads that arrive in pieces
	lent    int      // bytes of the buffers in use
	tls     free[tlsState]
	redis   free[redisState]
}

// free is objects that are not in use.
type free[T any] []*T

// take returns an object that is zero.
func (f *free[T]) take() *T {
	n := len(*f)
	if n == 0 {
		return new(T)
	}
	x := (*f)[n-1]
	*f = (*f)[:n-1]
	*x = *new(T)
	return x
}

// release takes back an object; nil is allowed.
func (f *free[T]) release(x *T) {
	if x != nil && len(*f) < maxFree {
		*f = append(*f, x)
	}
}

// Bounds of what a direction may buffer, and of what Env keeps for reuse.
const (
	maxBuffer  = 64 << 10 // a message head, or what is needed to recognise a protocol
	firstGrant = 512      // what most heads need
	maxLent    = 4 << 20  // all buffers of one Env
	maxFree    = 64       // free objects of a kind that are kept
	maxKept    = 8 << 10  // a free buffer that is kept
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
	if cap(b) > 0 && cap(b) <= maxKept && len(e.bufs) < maxFree {
		e.bufs = append(e.bufs, b)
	}
}

// room reports whether h may buffer n more bytes: there is a bound for one
// direction, and one for all connections together, which many heads that never
// end would reach.
func (e *Env) room(h *half, n int) bool {
	return len(h.buf)+n <= maxBuffer && (e.lent < maxLent || len(h.buf)+n <= int(h.lent))
}

// collect appends b to what h buffers.
func (h *half) collect(e *Env, b []byte) {
	if h.buf == nil {
		h.buf = e.buffer()
	}
	h.buf = append(h.buf, b...)
	e.lent += cap(h.buf) - int(h.lent)
	h.lent = uint32(cap(h.buf))
}

// give hands over what h buffers, for the caller to release.
func (h *half) give(e *Env) []byte {
	b := h.buf
	e.lent -= int(h.lent)
	h.buf, h.lent = nil, 0
	return b
}
