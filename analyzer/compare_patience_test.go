package analyzer

import (
	"strings"
	"testing"
	"time"
)

// withTimer adds the timer that a world's clients have, as far as they show it.
func withTimer(w world, seed uint64) *Report {
	r := w.report(seed)
	if r.Totals.TimedOut > 0 {
		r.Timers = []Timer{{ValueS: w.timeout.Seconds(), SpreadS: 0.0005, Basis: "request-start", Count: r.Totals.TimedOut, Client: "10.0.0.1"}}
	}
	return r
}

// TestPatience makes a timeout longer while slow times come in long bursts, of
// which a capture holds a few: counts alone cannot tell, slow requests can.
func TestPatience(t *testing.T) {
	before := swinging()
	before.timeout, before.length, before.perMinute = 300*time.Millisecond, time.Minute, 600
	after := before
	after.timeout = 2 * time.Second
	const pairs = 12
	counts, both, alarms := 0, 0, 0
	for i := range uint64(pairs) {
		a, b := withTimer(before, 2*i+1), withTimer(after, 2*i+2)
		c := Compare(a, b, CompareOptions{})
		both += b2i(c.Axes.Timeouts == VerdictImproved && c.Axes.Churn == VerdictImproved)
		counts += b2i(Compare(before.report(2*i+1), after.report(2*i+2), CompareOptions{}).Axes.Timeouts == VerdictImproved)
		if d := c.Timers[0]; d.Verdict == VerdictGone && !strings.Contains(d.Text, "is longer now, or gone") {
			t.Errorf("pair %d: %s", i, d.Text)
		}
		alarms += b2i(hasChange(Compare(a, withTimer(before, 2*i+500), CompareOptions{})))
	}
	t.Logf("timeouts and churn improved in %d of %d pairs, timeouts in %d by their counts; %d false alarms", both, pairs, counts, alarms)
	if both < pairs*9/10 || counts >= both || alarms > pairs/6 {
		t.Errorf("timeouts and churn improved in %d of %d pairs, timeouts in %d by their counts; %d false alarms", both, pairs, counts, alarms)
	}
}

// TestFaster makes the server faster instead: nothing is said of patience.
func TestFaster(t *testing.T) {
	before, after := calm(), calm()
	before.timeout, after.timeout = 200*time.Millisecond, 200*time.Millisecond
	after.endpoints = 1 // only the fast one is asked
	a, b := withTimer(before, 1), withTimer(after, 2)
	b.Timers = nil
	c := Compare(a, b, CompareOptions{})
	if d := rowOf(c.Totals, "timeouts_per_1k"); strings.Contains(d.Test, "slow requests") {
		t.Errorf("%s: %s", d.Test, d.Note)
	}
}
