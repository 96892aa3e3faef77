package analyzer

import (
	"strings"
	"testing"
	"time"

	"finwait/analyzer/conn"
)

// TestRanOut: the sentence names every timer that more than one close shows.
func TestRanOut(t *testing.T) {
	for _, c := range []struct {
		timers []Timer
		want   string
	}{
		{nil, ""},
		{[]Timer{{ValueS: 0.5, Count: 1}}, " (its timer: 500 ms)"},
		{[]Timer{{ValueS: 0.5, Count: 9}, {ValueS: 2, Count: 1}}, " (its timer: 500 ms)"},
		{[]Timer{{ValueS: 0.5, Count: 9, Client: "10.0.0.1"}, {ValueS: 0.5, Count: 4, Client: "10.0.0.2"}}, " (its timer: 500 ms)"},
		{[]Timer{{ValueS: 0.5, Count: 9}, {ValueS: 2, Count: 2}}, " (timers: 500 ms, 2 s)"},
		{[]Timer{{ValueS: 0.5, Count: 9}, {ValueS: 2, Count: 2}, {ValueS: 3, Count: 2}, {ValueS: 4, Count: 2}}, " (timers: 500 ms, 2 s, 3 s and 1 more)"},
	} {
		if got := ranOut(c.timers); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.timers, got, c.want)
		}
	}
}

// TestOneShotCounts: health checks and long-lived connections are no requests
// that opened a connection each.
func TestOneShotCounts(t *testing.T) {
	m := newMade(Options{})
	for k := range 6 {
		m.add(plain(port("10.0.0.1", k), float64(10*k), 0.003))
	}
	for k := range 3 {
		m.add(plain(port("10.0.0.1", 20+k), float64(10*k+2), 7))
	}
	for k := range 9 {
		r := plain(port("10.0.0.1", 40+k), float64(10*k+5), 0.01)
		r.Sent, r.Answered, r.ClientBytes, r.ServerBytes = 0, 0, 0, 0
		m.add(r)
	}
	_, report := m.flows(t)
	for _, f := range report.Findings {
		if f.ID == "new-client-per-request" {
			if !strings.HasPrefix(f.Text, "6 of 9 connections") || !strings.HasPrefix(f.Title, "Many requests") {
				t.Errorf("got %q: %q", f.Title, f.Text)
			}
			return
		}
	}
	t.Errorf("no such finding: %+v", report.Totals)
}

// TestTimerMeaning: which settings make a timer is said as far as the closes
// tell them apart.
func TestTimerMeaning(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(r *conn.Record)
		want, not string
	}{
		{"reused connections, no byte of the answers", func(r *conn.Record) { r.Sent, r.Answered = 2, 1 }, "these closes do not tell which", ""},
		{"dialled, from the SYN", func(r *conn.Record) { r.RequestStart = r.Opened.Add(4e7) }, "whole exchange", "read timer"},
		{"dialled, from the request", func(r *conn.Record) { r.Opened = r.RequestStart.Add(-4e7) }, "does not include the dial", "whole exchange"},
		{"bytes came in between", func(r *conn.Record) {
			r.Sent, r.Answered, r.Phase = 2, 1, conn.PhaseReadingBody
			r.ResponseStart, r.ServerLastByte = r.RequestStart.Add(1e8), r.RequestStart.Add(time.Duration(150+r.Client.Port%97)*time.Millisecond)
			r.ResponseEnd = r.ServerLastByte
		}, "whole exchange", "read timer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMade(Options{})
			for k := range 8 {
				r := waited(port("10.0.0.1", k), float64(10*k), 0.5)
				r.RequestEnd, r.ClientLastByte = r.RequestStart, r.RequestStart
				if c.name == "dialled, from the SYN" {
					r.CloseAt = r.Opened.Add(5e8)
				}
				c.change(&r)
				if r.Answered == 0 {
					r.RequestEnd, r.ClientLastByte = r.RequestStart, r.RequestStart
				}
				m.add(r)
			}
			_, report := m.flows(t)
			if len(report.Timers) != 1 || !strings.Contains(report.Timers[0].Meaning, c.want) || c.not != "" && strings.Contains(report.Timers[0].Meaning, c.not) {
				t.Errorf("got %+v", report.Timers)
			}
		})
	}
}

// TestSmallPool: connections that are closed behind their response matter when
// they are missed: the client has to open new ones. Few of them are no proof.
func TestSmallPool(t *testing.T) {
	for _, c := range []struct {
		closes int
		missed bool
		want   string
	}{{2, true, ""}, {4, true, SeverityMedium}, {8, true, SeverityHigh}, {8, false, ""}} {
		m := newMade(Options{})
		for k := range 4 { // the pool
			r := plain(port("10.0.0.1", k), 0.5, 900)
			r.Sent, r.Answered = 50, 50
			m.add(r)
		}
		for k := range c.closes {
			opened := 1 + 0.0001*float64(k)
			if c.missed {
				opened = 1 + 10*float64(k)
			}
			m.add(plain(port("10.0.0.1", 20+k), opened, 0.06+0.02*float64(k%2)))
		}
		if c.missed {
			r := plain(port("10.0.0.1", 90), 800, 60)
			m.add(r)
		}
		_, report := m.flows(t)
		got := ""
		for _, f := range report.Findings {
			if f.ID == "pool-too-small" {
				got = f.Severity
			}
		}
		if got != c.want {
			t.Errorf("%d closes, missed %v: got %q, want %q", c.closes, c.missed, got, c.want)
		}
	}
}

// TestCalledWithoutAddress: a log that shows no address of a server may still
// show its name.
func TestCalledWithoutAddress(t *testing.T) {
	name := "cache-1.svc"
	for _, c := range []struct {
		peer Peer
		want string
	}{
		{Peer{Server: "10.0.0.2:80"}, "10.0.0.2:80"},
		{Peer{Server: "10.0.0.2:80", ServerName: &name}, "cache-1.svc (10.0.0.2:80)"},
		{Peer{ServerName: &name}, "cache-1.svc"},
	} {
		if got := c.peer.called(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestStalledUploads: clients that closed behind bytes which the server's window
// held back are a finding of their own, and no cancels at odd times.
func TestStalledUploads(t *testing.T) {
	m := newMade(Options{})
	for k := range 4 {
		r := waited(port("10.0.0.1", k), float64(10*k), 2.5)
		r.Phase, r.Queued = conn.PhaseSendingRequest, true
		r.Marks = r.Marks&^conn.MarkRequestWhole | conn.MarkZeroWindow
		m.add(r)
	}
	_, report := m.flows(t)
	if len(report.Findings) != 1 || report.Findings[0].ID != "receive-window-closed" || !strings.Contains(report.Findings[0].Text, "The FIN of 4 waited") {
		t.Errorf("got %+v", report.Findings)
	}
}
