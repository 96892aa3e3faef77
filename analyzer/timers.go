package analyzer

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// timerBasis is where a timer starts. Zero is the whole exchange.
type timerBasis uint8

const (
	basisExchange   timerBasis = iota // from the SYN for the first request of a connection, else from the request: a timer over dialling and answering
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
	count      int                    // closes that it explains
	client     event.Endpoint         // port 0; unknown when only all clients together show it
	servers    map[event.Endpoint]int // closes by server
}

// timers are all timers that the closes of one analysis show.
type timers struct {
	configured []*timer
	byClient   map[event.Endpoint][]*timer // best first; the key's port is 0
	shared     []*timer                    // shown by all clients together
	idle       map[event.Endpoint]*idleCloses
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
	w.from[basisExchange] = w.from[basisRequest]
	if r.Answered == 0 && r.Handshake == conn.HandshakeComplete && r.Marks&conn.MarkMidStream == 0 {
		since(basisConnect, r.Opened)
		w.from[basisExchange] = w.from[basisConnect]
	}
	return w
}

// findTimers finds the timers behind the waits of closes with a request
// outstanding: for every client the values at which many of its waits agree,
// then over all clients together what is left.
func findTimers(waits []wait, known []time.Duration) *timers {
	ts := &timers{byClient: map[event.Endpoint][]*timer{}, idle: map[event.Endpoint]*idleCloses{}}
	for _, d := range known {
		ts.configured = append(ts.configured, &timer{value: d, low: early(d), high: late(d), configured: true,
			confidence: stat.ConfidenceHigh, servers: map[event.Endpoint]int{}})
	}
	byClient := map[event.Endpoint][]wait{}
	for _, w := range waits {
		if !ts.explained(ts.configured, w) {
			byClient[w.client] = append(byClient[w.client], w)
		}
	}
	clients := make([]event.Endpoint, 0, len(byClient))
	for c := range byClient {
		clients = append(clients, c)
	}
	slices.SortFunc(clients, event.Endpoint.Compare)
	var rest []wait
	for _, c := range clients {
		found, left := modesOf(byClient[c])
		for _, t := range found {
			t.client = c
		}
		ts.byClient[c] = found
		rest = append(rest, left...)
	}
	if len(clients) > 1 {
		found, _ := modesOf(rest)
		ts.shared = append(ts.shared, found...)
	}
	ts.count(waits)
	return ts
}

// early and late bound the waits that a timer of value d explains. The wait
// that a capture shows begins with the packet, the timer a little before: with
// the call, or the turn of an event loop that led to it. And timers fire late,
// by what it takes until their program runs.
func early(d time.Duration) time.Duration { return d - 2*time.Millisecond - d/250 }
func late(d time.Duration) time.Duration  { return d + max(5*time.Millisecond, d/100) }

// explained reports whether one of the timers fits the wait.
func (ts *timers) explained(list []*timer, w wait) bool {
	for _, t := range list {
		if _, ok := t.fits(w); ok {
			return true
		}
	}
	return false
}

// fits reports whether the timer explains a wait, and from which basis. A
// timer over the whole exchange starts before the dial or, on a connection
// that stood ready, with the request: the input does not show which, so either
// will do.
func (t *timer) fits(w wait) (timerBasis, bool) {
	try := []timerBasis{t.basis}
	switch {
	case t.configured:
		try = []timerBasis{basisConnect, basisRequest, basisRequestEnd, basisLastByte}
	case t.basis == basisExchange || t.basis == basisRequest:
		try = []timerBasis{basisConnect, basisRequest}
	}
	best, found := t.basis, false
	var dist time.Duration
	for _, b := range try {
		d := w.from[b]
		if d < 0 || d < t.low || d > t.high {
			continue
		}
		if off := (d - t.value).Abs(); !found || off < dist {
			best, dist, found = b, off, true
		}
	}
	return best, found
}

// modesOf finds timers one after the other, the best first, each among the
// waits that the earlier ones do not explain.
func modesOf(waits []wait) (found []*timer, left []wait) {
	left = waits
	for len(left) > 0 && len(found) < maxTimers {
		t := bestMode(left)
		if t == nil {
			break
		}
		rest := t.unexplained(left)
		if len(rest) == len(left) {
			break
		}
		found, left = append(found, t), rest
	}
	slices.SortStableFunc(found, func(t, u *timer) int { return cmp.Compare(u.count, t.count) })
	for _, t := range found {
		t.stretch(left)
		left = t.unexplained(left)
	}
	return found, left
}

// unexplained are the waits that t does not fit.
func (t *timer) unexplained(waits []wait) []wait {
	var rest []wait
	for _, w := range waits {
		if _, ok := t.fits(w); !ok {
			rest = append(rest, w)
		}
	}
	return rest
}

const (
	// stretchGap is how far apart, as a share of the timer's value, late
	// firings may lie: they thin out from the value on without a break.
	stretchGap = 0.03
	// stretchMost is the latest, as a multiple of the value, that a timer fires.
	stretchMost = 1.5
)

// stretch lets a timer explain waits that end later than its value. A busy
// client (one that waits for a processor, a garbage collector or a global
// lock) fires its timers late, never early, while closes for other reasons
// fall on both sides. So what no timer explains just above the value, without
// a gap and with next to nothing as far below, are late firings; more than the
// timer explains already would be too many.
func (t *timer) stretch(left []wait) {
	t.sure = t.high
	if t.configured || t.count < 2 {
		return
	}
	var above, below []time.Duration
	for _, w := range left {
		switch d := w.from[t.basis]; {
		case d > t.high && float64(d) <= float64(t.value)*stretchMost:
			above = append(above, d)
		case d >= 0 && d < t.low:
			below = append(below, d)
		}
	}
	slices.Sort(above)
	gap := time.Duration(float64(t.value)*stretchGap) + 5*time.Millisecond
	limit := t.high
	for n, d := range above {
		if d-limit > gap || n >= t.count {
			break
		}
		early := 0
		for _, b := range below {
			early += b2i(t.low-b <= d-t.high+gap)
		}
		if n+1 < 4*early {
			break
		}
		limit = d
	}
	t.high = limit
}

// maxTimers bounds the timers that one client may have.
const maxTimers = 16

// bestMode is the timer that explains most of the waits: of all bases the mode
// with the most members; among about equals the one at a round value, then the
// sharper one, then the basis that stands first in timerBasis.
func bestMode(waits []wait) *timer {
	waits = thinned(waits)
	var modes [basisLastByte + 1][]stat.Mode
	var group sync.WaitGroup
	for b := range modes {
		group.Go(func() {
			values := make([]time.Duration, 0, len(waits))
			for _, w := range waits {
				if w.from[b] >= 0 {
					values = append(values, w.from[b])
				}
			}
			modes[b] = stat.Modes(values, stat.ModeOptions{})
		})
	}
	group.Wait()
	var best *timer
	for b, list := range modes {
		for _, m := range list {
			if m.Confidence == stat.ConfidenceNone {
				continue
			}
			t := &timer{value: m.Value, spread: m.Spread, basis: timerBasis(b), confidence: m.Confidence, count: len(m.Members),
				low: min(early(m.Value), m.Low), high: max(m.High, min(m.Median+3*m.Spread, late(m.Value))) + time.Millisecond,
				servers: map[event.Endpoint]int{}}
			if best == nil || t.better(best, m.Round) {
				best = t
			}
		}
	}
	return best
}

// mostWaits is how many waits a timer is looked for in. A timer that is too rare
// to show in so many is found among those that the commoner ones leave.
const mostWaits = 4096

// thinned is every n-th wait, where there are more than mostWaits.
func thinned(waits []wait) []wait {
	n := (len(waits) + mostWaits - 1) / mostWaits
	if n <= 1 {
		return waits
	}
	few := make([]wait, 0, mostWaits)
	for i := 0; i < len(waits); i += n {
		few = append(few, waits[i])
	}
	return few
}

// better reports whether t explains the waits better than u, which was found
// on an earlier basis.
func (t *timer) better(u *timer, round bool) bool {
	_, uRound := stat.Round(u.value)
	switch {
	case t.confidence != u.confidence:
		return t.confidence > u.confidence
	case t.count*10 > u.count*11+10:
		return true
	case u.count*10 > t.count*11+10:
		return false
	case round != uRound:
		return round
	case t.count != u.count:
		return t.count > u.count
	}
	return t.spread*3 < u.spread && u.spread > time.Millisecond
}

// count counts the closes that each timer explains.
func (ts *timers) count(waits []wait) {
	for _, t := range ts.all() {
		t.count = 0
	}
	for _, w := range waits {
		if t, _ := ts.lookup(w); t != nil {
			t.count++
			t.servers[w.server]++
		}
	}
}

// lookup finds the timer that explains a wait: a configured one, else the
// client's own, else a shared one.
func (ts *timers) lookup(w wait) (*timer, timerBasis) {
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
	t, b := ts.lookup(w)
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
			b, ok := t.fits(w)
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
func (ts *timers) emptiedPool(r *conn.Record) bool {
	c := r.Client
	c.Port = 0
	idle := ts.idle[c]
	if idle == nil || idle.last > r.CloseAt {
		return false
	}
	i, _ := slices.BinarySearch(idle.at, r.CloseAt-together)
	return i < len(idle.at) && idle.at[i] <= r.CloseAt+together
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
