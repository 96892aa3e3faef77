package exchange

import "finwait/analyzer/event"

// turns judges bytes that no parser knows: what the client sends after the
// server's silence opens a request, what the server sends answers it. A client
// segment that starts with something well known ends the guessing: STARTTLS and
// PostgreSQL's SSLRequest are followed by a ClientHello, and a capture that
// starts in the middle of a body meets the next HTTP request.
func (t *Tracker) turns(side event.Side, b []byte, at event.Moment) {
	if !t.deaf {
		m := sniff(side, b, t.port)
		if m > matchMaybe && (side == event.Client || m == matchHTTP1 && t.q.waiting() != nil) {
			if x := t.q.waiting(); side == event.Client && x != nil && !x.First.Seen() {
				t.losing() // more than one request may be in what was not recognised
				t.doubt = doubtBegun
			}
			t.enter(m)
			t.feed(side, b, at)
			return
		}
	}
	h := t.half(side)
	n := int64(len(b))
	t.turn(side, h.off, h.off+n, h.took(at), at)
	h.off += n
}

// turn judges bytes at offsets from to to, which came from start to at, by
// turns. A server that speaks first (a banner) answers nothing. Where a
// response ends is not known: it counts as answered when the client goes on or
// the connection closes, unless more of it comes after the client's close.
func (t *Tracker) turn(side event.Side, from, to int64, start, at event.Moment) {
	x := t.q.waiting()
	if side == event.Client {
		if x == nil || x.First.Seen() || x.has(entryLost) && t.client.has(halfHeard) {
			x = t.open(start)
		}
		if x != nil {
			x.End, x.Whole = at, true
		}
		return
	}
	if x == nil && t.client.shut {
		x = t.reopen()
	}
	if x == nil {
		return
	}
	x.flags |= entrySoft
	t.respond(x, from, to, start, at)
}

// turnSkip passes over n unreadable bytes of a protocol that is not known. Bytes
// that the source cut are a turn like others. Bytes that the input lacks tell
// that something was sent, but not when.
func (t *Tracker) turnSkip(side event.Side, h *half, n int64, at event.Moment, cut bool) {
	switch {
	case cut:
		t.mode = modeTurns
		t.turn(side, h.off, h.off+n, at, at)
	case t.mode == modeDetect:
		t.seek(h, true)
		t.suspect(side, n, at)
	default:
		t.turnLost(side, h, n, at)
	}
}

// turnLost notes that n bytes of side's turn are missing: there was a request,
// or an answer, of which nothing else is known.
func (t *Tracker) turnLost(side event.Side, h *half, n int64, at event.Moment) {
	x, sent := t.q.waiting(), t.sent
	if side == event.Client || x != nil && x.First.Seen() {
		t.turn(side, h.off, h.off+n, at, at)
	}
	if side == event.Client || x != nil && !x.First.Seen() {
		t.losing()
	}
	if x = t.q.newest(); x != nil && t.sent > sent && n >= t.leastRequest() {
		x.flags |= entryUnseen
	}
}

// reopen returns the last exchange, whose end was assumed, to the outstanding
// ones: the server went on after the client's close, so the response had not
// ended. nil when there is none.
func (t *Tracker) reopen() *entry {
	if t.q.ended == 0 || t.q.ended != t.q.n {
		return nil
	}
	x := t.q.at(t.q.n - 1)
	if !x.has(entrySoft) || x.has(entryLost) {
		return nil
	}
	x.flags &^= entryComplete
	t.q.ended--
	return x
}

// took returns when the bytes being parsed began: at, or earlier when they were
// buffered until the protocol was known.
func (h *half) took(at event.Moment) event.Moment {
	if h.start.Seen() {
		at, h.start = h.start, event.Moment{}
	}
	return at
}
