package analyzer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// timerBasis is where a timer starts. Zero is the whole exchange.
type timerBasis uint8

const (
	basisExchange   timerBasis = iota // as basisRequest, but from the SYN for the first request of a connection: a timer over dialling and answering
	basisRequest                      // from the first byte of the request
	basisRequestEnd                   // from its last byte
	basisLastByte                     // from the last byte in either direction
	basisConnect                      // from the SYN
	bases
)

// String gives the contract's word.
func (b timerBasis) String() string {
	return [...]string{"request-start", "request-start", "request-end", "last-byte", "connect-start"}[b]
}

// words says it in a sentence.
func (b timerBasis) words() string {
	return [...]string{"the request", "the request", "the end of the request", "the last byte", "the SYN"}[b]
}

// timer is a client timer that closes connections.
type timer struct {
	value      time.Duration
	spread     time.Duration // interquartile range of the waits
	low, high  time.Duration // waits that it explains, tolerance included
	sure       time.Duration // up to here without doubt; above, it fired late
	basis      timerBasis
	configured bool // given with --timeout
	confidence stat.Confidence
	count      int // closes that it explains
	starts     startSigns
	client     event.Endpoint         // port 0; unknown when only all clients together show it
	servers    map[event.Endpoint]int // closes by server
}

// startSigns counts, of the closes that a timer explains, those that tell where it
// starts from where it may start as well.
type startSigns struct {
	dialled int // only the time since the SYN fits: it includes the dial
	asked   int // on a connection dialled for the request, only the time since the request fits
	steady  int // bytes came later than its start: not every byte starts it anew
}

// tell notes what a close says of where t starts.
func (s *startSigns) tell(t *timer, w *wait) {
	fits := func(b timerBasis) bool { return w.from[b] >= t.low && w.from[b] <= t.high }
	if w.from[basisConnect] >= 0 && w.from[basisExchange] == w.from[basisConnect] { // dialled for it
		s.dialled += b2i(fits(basisConnect) && !fits(basisRequest))
		s.asked += b2i(!fits(basisConnect) && fits(basisRequest))
	}
	s.steady += b2i(!fits(basisLastByte))
}

// timers are all timers that the closes of one analysis show.
type timers struct {
	configured []*timer
	byClient   map[event.Endpoint][]*timer // best first; the key's port is 0
	shared     []*timer                    // shown by all clients together
	idle       map[event.Endpoint]*idleCloses
	bands      map[event.Endpoint]band       // by client, of the waits that no timer explains
	pairs      map[event.Endpoint][]pairWait // these waits, where they are few
}

// idleCloses is when a client closed connections that had been idle, and when
// it was last active.
type idleCloses struct {
	at   []event.Time // sorted after collecting
	last event.Time   // its last opening of a connection
}

// wait is how long a connection had waited at its close, from each basis;
// negative where the basis does not apply.
type wait struct {
	client, server event.Endpoint
	from           [bases]time.Duration
}

// waitOf measures the waits of a record's close.
func waitOf(r *conn.Record) wait {
	w := wait{client: r.Client, server: r.Server}
	w.client.Port = 0
	for i := range w.from {
		w.from[i] = -1
	}
	if r.Queued {
		return w // when the client closed is not known
	}
	since := func(b timerBasis, t event.Time) {
		if t.Known() && r.CloseAt.Known() && t <= r.CloseAt {
			w.from[b] = r.CloseAt.Sub(t)
		}
	}
	since(basisRequest, r.RequestStart)
	since(basisRequestEnd, r.RequestEnd)
	since(basisLastByte, max(r.ClientLastByte, r.ServerLastByte))
	if vantageOf(r) == event.Server && r.ServerLastByte > r.ClientLastByte {
		// The byte reached the client, and the close came back, half a
		// round trip away from here each.
		w.from[basisLastByte] = max(-1, w.from[basisLastByte]-r.RTT)
	}
	if r.Outlasted {
		w.from[basisLastByte] = -1
	}
	w.from[basisExchange] = w.from[basisRequest]
	if r.Answered == 0 && r.Handshake == conn.HandshakeComplete && r.Marks&conn.MarkMidStream == 0 {
		since(basisConnect, r.Opened)
		if !stoodReady(r) {
			w.from[basisExchange] = w.from[basisConnect]
		}
	}
	return w
}

// readyLimit is how long after a handshake a request that the connection was
// opened for may start: TLS and a slow program lie between them.
const readyLimit = 200 * time.Millisecond

// stoodReady reports whether the first request found the connection standing
// ready: pools dial for a request that another connection then takes, and keep
// the new one (Go's Transport), or open some in advance. A program that works
// for longer between dialling and sending is taken for one.
func stoodReady(r *conn.Record) bool {
	gap, ok := conn.Duration(r.Opened, r.RequestStart)
	return ok && r.SYNRetries == 0 && gap > readyLimit+4*r.RTT
}

// early and late bound the waits that a timer of value d explains. The wait
// that a capture shows begins with the packet, the timer a little before: with
// the call, or the turn of an event loop that led to it. And timers fire late,
// by what it takes until their program runs.
func early(d time.Duration) time.Duration { return d - 2*time.Millisecond - d/250 }
func late(d time.Duration) time.Duration  { return d + max(5*time.Millisecond, d/100) }

// explained reports whether one of the timers fits the wait.
func (ts *timers) explained(list []*timer, w *wait) bool {
	for _, t := range list {
		if _, ok := t.fits(w); ok {
			return true
		}
	}
	return false
}

// triedBases are all bases in the order in which timers are compared with them:
// of two that are equally near the first is it.
var triedBases = [...]timerBasis{basisConnect, basisExchange, basisRequest, basisRequestEnd, basisLastByte}

// tries are the bases from which the timer may have started, a bit for each.
func (t *timer) tries() int {
	switch {
	case t.configured:
		return 1<<basisConnect | 1<<basisRequest | 1<<basisRequestEnd | 1<<basisLastByte
	case t.basis == basisExchange || t.basis == basisRequest:
		return 1<<basisConnect | 1<<basisRequest
	}
	return 1 << t.basis
}

// fits reports whether the timer explains a wait, and from which basis. A
// timer over the whole exchange starts before the dial or, on a connection
// that stood ready, with the request: the input does not show which, so either
// will do.
func (t *timer) fits(w *wait) (timerBasis, bool) {
	try := t.tries()
	best, found := t.basis, false
	var dist time.Duration
	for _, b := range triedBases {
		d := w.from[b]
		if try>>b&1 == 0 {
			continue
		}
		if d < 0 || d < t.low || d > t.high {
			continue
		}
		if off := (d - t.value).Abs(); !found || off < dist {
			best, dist, found = b, off, true
		}
	}
	return best, found
}

// count counts the closes that each timer explains.
func (ts *timers) count(list waits) {
	for _, t := range ts.all() {
		t.count, t.starts = 0, startSigns{}
	}
	for _, i := range list.refs {
		w := &list.all.at(i).wait
		if t, _ := ts.lookup(w); t != nil {
			t.count++
			t.servers[w.server]++
			t.starts.tell(t, w)
		}
	}
}

// lookup finds the timer that explains a wait: a configured one, else the
// client's own, else a shared one.
func (ts *timers) lookup(w *wait) (*timer, timerBasis) {
	for _, list := range [...][]*timer{ts.configured, ts.byClient[w.client], ts.shared} {
		for _, t := range list {
			if b, ok := t.fits(w); ok {
				return t, b
			}
		}
	}
	return nil, 0
}

// match is a timer that explains a close.
type match struct {
	timer      *timer
	basis      timerBasis
	waited     time.Duration
	confidence stat.Confidence
}

// match finds the timer that closed r.
func (ts *timers) match(r *conn.Record) (match, bool) {
	w := waitOf(r)
	t, b := ts.lookup(&w)
	if t == nil {
		return match{}, false
	}
	m := match{t, b, w.from[b], t.confidence}
	if m.waited > t.sure && !t.configured {
		m.confidence = min(m.confidence, stat.ConfidenceMedium)
	}
	return m, true
}

// strongCount is how many closes must show a timer before it may overrule what
// the bytes seem to say.
const strongCount = 5

// matchStrong finds a timer that many other closes show and that fits r to a
// millisecond of its spread.
func (ts *timers) matchStrong(r *conn.Record) (match, bool) {
	w := waitOf(r)
	for _, list := range [...][]*timer{ts.byClient[w.client], ts.shared} {
		for _, t := range list {
			b, ok := t.fits(&w)
			if !ok || t.count < strongCount || t.confidence < stat.ConfidenceHigh || b == basisLastByte {
				continue
			}
			if (w.from[b] - t.value).Abs() <= 2*time.Millisecond+t.spread {
				return match{t, b, w.from[b], stat.ConfidenceMedium}, true
			}
		}
	}
	return match{}, false
}

// below is the longest timer of the client, shown by other closes, that had
// run out before a wait ended; nil when there is none.
func (ts *timers) below(w wait) *timer {
	var best *timer
	for _, list := range [...][]*timer{ts.configured, ts.byClient[w.client], ts.shared} {
		for _, t := range list {
			if (t.count > 0 || t.configured) && t.value <= w.from[basisRequest] && (best == nil || t.value > best.value) {
				best = t
			}
		}
	}
	return best
}

// nearest is the timer of the client whose value lies nearest to a wait from
// the request, within a tenth of it; nil when there is none.
func (ts *timers) nearest(w wait) *timer {
	var best *timer
	for _, list := range [...][]*timer{ts.configured, ts.byClient[w.client], ts.shared} {
		for _, t := range list {
			d := (w.from[basisRequest] - t.value).Abs()
			if w.from[basisRequest] >= 0 && d <= t.value/10 && (best == nil || d < (w.from[basisRequest]-best.value).Abs()) {
				best = t
			}
		}
	}
	return best
}

// longest is the longest timer that the client of r has shown; 0 none.
func (ts *timers) longest(r *conn.Record) time.Duration {
	c := r.Client
	c.Port = 0
	var d time.Duration
	for _, list := range [...][]*timer{ts.configured, ts.byClient[c], ts.shared} {
		for _, t := range list {
			d = max(d, t.value)
		}
	}
	return d
}

// together is how close in time the closes of one emptied pool lie.
const together = event.Time(10 * time.Millisecond)

// emptiedPool reports whether r was closed together with idle connections of
// its client, which opened none afterwards: the pool was emptied, or the
// program ended, and the response before was the last one only by chance.
func (ts *timers) emptiedPool(r *conn.Record, lately *recentPools) bool {
	idle := ts.idleOf(r, lately)
	if idle == nil || idle.last > r.CloseAt {
		return false
	}
	i, _ := slices.BinarySearch(idle.at, r.CloseAt-together)
	return i < len(idle.at) && idle.at[i] <= r.CloseAt+together
}

// recentPools are the idle closes that were looked up lately.
type recentPools = lookaside[[16]byte, *idleCloses]

// idleOf are the idle closes of the client of r. lately may be nil.
func (ts *timers) idleOf(r *conn.Record, lately *recentPools) *idleCloses {
	if lately == nil {
		return ts.idle[event.Endpoint{Addr: r.Client.Addr}]
	}
	x, ok := lately.find(slotOfAddr(&r.Client.Addr), r.Client.Addr)
	if !ok {
		*x = ts.idle[event.Endpoint{Addr: r.Client.Addr}]
	}
	return *x
}

// all are the timers in no order.
func (ts *timers) all() []*timer {
	all := slices.Concat(ts.configured, ts.shared)
	for _, list := range ts.byClient {
		all = append(all, list...)
	}
	return all
}

// sorted are all timers that explain a close, those with most closes first.
func (ts *timers) sorted() []*timer {
	all := ts.all()
	all = slices.DeleteFunc(all, func(t *timer) bool { return t.count == 0 && !t.configured })
	slices.SortFunc(all, func(t, u *timer) int {
		return cmp.Or(cmp.Compare(u.count, t.count), cmp.Compare(t.value, u.value),
			t.client.Compare(u.client), cmp.Compare(t.basis, u.basis))
	})
	return all
}

// tolerance says within what the closes of a timer fall.
func tolerance(t *timer) string {
	return seconds(max(time.Millisecond, t.high-t.value, t.value-t.low).Round(time.Millisecond))
}

// others says how many other closes the timer explains; "" when there are none.
func (t *timer) others() string {
	if t.count < 2 {
		return ""
	}
	return fmt.Sprintf("; %d other closes fall within %s of %s", t.count-1, tolerance(t), took(t.value))
}
