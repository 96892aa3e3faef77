package exchange

import (
	"time"

	"finwait/analyzer/event"
)

// h2Turns judges HTTP/2 inside TLS by the lengths of records, which hold one
// frame or few (RFC 9113, section 6): SETTINGS with ACK has 9 bytes,
// WINDOW_UPDATE and RST_STREAM have 13, PING 17, and libraries write pairs of
// them at once. Requests that repeat one another have 18 bytes and more.
//
// Go's client writes RST_STREAM and PING together (30 bytes) when a request
// times out, and the server acknowledges the PING (17). Others write
// RST_STREAM alone; it is told from WINDOW_UPDATE by what it follows: Go,
// nghttp2 and hyper return flow-control credit for at least 4 KiB of response.
//
// All streams look like one: requests at once are taken for one that is sent in
// parts. So Summary.Unsure is always set.
type h2Turns struct {
	client, server uint8        // application data records so far, up to 255
	bytes          int64        // of the server's frames since the client's last request
	asked          event.Moment // a record that is RST_STREAM and PING if a PING's ACK follows
	end            event.Moment // the End of the request before it
	next           event.Moment // the first record behind it, then a request of its own
}

const (
	maxSettings = 9 + 7*6 + 9 + 13 // SETTINGS with at most 7 values, an ACK and a WINDOW_UPDATE
	minCredit   = 4 << 10          // response bytes that WINDOW_UPDATE is sent for
)

// h2Role tells what a record with n bytes of frames is to the exchanges.
func (t *Tracker) h2Role(side event.Side, r *record, n int) recordRole {
	t.unsure = true
	w := &t.tls.turns
	if side == event.Client {
		w.client += uint8(b2i(w.client < 255))
		role := t.h2Client(r, n)
		if role == recordTurn {
			w.bytes = 0
		}
		return role
	}
	w.server += uint8(b2i(w.server < 255))
	role := t.h2Server(n)
	if role == recordTurn {
		w.bytes += int64(n)
	}
	return role
}

// h2Client judges a record of the client.
func (t *Tracker) h2Client(r *record, n int) recordRole {
	w, x := &t.tls.turns, t.q.waiting()
	if w.client == 1 {
		if n <= len(preface)+maxSettings {
			return recordIgnored
		}
		return recordTurn
	}
	silent := x != nil && !x.First.Seen() && (!r.start.Time.Known() || r.start.Time.Sub(x.End.Time) >= 5*time.Millisecond)
	switch n {
	case 9, 17:
		return recordIgnored
	case 13:
		if silent {
			t.h2Reset(x, r.start)
		}
		return recordIgnored
	case 22, 26:
		if w.client <= 3 || w.bytes >= minCredit {
			return recordIgnored
		}
	case 30:
		if silent {
			w.asked, w.end, w.next = r.start, x.End, event.Moment{}
			return recordTurn
		}
	}
	if w.asked.Seen() && !w.next.Seen() {
		w.next = r.start
	}
	return recordTurn
}

// h2Server judges a record of the server.
func (t *Tracker) h2Server(n int) recordRole {
	w, x := &t.tls.turns, t.q.waiting()
	asked := w.asked
	w.asked = event.Moment{}
	switch {
	case w.server == 1 && n <= maxSettings:
		return recordIgnored
	case x == nil:
		return recordIgnored
	case x.First.Seen():
		return recordTurn // such as an empty DATA frame at the end
	case n == 17 && asked.Seen():
		t.h2Confirm(x, asked)
		return recordIgnored
	case n == 9, n == 13, n == 17, n == 22, n == 26:
		w.asked = asked
		return recordIgnored
	}
	return recordTurn
}

// h2Reset ends a request that the client gave up.
func (t *Tracker) h2Reset(x *entry, at event.Moment) {
	x.Outcome, x.Ended = OutcomeReset, at
	t.complete(x, event.Moment{})
}

// h2Confirm ends x, which was reset at at, and starts what came behind that.
func (t *Tracker) h2Confirm(x *entry, at event.Moment) {
	w := &t.tls.turns
	last := x.End
	x.End = w.end
	t.h2Reset(x, at)
	if !w.next.Seen() {
		return
	}
	if y := t.open(w.next); y != nil {
		y.End, y.Whole = last, true
	}
}
