package strace

import "finwait/analyzer/event"

// half is a call whose result has not been printed yet.
type half struct {
	tid    int32
	active bool  // it waits; else its memory does, for the next call of the thread
	id     uint8 // index in systems
	timed  timed
	line   uint32
	at     event.Time
	text   []byte // of the arguments so far
}

// done takes the half away. A long text is not kept for the next call.
func (h *half) done() {
	h.active = false
	if cap(h.text) > 4<<10 {
		h.text = nil
	}
}

// halves holds the first halves that wait, one a thread at most. The zero value
// is ready for use.
type halves struct {
	slots []*half // open addressing; a power of two
	used  int     // slots in use, of halves that wait and others
}

// maxIdle is how many halves that do not wait are kept.
const maxIdle = 1 << 9

// at returns the slot of a thread, which is nil when the thread is not known.
func (w *halves) at(tid int32) **half {
	mask := uint32(len(w.slots) - 1)
	for i := uint32(tid) * 0x9e3779b1 >> 7 & mask; ; i = (i + 1) & mask {
		if h := w.slots[i]; h == nil || h.tid == tid {
			return &w.slots[i]
		}
	}
}

// get returns the half of a thread that waits; nil when there is none.
func (w *halves) get(tid int32) *half {
	if w.used == 0 {
		return nil
	}
	if h := *w.at(tid); h != nil && h.active {
		return h
	}
	return nil
}

// put returns the half of a thread, which the caller fills.
func (w *halves) put(tid int32) *half {
	if w.used*2 >= len(w.slots) {
		w.rehash()
	}
	p := w.at(tid)
	if *p == nil {
		*p = &half{tid: tid}
		w.used++
	}
	return *p
}

// rehash makes room, first of all by forgetting halves that do not wait when
// there are many.
func (w *halves) rehash() {
	old, keep := w.slots, w.used < maxIdle
	n := 0
	for _, h := range old {
		if h != nil && (keep || h.active) {
			n++
		}
	}
	size := 64
	for size < n*4 {
		size *= 2
	}
	w.slots, w.used = make([]*half, size), n
	for _, h := range old {
		if h != nil && (keep || h.active) {
			*w.at(h.tid) = h
		}
	}
}

// each calls f with every half that waits.
func (w *halves) each(f func(*half)) {
	if w.used == 0 {
		return
	}
	for _, h := range w.slots {
		if h != nil && h.active {
			f(h)
		}
	}
}
