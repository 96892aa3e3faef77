package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"finwait/analyzer"
)

// diffCondition is one EXPR of diff's --fail-on: a verdict, a change of a
// metric over all connections, or a condition on the report after.
type diffCondition struct {
	text    string
	verdict string // "" none
	metric  string // "" none
	op      string
	limit   float64
	share   bool        // limit is relative to before
	after   []condition // nil: none
}

// changeMetrics are the metrics whose change --fail-on compares, by the short
// names that it takes beside their own.
func changeMetrics() map[string]string {
	names := map[string]string{
		"timeouts": "timeouts_per_1k", "cancelled": "cancels_per_1k", "aborted": "aborts_per_1k",
		"churned": "churn_per_1k", "response": "response_s", "half_close": "half_close_s",
	}
	for _, own := range slices.Collect(maps.Values(names)) {
		names[own] = own
	}
	return names
}

// verdictPrefix begins a condition on the verdict.
const verdictPrefix = "diff:"

// parseDiffConditions reads the values of --fail-on.
func parseDiffConditions(texts []string) ([]diffCondition, error) {
	var all []diffCondition
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			c, err := parseDiffCondition(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// parseDiffCondition reads diff:VERDICT, METRIC>+N%, METRIC>+N, or what
// analyze takes.
func parseDiffCondition(text string) (diffCondition, error) {
	if word, ok := strings.CutPrefix(text, verdictPrefix); ok {
		known := []string{analyzer.VerdictRegressed, analyzer.VerdictImproved, analyzer.VerdictUnchanged, analyzer.VerdictUnsure}
		if !slices.Contains(known, word) {
			return diffCondition{}, usagef("--fail-on %q: there is diff:%s", text, strings.Join(known, ", diff:"))
		}
		return diffCondition{text: text, verdict: word}, nil
	}
	at := strings.IndexAny(text, "<>")
	if at < 0 || !strings.ContainsAny(text[at:], "+-") {
		c, err := parseCondition(text)
		return diffCondition{text: text, after: []condition{c}}, err
	}
	metric, ok := changeMetrics()[strings.TrimSpace(text[:at])]
	if !ok {
		names := slices.Sorted(maps.Keys(changeMetrics()))
		return diffCondition{}, usagef("--fail-on %q: no metric %q with a change; there is %s", text, strings.TrimSpace(text[:at]), strings.Join(names, ", "))
	}
	number := strings.TrimLeft(text[at:], "<>= ")
	op := strings.TrimSpace(text[at : len(text)-len(number)])
	number, share := strings.CutSuffix(strings.TrimSpace(number), "%")
	limit, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !slices.Contains([]string{">", ">=", "<", "<="}, op) {
		return diffCondition{}, usagef("--fail-on %q: compare a change with a number such as +10%% or +5", text)
	}
	if share {
		limit /= 100
	}
	return diffCondition{text: text, metric: metric, op: op, limit: limit, share: share}, nil
}

// judgeDiff returns a holdsError when any condition holds for any comparison.
// reports are all sides, the first the base.
func judgeDiff(conditions []diffCondition, list []*analyzer.Comparison, reports []*analyzer.Report) error {
	var parts []string
	for _, c := range conditions {
		for i, x := range list {
			if why := c.holds(x, reports[i+1]); why != "" {
				parts = append(parts, c.text+" holds: "+why)
				break
			}
		}
	}
	if parts == nil {
		return nil
	}
	return &holdsError{"--fail-on " + strings.Join(parts, "; ")}
}

// holds says why the condition holds; "" when it does not. A change holds only
// when it is no chance by itself (p below 0.05, not corrected for other rows: a
// threshold asks about one).
func (c *diffCondition) holds(x *analyzer.Comparison, after *analyzer.Report) string {
	switch {
	case c.after != nil:
		if err := judge(c.after, after); err != nil {
			return strings.TrimPrefix(err.Error(), "--fail-on "+c.text+" holds: ")
		}
		return ""
	case c.verdict != "" && x.Verdict == c.verdict:
		return x.Text
	case c.verdict != "":
		return ""
	}
	for i := range x.Totals {
		d := &x.Totals[i]
		if d.Metric != c.metric || d.Before == nil || d.After == nil || d.PRaw == nil || *d.PRaw >= 0.05 {
			continue
		}
		delta := *d.After - *d.Before
		if c.share && *d.Before > 0 {
			delta /= *d.Before
		} else if c.share { // from nothing to something is more than any percentage
			delta *= 1e9
		}
		if (condition{op: c.op, limit: c.limit}).holds(delta) {
			return fmt.Sprintf("%s went from %.4g to %.4g", d.Metric, *d.Before, *d.After)
		}
	}
	return ""
}
