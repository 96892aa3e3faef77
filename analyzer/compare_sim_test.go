package analyzer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
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
	slowPeer   int     // the peer of which an endpoint is always slower; -1 none
	slowFactor float64 // by this much
	leaves     bool    // servers notice that their clients leave
	skew       float64 // by this much the later endpoints are asked more; 0 is 1
}

// everyPeer as slowPeer means all of them.
const everyPeer = -2

// simRow is one row of the report in the making.
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
		p, e := rng.IntN(w.peers), min(int(rng.ExpFloat64()*float64(w.endpoints)/3*max(1, w.skew)), w.endpoints-1)
		takes := 20 * float64(time.Millisecond) * float64(1+e) * math.Exp(rng.NormFloat64())
		for _, s := range slows {
			if s.peer == p && at >= s.from && at < s.to {
				takes *= w.slowness
			}
		}
		if (p == w.slowPeer || w.slowPeer == everyPeer) && e == 1 {
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
	h := func(d *stat.Dist, s *sliced) Quantiles { return halfClosesOver(d, s, g) }
	r.Totals = Totals{Requests: all.requests, TimedOut: all.timedOut, Churned: all.timedOut, Connections: all.timedOut + 10, Opened: all.timedOut + 10,
		Causes: Causes{"request-timeout": all.timedOut}, Response: q(&all.response, &all.counts.response), Counts: all.counts.counts(g),
		CausesOver: map[string][]int{"request-timeout": all.counts.churned.on(g)}}
	r.HalfClose.Client.GaveUp = h(&all.gaveUp, &all.counts.gaveUp)
	r.HalfClose.Client.FinWait2 = r.HalfClose.Client.GaveUp
	r.Clients = []ClientRow{{Client: "10.0.0.1", Requests: client.requests, TimedOut: client.timedOut, Churned: client.timedOut, Causes: Causes{"request-timeout": client.timedOut},
		Connections: client.timedOut + 10, Opened: client.timedOut + 10, Counts: client.counts.counts(g), GaveUp: h(&client.gaveUp, &client.counts.gaveUp)}}
	for p, s := range peers {
		server := fmt.Sprintf("10.0.1.%d:80", p)
		r.Peers = append(r.Peers, Peer{Server: server, Requests: s.requests, TimedOut: s.timedOut, Churned: s.timedOut, Causes: Causes{"request-timeout": s.timedOut}, Connections: s.timedOut + 3,
			Opened: s.timedOut + 3, Counts: s.counts.counts(g), Response: q(&s.response, &s.counts.response), GaveUp: h(&s.gaveUp, &s.counts.gaveUp)})
		for e, s := range rows[p] {
			r.Endpoints = append(r.Endpoints, EndpointRow{Server: server, Endpoint: fmt.Sprintf("GET /e%d", e), Requests: s.requests, TimedOut: s.timedOut,
				Churned: s.timedOut, Causes: Causes{"request-timeout": s.timedOut}, Counts: s.counts.counts(g), Response: q(&s.response, &s.counts.response), GaveUp: h(&s.gaveUp, &s.counts.gaveUp)})
		}
	}
	return r
}

// calm, bursty and swinging are the worlds that tests begin with: timeouts by
// chance alone; in bursts of 3 s; in slow times of 12 s, of which a capture of
// two minutes holds three.
func calm() world {
	return world{length: 2 * time.Minute, perMinute: 1500, peers: 4, endpoints: 5, timeout: 500 * time.Millisecond, slowPeer: -1}
}

func bursty() world {
	w := calm()
	w.bursts, w.burst, w.slowness = 4, 3*time.Second, 8
	return w
}

func swinging() world {
	w := calm()
	w.bursts, w.burst, w.slowness = 1.5, 12*time.Second, 5
	return w
}

// hasChange reports whether any row of the comparison improved or regressed.
func hasChange(c *Comparison) bool {
	return c.Verdict == VerdictRegressed || c.Verdict == VerdictImproved
}

// TestFalseAlarms compares captures of the same load: at most one pair of
// twenty may show any change in any row.
func TestFalseAlarms(t *testing.T) {
	half := calm()
	half.length /= 2
	quiet := calm()
	quiet.perMinute /= 2
	short := calm() // 1500 requests, of which about 50 time out
	short.length, short.peers, short.timeout = time.Minute, 2, 300*time.Millisecond
	shorter, thinner, tiny := short, short, short
	shorter.length /= 2
	thinner.perMinute /= 2
	tiny.length /= 60
	for _, c := range []struct {
		name   string
		before world
		after  world
		least  int // unchanged, in percent
		most   int
	}{
		{"calm", calm(), calm(), 95, 100},
		{"bursty", bursty(), bursty(), 60, 100},
		{"swinging", swinging(), swinging(), 30, 100},
		{"half the length", calm(), half, 90, 100},
		{"half the load", calm(), quiet, 90, 100},
		{"few", short, short, 90, 100},
		{"few, half the length", short, shorter, 85, 100},
		{"few, half the load", short, thinner, 85, 100},
		{"too few to tell", tiny, tiny, 0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const pairs = 40
			alarms, unchanged := 0, 0
			for i := range uint64(pairs) {
				x := Compare(c.before.report(2*i), c.after.report(2*i+1), CompareOptions{})
				alarms += b2i(hasChange(x))
				unchanged += b2i(x.Verdict == VerdictUnchanged)
			}
			t.Logf("%d of %d pairs show a change, %d are unchanged", alarms, pairs, unchanged)
			if alarms > pairs/20 {
				t.Errorf("%d of %d pairs of the same load show a change", alarms, pairs)
			}
			if percent := 100 * unchanged / pairs; percent < c.least || percent > c.most {
				t.Errorf("%d %% of the pairs of the same load are unchanged, want %d to %d", percent, c.least, c.most)
			}
		})
	}
}

// TestPower makes one endpoint of one server slower: that row and its server
// must regress and no other one.
func TestPower(t *testing.T) {
	for _, c := range []struct {
		name   string
		world  world
		factor float64
		least  int // of 20
	}{
		{"calm", calm(), 2, 12}, {"calm", calm(), 4, 20}, {"bursty", bursty(), 4, 16}, {"swinging", swinging(), 5, 14},
	} {
		t.Run(fmt.Sprintf("%s, %g times slower", c.name, c.factor), func(t *testing.T) {
			t.Parallel()
			const pairs = 20
			slow := c.world
			slow.slowPeer, slow.slowFactor = 2, c.factor
			hits, servers, others := 0, 0, 0
			for i := range uint64(pairs) {
				x := Compare(c.world.report(2*i+1000), slow.report(2*i+1001), CompareOptions{})
				wrong := false
				for _, e := range x.Endpoints {
					if e.Server == "10.0.1.2:80" && e.Endpoint == "GET /e1" {
						hits += b2i(e.Verdict == VerdictRegressed)
					} else {
						wrong = wrong || e.Verdict == VerdictRegressed || e.Verdict == VerdictImproved
					}
				}
				for _, p := range x.Peers {
					if p.Server == "10.0.1.2:80" {
						servers += b2i(p.Verdict == VerdictRegressed)
					} else {
						wrong = wrong || p.Verdict == VerdictRegressed || p.Verdict == VerdictImproved
					}
				}
				others += b2i(wrong)
			}
			t.Logf("%s, %g times slower: endpoint found in %d of %d, its server in %d; another row in %d", c.name, c.factor, hits, pairs, servers, others)
			if hits < c.least || servers < hits || others > pairs/20 {
				t.Errorf("%s, %g times slower: endpoint found in %d of %d (want %d), its server in %d; another row in %d",
					c.name, c.factor, hits, pairs, c.least, servers, others)
			}
		})
	}
}

// TestLongerTimeout makes the client's timeout longer: timeouts and churn improve.
func TestLongerTimeout(t *testing.T) {
	before, after := bursty(), bursty()
	before.timeout, after.timeout = 300*time.Millisecond, 2*time.Second
	a, b := before.report(1), after.report(2)
	a.Timers = []Timer{{ValueS: 0.3, SpreadS: 0.0005, Basis: "request-start", Count: a.Totals.TimedOut, Client: "10.0.0.1"}}
	b.Timers = []Timer{{ValueS: 2, SpreadS: 0.0005, Basis: "request-start", Count: b.Totals.TimedOut, Client: "10.0.0.1"}}
	c := Compare(a, b, CompareOptions{})
	if c.Verdict != VerdictImproved || c.Axes.Timeouts != VerdictImproved || c.Axes.Churn != VerdictImproved || c.Axes.SymptomMoved {
		t.Errorf("verdict %s, axes %+v", c.Verdict, c.Axes)
	}
	if len(c.Timers) != 1 || c.Timers[0].Verdict != VerdictChanged || !strings.Contains(c.Text, "went from 300 ms to 2 s") {
		t.Errorf("timers %+v, text %q", c.Timers, c.Text)
	}
}

// TestSymptomMoved lets the servers notice that their clients leave: only the
// half-closes change, in whatever rows, and the text says what that means.
func TestSymptomMoved(t *testing.T) {
	moved := 0
	for i := range uint64(20) {
		after := calm()
		after.leaves = true
		c := Compare(calm().report(2*i+1), after.report(2*i+2), CompareOptions{})
		want := Axes{Timeouts: VerdictUnchanged, Churn: VerdictUnchanged, HalfClose: VerdictImproved, Response: VerdictUnchanged, SymptomMoved: true}
		moved += b2i(c.Axes == want)
		if !c.Axes.SymptomMoved || !strings.Contains(c.Text, "The symptom moved") {
			t.Errorf("pair %d: axes %+v, want %+v; text %q", i, c.Axes, want, c.Text)
		}
		c.each(func(label string, rows []D) {
			for k := range rows {
				d := &rows[k]
				if half := d.Metric == "half_close_s" || d.JudgedBy == "half_close_s"; !half && (d.Verdict == VerdictImproved || d.Verdict == VerdictRegressed) {
					t.Errorf("pair %d: %s of %s %s", i, d.Metric, label, d.Verdict)
				}
			}
		})
	}
	if moved < 18 {
		t.Errorf("only the half-closes moved in %d of 20 pairs", moved)
	}
}
