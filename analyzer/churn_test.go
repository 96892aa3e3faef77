package analyzer

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// TestMatcherAgainstSearch compares the matching with the definition, which looks
// through all that is left: with clocks that step, many changes at one moment,
// and bursts.
func TestMatcherAgainstSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	var m matcher
	for round := range 3000 {
		n := 1 + rng.IntN(30)
		unit, width := [...]int64{1e6, 7e6, 25e6, 1e9}[rng.IntN(4)], 1+rng.Int64N(60)
		var list []stat.Moment
		for flow := range n {
			open := rng.Int64N(width)
			if round%2 == 0 {
				open = int64(flow) * width / int64(n)
			}
			list = append(list, stat.MomentOf(open*unit, opening(flow)))
			if rng.IntN(5) > 0 {
				list = append(list, stat.MomentOf((open+rng.Int64N(20)-rng.Int64N(3))*unit, closing(flow)))
			}
		}
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		got, want := make([]int32, n), make([]int32, n)
		for i := range n {
			got[i], want[i] = -1, -1
		}
		matchBySearch(slices.Clone(list), want)
		m.match(list, got)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: %v, want %v", round, got, want)
		}
	}
}

// matchBySearch is the definition of matcher.match.
func matchBySearch(list []stat.Moment, replaced []int32) {
	slices.SortFunc(list, func(x, y stat.Moment) int { return cmp.Or(cmp.Compare(x.At(), y.At()), ofOneTime(x, y)) })
	var closed, opened []stat.Moment
	for _, c := range list {
		flow := flowOf(c)
		if !opens(c) {
			k := slices.IndexFunc(opened, func(o stat.Moment) bool {
				return event.Time(c.At()-o.At()) <= retryLead && flowOf(o) > flow
			})
			if k >= 0 {
				replaced[flow] = flowOf(opened[k])
				opened = slices.Delete(opened, k, k+1)
				continue
			}
			closed = append(closed, c)
			continue
		}
		k := len(closed) - 1
		for k >= 0 && (flowOf(closed[k]) == flow || closed[k].At() == c.At() && flowOf(closed[k]) > flow) {
			k--
		}
		if k < 0 {
			opened = append(opened, c)
			continue
		}
		replaced[flowOf(closed[k])] = flow
		closed = slices.Delete(closed, k, k+1)
	}
}

// BenchmarkMatch matches 200,000 connections of one pair.
func BenchmarkMatch(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 200_000
	var list []stat.Moment
	for flow := range n {
		open := int64(flow) * 30e3
		list = append(list, stat.MomentOf(open, opening(flow)), stat.MomentOf(open+100e6+rng.Int64N(50e6), closing(flow)))
	}
	replaced := make([]int32, n)
	var m matcher
	b.ReportAllocs()
	for b.Loop() {
		m.match(slices.Clone(list), replaced)
	}
}

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

// TestRetriesAnswered: of an answered request only the endpoint is kept, which
// tells that it was the same one only where the endpoint is no family of paths.
func TestRetriesAnswered(t *testing.T) {
	for _, c := range []struct {
		path, endpoint string
		want           int
	}{
		{"/a", "GET /a", 1},
		{"/item/17", "GET /item/{id}", 0},
		{"/a?page=2", "GET /a", 0},
	} {
		m := newMade(Options{})
		first := waited("10.0.0.1:40000", 1, 0.5)
		first.Path, first.Method, first.Endpoint = m.name(c.path), m.name("GET"), m.name(c.endpoint)
		second := plain("10.0.0.1:40001", 1.6, 0.5)
		second.Method, second.Endpoint = m.name("GET"), m.name(c.endpoint)
		m.add(first)
		m.add(second)
		_, report := m.flows(t)
		if report.Totals.Retries != c.want {
			t.Errorf("%s: %d retries, want %d", c.path, report.Totals.Retries, c.want)
		}
	}
}
