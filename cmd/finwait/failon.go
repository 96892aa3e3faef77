package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"finwait/analyzer"
)

// condition is one EXPR of --fail-on: a metric compared with a number, or a
// finding that must not occur.
type condition struct {
	text   string // as given
	metric string
	op     string
	limit  float64
}

// metric is a number of the report that --fail-on knows.
type metric struct {
	name  string
	value func(*analyzer.Report) *float64 // nil result: the input does not give it
}

// metrics are those with a name of their own; causes and findings come on top.
func metrics() []metric {
	whole := func(f func(*analyzer.Totals) int) func(*analyzer.Report) *float64 {
		return func(r *analyzer.Report) *float64 { v := float64(f(&r.Totals)); return &v }
	}
	return []metric{
		{"connections", whole(func(t *analyzer.Totals) int { return t.Connections })},
		{"requests", whole(func(t *analyzer.Totals) int { return t.Requests })},
		{"answered", whole(func(t *analyzer.Totals) int { return t.Answered })},
		{"timeouts", whole(func(t *analyzer.Totals) int { return t.TimedOut })},
		{"cancelled", whole(func(t *analyzer.Totals) int { return t.Cancelled })},
		{"aborted", whole(func(t *analyzer.Totals) int { return t.Aborted })},
		{"churned", whole(func(t *analyzer.Totals) int { return t.Churned })},
		{"late_responses", whole(func(t *analyzer.Totals) int { return t.LateResponses })},
		{"retries", whole(func(t *analyzer.Totals) int { return t.Retries })},
		{"requests_per_connection", func(r *analyzer.Report) *float64 { return r.Totals.RequestsPerConnection }},
		{"reuse_ratio", func(r *analyzer.Report) *float64 { return r.Totals.ReuseRatio }},
		{"timeout_share", timeoutShare},
		{"fin_wait_2_peak", func(r *analyzer.Report) *float64 {
			return highest(r, func(p *analyzer.Peer) analyzer.Measured { return p.FinWait2Peak })
		}},
		{"time_wait_peak", func(r *analyzer.Report) *float64 {
			return highest(r, func(p *analyzer.Peer) analyzer.Measured { return p.TimeWaitPeak })
		}},
		{"fin_wait_2_p50_s", func(r *analyzer.Report) *float64 { return r.HalfClose.Client.FinWait2.P50 }},
		{"fin_wait_2_p99_s", func(r *analyzer.Report) *float64 { return r.HalfClose.Client.FinWait2.P99 }},
		{"damage", func(r *analyzer.Report) *float64 { v := float64(damages(r)); return &v }},
	}
}

// timeoutShare is the share of requests that timed out; nil without requests.
func timeoutShare(r *analyzer.Report) *float64 {
	if r.Totals.Requests == 0 {
		return nil
	}
	v := float64(r.Totals.TimedOut) / float64(r.Totals.Requests)
	return &v
}

// highest is the largest value over all servers.
func highest(r *analyzer.Report, of func(*analyzer.Peer) analyzer.Measured) *float64 {
	var v float64
	for i := range r.Peers {
		m := of(&r.Peers[i])
		if !m.Known() {
			return nil
		}
		v = max(v, float64(m))
	}
	return &v
}

// damages counts the kinds of damage of the inputs.
func damages(r *analyzer.Report) int {
	n := 0
	for _, q := range r.Quality {
		if q.Damage {
			n++
		}
	}
	return n
}

// findingPrefix begins the name of a metric that counts a finding.
const findingPrefix = "finding:"

// parseConditions reads the values of --fail-on.
func parseConditions(texts []string) ([]condition, error) {
	var all []condition
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			c, err := parseCondition(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// parseCondition reads METRIC OP NUMBER, or finding:ID.
func parseCondition(text string) (condition, error) {
	at := strings.IndexAny(text, "<>=!")
	if at < 0 {
		if id, ok := strings.CutPrefix(text, findingPrefix); ok && id != "" {
			return condition{text: text, metric: text, op: ">", limit: 0}, nil
		}
		return condition{}, usagef("--fail-on %q: give METRIC>NUMBER, or finding:ID; METRIC is %s", text, strings.Join(metricNames(), ", "))
	}
	name := strings.TrimSpace(text[:at])
	rest := text[at:]
	op := ""
	for _, o := range []string{">=", "<=", "==", "!=", ">", "<", "="} {
		if strings.HasPrefix(rest, o) {
			op = o
			break
		}
	}
	number := strings.TrimSpace(strings.TrimPrefix(rest, op))
	scale := 1.0
	if share, ok := strings.CutSuffix(number, "%"); ok {
		number, scale = strings.TrimSpace(share), 0.01
	}
	limit, err := strconv.ParseFloat(number, 64)
	if op == "" || err != nil {
		return condition{}, usagef("--fail-on %q: compare with a number by one of > >= < <= = !=", text)
	}
	if !strings.HasPrefix(name, findingPrefix) && !slices.Contains(metricNames(), name) {
		if near := nearest(name, metricNames()); near != "" {
			return condition{}, usagef("--fail-on %q: no metric %q; did you mean %s?", text, name, near)
		}
		return condition{}, usagef("--fail-on %q: no metric %q; there is %s, and finding:ID", text, name, strings.Join(metricNames(), ", "))
	}
	return condition{text, name, op, limit * scale}, nil
}

// metricNames lists what --fail-on compares, causes included.
func metricNames() []string {
	var names []string
	for _, m := range metrics() {
		names = append(names, m.name)
	}
	return append(names, analyzer.CauseWords()...)
}

// value looks the metric up in a report; nil when the input does not give it.
func (c condition) value(r *analyzer.Report) *float64 {
	for _, m := range metrics() {
		if m.name == c.metric {
			return m.value(r)
		}
	}
	var v float64
	if id, ok := strings.CutPrefix(c.metric, findingPrefix); ok {
		for _, f := range r.Findings {
			if f.ID == id {
				v += float64(max(1, f.Count))
			}
		}
		return &v
	}
	v = float64(r.Totals.Causes[c.metric])
	return &v
}

// holds compares.
func (c condition) holds(v float64) bool {
	switch c.op {
	case ">":
		return v > c.limit
	case ">=":
		return v >= c.limit
	case "<":
		return v < c.limit
	case "<=":
		return v <= c.limit
	case "!=":
		return v != c.limit
	}
	return v == c.limit
}

// judge returns a holdsError when any condition holds. One whose metric the
// input does not give cannot hold.
func judge(conditions []condition, r *analyzer.Report) error {
	var parts []string
	for _, c := range conditions {
		if v := c.value(r); v != nil && c.holds(*v) {
			parts = append(parts, fmt.Sprintf("%s holds: it is %s", c.text, strconv.FormatFloat(*v, 'g', 6, 64)))
		}
	}
	if parts == nil {
		return nil
	}
	return &holdsError{"--fail-on " + strings.Join(parts, "; ")}
}
