package samples

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// sums: what the report counts is what the rows hold. A connection of which a
// log holds both ends is a row for each end and counts once.
func (in *inspector) sums() {
	rows := slices.DeleteFunc(slices.Clone(in.flows), func(f map[string]any) bool {
		return slices.Contains(list(f, "notes"), any("other-end-in-log"))
	})
	in.group("totals", in.report["totals"], rows)
	if causes := at(in.report, "totals.causes"); total(causes) != num(in.report, "totals.connections") {
		in.fail("the causes of %v connections add up to %v", num(in.report, "totals.connections"), total(causes))
	}
	byServer, byClient := map[string][]map[string]any{}, map[string][]map[string]any{}
	for _, f := range rows {
		byServer[str(f, "server")] = append(byServer[str(f, "server")], f)
		byClient[address(f)] = append(byClient[address(f)], f)
	}
	in.groups("peers", "server", byServer)
	in.groups("clients", "client", byClient)
	in.halves(rows)
	in.rates()
	in.endpoints()
}

// total adds up the numbers of an object.
func total(v any) (sum float64) {
	m, _ := v.(map[string]any)
	for _, n := range m {
		sum += n.(float64)
	}
	return sum
}

// groups compares the rows of a list with the connections grouped the same way.
func (in *inspector) groups(what, key string, want map[string][]map[string]any) {
	rows := list(in.report, what)
	if len(rows) < len(want) {
		in.fail("%d %s for connections of %d", len(rows), what, len(want))
	}
	seen := map[string]bool{}
	for _, r := range rows {
		name := str(r, key)
		if seen[name] {
			in.fail("%s: %s twice", what, name)
		}
		seen[name] = true
		if name == "" {
			continue // a log that shows no address
		}
		in.group(what+" "+name, r, want[name])
	}
}

// group compares one row of sums with its connections.
func (in *inspector) group(what string, r any, flows []map[string]any) {
	equal := func(key string, want float64) {
		if got := at(r, key); got != any(want) {
			in.fail("%s: %s is %v, the connections say %v", what, key, got, want)
		}
	}
	causes := map[string]float64{}
	sums := map[string]float64{}
	for _, f := range flows {
		cause := str(f, "close.cause")
		causes[cause]++
		sums["connections"]++
		if cause != "open" {
			sums["closed"]++
			if f["replaced_by"] != nil {
				sums["churned"]++
			}
		}
		if !slices.Contains(list(f, "notes"), any("mid-stream")) {
			sums["opened"]++
		}
		for from, to := range map[string]string{"sent": "requests", "answered": "answered", "timed_out": "timed_out",
			"cancelled": "cancelled", "aborted": "aborted"} {
			sums[to] += num(f, "requests."+from)
		}
		if f["late_response"] != nil {
			sums["late_responses"]++
		}
	}
	for _, key := range []string{"connections", "opened", "closed", "churned", "requests", "answered", "timed_out", "cancelled", "aborted"} {
		if m := r.(map[string]any); m[key] != nil && (key != "churned" || in.lines == 0) { // a log's rows name no replacement
			equal(key, sums[key])
		}
	}
	if n := num(r, "late_responses"); n > sums["late_responses"] { // what only reacts to the close is no response
		in.fail("%s: %v late responses, the connections say %v", what, n, sums["late_responses"])
	}
	for _, c := range slices.Sorted(maps.Keys(causes)) {
		equal("causes."+c, causes[c])
	}
	if n := total(at(r, "causes")); n != sums["connections"] {
		in.fail("%s: causes add up to %v of %v", what, n, sums["connections"])
	}
}

// halves: the half-closes by side.
func (in *inspector) halves(rows []map[string]any) {
	for _, side := range []string{"client", "server"} {
		ended := map[string]float64{}
		count, censored := 0.0, 0.0
		for _, f := range rows {
			h := f["half_close"]
			if h == nil || str(h, "by") != side {
				continue
			}
			count++
			ended[str(h, "ended_by")]++
			if at(h, "censored") == true {
				censored++
			}
		}
		h := at(in.report, "half_close."+side)
		if num(h, "count") != count || num(h, "censored") != censored {
			in.fail("half-closes of the %s: %v, %v censored; the connections say %v and %v", side, num(h, "count"), num(h, "censored"), count, censored)
		}
		for by, n := range ended {
			if num(h, "ended_by."+by) != n {
				in.fail("half-closes of the %s ended by %s: %v, the connections say %v", side, by, num(h, "ended_by."+by), n)
			}
		}
		if total(at(h, "ended_by")) != count {
			in.fail("half-closes of the %s ended by %v, %v in all", side, at(h, "ended_by"), count)
		}
	}
}

// rates: what is a ratio of two counts is just that.
func (in *inspector) rates() {
	minutes := num(in.report, "span.duration_s") / 60
	ratio := func(what string, got any, a, b float64) {
		g, ok := got.(float64)
		if b == 0 || !ok {
			if ok {
				in.fail("%s is %v of nothing", what, g)
			}
			return
		}
		if math.Abs(g-a/b) > 1e-9*math.Max(1, a/b) {
			in.fail("%s is %v, want %v/%v", what, g, a, b)
		}
	}
	for _, what := range []string{"peers", "clients"} {
		for i, r := range list(in.report, what) {
			name := fmt.Sprintf("%s[%d]", what, i)
			ratio(name+".requests_per_connection", at(r, "requests_per_connection"), num(r, "requests"), num(r, "connections"))
			ratio(name+".churn_per_minute", at(r, "churn_per_minute"), num(r, "churned"), minutes)
			ratio(name+".connections_per_minute", at(r, "connections_per_minute"), num(r, "opened"), minutes)
		}
	}
}

// endpoints: requests by outcome, and closes, are no more than those of their
// server.
func (in *inspector) endpoints() {
	timedOut, closed := map[string]float64{}, map[string]float64{}
	for i, e := range list(in.report, "endpoints") {
		sum := num(e, "answered") + num(e, "timed_out") + num(e, "cancelled") + num(e, "aborted")
		if sum > num(e, "requests") {
			in.fail("endpoints[%d]: %v requests, %v accounted for", i, num(e, "requests"), sum)
		}
		timedOut[str(e, "server")] += num(e, "timed_out")
		closed[str(e, "server")] += num(e, "connections_closed")
	}
	for _, p := range list(in.report, "peers") {
		name := str(p, "server")
		if timedOut[name] > num(p, "timed_out") {
			in.fail("%s: %v requests timed out, its endpoints say %v", name, num(p, "timed_out"), timedOut[name])
		}
		if most := num(p, "connections") - num(p, "causes.open"); closed[name] > most {
			in.fail("%s: %v connections closed, its endpoints say %v", name, most, closed[name])
		}
	}
}
