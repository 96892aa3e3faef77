package analyzer

import (
	"math/rand/v2"
	"strings"
	"testing"

	"finwait/analyzer/event"
)

// TestReplacements matches closes with the connections opened because of them.
// A row of a plan is client, server, opening and close in seconds; want names,
// for each, the row that replaced it.
func TestReplacements(t *testing.T) {
	type row struct {
		client, server   string
		opened, closedAt float64 // closed 0: not
	}
	const a, b, s, u = "10.0.0.1", "10.0.0.9", "10.0.0.2:80", "10.0.0.3:80"
	for _, c := range []struct {
		name string
		rows []row
		want []int // -1: none
	}{
		{"opened after the close", []row{{a, s, 1, 2}, {a, s, 3, 0}}, []int{1, -1}},
		{"by another client", []row{{a, s, 1, 2}, {b, s, 3, 0}}, []int{-1, -1}},
		{"to another server", []row{{a, s, 1, 2}, {a, u, 3, 0}}, []int{-1, -1}},
		{"long before the close", []row{{a, s, 1, 4}, {a, s, 3, 0}}, []int{-1, -1}},
		{"a little before the close", []row{{a, s, 1, 3.01}, {a, s, 3, 0}}, []int{1, -1}},
		{"two closes, one opening: the later close", []row{{a, s, 1, 2}, {a, s, 1.1, 2.5}, {a, s, 3, 0}}, []int{-1, 2, -1}},
		{"two closes, two openings", []row{{a, s, 1, 2}, {a, s, 1.1, 2.5}, {a, s, 3, 0}, {a, s, 3.1, 0}}, []int{3, 2, -1, -1}},
		{"a chain", []row{{a, s, 1, 2}, {a, s, 3, 4}, {a, s, 5, 6}}, []int{1, 2, -1}},
		{"a dial of one packet does not replace itself", []row{{a, s, 1, 1}, {a, s, 5, 0}}, []int{1, -1}},
		{"never closed", []row{{a, s, 1, 0}, {a, s, 3, 0}}, []int{-1, -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMade(Options{})
			for k, x := range c.rows {
				r := plain(port(x.client, k), x.opened, max(0, x.closedAt-x.opened))
				r.Server = ends(x.server)
				if x.closedAt == 0 {
					notClosed(&r)
				}
				m.add(r)
			}
			flows, report := m.flows(t)
			churned := 0
			for k, f := range flows {
				got := -1
				if f.ReplacedBy != nil {
					got = *f.ReplacedBy
					churned++
				}
				if got != c.want[k] {
					t.Errorf("row %d is replaced by %d, want %d", k, got, c.want[k])
				}
			}
			if report.Totals.Churned != churned {
				t.Errorf("%d churned, want %d", report.Totals.Churned, churned)
			}
		})
	}
}

// TestReplacementsMost: of one client and server, closes and openings are
// matched as often as an opening follows a close that nothing replaced yet.
func TestReplacementsMost(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		m := newMade(Options{})
		n := 1 + rng.IntN(12)
		type change struct {
			at    int
			close bool
		}
		var changes []change
		free := rng.Perm(500) // distinct moments a second apart
		for k := range n {
			x, y := free[2*k], free[2*k+1]
			x, y = min(x, y), max(x, y)
			m.add(plain(port("10.0.0.1", k), float64(x), float64(y-x)))
			changes = append(changes, change{x, false}, change{y, true})
		}
		want, waiting := 0, 0
		for at := range 500 {
			for _, c := range changes {
				switch {
				case c.at != at:
				case c.close:
					waiting++
				case waiting > 0:
					waiting--
					want++
				}
			}
		}
		flows, _ := m.flows(t)
		got, used := 0, map[int]bool{}
		for _, f := range flows {
			if f.ReplacedBy == nil {
				continue
			}
			got++
			g := flows[*f.ReplacedBy]
			if used[*f.ReplacedBy] || event.Time(g.Opened) < event.Time(f.Close.At) {
				t.Fatalf("stream %d is replaced by %d, opened %v", *f.Stream, *f.ReplacedBy, g.Opened)
			}
			used[*f.ReplacedBy] = true
		}
		if got != want {
			t.Fatalf("%d of %d matched, want %d", got, n, want)
		}
	}
}

// TestRetries: a timed-out request that is sent again on the connection that
// replaced its own.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		second string
		want   int
	}{{"/a", 1}, {"/b", 0}} {
		m := newMade(Options{})
		first := waited("10.0.0.1:40000", 1, 0.5)
		first.Path, first.Method = m.name("/a"), m.name("GET")
		second := waited("10.0.0.1:40001", 1.6, 0.5)
		second.Path, second.Method = m.name(c.second), m.name("GET")
		m.add(first)
		m.add(second)
		_, report := m.flows(t)
		if report.Totals.Retries != c.want {
			t.Errorf("%s after /a: %d retries, want %d", strings.TrimSpace(c.second), report.Totals.Retries, c.want)
		}
	}
}
