package analyzer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// world is made-up load of which the truth is known.
type world struct {
	length    time.Duration
	perMinute float64 // requests
	peers     int
	endpoints int // of each peer, the first asked most
	timeout   time.Duration
	// Slow times: how many a minute, how long each, and how much slower one
	// peer is in it. They make timeouts come in bursts.
	bursts     float64
	burst      time.Duration
	slowness   float64
	slowPeer   int     // the peer and endpoint that are always slower; -1 none
	slowFactor float64 // by this much
	leaves     bool    // servers notice that their clients leave
}

// request is what one request adds to a row.
type simRow struct {
	requests, timedOut int
	counts             times
	response, gaveUp   stat.Dist
}

func newSimRow(g grid) *simRow { return &simRow{counts: newTimes(g)} }

func (s *simRow) add(at event.Time, takes, timeout time.Duration, leaves bool) {
	s.requests++
	s.counts.requests.add(at, 1)
	s.counts.response.addDuration(at, int64(takes))
	if takes <= timeout {
		s.response.Add(takes)
		return
	}
	s.timedOut++
	s.counts.timedOut.add(at, 1)
	closed := at.Add(timeout)
	s.counts.churned.add(closed, 1)
	s.counts.opened.add(closed, 1)
	late := takes - timeout
	if leaves {
		late = 200 * time.Microsecond
		s.response.AddCensored(timeout)
	} else {
		s.response.Add(takes)
	}
	s.gaveUp.Add(late)
	s.counts.gaveUp.addDuration(closed, int64(late))
}

// report is what finwait would report of the world.
func (w world) report(seed uint64) *Report {
	rng := rand.New(rand.NewPCG(seed, 11))
	start := event.Time(1_700_000_000_000_000_000) + event.Time(seed%1000)*event.Time(time.Second)
	g := gridOf(start, start.Add(w.length))
	all, client := newSimRow(g), newSimRow(g)
	peers := make([]*simRow, w.peers)
	rows := make([][]*simRow, w.peers)
	for p := range peers {
		peers[p] = newSimRow(g)
		for range w.endpoints {
			rows[p] = append(rows[p], newSimRow(g))
		}
	}
	type slow struct {
		from, to time.Duration
		peer     int
	}
	var slows []slow
	for at := time.Duration(0); w.bursts > 0; {
		at += time.Duration(rng.ExpFloat64() / w.bursts * float64(time.Minute))
		if at > w.length {
			break
		}
		slows = append(slows, slow{at, at + time.Duration(rng.ExpFloat64()*float64(w.burst)), rng.IntN(w.peers)})
	}
	for at := time.Duration(0); ; {
		at += time.Duration(rng.ExpFloat64() / w.perMinute * float64(time.Minute))
		if at > w.length {
			break
		}
		p, e := rng.IntN(w.peers), min(int(rng.ExpFloat64()*float64(w.endpoints)/3), w.endpoints-1)
		takes := 20 * float64(time.Millisecond) * float64(1+e) * math.Exp(rng.NormFloat64())
		for _, s := range slows {
			if s.peer == p && at >= s.from && at < s.to {
				takes *= w.slowness
			}
		}
		if p == w.slowPeer && e == 1 {
			takes *= w.slowFactor
		}
		for _, s := range []*simRow{all, client, peers[p], rows[p][e]} {
			s.add(start.Add(at), time.Duration(takes), w.timeout, w.leaves)
		}
	}
	return simReport(start, w, g, all, client, peers, rows)
}

func simReport(start event.Time, w world, g grid, all, client *simRow, peers []*simRow, rows [][]*simRow) *Report {
	length := w.length.Seconds()
	r := &Report{Schema: ReportSchema, Slices: g.report(), Span: Span{Stamp(start), Stamp(start.Add(w.length)), &length}}
	q := func(d *stat.Dist, s *sliced) Quantiles { return quantilesOver(d, s, g) }
	r.Totals = Totals{Requests: all.requests, TimedOut: all.timedOut, Churned: all.timedOut, Connections: all.timedOut + 10, Opened: all.timedOut + 10,
		Causes: Causes{"request-timeout": all.timedOut}, Response: q(&all.response, &all.counts.response), Counts: all.counts.counts(g),
		CausesOver: map[string][]int{"request-timeout": all.counts.churned.on(g)}}
	r.HalfClose.Client.GaveUp = q(&all.gaveUp, &all.counts.gaveUp)
	r.HalfClose.Client.FinWait2 = r.HalfClose.Client.GaveUp
	r.Clients = []ClientRow{{Client: "10.0.0.1", Requests: client.requests, TimedOut: client.timedOut, Churned: client.timedOut,
		Connections: client.timedOut + 10, Opened: client.timedOut + 10, Counts: client.counts.counts(g), GaveUp: q(&client.gaveUp, &client.counts.gaveUp)}}
	for p, s := range peers {
		server := fmt.Sprintf("10.0.1.%d:80", p)
		r.Peers = append(r.Peers, Peer{Server: server, Requests: s.requests, TimedOut: s.timedOut, Churned: s.timedOut, Connections: s.timedOut + 3,
			Opened: s.timedOut + 3, Counts: s.counts.counts(g), Response: q(&s.response, &s.counts.response), GaveUp: q(&s.gaveUp, &s.counts.gaveUp)})
		for e, s := range rows[p] {
			r.Endpoints = append(r.Endpoints, EndpointRow{Server: server, Endpoint: fmt.Sprintf("GET /e%d", e), Requests: s.requests, TimedOut: s.timedOut,
				Churned: s.timedOut, Counts: s.counts.counts(g), Response: q(&s.response, &s.counts.response), GaveUp: q(&s.gaveUp, &s.counts.gaveUp)})
		}
	}
	return r
}

// TestSim prints power and false alarms.
func TestSim(t *testing.T) {
	calm := world{length: 2 * time.Minute, perMinute: 1500, peers: 4, endpoints: 5, timeout: 500 * time.Millisecond, slowPeer: -1}
	bursty := calm
	bursty.bursts, bursty.burst, bursty.slowness = 4, 3*time.Second, 8
	long := calm
	long.bursts, long.burst, long.slowness = 1.5, 12*time.Second, 5
	for name, w := range map[string]world{"calm": calm, "bursty": bursty, "long": long} {
		pairs, alarms := 200, 0
		why := map[string]int{}
		for i := range uint64(pairs) {
			c := Compare(w.report(2*i), w.report(2*i+1), CompareOptions{})
			if c.Verdict == VerdictRegressed || c.Verdict == VerdictImproved {
				alarms++
			}
			c.each(func(label string, rows []D) {
				for k := range rows {
					if v := rows[k].Verdict; v == VerdictRegressed || v == VerdictImproved {
						why[rows[k].Metric]++
					}
				}
			})
		}
		t.Logf("%s: %d of %d %v", name, alarms, pairs, why)
		for _, factor := range []float64{1.5, 2, 3, 5} {
			slow := w
			slow.slowPeer, slow.slowFactor = 2, factor
			hit, peer, other := 0, 0, 0
			for i := range uint64(40) {
				c := Compare(w.report(2*i+1000), slow.report(2*i+1001), CompareOptions{})
				for _, e := range c.Endpoints {
					if e.Server == "10.0.1.2:80" && e.Endpoint == "GET /e1" {
						hit += b2i(e.Verdict == VerdictRegressed)
					} else {
						other += b2i(e.Verdict == VerdictRegressed || e.Verdict == VerdictImproved)
					}
				}
				for _, p := range c.Peers {
					if p.Server == "10.0.1.2:80" {
						peer += b2i(p.Verdict == VerdictRegressed)
					} else {
						other += b2i(p.Verdict == VerdictRegressed || p.Verdict == VerdictImproved)
					}
				}
			}
			t.Logf("%s x%g: endpoint %d, peer %d of 40; others %d", name, factor, hit, peer, other)
		}
	}
}
