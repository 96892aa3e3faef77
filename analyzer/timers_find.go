package analyzer

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// waits are some of the waits of departures.
type waits struct {
	all  *departed
	refs []uint32
}

// findTimers finds the timers behind the waits of closes with a request
// outstanding: for every client the values at which many of its waits agree,
// then over all clients together what is left.
func findTimers(list waits, o Options) *timers {
	ts := &timers{byClient: map[event.Endpoint][]*timer{}, idle: map[event.Endpoint]*idleCloses{}, bands: map[event.Endpoint]band{}, pairs: map[event.Endpoint][]pairWait{}}
	for _, d := range o.Timeouts {
		ts.configured = append(ts.configured, &timer{value: d, low: early(d), high: late(d), configured: true,
			confidence: stat.ConfidenceHigh, servers: map[event.Endpoint]int{}})
	}
	clients := ts.byClients(list)
	ts.search(clients, o.Jobs)
	if len(clients) > 1 {
		rest := waits{all: list.all}
		for _, c := range clients {
			rest.refs = append(rest.refs, c.waits.refs...)
		}
		ts.shared, _ = modesOf(rest)
	}
	ts.count(list)
	for _, c := range clients {
		if b, ok := ts.bandOf(c.waits); ok {
			ts.bands[c.client] = b
		}
		if p := ts.pairsOf(c.waits); len(p) > 1 {
			ts.pairs[c.client] = p
		}
	}
	return ts
}

// clientWaits are the waits of one client that no configured timer explains,
// and then those that none of its own explains either.
type clientWaits struct {
	client event.Endpoint
	waits  waits
	found  []*timer
}

// byClients parts the waits by client, in the order of their addresses.
func (ts *timers) byClients(list waits) []*clientWaits {
	index := map[event.Endpoint]*clientWaits{}
	var lately lookaside[event.Endpoint, *clientWaits]
	var clients []*clientWaits
	for _, i := range list.refs {
		w := &list.all.at(i).wait
		if ts.explained(ts.configured, w) {
			continue
		}
		c, ok := lately.find(slotOfEnd(&w.client), w.client)
		if !ok {
			if *c = index[w.client]; *c == nil {
				*c = &clientWaits{client: w.client, waits: waits{all: list.all}}
				index[w.client] = *c
				clients = append(clients, *c)
			}
		}
		(*c).waits.refs = append((*c).waits.refs, i)
	}
	slices.SortFunc(clients, func(x, y *clientWaits) int { return x.client.Compare(y.client) })
	return clients
}

// search finds the timers of every client, of several at once.
func (ts *timers) search(clients []*clientWaits, jobs int) {
	var done sync.WaitGroup
	var next atomic.Int64
	for range min(jobs, len(clients)) {
		done.Go(func() {
			for k := next.Add(1) - 1; k < int64(len(clients)); k = next.Add(1) - 1 {
				c := clients[k]
				c.found, c.waits = modesOf(c.waits)
			}
		})
	}
	done.Wait()
	for _, c := range clients {
		for _, t := range c.found {
			t.client = c.client
		}
		ts.byClient[c.client] = c.found
	}
}

// modesOf finds timers one after the other, the best first, each among the
// waits that the earlier ones do not explain.
func modesOf(list waits) (found []*timer, left waits) {
	left = list
	for len(left.refs) > 0 && len(found) < maxTimers {
		t := bestMode(left)
		if t == nil {
			break
		}
		rest := t.unexplained(left)
		if len(rest.refs) == len(left.refs) {
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
func (t *timer) unexplained(list waits) waits {
	rest := waits{all: list.all}
	for _, i := range list.refs {
		if _, ok := t.fits(&list.all.at(i).wait); !ok {
			rest.refs = append(rest.refs, i)
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
func (t *timer) stretch(left waits) {
	t.sure = t.high
	if t.configured || t.count < 2 || t.confidence < stat.ConfidenceMedium {
		return
	}
	var above, below []time.Duration
	for _, i := range left.refs {
		switch d := left.all.at(i).from[t.basis]; {
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
func bestMode(list waits) *timer {
	refs := thinned(list.refs)
	var modes [basisLastByte + 1][]stat.Mode
	var group sync.WaitGroup
	for b := range modes {
		group.Go(func() {
			values := make([]time.Duration, 0, len(refs))
			for _, i := range refs {
				if d := list.all.at(i).from[b]; d >= 0 {
					values = append(values, d)
				}
			}
			modes[b] = stat.Modes(values, stat.ModeOptions{})
		})
	}
	group.Wait()
	var best *timer
	for b, found := range modes {
		for _, m := range found {
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
func thinned(refs []uint32) []uint32 {
	n := (len(refs) + mostWaits - 1) / mostWaits
	if n <= 1 {
		return refs
	}
	few := make([]uint32, 0, mostWaits)
	for i := 0; i < len(refs); i += n {
		few = append(few, refs[i])
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
