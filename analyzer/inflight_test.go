package analyzer

import (
	"math/rand/v2"
	"testing"

	"finwait/analyzer/event"
)

// lasting is an exchange from one moment up to another.
type lasting struct{ from, to event.Time }

// randomExchanges makes exchanges within a second, or within hours.
func randomExchanges(rng *rand.Rand) []lasting {
	within := event.Time(1e9) << rng.IntN(14)
	longest := within >> rng.IntN(10)
	list := make([]lasting, 1+rng.IntN(300))
	for i := range list {
		from := begin + event.Time(rng.Int64N(int64(within)))
		list[i] = lasting{from, from + event.Time(rng.Int64N(int64(longest)))}
	}
	return list
}

// sampled counts list at every tick of f, one by one.
func (f *inFlight) sampled(list []lasting) (peak int) {
	tick := int64(1) << f.shift
	for k := range int64(len(f.diff)) {
		at, n := event.Time((f.first+k)*tick), 0
		for _, x := range list {
			if x.from <= at && at < x.to {
				n++
			}
		}
		peak = max(peak, n)
	}
	return peak
}

// atOnce is the true peak.
func atOnce(list []lasting) (peak int) {
	for _, x := range list {
		n := 0
		for _, y := range list {
			if y.from <= x.from && x.from < y.to {
				n++
			}
		}
		peak = max(peak, n)
	}
	return peak
}

// TestInFlight compares the sampled peak with a count at every tick, whatever
// the order and however the exchanges are split into parts.
func TestInFlight(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 300 {
		list := randomExchanges(rng)
		var whole inFlight
		for _, x := range list {
			whole.add(x.from, x.to)
		}
		whole.spread()
		if len(whole.diff) > 2*inFlightTicks+2 {
			t.Fatalf("%d ticks", len(whole.diff))
		}
		got := whole.peak()
		if want := whole.sampled(list); got != want {
			t.Fatalf("peak %d, counted at every tick %d (shift %d)", got, want, whole.shift)
		}
		if exact := atOnce(list); got > exact {
			t.Fatalf("peak %d, moment by moment %d", got, exact)
		}
		var parts [3]inFlight
		for _, i := range rng.Perm(len(list)) {
			parts[rng.IntN(3)].add(list[i].from, list[i].to)
		}
		var sum inFlight
		for _, k := range rng.Perm(3) {
			sum.merge(&parts[k])
		}
		if sum.peak() != got {
			t.Fatalf("in parts, and in another order, the peak is %d (shift %d), not %d (shift %d)", sum.peak(), sum.shift, got, whole.shift)
		}
	}
}

// TestInFlightRequests: a request that times out is under way until its close.
func TestInFlightRequests(t *testing.T) {
	m := newMade(Options{})
	for k := range 5 {
		m.add(waited(port("10.0.0.1", k), 1+0.01*float64(k), 0.5))
	}
	_, report := m.flows(t)
	if got := report.Peers[0].InFlightPeak; got != 5 {
		t.Errorf("%d in flight, want 5", got)
	}
}
