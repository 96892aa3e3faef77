package analyzer

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"finwait/analyzer/stat"
)

// num is a pointer to a number.
func num(v float64) *float64 { return &v }

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name             string
		p                *float64
		before, after    float64
		worse            int
		matters, bounded bool
		want             string
	}{
		{"more is worse", num(0.001), 10, 20, 1, true, false, VerdictRegressed},
		{"less of it", num(0.001), 20, 10, 1, true, false, VerdictImproved},
		{"less is worse", num(0.001), 20, 10, -1, true, false, VerdictRegressed},
		{"sure, but too small to matter", num(0.001), 20, 20.1, 1, false, false, VerdictUnchanged},
		{"large, but chance", num(0.2), 10, 20, 1, true, false, VerdictUnsure},
		{"large, but chance, and much larger ones are excluded", num(0.2), 10, 12, 1, true, true, VerdictUnchanged},
		{"at the level", num(alpha), 10, 20, 1, true, false, VerdictUnsure},
		{"no test", nil, 0, 0, 1, false, false, VerdictUnsure},
		{"no test, and little of it on both sides", nil, 0, 0, 1, false, true, VerdictUnchanged},
	} {
		d := D{P: c.p, Before: num(c.before), After: num(c.after), worse: c.worse, matters: c.matters, bounded: c.bounded}
		if got := d.decide(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestFollow(t *testing.T) {
	for _, c := range []struct {
		name          string
		leader        string
		before, after float64
		expected      float64
		worse         int
		want          string
	}{
		{"the same way", VerdictImproved, 10, 2, 0, 1, VerdictImproved},
		{"the other way", VerdictImproved, 2, 10, 0, 1, VerdictUnsure},
		{"the other way, as the load has it", VerdictImproved, 2, 10, 5, 1, VerdictUnchanged},
		{"half the load", VerdictUnchanged, 10, 5, 0.5, 1, VerdictUnchanged},
		{"half the load, worse", VerdictRegressed, 10, 8, 0.5, 1, VerdictRegressed},
		{"less is worse", VerdictRegressed, 10, 3, 0, -1, VerdictRegressed},
		{"unsure and different", VerdictUnsure, 10, 5, 0, 1, VerdictUnsure},
		{"unsure and alike", VerdictUnsure, 10, 10.5, 0, 1, VerdictUnchanged},
	} {
		rows := []D{{Metric: "leader", Verdict: c.leader}, follower("peak", "sockets", num(c.before), num(c.after), 1, 1, c.worse, c.expected, 0)}
		if got := rows[1].follow(rows); got != c.want || rows[1].JudgedBy != "leader" {
			t.Errorf("%s: %s, judged by %q, want %s", c.name, got, rows[1].JudgedBy, c.want)
		}
	}
}

// TestCorrect checks the correction against R: with three families in use,
// p.adjust(c(0.01, 0.02), "holm") is 0.02 0.02, times 3.
func TestCorrect(t *testing.T) {
	rows := []*D{
		{family: familyAll, PRaw: num(0.01)}, {family: familyAll, PRaw: num(0.02)}, {family: familyAll},
		{family: familyHosts, PRaw: num(0.001)}, {family: familyEndpoint, PRaw: num(0.9)},
	}
	c := &comparer{opts: CompareOptions{Comparisons: 2}}
	c.correct(rows)
	var got []string
	for _, d := range rows {
		if d.P == nil {
			got = append(got, "none")
			continue
		}
		got = append(got, fmt.Sprintf("%.4g", *d.P))
	}
	if want := []string{"0.12", "0.12", "none", "0.006", "1"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// service is a server of a made-up report: address, name and endpoints.
type service struct {
	server, name string
	endpoints    string // "GET /a:10 GET /b:20", requests of each
}

// serviceReport has these servers and nothing else.
func serviceReport(list []service) *Report {
	r := &Report{Schema: ReportSchema}
	for _, s := range list {
		p := Peer{Server: s.server, ServerName: text(s.name)}
		for _, word := range strings.Split(s.endpoints, ", ") {
			e := EndpointRow{Server: s.server}
			if n, err := fmt.Sscanf(word[strings.LastIndex(word, " ")+1:], "%d", &e.Requests); n != 1 || err != nil {
				panic(word)
			}
			e.Endpoint = word[:strings.LastIndex(word, " ")]
			r.Endpoints = append(r.Endpoints, e)
			p.Requests += e.Requests
		}
		r.Totals.Requests += p.Requests
		r.Peers = append(r.Peers, p)
	}
	return r
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []service
		rename        map[string]string
		want          []string // matches, as "by: before > after"
		alone         []string // servers that match nothing
	}{
		{"the same address",
			[]service{{"10.0.0.1:80", "a.svc", "GET /a 50"}}, []service{{"10.0.0.1:80", "b.svc", "GET /x 50"}}, nil, nil, nil},
		{"the same name behind another address",
			[]service{{"10.0.0.1:80", "a.svc", "GET /a 50"}}, []service{{"10.0.0.2:80", "a.svc", "GET /a 50"}}, nil,
			[]string{"name: 10.0.0.1:80 > 10.0.0.2:80"}, nil},
		{"replicas that all moved are taken together",
			[]service{{"10.0.0.1:80", "a.svc", "GET /a 50"}, {"10.0.0.2:80", "a.svc", "GET /a 50"}},
			[]service{{"10.0.0.3:80", "a.svc", "GET /a 50"}, {"10.0.0.4:80", "a.svc", "GET /a 50"}}, nil,
			[]string{"name: 10.0.0.1:80 10.0.0.2:80 > 10.0.0.3:80 10.0.0.4:80"}, nil},
		{"a replica that was added is new",
			[]service{{"10.0.0.1:80", "a.svc", "GET /a 50"}},
			[]service{{"10.0.0.1:80", "a.svc", "GET /a 50"}, {"10.0.0.2:80", "a.svc", "GET /a 50"}}, nil, nil, []string{"10.0.0.2:80"}},
		{"an address is no name",
			[]service{{"10.0.0.1:80", "10.0.0.9:80", "GET /a 50"}}, []service{{"10.0.0.2:80", "10.0.0.9:80", "GET /b 50"}}, nil,
			nil, []string{"10.0.0.1:80", "10.0.0.2:80"}},
		{"the same endpoints",
			[]service{{"10.0.0.1:80", "", "GET /a 50, GET /b 10"}, {"10.0.0.2:80", "", "GET /c 50"}},
			[]service{{"10.0.0.5:80", "", "GET /c 20"}, {"10.0.0.6:80", "", "GET /a 30, GET /b 12"}}, nil,
			[]string{"endpoints: 10.0.0.1:80 > 10.0.0.6:80", "endpoints: 10.0.0.2:80 > 10.0.0.5:80"}, nil},
		{"too few requests to tell",
			[]service{{"10.0.0.1:80", "", "GET /a 3"}}, []service{{"10.0.0.2:80", "", "GET /a 3"}}, nil, nil, []string{"10.0.0.1:80", "10.0.0.2:80"}},
		{"another port of the same address",
			[]service{{"10.0.0.1:4001", "", "opaque 50"}}, []service{{"10.0.0.1:4002", "", "opaque 50"}}, nil,
			[]string{"port: 10.0.0.1:4001 > 10.0.0.1:4002"}, nil},
		{"two other ports tell nothing",
			[]service{{"10.0.0.1:4001", "", "opaque 50"}}, []service{{"10.0.0.1:4002", "", "opaque 50"}, {"10.0.0.1:4003", "", "opaque 50"}}, nil,
			nil, []string{"10.0.0.1:4001", "10.0.0.1:4002", "10.0.0.1:4003"}},
		{"as the user says, against all else",
			[]service{{"10.0.0.1:80", "a.svc", "GET /a 50"}, {"10.0.0.2:80", "b.svc", "GET /b 50"}},
			[]service{{"10.0.0.1:80", "a.svc", "GET /a 50"}, {"10.0.0.3:80", "b.svc", "GET /b 50"}},
			map[string]string{"10.0.0.1:80": "10.0.0.3:80"},
			[]string{"map: 10.0.0.1:80 > 10.0.0.3:80"}, []string{"10.0.0.2:80", "10.0.0.1:80"}},
		{"as the user says, by name and by address without port",
			[]service{{"10.0.0.1:80", "a.svc", "GET /a 50"}, {"[fd00::1]:80", "", "GET /b 50"}},
			[]service{{"10.0.0.2:80", "c.svc", "GET /x 50"}, {"[fd00::2]:81", "", "GET /y 50"}},
			map[string]string{"a.svc": "c.svc", "fd00::1": "[fd00::2]:81"},
			[]string{"map: 10.0.0.1:80 > 10.0.0.2:80", "map: [fd00::1]:80 > [fd00::2]:81"}, nil},
	} {
		out := Compare(serviceReport(c.before), serviceReport(c.after), CompareOptions{Map: c.rename})
		var got, alone []string
		for _, m := range out.Matches {
			if m.Kind == "peer" {
				got = append(got, m.By+": "+strings.Join(m.Before, " ")+" > "+strings.Join(m.After, " "))
			}
		}
		for _, p := range out.Peers {
			if len(p.Rows) == 1 {
				alone = append(alone, p.Server)
			}
		}
		slices.Sort(alone)
		slices.Sort(c.alone)
		if !slices.Equal(got, c.want) || !slices.Equal(alone, c.alone) {
			t.Errorf("%s: matches %q, want %q; alone %q, want %q", c.name, got, c.want, alone, c.alone)
		}
		for _, d := range out.Comparable {
			if d.ID == "map" {
				t.Errorf("%s: %s", c.name, d.Text)
			}
		}
	}
}

// TestEndpointMoved matches an endpoint that another server took over.
func TestEndpointMoved(t *testing.T) {
	before := []service{{"10.0.0.1:80", "a.svc", "GET /a 50, GET /b 40"}, {"10.0.0.2:80", "b.svc", "GET /c 50"}}
	after := []service{{"10.0.0.1:80", "a.svc", "GET /a 50"}, {"10.0.0.2:80", "b.svc", "GET /c 50, GET /b 40"}}
	out := Compare(serviceReport(before), serviceReport(after), CompareOptions{})
	want := []Match{{Kind: "endpoint", Before: []string{"GET /b of 10.0.0.1:80"}, After: []string{"GET /b of 10.0.0.2:80"}, By: "endpoint",
		Text: "GET /b of 10.0.0.1:80 was compared with GET /b of 10.0.0.2:80 (a guess: no other server has this endpoint on either side)"}}
	if !reflect.DeepEqual(out.Matches, want) {
		t.Errorf("%+v", out.Matches)
	}
	unused := Compare(serviceReport(before), serviceReport(after), CompareOptions{Map: map[string]string{"10.9.9.9:1": "10.0.0.1:80"}})
	if len(unused.Comparable) == 0 || !strings.Contains(unused.Comparable[len(unused.Comparable)-1].Text, "10.9.9.9:1=10.0.0.1:80") {
		t.Errorf("a useless --map is not named: %+v", unused.Comparable)
	}
}

// TestOnlyOne lists what came and went, unless so little may be chance.
func TestOnlyOne(t *testing.T) {
	before := []service{{"10.0.0.1:80", "a.svc", "GET /a 500, GET /old 60, GET /rare 2"}}
	after := []service{{"10.0.0.1:80", "a.svc", "GET /a 500, GET /new 60, GET /seldom 3"}}
	out := Compare(serviceReport(before), serviceReport(after), CompareOptions{})
	got := map[string]string{}
	for _, e := range out.Endpoints {
		got[e.Endpoint] = e.Verdict
	}
	want := map[string]string{"GET /a": VerdictUnchanged, "GET /old": VerdictGone, "GET /new": VerdictNew, "GET /rare": VerdictUnsure, "GET /seldom": VerdictUnsure}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestSaved compares reports that went through JSON: nothing may differ.
func TestSaved(t *testing.T) {
	slow := bursty()
	slow.slowPeer, slow.slowFactor = 1, 4
	a, b := bursty().report(1), slow.report(2)
	want, err := json.Marshal(Compare(a, b, CompareOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	var sides [2]Report
	for i, r := range []*Report{a, b} {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &sides[i]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := json.Marshal(Compare(&sides[0], &sides[1], CompareOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("a saved report compares otherwise:\n%s\n%s", got, want)
	}
}

// TestUnclocked compares reports without times: a large change is still found,
// bursts are allowed for.
func TestUnclocked(t *testing.T) {
	slow := calm()
	slow.slowPeer, slow.slowFactor = 1, 1
	slow.timeout = 100 * 1e6
	strip := func(r *Report) *Report {
		r.Slices = Slices{Start: Stamp(-1 << 63)}
		r.Totals.Counts, r.Clients[0].Counts = nil, nil
		for i := range r.Peers {
			r.Peers[i].Counts = nil
		}
		for i := range r.Endpoints {
			r.Endpoints[i].Counts = nil
		}
		return r
	}
	c := Compare(strip(calm().report(1)), strip(slow.report(2)), CompareOptions{})
	if c.Axes.Timeouts != VerdictRegressed || !strings.Contains(c.Totals[0].Note, "times of these events are not known") {
		t.Errorf("timeouts %s, note %q", c.Axes.Timeouts, c.Totals[0].Note)
	}
	for i := range uint64(10) {
		if c := Compare(strip(bursty().report(2*i)), strip(bursty().report(2*i+1)), CompareOptions{}); c.Axes.Timeouts == VerdictRegressed && *c.Totals[0].PRaw < 1e-6 {
			t.Errorf("pair %d: p %v without times", i, *c.Totals[0].PRaw)
		}
	}
}

func TestTimers(t *testing.T) {
	timer := func(client string, value float64, count int, servers ...string) Timer {
		return Timer{Client: client, ValueS: value, SpreadS: value / 1000, Basis: "request-start", Count: count, Servers: servers}
	}
	for _, c := range []struct {
		name          string
		before, after []Timer
		want          []string
	}{
		{"the same", []Timer{timer("a", 0.5, 10)}, []Timer{timer("a", 0.501, 20)}, []string{"unchanged 0.5 0.501"}},
		{"longer", []Timer{timer("a", 0.3, 10)}, []Timer{timer("a", 2, 2)}, []string{"changed 0.3 2"}},
		{"one of two", []Timer{timer("a", 0.3, 10), timer("a", 5, 3)}, []Timer{timer("a", 5, 4), timer("a", 0.6, 2)}, []string{"changed 0.3 0.6", "unchanged 5 5"}},
		{"of another client", []Timer{timer("a", 0.3, 10)}, []Timer{timer("b", 2, 2)}, []string{"gone 0.3 -", "new - 2"}},
		{"to another server", []Timer{timer("a", 0.3, 10, "x:1")}, []Timer{timer("a", 2, 2, "y:1")}, []string{"gone 0.3 -", "new - 2"}},
		{"none left", []Timer{timer("a", 0.3, 10)}, nil, []string{"gone 0.3 -"}},
	} {
		a, b := &Report{Timers: c.before}, &Report{Timers: c.after}
		var got []string
		for _, d := range Compare(a, b, CompareOptions{}).Timers {
			word := d.Verdict
			for _, v := range []*float64{d.BeforeS, d.AfterS} {
				if v == nil {
					word += " -"
				} else {
					word += fmt.Sprintf(" %g", *v)
				}
			}
			got = append(got, word)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestCrossing compares durations of which the middle is far apart, but neither
// side is longer as a whole: that is not unchanged.
func TestCrossing(t *testing.T) {
	var a, b stat.Dist
	for i := range 40 {
		a.Add(time.Duration(1+i%2*400+i) * time.Millisecond)
		b.Add(time.Duration(150+i) * time.Millisecond)
	}
	x, y := quantiles(&a), quantiles(&b)
	x.P50, y.P50 = num(0.04), num(0.17)
	d, _ := (&comparer{}).duration(familyAll, "response_s", &x, &y)
	if p := 1.0; d.bounded {
		d.P = &p
		t.Errorf("%+v is %s", d, d.decide())
	}
	y.P50 = num(0.05)
	if d, _ := (&comparer{}).duration(familyAll, "response_s", &x, &y); !d.bounded {
		t.Errorf("with medians alike: %+v", d)
	}
}

// TestSuspect keeps the whole from being called unchanged for an endpoint that
// nearly changed, and names it.
func TestSuspect(t *testing.T) {
	for _, c := range []struct {
		p       float64
		matters bool
		verdict string
		want    bool
	}{
		{0.05, true, VerdictUnsure, true},
		{0.2, true, VerdictUnsure, false},
		{0.05, false, VerdictUnsure, false},
		{0.05, true, VerdictUnchanged, false},
	} {
		out := &Comparison{
			Totals:    []D{{Metric: "timeouts_per_1k", Verdict: VerdictUnchanged}, {Metric: "churn_per_1k", Verdict: VerdictUnchanged}},
			Endpoints: []EndpointDiff{{Server: "10.0.0.1:80", Endpoint: "GET /a", Rows: []D{{Metric: "timeouts_per_1k", Before: num(20), After: num(90), P: &c.p, matters: c.matters, Verdict: c.verdict}}}},
		}
		out.Axes = axesOf(out.Totals)
		(&comparer{}).conclude(out)
		want, text := VerdictUnchanged, "Timeouts and churn are unchanged: what differs is within chance."
		if c.want {
			want, text = VerdictUnsure, "Over all connections timeouts and churn are unchanged. GET /a of 10.0.0.1:80 may have changed: timeouts went from 20 to 90 (p 0.05); more data would tell."
		}
		if out.Verdict != want || out.Text != text {
			t.Errorf("%+v: %s, %q", c, out.Verdict, out.Text)
		}
	}
}

// TestFindings lists a finding that came only where its server got worse.
func TestFindings(t *testing.T) {
	slow := calm()
	slow.slowPeer, slow.slowFactor = 2, 5
	a, b := calm().report(1), slow.report(2)
	b.Findings = []Finding{
		{ID: "timeouts-fill-fin-wait-2", Severity: SeverityHigh, Server: "10.0.1.2:80", Count: 50},
		{ID: "timeouts-fill-fin-wait-2", Severity: SeverityHigh, Server: "10.0.1.0:80", Count: 50},
		{ID: "idle-pool-too-small", Severity: SeverityMedium, Server: "10.0.1.1:80", Count: 5},
	}
	a.Findings = b.Findings[2:]
	var got []string
	for _, f := range Compare(a, b, CompareOptions{}).Findings {
		got = append(got, f.Server+" "+f.Verdict)
	}
	want := []string{"10.0.1.2:80 new", "10.0.1.0:80 unsure", "10.0.1.1:80 unchanged"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzCompare compares edited reports: whatever they hold, the result is
// valid JSON, and the same every time.
func FuzzCompare(f *testing.F) {
	small := calm()
	small.length, small.peers, small.endpoints = 5e9, 2, 2
	for seed := range uint64(2) {
		text, err := json.Marshal(small.report(seed))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, text)
	}
	f.Add([]byte(`{"totals":{"requests":-5,"timed_out":9,"counts":{"requests":[1,-3],"timed_out":[7]}},"slices":{"start":"2026-01-01T00:00:00Z","width_s":1,"count":2}}`),
		[]byte(`{"totals":{"requests":5},"peers":[{"server":"x"},{"server":"x"}],"endpoints":[{"server":"x","endpoint":"x"}],"span":{"duration_s":1e-320}}`))
	f.Fuzz(func(t *testing.T, x, y []byte) {
		if len(x)+len(y) > 1<<20 {
			return
		}
		var a, b Report
		if json.Unmarshal(x, &a) != nil || json.Unmarshal(y, &b) != nil {
			return
		}
		one, err := json.Marshal(Compare(&a, &b, CompareOptions{}))
		if err != nil {
			t.Fatal(err)
		}
		two, _ := json.Marshal(Compare(&a, &b, CompareOptions{}))
		if string(one) != string(two) {
			t.Fatalf("not the same twice:\n%s\n%s", one, two)
		}
	})
}

// TestCorrectWithin: an endpoint of a server that changed is corrected among
// that server's endpoints only, and a server changes with its endpoint.
func TestCorrectWithin(t *testing.T) {
	row := func(raw, p, before, after float64) []D {
		return []D{{Metric: "m", PRaw: num(raw), P: num(p), Before: num(before), After: num(after), matters: true}}
	}
	for _, test := range []struct {
		name           string
		peer           []D
		endpoints      [2][]D
		want           float64 // of the server
		first, another float64 // of its endpoints
	}{
		{"server changed", row(0.0001, 0.01, 1, 2), [2][]D{row(0.002, 0.2, 1, 3), row(0.5, 1, 1, 1)}, 0.01, 0.012, 1},
		{"endpoint changed", row(0.01, 0.9, 1, 2), [2][]D{row(0.00001, 0.001, 1, 9), row(0.5, 1, 1, 1)}, 0.001, 0.001, 1},
		{"endpoint went the other way", row(0.01, 0.9, 2, 1), [2][]D{row(0.00001, 0.001, 1, 9), row(0.5, 1, 1, 1)}, 0.9, 0.001, 1},
		{"neither", row(0.01, 0.9, 1, 2), [2][]D{row(0.002, 0.2, 1, 3), row(0.5, 1, 1, 1)}, 0.9, 0.2, 1},
	} {
		out := &Comparison{
			Peers: []PeerDiff{{Server: "s", Rows: test.peer}},
			Endpoints: []EndpointDiff{{Server: "s", Rows: test.endpoints[0]}, {Server: "s", Rows: test.endpoints[1]},
				{Server: "other", Rows: row(0.002, 0.2, 1, 3)}},
		}
		(&comparer{factor: 3}).correctWithin(out)
		got := [...]float64{*out.Peers[0].Rows[0].P, *out.Endpoints[0].Rows[0].P, *out.Endpoints[1].Rows[0].P, *out.Endpoints[2].Rows[0].P}
		if want := [...]float64{test.want, test.first, test.another, 0.2}; got != want {
			t.Errorf("%s: %v, want %v", test.name, got, want)
		}
	}
}
