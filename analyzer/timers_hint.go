package analyzer

import (
	"fmt"
	"time"

	"finwait/analyzer/stat"
)

// A band is where all the waits of a client lie that no timer explains.
type band struct {
	low, high time.Duration
	count     int
}

// bandLeast is how many waits make a band.
const bandLeast = 8

// bandOf looks for a timer with jitter, as libraries that spread their retries
// draw it anew for every attempt: no two waits agree, but none is shorter than
// half the longest. Callers that leave for reasons of their own leave early, too.
// It also finds clients that send a second request after a while and cancel the
// slower one, so it is a hint and not a cause.
func (ts *timers) bandOf(list waits) (band, bool) {
	b := band{}
	for _, i := range list.refs {
		w := &list.all.at(i).wait
		d := w.from[basisExchange]
		if d < 0 || ts.explained(ts.shared, w) {
			continue
		}
		if b.count == 0 || d < b.low {
			b.low = d
		}
		b.high = max(b.high, d)
		b.count++
	}
	return b, b.count >= bandLeast && b.high <= 2*b.low
}

// hintLeast is the shortest wait whose round value says anything: below, every
// fourth wait is near one.
const hintLeast = 100 * time.Millisecond

// pairMost is how many waits that no timer explains may be of one client, so that
// two which agree to a millisecond are no chance.
const pairMost = 8

// pairSpan is how well two waits agree that may be of one timer.
const pairSpan = time.Millisecond

// pairWait is a wait from the two bases of a timer over the exchange.
type pairWait struct{ exchange, request time.Duration }

// pairsOf are the waits of a client that no timer explains, when they are few.
func (ts *timers) pairsOf(list waits) []pairWait {
	if len(list.refs) > pairMost {
		return nil
	}
	var left []pairWait
	for _, i := range list.refs {
		if w := &list.all.at(i).wait; !ts.explained(ts.shared, w) {
			left = append(left, pairWait{w.from[basisExchange], w.from[basisRequest]})
		}
	}
	return left
}

// paired reports whether another close of the client had waited as long as w from
// b: on the basis of the exchange or, where a dial lay in between, of the request.
func (ts *timers) paired(w *wait, b timerBasis) bool {
	n := 0
	for _, x := range ts.pairs[w.client] {
		n += b2i((x.exchange-w.from[b]).Abs() <= pairSpan || (x.request-w.from[b]).Abs() <= pairSpan)
	}
	return n > 1 // w itself is one
}

// hint says what speaks for a timer although none was found that explains w;
// "" when nothing does.
func (ts *timers) hint(w *wait) string {
	for _, b := range [...]timerBasis{basisExchange, basisRequest} {
		if w.from[b] >= hintLeast && ts.paired(w, b) {
			return fmt.Sprintf(", but another close of this client came as long after %s to a millisecond, and two do not show a timer", b.words())
		}
		if r, ok := stat.Round(w.from[b]); ok && w.from[b] >= hintLeast {
			return fmt.Sprintf(", but %s after %s is a value that people configure, and a single close does not show a timer", took(r), b.words())
		}
	}
	if b, ok := ts.bands[w.client]; ok {
		return fmt.Sprintf(", but all %d such closes of this client fall between %s and %s: a timer with jitter would do that",
			b.count, took(b.low), took(b.high))
	}
	return ""
}
