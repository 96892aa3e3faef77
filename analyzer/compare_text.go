package analyzer

import (
	"fmt"
	"slices"
	"strings"
)

// conclude gives the verdict over all rows, and the sentences that say it.
func (c *comparer) conclude(out *Comparison) {
	out.Rule = rule
	x := &out.Axes
	found := map[string]bool{}
	out.each(func(_ string, rows []D) {
		for i := range rows {
			found[rows[i].Verdict] = true
		}
	})
	switch {
	case found[VerdictRegressed]:
		out.Verdict = VerdictRegressed
	case found[VerdictImproved]:
		out.Verdict = VerdictImproved
	case x.Timeouts == VerdictUnchanged && x.Churn == VerdictUnchanged && out.suspect() == nil:
		out.Verdict = VerdictUnchanged
	default:
		out.Verdict = VerdictUnsure
	}
	out.Text = c.text(out)
}

// axesOf reads the axes from the totals.
func axesOf(totals []D) Axes {
	x := Axes{
		Timeouts: verdictOf(totals, "timeouts_per_1k"), Churn: verdictOf(totals, "churn_per_1k", "churn_per_1k_connections"),
		HalfClose: verdictOf(totals, "half_close_s", "fin_wait_2_other_s"), Response: verdictOf(totals, "response_s"),
	}
	x.SymptomMoved = x.HalfClose == VerdictImproved && x.Timeouts != VerdictImproved && x.Churn != VerdictImproved
	return x
}

// rule says how verdicts are reached.
const rule = "A row improved or regressed when its change is 10 % or more (and 1 per 1000, or 1 ms) and its p-value, corrected " +
	"for the number of rows (Holm within totals, hosts and endpoints, Bonferroni over these three; endpoints of a server that changed among themselves; a server changed with its endpoint), is below 0.03. " +
	"It is unchanged when its 90 % interval excludes three times as much and a third, or a difference of 15 per 1000 (of a duration: a probability below 0.3 or above 0.7 " +
	"that one after is longer than one before, or medians far apart), and what was seen is less than half of that (a quarter, when its own p-value is below 0.05); else it is unsure: there is too little data. " +
	"Counts are shares of the requests in their slice of time, so that bursts and loads are no change (quasi-binomial); durations are tested by " +
	"Mann-Whitney, or by log-rank where some were cut off, corrected for durations that resemble their neighbours in time. " +
	"Where a client's timer changed, what requests slower than the shorter one came to counts as well. " +
	"Rates per minute, requests per connection and peaks follow the length and the load of a capture and are judged by the rows they follow from; " +
	"so is churn by idle pools and idle timers when the loads differ. " +
	"A regression is blamed on the endpoints or servers where it is: totals, causes and clients are judged by the rest, and say so."

// verdictOf is the first verdict among the rows of these metrics that says
// something; unsure when none does.
func verdictOf(rows []D, metrics ...string) string {
	verdict := VerdictUnsure
	for _, m := range metrics {
		for i := range rows {
			if rows[i].Metric == m {
				if v := rows[i].Verdict; v == VerdictImproved || v == VerdictRegressed {
					return v
				} else if verdict == VerdictUnsure {
					verdict = v
				}
			}
		}
	}
	return verdict
}

// metricWords is a metric in words.
func metricWords(metric string) string {
	switch metric {
	case "timeouts_per_1k":
		return "timeouts"
	case "cancels_per_1k":
		return "cancelled requests"
	case "aborts_per_1k":
		return "aborted requests"
	case "churn_per_1k", "churn_per_1k_connections":
		return "churn"
	case "response_s":
		return "response times"
	case "half_close_s":
		return "half-closes after a request was given up"
	case "fin_wait_2_other_s":
		return "other half-closes"
	case "server_fin_wait_2_s":
		return "half-closes by the server"
	case "close_wait_s":
		return "CLOSE-WAIT of the servers"
	case "fin_wait_2_s":
		return "FIN-WAIT-2 of the clients"
	}
	return metric
}

// text says what matters, the totals first, then where, then why.
func (c *comparer) text(out *Comparison) string {
	var s []string
	for i := range out.Totals {
		d := &out.Totals[i]
		if d.JudgedBy == "" && (d.Verdict == VerdictImproved || d.Verdict == VerdictRegressed || d.Because != "") {
			s = append(s, sentence(d))
		}
	}
	for i := range out.Causes {
		d := &out.Causes[i].Rows[0]
		if d.Verdict != VerdictImproved && d.Verdict != VerdictRegressed || out.Causes[i].Cause == CauseRequestTimeout.String() {
			continue
		}
		what := "closes"
		if d.Metric == "churned_per_1k" {
			what = "closes that cost a new connection"
		}
		s = append(s, fmt.Sprintf("%s (%s) went from %s to %s %s.", upper(out.Causes[i].Cause), what, d.value(d.Before), d.value(d.After), d.Unit))
	}
	if len(s) == 0 {
		s = append(s, c.nothing(out.Verdict, &out.Axes))
	}
	if e := out.suspect(); e != nil && out.Verdict == VerdictUnsure {
		d := &e.Rows[e.hint()]
		s = append(s, fmt.Sprintf("%s may have changed: %s went from %s to %s (p %s); more data would tell.",
			e.name(), metricWords(d.Metric), d.value(d.Before), d.value(d.After), pText(*d.P)))
	}
	if where := folded(out.Totals); where != "" {
		s = append(s, where)
	}
	if churn := rowOf(out.Totals, "churn_per_1k"); churn != nil && churn.Note == loadNote && apart(*churn.Before, *churn.After) {
		s = append(s, fmt.Sprintf("Churn went from %s to %s, much of it by idle pools and idle timers: that follows the load, which differs.", number(*churn.Before), number(*churn.After)))
	}
	if where := changed(out); where != "" {
		s = append(s, where)
	}
	for _, t := range out.Timers {
		if t.Verdict == VerdictChanged {
			s = append(s, upper(t.Text)+".")
		}
	}
	if out.Axes.SymptomMoved {
		s = append(s, fmt.Sprintf("The symptom moved: half-closes end sooner, but timeouts %s and churn %s. The servers notice now that their clients leave; "+
			"why the clients leave has not changed.", didWhat(out.Axes.Timeouts), didWhat(out.Axes.Churn)))
	}
	return strings.Join(s, " ")
}

// nothing says that the totals show no change.
func (c *comparer) nothing(verdict string, axes *Axes) string {
	switch {
	case c.same:
		return "Both sides are the same capture."
	case verdict == VerdictUnchanged && c.byPools:
		return "Timeouts are unchanged: what differs is within chance."
	case verdict == VerdictUnchanged:
		return "Timeouts and churn are unchanged: what differs is within chance."
	case verdict == VerdictUnsure && axes.Timeouts == VerdictUnchanged && axes.Churn == VerdictUnchanged:
		return "Over all connections timeouts and churn are unchanged."
	case verdict == VerdictUnsure:
		return "There is too little data to tell whether anything changed."
	}
	return "Over all connections nothing changed beyond chance."
}

// hinted is the corrected p-value below which a row that is unsure is a hint: the
// whole is then not called unchanged, and the text names it.
const hinted = 0.1

// suspect is an endpoint that may have changed; nil without one.
func (out *Comparison) suspect() *EndpointDiff {
	for i := range out.Endpoints {
		if e := &out.Endpoints[i]; e.hint() >= 0 {
			return e
		}
	}
	return nil
}

// hint is the index of the row that may be a change; -1 without one.
func (e *EndpointDiff) hint() int {
	return slices.IndexFunc(e.Rows, func(d D) bool {
		return d.Verdict == VerdictUnsure && d.matters && d.P != nil && *d.P < hinted
	})
}

// folded says where the changes of rows are that contain it; "" without any.
func folded(totals []D) string {
	for i := range totals {
		if d := &totals[i]; d.Because != "" {
			return upper(d.Because) + "."
		}
	}
	return ""
}

// didWhat is a verdict as the end of a clause.
func didWhat(verdict string) string {
	switch verdict {
	case VerdictUnchanged:
		return "did not change"
	case VerdictRegressed:
		return "got worse"
	}
	return "did not change beyond chance"
}

// sentence says one change.
func sentence(d *D) string {
	unit := ""
	if d.Unit != "s" {
		unit = " " + d.Unit
	} else if d.At != "" {
		unit = " (" + d.At + ")"
	}
	went := "fell"
	if *d.After > *d.Before {
		went = "rose"
	}
	if d.Unit == "s" {
		went = map[string]string{"fell": "became shorter", "rose": "became longer"}[went]
	}
	return fmt.Sprintf("%s %s: %s to %s%s (p %s).", upper(metricWords(d.Metric)), went, d.value(d.Before), d.value(d.After), unit, pText(*d.P))
}

// value formats a value of the row for a sentence.
func (d *D) value(v *float64) string {
	switch {
	case v == nil:
		return "unknown"
	case d.Unit == "s":
		return secondsText(v)
	}
	return number(*v)
}

// pText formats a p-value.
func pText(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("%.2g", p)
}

// upper begins a sentence.
func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// changed names the endpoints that changed, or else the servers, the first few,
// each with its first change.
func changed(out *Comparison) string {
	type row struct{ label, verdict, what string }
	var list, hosts []row
	for i := range out.Endpoints {
		if e := &out.Endpoints[i]; e.Endpoint != e.Server {
			list = append(list, row{e.Endpoint + " of " + e.Server, e.Verdict, firstChange(e.Rows)})
		}
	}
	for i := range out.Peers {
		p := &out.Peers[i]
		hosts = append(hosts, row{p.Server, p.Verdict, firstChange(p.Rows)})
	}
	if len(out.Peers) == 1 {
		hosts = nil // the totals have said it
	}
	var s []string
	for _, v := range []string{VerdictRegressed, VerdictImproved} {
		of := func(r row) bool { return r.verdict != v }
		all := slices.DeleteFunc(slices.Clone(list), of)
		if len(all) == 0 {
			all = slices.DeleteFunc(slices.Clone(hosts), of)
		}
		const most = 2
		for _, r := range all[:min(most, len(all))] {
			s = append(s, fmt.Sprintf("%s %s%s.", r.label, v, r.what))
		}
		if n := len(all) - most; n > 0 {
			s = append(s, fmt.Sprintf("So did %d more.", n))
		}
	}
	return strings.Join(s, " ")
}

// firstChange says the first change among the rows; "" without one.
func firstChange(rows []D) string {
	for i := range rows {
		if d := &rows[i]; d.JudgedBy == "" && (d.Verdict == VerdictImproved || d.Verdict == VerdictRegressed) {
			return fmt.Sprintf(": %s %s to %s", metricWords(d.Metric), d.value(d.Before), d.value(d.After))
		}
	}
	return ""
}
