package analyzer

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"finwait/analyzer/conn"
)

// port is the k-th client port of an address.
func port(addr string, k int) string { return fmt.Sprintf("%s:%d", addr, 40000+k) }

// timeouts counts the connections that a timer closed, by its value to a
// millisecond, and those that were cancelled.
func timeouts(flows []Flow) (by map[float64]int, cancelled int) {
	by = map[float64]int{}
	for _, f := range flows {
		switch f.Close.Cause {
		case "request-timeout":
			by[math.Round(f.Close.Timer.ValueS*1000)/1000]++
		case "request-cancelled":
			cancelled++
		}
	}
	return by, cancelled
}

// TestTimersByClient: several clients, each with its own timer, and callers that
// cancel at any time.
func TestTimersByClient(t *testing.T) {
	m := newMade(Options{})
	rng := rand.New(rand.NewPCG(1, 1))
	for i, c := range []struct {
		addr  string
		value float64
		n     int
	}{{"10.0.0.11", 0.25, 8}, {"10.0.0.12", 1.7, 6}, {"10.0.0.13", 0.5, 5}} {
		for k := range c.n {
			r := waited(port(c.addr, k), float64(10*k+i), 0)
			r.CloseAt = r.Opened.Add(time.Duration(c.value*1e9) + time.Duration(rng.IntN(400))*time.Microsecond)
			m.add(r)
		}
	}
	for k := range 6 {
		m.add(waited(port("10.0.0.14", k), float64(10*k), 0.0371+0.113*float64(k*k)))
	}
	flows, report := m.flows(t)
	by, cancelled := timeouts(flows)
	if len(report.Timers) != 3 || by[0.25] != 8 || by[1.7] != 6 || by[0.5] != 5 || cancelled != 6 {
		t.Errorf("timers %v, %d cancelled\n%+v", by, cancelled, report.Timers)
	}
	for _, timer := range report.Timers {
		want := map[float64]string{0.25: "10.0.0.11", 1.7: "10.0.0.12", 0.5: "10.0.0.13"}[math.Round(timer.ValueS*1000)/1000]
		if timer.Client != want {
			t.Errorf("the timer of %v s is %s's, want %s", timer.ValueS, timer.Client, want)
		}
	}
}

// TestTimerBasis: the moment from which the waits agree is where the timer
// starts; everything else about the requests varies.
func TestTimerBasis(t *testing.T) {
	for _, c := range []struct {
		name, want string
		closeAt    func(r *conn.Record) // 0.6 s after where the timer starts
	}{
		{"whole exchange", "request-start", func(r *conn.Record) {
			from := r.RequestStart // on a connection that stood ready
			if r.Answered == 0 {
				from = r.Opened // dialled for it
			}
			r.CloseAt = from.Add(600 * time.Millisecond)
		}},
		{"for the head of the response", "request-end", func(r *conn.Record) { r.CloseAt = r.RequestEnd.Add(600 * time.Millisecond) }},
		{"between two bytes", "last-byte", func(r *conn.Record) {
			r.CloseAt = max(r.ClientLastByte, r.ServerLastByte).Add(600 * time.Millisecond)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMade(Options{})
			rng := rand.New(rand.NewPCG(2, 2))
			milliseconds := func(n int) time.Duration { return time.Duration(20+rng.IntN(n)) * time.Millisecond }
			for k := range 12 {
				r := waited(port("10.0.0.1", k), float64(10*k), 0)
				if k%2 == 0 {
					r.Sent, r.Answered = 2, 1
				}
				r.RequestStart = r.Opened.Add(milliseconds(80))
				r.RequestEnd = r.RequestStart.Add(milliseconds(90))
				r.ClientLastByte = r.RequestEnd
				if k%3 == 0 {
					r.Phase = conn.PhaseReadingBody
					r.ResponseStart = r.RequestEnd.Add(milliseconds(90))
					r.ResponseEnd, r.ServerLastByte = r.ResponseStart, r.ResponseStart.Add(milliseconds(90))
					r.ResponseEnd = r.ServerLastByte
				}
				c.closeAt(&r)
				m.add(r)
			}
			flows, report := m.flows(t)
			by, cancelled := timeouts(flows)
			if len(report.Timers) != 1 || report.Timers[0].Basis != c.want || by[0.6] != 12 || cancelled != 0 {
				t.Errorf("timers %+v of %v, %d cancelled", report.Timers, by, cancelled)
			}
		})
	}
}

// TestLateFirings: a busy client fires its timer late, never early.
func TestLateFirings(t *testing.T) {
	at := func(waits ...float64) (map[float64]int, int) {
		m := newMade(Options{})
		for k := range 10 {
			m.add(waited(port("10.0.0.1", k), float64(10*k), 0.5003))
		}
		for k, wait := range waits {
			m.add(waited(port("10.0.0.1", 100+k), float64(200+10*k), wait))
		}
		flows, _ := m.flows(t)
		return timeouts(flows)
	}
	if by, cancelled := at(0.511, 0.519, 0.534); by[0.5] != 13 || cancelled != 0 {
		t.Errorf("late firings: %v, %d cancelled", by, cancelled)
	}
	if by, cancelled := at(0.4113, 0.4372, 0.4467); by[0.5] != 10 || cancelled != 3 {
		t.Errorf("closes before the timer's time: %v, %d cancelled", by, cancelled)
	}
	if by, cancelled := at(0.31, 0.38, 0.44, 0.55, 0.62, 0.71); by[0.5] != 10 || cancelled != 6 {
		t.Errorf("closes on both sides: %v, %d cancelled", by, cancelled)
	}
}

// TestKnownTimeout: a timer that was given explains what agrees with nothing.
func TestKnownTimeout(t *testing.T) {
	for _, c := range []struct {
		opts Options
		want string
	}{
		{Options{}, "request-cancelled"},
		{Options{Timeouts: []time.Duration{1234 * time.Millisecond}}, "request-timeout"},
		{Options{Timeouts: []time.Duration{1300 * time.Millisecond}}, "request-cancelled"},
	} {
		m := newMade(c.opts)
		m.add(waited("10.0.0.1:40000", 1, 1.2345))
		flows, _ := m.flows(t)
		if got := flows[0].Close; got.Cause != c.want || c.want == "request-timeout" && got.Timer.Basis != "configured" {
			t.Errorf("with %v: %s %+v, want %s", c.opts.Timeouts, got.Cause, got.Timer, c.want)
		}
	}
}

// TestPassedOn: a proxy whose clients leave closes its own connections at their
// times, which are nobody's timer there.
func TestPassedOn(t *testing.T) {
	m := newMade(Options{})
	for k := range 6 {
		path := fmt.Sprintf("/item/%d", k)
		outer := waited(port("10.0.0.1", k), float64(10*k), 0.4)
		outer.Server = ends("10.0.0.50:80")
		inner := waited(port("10.0.1.50", k), float64(10*k), 0.4+0.002)
		inner.Server = ends("10.0.1.2:8080")
		for _, r := range []*conn.Record{&outer, &inner} {
			r.Path, r.Method = m.name(path), m.name("GET")
		}
		inner.RequestStart = inner.RequestStart.Add(500 * time.Microsecond)
		m.add(outer)
		m.add(inner)
	}
	flows, report := m.flows(t)
	for _, f := range flows {
		want := "request-timeout"
		if f.Server == "10.0.1.2:8080" {
			want = "request-cancelled"
		}
		if f.Close.Cause != want {
			t.Errorf("%s -> %s: %s (%s), want %s", f.Client, f.Server, f.Close.Cause, f.Close.Because, want)
		}
	}
	if len(report.Timers) != 1 || report.Timers[0].Client != "10.0.0.1" {
		t.Errorf("timers: %+v", report.Timers)
	}
}

// TestTimerOutlasted: streams whose pieces come at the same rhythm are cut by a
// timer over the whole exchange. Where in the rhythm it fires agrees better than
// its value from anywhere else, but pauses longer than that had been survived.
func TestTimerOutlasted(t *testing.T) {
	for _, outlasted := range []bool{false, true} {
		m := newMade(Options{})
		for k := range 10 {
			r := waited(port("10.0.0.1", k), float64(10*k), []float64{1.1, 1.5}[k%2])
			r.Sent, r.Answered = 2, 1
			r.Phase, r.Outlasted = conn.PhaseReadingBody, outlasted
			r.ResponseStart, r.ServerLastByte = r.RequestStart.Add(5*time.Millisecond), r.CloseAt.Add(-90*time.Millisecond)
			r.ResponseEnd = r.ServerLastByte
			m.add(r)
		}
		flows, _ := m.flows(t)
		by, _ := timeouts(flows)
		if outlasted && (by[1.1] != 5 || by[1.5] != 5) || !outlasted && by[0.09] != 10 {
			t.Errorf("outlasted %v: timers %v", outlasted, by)
		}
	}
}

// TestTimerBehindData: closes whose FIN waited behind bytes of the request tell
// of no timer, however well they agree; one that others show may have been it.
func TestTimerBehindData(t *testing.T) {
	for others, want := range map[int]map[float64]int{0: {}, 6: {0.8: 12}} {
		m := newMade(Options{})
		for k := range 6 {
			r := waited(port("10.0.0.1", k), float64(10*k), 2.5)
			r.Phase, r.Queued = conn.PhaseSendingRequest, true
			m.add(r)
		}
		for k := range others {
			m.add(waited(port("10.0.0.1", 50+k), float64(100+10*k), 0.8))
		}
		flows, _ := m.flows(t)
		if by, cancelled := timeouts(flows); !maps.Equal(by, want) || cancelled != 6-others {
			t.Errorf("%d others: timers %v, %d cancelled", others, by, cancelled)
		}
	}
}
