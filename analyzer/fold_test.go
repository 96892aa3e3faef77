package analyzer

import (
	"fmt"
	"testing"
)

// TestFold: endpoints that differ in a segment which takes very many values are
// one; few values stay apart.
func TestFold(t *testing.T) {
	for _, c := range []struct {
		name   string
		values int
		rows   int
	}{{"very many values", 200, 1}, {"few values", 3, 3}} {
		t.Run(c.name, func(t *testing.T) {
			m := newMade(Options{})
			for k := range 400 {
				r := waited(port("10.0.0.1", k), float64(k), 0.5)
				word := fmt.Sprintf("GET /user/n%c%c%c/orders", 'a'+k%c.values%26, 'a'+k%c.values/26%26, 'q'+k%c.values%7)
				r.Endpoint = m.name(word)
				m.add(r)
			}
			flows, report := m.flows(t)
			if len(report.Endpoints) != c.rows {
				t.Errorf("%d endpoints, want %d: %v", len(report.Endpoints), c.rows, report.Endpoints[0].Endpoint)
			}
			sum := 0
			names := map[string]bool{}
			for _, e := range report.Endpoints {
				sum += e.TimedOut
				names[e.Endpoint] = true
			}
			if sum != 400 {
				t.Errorf("the endpoints have %d timeouts, want 400", sum)
			}
			for _, f := range flows {
				if !names[f.Close.Request.Endpoint] {
					t.Fatalf("stream %d is of %q, which is no row", *f.Stream, f.Close.Request.Endpoint)
				}
			}
		})
	}
}
