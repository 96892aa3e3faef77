package exchange

import "finwait/analyzer/event"

// seek waits for a message at the start of a segment. missing: because the
// input lacks bytes, so that what is not recognised must not be guessed at.
func (t *Tracker) seek(h *half, missing bool) {
	h.phase = phaseSeek
	h.flags &^= halfMissing | halfTurns | halfUnpaired
	if missing {
		h.flags |= halfMissing | halfQuiet
	} else {
		h.flags |= halfTurns
	}
}

// http1Seek looks at the start of a segment for a message. Bytes that are
// none belong to the message before, or, when only a cut source hides its
// head, open a request by turns.
func (t *Tracker) http1Seek(side event.Side, h *half, b []byte, at event.Moment, fresh bool) int {
	if fresh && t.boundary(side, b) {
		t.resync(side, h)
		if side == event.Server {
			if x := t.q.waiting(); x != nil && x.First.Seen() {
				t.endSoft()
			}
		}
		h.phase = phaseHead
		return 0
	}
	t.unread(side, h, int64(len(b)), at)
	return len(b)
}

// resync notes that a message was found again. When requests are missing in
// front of one while others wait, or without the server having said anything,
// the client pipelines, and answers cannot be given to their requests.
func (t *Tracker) resync(side event.Side, h *half) {
	if h.has(halfMissing) {
		t.resynced++
	}
	if side == event.Client {
		t.gap = event.Moment{}
	}
	if side == event.Client && h.has(halfMissing) && !h.has(halfTurns) {
		if h.has(halfQuiet) || t.q.waiting() != nil {
			t.doubt = doubtBegun
		}
	}
	h.flags &^= halfMissing | halfTurns | halfQuiet
}

// boundary reports whether a segment starts with a message of side.
func (t *Tracker) boundary(side event.Side, b []byte) bool {
	if side == event.Client {
		return knownRequest(b)
	}
	if m := sniffStatus(b); m == matchNone || m == matchMaybe && len(b) < len("HTTP") {
		return false
	}
	x := t.q.waiting()
	if x == nil || !x.First.Seen() || x.has(entrySoft) && t.q.n-t.q.ended > 1 {
		return true
	}
	t.unsure = true // text that looks like a head, or the answer to a request that a cut segment hides
	return false
}

// unread judges n bytes that no message head explains.
func (t *Tracker) unread(side event.Side, h *half, n int64, at event.Moment) {
	if side == event.Client {
		if h.has(halfTurns) {
			if x := t.q.waiting(); x == nil || x.First.Seen() {
				t.open(at)
			}
		}
		x := t.q.newest()
		if x == nil || x.First.Seen() {
			return
		}
		x.End = at
		x.Whole = x.Whole || h.has(halfTurns)
		return
	}
	x := t.q.waiting()
	if x == nil && t.client.shut {
		x = t.reopen()
	}
	if x == nil {
		return
	}
	if !h.has(halfTurns) && !t.behind() { // this may be an answer to any of those that wait
		before := x.flags
		t.losing()
		if !x.First.Seen() {
			return
		}
		x.flags = before
	}
	x.flags |= entrySoft
	t.respond(x, h.off, h.off+n, at, at)
}

// http1Skip passes over n unreadable bytes.
func (t *Tracker) http1Skip(side event.Side, n int64, at event.Moment, cut bool) {
	h := t.half(side)
	if h.phase == phaseBody && n <= h.left || h.phase == phaseChunk && n <= h.left || h.phase == phaseClose {
		t.part(side, h.off, h.off+n, at, at)
		if h.phase != phaseClose {
			h.left -= n
		}
		if h.phase == phaseBody && h.left == 0 {
			t.endMessage(side, h, at)
		} else if h.phase == phaseChunk && h.left == 0 {
			h.phase = phaseSize
		}
		return
	}
	if h.phase == phaseBody { // its end is in there, and more
		t.part(side, h.off, h.off+h.left, at, at)
		h.left = 0
		t.endMessage(side, h, at)
	}
	if len(h.buf) > 0 {
		t.part(side, h.off, h.off+n, at, at)
		t.cutHead(side, h, cut)
		h.drop(t.env)
	} else if h.phase != phaseSeek || !cut {
		t.boundaryLost(side, h, n, at, cut)
	} else {
		t.unread(side, h, n, at)
	}
}

// boundaryLost handles missing bytes that hide where the next message starts.
func (t *Tracker) boundaryLost(side event.Side, h *half, n int64, at event.Moment, cut bool) {
	inside := h.phase != phaseHead && h.phase != phaseSeek
	whole := h.phase == phaseHead && !cut
	t.seek(h, !cut)
	if whole {
		t.suspect(side, n, at)
	}
	if inside { // a chunked body whose end may be in there
		t.part(side, h.off, h.off+n, at, at)
		if x := t.q.waiting(); side == event.Server && x != nil {
			x.flags |= entrySoft
			if !cut {
				t.losing()
			}
		} else if x := t.q.newest(); side == event.Client && x != nil {
			x.Whole = true
		}
		return
	}
	if cut {
		t.unread(side, h, n, at)
		return
	}
	if side == event.Server {
		t.losing()
	}
}

// losing marks all that wait: bytes of their answers are missing. Those that the
// client had not received when it closed were no answers.
func (t *Tracker) losing() {
	if t.behind() {
		return
	}
	for i := t.q.ended; i < t.q.n; i++ {
		x := t.q.at(i)
		x.flags = x.flags&^entryUnseen | entryLost
	}
}

// dropLost is called when an answer begins. When answers before it are missing, it
// may answer any of the requests that wait; when requests are missing too, one
// that was not seen. Then nothing is known of those that wait.
func (t *Tracker) dropLost() {
	x := t.q.waiting()
	if x == nil || !x.has(entryLost) {
		return
	}
	if t.doubt == doubtNone && t.q.n-t.q.ended == 1 && !(t.client.phase == phaseSeek && t.client.has(halfMissing)) {
		return
	}
	for ; x != nil; x = t.q.waiting() {
		x.flags |= entryLost
		t.complete(x, event.Moment{})
	}
}

// cutHead takes what a head that was cut says. The rest of its message lasts
// until the next one is recognised.
func (t *Tracker) cutHead(side event.Side, h *half, cut bool) {
	var hd head
	ok := hd.readCut(h.buf, side == event.Client)
	t.headCut = true
	t.seek(h, !cut)
	if side == event.Client {
		x := t.q.newest()
		if x == nil {
			return
		}
		if ok {
			t.describe(x, &hd)
		}
		x.Whole = cut
		return
	}
	x := t.q.waiting()
	if x == nil {
		if t.q.over == 0 {
			t.lost++
		}
		return
	}
	if !cut {
		t.losing()
	}
	x.flags |= entrySoft
	if ok && hd.status != 0 {
		x.Status = hd.status
		x.flags &^= entryLost
	}
	if ok && hd.status == 101 { // most likely of a websocket
		t.unsure = true
		x.flags &^= entrySoft
		t.complete(x, x.First)
		t.mode, t.ws = modeWebSocket, &wsState{}
		t.client.restart(t.env)
		t.server.restart(t.env)
		t.setProtocol(ProtocolWebSocket)
		return
	}
	if !ok || hd.status >= 100 && hd.status < 200 {
		x.flags &^= entrySoft
		t.interim(x, x.First)
	}
}
