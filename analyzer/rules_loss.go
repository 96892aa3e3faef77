package analyzer

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// These rules are about closes that the input shows only in part: the request
// or the FIN itself is missing, and its acknowledgement tells of it.

// delayedACK is how much later than what it acknowledges an acknowledgement
// comes at most (Linux: TCP_DELACK_MAX; 40 ms is common).
const delayedACK = 200 * time.Millisecond

// slack is how much longer (start) and how much shorter (end) the outstanding
// request may have waited than the input shows.
func (f *facts) slack(w *wait) (start, end time.Duration) {
	if f.Marks&conn.MarkRequestUnseen != 0 {
		start = delayedACK + f.RTT
	}
	if f.Marks&conn.MarkCloseUnseen != 0 {
		end = delayedACK + f.RTT
		if !f.closeAcked() {
			end = max(w.from[basisRequest], w.from[basisConnect])
		}
	}
	return start, end
}

// closeAcked reports whether an acknowledgement of the unseen FIN by itself was
// seen: then the FIN had come just before.
func (f *facts) closeAcked() bool {
	return f.FINAcked.Known() && f.FINAcked != f.PeerFIN && f.FINAcked != f.LateData
}

// timedOutUnseen: the client gave up a request, and the request or the FIN is
// not in the input, so that the wait is known only within bounds. A timer of
// other closes that lies within them is the likely one.
func (f *facts) timedOutUnseen() bool {
	if f.FirstBy != event.Client || !f.Outstanding || f.Marks&(conn.MarkRequestUnseen|conn.MarkCloseUnseen) == 0 {
		return false
	}
	what := "request"
	if f.Marks&conn.MarkCloseUnseen != 0 {
		what = "FIN"
	}
	w := waitOf(f.Record)
	start, end := f.slack(&w)
	t, b, other := f.timers.within(&w, start, end)
	if t == nil || b != basisConnect && w.from[basisRequest] < 0 || other && end > start+delayedACK+f.RTT {
		return f.decided(CauseUnknown, stat.ConfidenceLow) || f.say("the client closed with a request outstanding, but its %s is not in the input: when it was sent is not known well enough to tell a timer from a cancel", what)
	}
	f.timer, f.basis, f.waited = t, b, w.from[b]
	conf := min(t.confidence, stat.ConfidenceMedium)
	if other || end > delayedACK+f.RTT {
		conf = stat.ConfidenceLow
	}
	return f.decided(CauseRequestTimeout, conf) || f.say("%s until about %s after %s; the %s is not in the input, only what acknowledges it, and a timer of %s that %d other closes show fits",
		f.missing(), took(f.waited), b.words(), what, took(t.value), t.count)
}

// within finds the timer that explains a wait which may have been longer by
// start (from the SYN it cannot) or shorter by end; of several the one of most
// closes, and other tells that there are.
func (ts *timers) within(w *wait, start, end time.Duration) (best *timer, basis timerBasis, other bool) {
	for _, list := range [...][]*timer{ts.configured, ts.byClient[w.client], ts.shared} {
		for _, t := range list {
			b, ok := t.about(w, start, end)
			switch {
			case !ok || t.count == 0 && !t.configured:
			case best == nil:
				best, basis = t, b
			case t.value == best.value:
			default:
				other = true
				if t.count > best.count {
					best, basis = t, b
				}
			}
		}
		if best != nil {
			break
		}
	}
	return best, basis, other
}

// about is fits for a wait that is known within bounds.
func (t *timer) about(w *wait, start, end time.Duration) (timerBasis, bool) {
	try := t.tries()
	for _, b := range triedBases {
		d, more := w.from[b], start
		if b == basisConnect {
			more = 0
		}
		if try>>b&1 != 0 && d >= 0 && d+more >= t.low && d-end <= t.high {
			return b, true
		}
	}
	return t.basis, false
}

// oneWay reports whether only one direction was captured, and the bytes of the
// other one are not known by its acknowledgements either: what a client that
// was captured alone acknowledges tells when bytes of the server came.
func (f *facts) oneWay() bool {
	return f.Marks&conn.MarkOneSided != 0 && (f.ClientPackets == 0 || f.ServerMissing > 0)
}
