package analyzer

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// span is a duration that may be unknown, or only a lower bound.
type span struct {
	d        time.Duration
	known    bool
	censored bool // it lasted at least d
}

// between measures from one moment to another; unknown when either is.
func between(from, to event.Time) span {
	d, ok := conn.Duration(from, to)
	return span{d: d, known: ok}
}

// halfClose is how long both ends lived after the first FIN, which A sent:
//
//	FIN-WAIT-1 of A                    A's FIN  to  the ACK that covers it
//	FIN-WAIT-2 of A, CLOSE-WAIT of B   that ACK to  B's FIN, or what ended it
//	LAST-ACK of B                      B's FIN  to  its ACK
//	total                              A's FIN  to  B's FIN, or what ended it
type halfClose struct {
	by                                            event.Side // A
	over                                          bool       // its end is in the input
	finWait1, finWait2, closeWait, lastAck, total span
	endedBy                                       conn.EndedBy
	kind                                          conn.HalfKind
	censored                                      bool
	waitFrom, waitTo                              event.Time // when A's socket was in FIN-WAIT-2; NoTime when it never was
	closeFrom, closeTo                            event.Time // when B's was in CLOSE-WAIT
}

// expirySlack is how much later than tcp_fin_timeout an event must come until
// the orphan counts as expired: Linux checks the timer with its keep-alive or
// TIME-WAIT timers, which may fire a little late.
const expirySlack = 500 * time.Millisecond

// halfCloseOf measures the half-close of a record; ok is false when the first
// close was not a FIN.
func halfCloseOf(r *conn.Record, end event.Time, finTimeout time.Duration) (h halfClose, ok bool) {
	if r.How != conn.HowFIN || r.FirstBy == event.NoSide {
		return h, false
	}
	h = halfClose{by: r.FirstBy, kind: r.HalfKind, endedBy: r.EndedBy, over: r.HalfFrame != 0,
		waitFrom: event.NoTime, waitTo: event.NoTime, closeFrom: event.NoTime, closeTo: event.NoTime}
	until := r.HalfEnd
	if !h.over {
		until, h.censored, h.endedBy = end, true, conn.EndedByCapture
	}
	if until.Known() {
		until = max(until, r.CloseAt) // a clock that stepped back measures nothing
	}
	gone := h.letGo(r, until)
	h.total = between(r.CloseAt, gone)
	h.total.censored = !h.over
	if r.Marks&conn.MarkCloseUnseen != 0 {
		h.total = span{} // when A's FIN left is not known
	}
	h.lastAck = between(r.PeerFIN, r.PeerAcked)
	acked, timed := h.acked(r, until)
	h.finWait1 = h.firstWait(r, acked, timed)
	if timed && acked.Known() && h.endedBy != conn.EndedBySimultaneous {
		h.secondWait(r, acked, until, gone, finTimeout)
	}
	return h, true
}

// letGo is when B closed, of a half-close that was over at until. A's RST to
// late data passes the capture point before B has it: a FIN of B that comes after
// shows that it was the FIN that ended B's half.
func (h *halfClose) letGo(r *conn.Record, until event.Time) event.Time {
	switch {
	case !h.over || !r.PeerFIN.Known():
		return until
	case until.Known():
		return max(until, r.PeerFIN)
	}
	return r.PeerFIN
}

// acked is when A's FIN was acknowledged, NoTime if it was not; timed is false
// when it was, at a time that the input does not show. The FIN or RST that ended
// the half-close acknowledged the first FIN as well.
func (h *halfClose) acked(r *conn.Record, until event.Time) (at event.Time, timed bool) {
	at = r.FINAcked
	if r.Marks&conn.MarkFINAckedUntimed != 0 || r.ACKMissed && !at.Known() {
		return at, false
	}
	if h.over && (!at.Known() || until.Known() && at > until) {
		at = until
	}
	if at.Known() {
		at = max(at, r.CloseAt)
	}
	return at, true
}

// firstWait is A's FIN-WAIT-1.
func (h *halfClose) firstWait(r *conn.Record, acked event.Time, timed bool) span {
	switch {
	case !timed:
		return span{}
	case !acked.Known():
		return span{h.total.d, h.total.known, true}
	case h.endedBy != conn.EndedBySimultaneous && (r.Marks&conn.MarkCloseUnseen != 0 || r.ACKMissed):
		return span{}
	}
	return between(r.CloseAt, acked)
}

// secondWait fills in A's FIN-WAIT-2 and B's CLOSE-WAIT: from acked until A's
// half ended, and until B was gone.
func (h *halfClose) secondWait(r *conn.Record, acked, until, gone event.Time, finTimeout time.Duration) {
	h.closeWait = between(acked, gone)
	h.closeWait.censored = !h.over
	h.finWait2 = between(acked, until)
	h.finWait2.censored = !h.over
	if h.endedBy == conn.EndedByLateDataReset && r.LateData.Known() && r.LateData >= acked {
		// A's socket was gone when the data reached it; B learns by the RST.
		h.finWait2 = between(acked, min(r.LateData, until))
	}
	if orphanExpired(r, h.finWait2.d, finTimeout) {
		h.endedBy, h.kind, h.censored = conn.EndedByExpiry, conn.HalfOrphan, false
		h.finWait2 = span{d: finTimeout, known: true}
	}
	if h.finWait2.known {
		h.waitFrom, h.waitTo = acked, acked.Add(h.finWait2.d)
		h.closeFrom, h.closeTo = acked, gone
	}
}

// bounded is s, unknown when it is only a lower bound and the half-close is not
// censored as a whole: A's socket expired, and the input does not show when B
// let go of its own.
func (h *halfClose) bounded(s span) span {
	s.known = s.known && (h.censored || !s.censored)
	return s
}

// orphanExpired reports whether the kernel had dropped the closer's socket
// before the half-close ended: it lasted longer than tcp_fin_timeout, and
// nothing shows that the socket lived. It lived when it went on reading
// (shutdown), when it acknowledged the peer's FIN, or answered a probe.
func orphanExpired(r *conn.Record, waited, finTimeout time.Duration) bool {
	if waited <= finTimeout+expirySlack || r.HalfKind == conn.HalfHeld {
		return false
	}
	if r.PeerFIN.Known() && r.PeerAcked.Known() && r.Marks&conn.MarkReset == 0 {
		return false
	}
	return r.Marks&conn.MarkProbeAlive == 0 || r.Marks&conn.MarkReset != 0
}
