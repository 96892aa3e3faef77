package exchange

import "finwait/analyzer/event"

// A capture that loses packets loses a share of the requests, most of them in
// one segment. Of such a request its acknowledgement tells that it was sent, and
// the server's silence that it was not answered: a client that closes then gave
// it up, as if it had been seen.

// leastRequest is how many bytes a request has at least: "GET / HTTP/1.0" and
// its two ends of line; with TLS a record around it. What is shorter may be a
// goodbye (a close_notify, a quit).
func (t *Tracker) leastRequest() int64 {
	if t.mode == modeTLS {
		return 40
	}
	return 18
}

// suspect notes that n missing bytes of side, at a boundary of its messages, may
// be a whole request: none waits.
func (t *Tracker) suspect(side event.Side, n int64, at event.Moment) {
	if side == event.Client && n >= t.leastRequest() && t.q.waiting() == nil {
		t.gap = at
	}
}

// waitUnseen is called when the client closes. When nothing of the server came
// since a request that is missing, that request waits.
func (t *Tracker) waitUnseen() {
	if t.server.shut {
		return
	}
	if h := &t.client; h.phase == phaseSeek && h.has(halfQuiet) && t.gap.Seen() && t.q.waiting() == nil {
		h.flags &^= halfQuiet
		t.openUnseen()
		return
	}
	if x := t.q.newest(); x != nil && x == t.q.waiting() && x.has(entryUnseen) && !x.First.Seen() {
		x.flags &^= entryLost
	}
}

// answerUnseen returns the request that is missing and that a response of
// HTTP/1.x answers; nil when nothing tells of one.
func (t *Tracker) answerUnseen() *entry {
	if t.client.phase != phaseSeek || !t.gap.Seen() || t.client.shut {
		return nil
	}
	return t.openUnseen()
}

// openUnseen opens the request that is missing.
func (t *Tracker) openUnseen() *entry {
	x := t.open(t.gap)
	if x != nil {
		x.flags, x.Whole = entryUnseen, true
	}
	t.gap = event.Moment{}
	return x
}
