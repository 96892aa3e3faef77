package analyzer

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"finwait/analyzer/conn"
)

// TestHints: closes that no timer explains are less sure to be cancels when
// something speaks for a timer.
func TestHints(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	jitter := func(n int, low, span float64) (waits []float64) {
		for range n {
			waits = append(waits, low+span*rng.Float64())
		}
		return waits
	}
	for _, c := range []struct {
		name  string
		waits []float64
		want  string // of the last one; "" medium confidence
	}{
		{"jitter", jitter(14, 0.343, 0.302), "a timer with jitter"},
		{"cancels at any time", append(jitter(14, 0.02, 1.3), 0.7731), ""},
		{"too few", []float64{0.3434, 0.3917, 0.4278, 0.5123, 0.6111}, ""},
		{"two alike among few", []float64{0.3434, 0.3917, 0.4278, 0.6111, 1.3007, 1.3004}, "another close of this client"},
		{"two alike among many", append(jitter(14, 0.02, 1.3), 0.7731, 0.7735), ""},
		{"a round value", append(jitter(8, 0.02, 0.9), 3.5004), "people configure"},
	} {
		m := newMade(Options{})
		for k, wait := range c.waits {
			m.add(waited(port("10.0.0.1", k), float64(10*k), wait))
		}
		flows, _ := m.flows(t)
		got := flows[len(flows)-1].Close
		conf := map[bool]string{true: "medium", false: "low"}[c.want == ""]
		if got.Cause != "request-cancelled" || got.Confidence != conf || !strings.Contains(got.Because, c.want) {
			t.Errorf("%s: %s %s (%s), want request-cancelled %s %q", c.name, got.Cause, got.Confidence, got.Because, conf, c.want)
		}
	}
}

// TestStoodReady: the timer of the first request on a connection that had stood
// ready started with the request, that of one that was dialled for it with the dial.
func TestStoodReady(t *testing.T) {
	m := newMade(Options{})
	for k := range 5 {
		r := waited(port("10.0.0.1", k), float64(10*k), 0)
		after := 40*time.Millisecond + time.Duration(k)*time.Millisecond
		from := r.Opened
		if k%2 == 0 {
			after = time.Duration(1+k) * 300 * time.Millisecond
			from = r.Opened.Add(after)
		}
		r.RTT, r.SYNRTT = 20*time.Millisecond, 20*time.Millisecond
		r.RequestStart = r.Opened.Add(after)
		r.RequestEnd, r.ClientLastByte = r.RequestStart, r.RequestStart
		r.CloseAt = from.Add(520 * time.Millisecond)
		m.add(r)
	}
	var none conn.Record
	if stoodReady(&none) {
		t.Error("a connection without times stood ready")
	}
	flows, report := m.flows(t)
	if by, cancelled := timeouts(flows); len(report.Timers) != 1 || by[0.52] != 5 || cancelled != 0 || flows[0].Close.Confidence != "high" {
		t.Errorf("timers %+v of %v, %d cancelled", report.Timers, by, cancelled)
	}
}
