package analyzer

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// TestDeparturesAgainstSearch compares what is found out about departures with
// the definition, which looks through all of them: with the same paths in
// several shards, moments that coincide, more departures than are looked at, and
// flows that ask without being departures.
func TestDeparturesAgainstSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	found := [2]int{}
	for round := range 60 {
		m := newMade(Options{Jobs: 1 + round%3})
		paths := []string{"", "/", "/a", "/b", "/a/b"}[:1+rng.IntN(5)]
		width := [...]int{2, 30, 400}[rng.IntN(3)] // ms
		for k := range 1 + rng.IntN(300) {
			r := waited(fmt.Sprintf("10.0.0.%d:%d", rng.IntN(6), 1000+k), float64(rng.IntN(width))/1000, float64(rng.IntN(30))/1000)
			r.Server = ends(fmt.Sprintf("10.0.0.%d:%d", 2+rng.IntN(6), 80+rng.IntN(2)))
			s := m.v.shards[rng.IntN(len(m.v.shards))]
			r.Path = s.names.ID([]byte(paths[rng.IntN(len(paths))]))
			switch rng.IntN(8) {
			case 0:
				r.FirstBy, r.ClientNotify = event.Server, r.CloseAt
			case 1:
				r.Outstanding = false
			}
			r.FirstFrame = uint32(k + 1)
			s.records.add(&r)
		}
		res := m.a.Finish()
		var list []asker
		res.each(func(i int, r *conn.Record) {
			if r.Outstanding {
				list = append(list, asker{i, *r, res.name(i, r.Path)})
			}
		})
		slices.SortFunc(list, func(x, y asker) int {
			return cmp.Or(cmp.Compare(x.r.CloseAt, y.r.CloseAt), cmp.Compare(x.flow, y.flow))
		})
		for _, x := range list {
			var want, got [2]time.Duration
			want[0], want[1] = x.passedOn(list), x.leftBehind(list)
			got[0], _ = res.departures.passedOn(x.flow)
			got[1], _ = res.departures.leftBehind(x.flow)
			if got != want {
				t.Fatalf("round %d, flow %d: %v, want %v", round, x.flow, got, want)
			}
			found[0], found[1] = found[0]+b2i(got[0] > 0), found[1]+b2i(got[1] > 0)
		}
	}
	if found[0] < 100 || found[1] < 100 {
		t.Errorf("passed on: %v", found)
	}
}

// asker is a flow with a request outstanding at its close.
type asker struct {
	flow int
	r    conn.Record
	path string
}

func (x *asker) passedOn(list []asker) time.Duration {
	if x.path == "" || x.path == "/" {
		return 0
	}
	return x.search(list, func(d *asker) bool { return d.path == x.path }, func(d *asker) bool {
		return d.r.Client.Addr != x.r.Client.Addr && d.r.Server.Addr != x.r.Server.Addr
	})
}

func (x *asker) leftBehind(list []asker) time.Duration {
	if x.r.Client.Addr == x.r.Server.Addr {
		return 0
	}
	return x.search(list, func(d *asker) bool { return d.r.Server.Addr == x.r.Client.Addr }, func(*asker) bool { return true })
}

// search looks at the last departures of a kind before x closed.
func (x *asker) search(list []asker, of, fits func(*asker) bool) time.Duration {
	var kind []*asker
	for i := range list {
		if d := &list[i]; d.r.FirstBy == event.Client && of(d) && d.r.CloseAt < x.r.CloseAt {
			kind = append(kind, d)
		}
	}
	kind = kind[max(0, len(kind)-departureSample):]
	for _, d := range slices.Backward(kind) {
		if x.r.CloseAt-d.r.CloseAt > passOnLimit {
			break
		}
		if d.flow != x.flow && d.r.Server != x.r.Server && d.r.RequestStart <= x.r.RequestStart && fits(d) {
			return x.r.CloseAt.Sub(d.r.CloseAt)
		}
	}
	return 0
}
