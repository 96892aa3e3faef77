package exchange

import "finwait/analyzer/event"

// doubt is whether requests may be missing in front of those that wait, so that
// answers cannot be given to them.
type doubt uint8

const (
	doubtNone  doubt = iota
	doubtBegun       // from the next request on
	doubtHeld        // until none waits
)

// open starts a request at at. A client that goes on after the server has spoken
// has read what came before, so ended exchanges leave. nil when too many are
// outstanding.
func (t *Tracker) open(at event.Moment) *entry {
	if t.client.has(halfHeard) {
		t.client.flags &^= halfHeard
		t.endSoft()
	}
	t.emit()
	t.sent++
	if t.doubt == doubtHeld && t.q.n == 0 {
		t.doubt = doubtNone
	}
	x := t.q.push(at)
	if x == nil {
		return nil
	}
	x.Keep = true
	if t.doubt != doubtNone {
		t.doubt = doubtHeld
		x.flags |= entryLost
	}
	return x
}

// endSoft ends a response whose framing does not tell its end, because the
// client went on or the connection closes.
func (t *Tracker) endSoft() {
	x := t.q.waiting()
	if x != nil && x.has(entrySoft|entryLost) && (x.First.Seen() || x.has(entryLost)) {
		t.complete(x, event.Moment{})
	}
}

// respond notes response bytes of x at offsets from to to, which came from start
// to at. x may be nil.
func (t *Tracker) respond(x *entry, from, to int64, start, at event.Moment) {
	if x == nil {
		return
	}
	got := t.received(to)
	if got > from || got == to {
		if !x.First.Seen() {
			x.First, x.FirstOffset = start, from
		}
		if got == to || got > x.LastOffset { // else it was noted when those bytes came
			x.Last, x.LastOffset = at, got
		}
	}
	if got < to {
		if !x.Late.Seen() {
			x.Late = at
		}
		x.LateEnd = at
	}
}

// received is up to where the client had received the bytes of the server up to
// the offset to when it closed: all while it has not, -1 when that is not known.
// What it had received may still be given later: a capture may show the FIN before
// it, or only by what follows that it lacks it.
func (t *Tracker) received(to int64) int64 {
	if t.client.shut {
		return min(to, t.read)
	}
	return to
}

// past reports whether the client had not received all of that.
func (t *Tracker) past(to int64) bool { return t.received(to) < to }

// complete ends the response to x, the oldest that waits; nil ends one that
// answers a request which is not tracked.
func (t *Tracker) complete(x *entry, at event.Moment) {
	if x == nil {
		switch {
		case t.q.over > 0 && !t.client.shut:
			t.q.over--
			t.answered++
		case t.q.over > 0:
			t.q.over--
		}
		return
	}
	t.end(x, at)
	t.q.ended++
}

// end marks the response to x as ended, at at or zero when that is not known.
func (t *Tracker) end(x *entry, at event.Moment) {
	x.flags |= entryComplete
	if !t.client.shut || !at.Seen() || x.First.Seen() && !x.Late.Seen() && !t.past(x.LastOffset) {
		return
	}
	if !x.Late.Seen() {
		x.Late, x.LateEnd = at, at
	}
	x.LateWhole = true
}

// undeliver takes back the answers that the client's close shows it never
// received: those that end behind the first read bytes of the server's stream.
func (t *Tracker) undeliver(read int64) {
	if read < 0 {
		return
	}
	for i := range t.q.n {
		t.takeBack(t.q.at(i), read)
	}
	if t.h2 != nil {
		for i := range t.h2.streams {
			t.takeBack(&t.h2.streams[i].entry, read)
		}
	}
}

func (t *Tracker) takeBack(x *entry, read int64) {
	if !x.First.Seen() || x.LastOffset <= read || x.Late.Seen() {
		return
	}
	x.LateEnd, x.LateWhole = x.Last, x.has(entryComplete) && !x.has(entrySoft)
	if x.FirstOffset >= read {
		x.Late, x.First, x.Last = x.First, event.Moment{}, event.Moment{}
		return
	}
	// The server's last two segments are remembered: enough for a response
	// that trickles. Of a burst only the first byte is known to have come.
	x.Late = x.Last
	if t.back.end <= read && t.back.end > x.FirstOffset {
		x.Last, x.LastOffset = t.back.at, t.back.end
	} else {
		x.Last, x.LastOffset = x.First, read
	}
}

// delivered reports whether the client received the whole response.
func (x *entry) delivered() bool {
	return x.has(entryComplete) && !x.has(entryLost) && !x.Late.Seen()
}

// emit gives the ended exchanges to the sink.
func (t *Tracker) emit() {
	for t.q.ended > 0 {
		t.leave(t.q.at(0))
		t.q.shift()
	}
}

// leave counts x, whose memory will be used again.
func (t *Tracker) leave(x *entry) {
	t.count(x)
	if t.prev != &x.Exchange {
		return
	}
	if t.kept == nil {
		t.kept = new(kept)
	}
	k := t.kept
	k.Exchange, k.path = x.Exchange, k.path[:0]
	if t.unsure {
		k.path = append(k.path, x.path...)
	}
	t.prev = &k.Exchange
}

// count settles the outcome of x and gives it to the sink.
func (t *Tracker) count(x *entry) {
	switch {
	case x.Outcome == OutcomeReset:
		t.reset++
	case x.Outcome == OutcomeAborted:
		t.aborted++
	case x.has(entryLost):
		x.Outcome = OutcomeDiscarded
		t.lost++
	case x.delivered():
		x.Outcome = OutcomeAnswered
		t.answered++
		t.prev = &x.Exchange
	}
	if t.env.Sink == nil {
		return
	}
	outcome := x.Outcome
	if outcome == OutcomeAnswered && x.has(entryUnseen) {
		x.Outcome = OutcomeDiscarded // how long it took is not known
	}
	t.env.Sink.Exchange(t.owner, &x.Exchange)
	x.Outcome = outcome
}
