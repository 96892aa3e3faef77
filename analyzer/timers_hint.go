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

// hint says what speaks for a timer although none was found that explains w;
// "" when nothing does.
func (ts *timers) hint(w *wait) string {
	for _, b := range [...]timerBasis{basisExchange, basisRequest} {
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
