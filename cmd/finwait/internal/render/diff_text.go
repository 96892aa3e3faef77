package render

import (
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"finwait/analyzer"
)

// What the text of a comparison shows at most, so that it fits on two screens.
const (
	diffRows   = 12 // changed rows of servers and clients together, and of endpoints
	diffDoubts = 4  // differences between the sides
	diffItems  = 3  // timers, findings that came, findings that went, and guesses, of each
)

// diffText writes what changed: what makes the sides hard to compare, the
// verdict, then the rows that changed, and one line for all the others.
func diffText(w io.Writer, c *analyzer.Comparison, o Options) error {
	p := &page{s: newStyle(o), width: o.width()}
	p.diffSide("before", &c.Before)
	p.diffSide("after", &c.After)
	p.doubts(c)
	p.diffVerdict(c)
	p.changes(c)
	p.diffTimers(c)
	p.diffFindings(c)
	p.matches(c)
	p.folded(c)
	_, err := io.WriteString(w, p.String())
	return err
}

// diffSide writes what one side was, in one line.
func (p *page) diffSide(label string, s *analyzer.Side) {
	var names []string
	for _, in := range s.Inputs {
		names = append(names, clean(path.Base(in.Path)))
	}
	what := strings.Join(names, ", ")
	if len(names) > 2 {
		what = fmt.Sprintf("%s to %s (%d files)", names[0], names[len(names)-1], len(names))
	}
	facts := []string{counted(s.Requests, "request")}
	if s.Requests == 0 {
		facts = []string{counted(s.Connections, "connection")}
	}
	if at := clock(s.Span.Start, dateAndTime); at != unknown {
		facts = append([]string{duration(s.Span.DurationS) + " from " + at}, facts...)
	}
	tail := strings.Join(facts, ", ")
	room := max(12, p.width-8-2-cells(tail))
	p.line(p.s.quiet.Render(pad(label, 8)), p.s.title.Render(cutMiddle(what, room, p.s.ellipsis)), "  ",
		p.s.quiet.Render(cutEnd(tail, max(10, p.width-10-min(room, cells(what))), p.s.ellipsis)))
}

// doubts writes what differs between the sides as captures.
func (p *page) doubts(c *analyzer.Comparison) {
	var items []string
	for _, d := range c.Comparable {
		items = append(items, clean(d.Text))
	}
	p.listed("unlike", diffDoubts, items, "difference")
}

// diffVerdict writes the verdict and the sentences behind it.
func (p *page) diffVerdict(c *analyzer.Comparison) {
	p.line()
	text := strings.ToUpper(c.Verdict) + ". " + clean(c.Text)
	for i, l := range wrap(text, min(p.width, 100)) {
		if i == 0 {
			word := strings.ToUpper(c.Verdict) + "."
			l = p.verdictStyle(c.Verdict, word) + p.s.strong.Render(strings.TrimPrefix(l, word))
			p.line(l)
			continue
		}
		p.line(p.s.strong.Render(l))
	}
}

// verdictStyle colours a text by a verdict.
func (p *page) verdictStyle(verdict, text string) string {
	switch verdict {
	case analyzer.VerdictRegressed:
		return p.s.bad.Render(text)
	case analyzer.VerdictImproved:
		return p.s.good.Render(text)
	case analyzer.VerdictNew, analyzer.VerdictGone, analyzer.VerdictUnsure:
		return p.s.warn.Render(text)
	}
	return p.s.quiet.Render(text)
}

// diffGroup is a row group of any kind.
type diffGroup struct {
	label   string
	note    string
	verdict string
	rows    []analyzer.D
}

// hostGroups are the servers and clients.
func hostGroups(c *analyzer.Comparison) []diffGroup {
	var list []diffGroup
	for i := range c.Peers {
		x := &c.Peers[i]
		g := diffGroup{label: moved(x.Server, x.Was), verdict: x.Verdict, rows: x.Rows}
		if x.Because != "" {
			g.note = "by its endpoints"
		}
		list = append(list, g)
	}
	for i := range c.Clients {
		x := &c.Clients[i]
		list = append(list, diffGroup{label: "client " + moved(x.Client, x.Was), verdict: x.Verdict, rows: x.Rows})
	}
	return list
}

// moved is an address, marked when it had another one before.
func moved(now, was string) string {
	if was != "" {
		return clean(now) + " (moved)"
	}
	return clean(now)
}

// endpointGroups are the endpoints.
func endpointGroups(c *analyzer.Comparison) []diffGroup {
	var list []diffGroup
	for i := range c.Endpoints {
		x := &c.Endpoints[i]
		label := moved(x.Endpoint, x.Was)
		if len(c.Peers) > 1 && x.Endpoint != x.Server {
			label += " of " + clean(x.Server)
		}
		list = append(list, diffGroup{label: label, verdict: x.Verdict, rows: x.Rows})
	}
	return list
}

// diffColumns are the columns of all tables of a comparison.
func (p *page) diffColumns(what string) *table {
	return &table{indent: 2, columns: []column{
		{title: what, shrink: 26},
		{title: "before", right: true},
		{title: "after", right: true},
		{title: "change", right: true, rank: 3},
		{title: "p", right: true, rank: 2},
		{title: "n", right: true, rank: 4},
		{title: "verdict"},
	}}
}

// changes writes the totals, and of the others what changed.
func (p *page) changes(c *analyzer.Comparison) {
	t := p.diffColumns("all")
	for i := range c.Totals {
		if d := &c.Totals[i]; shownTotal(d) {
			t.add(p.diffCells(metricName(d), d)...)
		}
	}
	for i := range c.Causes {
		for k := range c.Causes[i].Rows {
			if d := &c.Causes[i].Rows[k]; hasChanged(d.Verdict) && c.Causes[i].Cause != "request-timeout" {
				t.add(p.diffCells(clean(c.Causes[i].Cause), d)...)
			}
		}
	}
	p.line()
	p.table(t, "")
	p.group("server or client", hostGroups(c))
	p.group("endpoint", endpointGroups(c))
}

// shownTotal reports whether the totals show a row: the four axes always,
// others when they changed.
func shownTotal(d *analyzer.D) bool {
	switch d.Metric {
	case "timeouts_per_1k", "churn_per_1k", "churn_per_1k_connections", "response_s", "half_close_s", "requests_per_connection", "fin_wait_2_peak":
		return true
	}
	return (hasChanged(d.Verdict) || d.Because != "") && d.JudgedBy == ""
}

// hasChanged reports whether a verdict is one of a change.
func hasChanged(verdict string) bool {
	return verdict == analyzer.VerdictImproved || verdict == analyzer.VerdictRegressed
}

// group writes the changed rows of groups that changed.
func (p *page) group(what string, groups []diffGroup) {
	t := p.diffColumns(what)
	heads := map[int]diffGroup{} // before which row each group begins
	left, hidden := diffRows, 0
	for _, g := range groups {
		if !hasChanged(g.verdict) {
			continue
		}
		var rows []*analyzer.D
		for i := range g.rows {
			if d := &g.rows[i]; hasChanged(d.Verdict) && d.JudgedBy == "" {
				rows = append(rows, d)
			}
		}
		if len(rows) == 0 { // its endpoints show what changed
			continue
		}
		if left < len(rows)+1 {
			hidden++
			continue
		}
		left -= len(rows) + 1
		heads[len(t.rows)] = g
		for _, d := range rows {
			t.add(p.diffCells("  "+metricName(d), d)...)
		}
	}
	p.headed(t, heads)
	if hidden > 0 {
		p.line("  ", p.s.quiet.Render(fmt.Sprintf("%s and %d more that changed", p.s.ellipsis, hidden)))
	}
}

// headed writes a table with a line of its own before some rows: the name of a
// group, which may be longer than the column.
func (p *page) headed(t *table, heads map[int]diffGroup) {
	if len(heads) == 0 {
		return
	}
	p.line()
	for i, l := range t.lines(p.width, p.s) {
		if g, ok := heads[i-1]; ok {
			label := cutMiddle(g.label, p.width-4-cells(g.note), p.s.ellipsis)
			p.line("  ", p.verdictStyle(g.verdict, label), "  ", p.s.quiet.Render(g.note))
		}
		p.line(l)
	}
}

// diffCells are the cells of one row.
func (p *page) diffCells(label string, d *analyzer.D) []string {
	verdict := d.Verdict
	if d.Because != "" {
		verdict = "see below"
	}
	if d.JudgedBy != "" {
		verdict = "(" + verdict + ")"
	}
	if len(d.Doubts) > 0 {
		verdict += " ?"
	}
	return []string{label, diffValue(d, d.Before), diffValue(d, d.After), diffChange(d), diffP(d),
		fmt.Sprintf("%s+%s", count(int64(d.NBefore)), count(int64(d.NAfter))), verdict}
}

// diffValue formats one side's value.
func diffValue(d *analyzer.D, v *float64) string {
	switch {
	case v == nil:
		return unknown
	case d.Unit == "s":
		return duration(v)
	case *v == math.Trunc(*v) || *v >= 100:
		return groupDigits(fmt.Sprintf("%.0f", *v))
	}
	return round(*v, 3)
}

// diffChange formats the relative change; "~" when chance explains it.
func diffChange(d *analyzer.D) string {
	switch {
	case d.Because == "" && (d.Verdict == analyzer.VerdictUnchanged || d.Verdict == analyzer.VerdictUnsure):
		return "~"
	case d.Change == nil && d.Before != nil && *d.Before == 0:
		return "from 0"
	case d.Change == nil:
		return unknown
	case *d.Change >= 9:
		return fmt.Sprintf("x%.0f", *d.Change+1)
	}
	return fmt.Sprintf("%+.0f %%", 100**d.Change)
}

// diffP formats the corrected p-value.
func diffP(d *analyzer.D) string {
	switch {
	case d.P == nil:
		return unknown
	case *d.P < 0.001:
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", *d.P)
}

// metricName is a metric as the tables call it.
func metricName(d *analyzer.D) string {
	name := d.Metric
	switch d.Metric {
	case "timeouts_per_1k":
		name = "timeouts per 1000"
	case "cancels_per_1k":
		name = "cancelled per 1000"
	case "aborts_per_1k":
		name = "aborted per 1000"
	case "churn_per_1k":
		name = "churned per 1000"
	case "churn_per_1k_connections":
		name = "churned per 1000 conns"
	case "response_s":
		name = "answer"
	case "half_close_s":
		name = "half-close, gave up"
	case "fin_wait_2_s":
		name = "FIN-WAIT-2"
	case "fin_wait_2_other_s":
		name = "FIN-WAIT-2, others"
	case "server_fin_wait_2_s":
		name = "FIN-WAIT-2, servers'"
	case "close_wait_s":
		name = "CLOSE-WAIT"
	case "requests_per_connection":
		name = "requests / connection"
	case "fin_wait_2_peak":
		name = "FIN-WAIT-2 peak"
	case "time_wait_peak":
		name = "TIME-WAIT peak"
	}
	if d.At != "" {
		name += ", " + d.At
	}
	return name
}

// listed writes one labelled text an item, the first few, and how many more
// there are.
func (p *page) listed(label string, most int, items []string, more string) {
	for i, text := range items {
		if i == 0 {
			p.line()
		}
		if i == most {
			p.labelled(0, "", 8, "and "+counted(len(items)-i, "more "+more))
			return
		}
		p.labelled(0, label, 8, text)
	}
}

// diffTimers writes the timers that changed.
func (p *page) diffTimers(c *analyzer.Comparison) {
	var items []string
	for _, t := range c.Timers {
		if t.Verdict != analyzer.VerdictUnchanged {
			items = append(items, clean(t.Text)+fmt.Sprintf(" (%d and %d closes)", t.CountBefore, t.CountAfter))
		}
	}
	p.listed("timer", diffItems, items, "changed timer")
}

// diffFindings writes the findings that came and went.
func (p *page) diffFindings(c *analyzer.Comparison) {
	for _, v := range []string{analyzer.VerdictNew, analyzer.VerdictGone} {
		var items []string
		for i := range c.Findings {
			if f := &c.Findings[i]; f.Verdict == v {
				items = append(items, clean(f.Title)+fmt.Sprintf(" (%d before, %d after)", f.Before, f.After))
			}
		}
		p.listed(v, diffItems, items, "finding")
	}
}

// matches writes what was taken for the same under another address.
func (p *page) matches(c *analyzer.Comparison) {
	var items []string
	for _, m := range c.Matches {
		items = append(items, clean(m.Text))
	}
	p.listed("moved", diffItems, items, "move")
}

// folded writes one line for everything that has no row.
func (p *page) folded(c *analyzer.Comparison) {
	var parts []string
	for _, kind := range []struct {
		noun   string
		groups []diffGroup
	}{{"server", serversOnly(c)}, {"endpoint", endpointGroups(c)}, {"client", clientsOnly(c)}} {
		counts := map[string]int{}
		for _, g := range kind.groups {
			counts[g.verdict]++
		}
		var words []string
		for _, v := range []string{analyzer.VerdictNew, analyzer.VerdictGone, analyzer.VerdictUnchanged, analyzer.VerdictUnsure} {
			if counts[v] > 0 {
				words = append(words, fmt.Sprintf("%d %s", counts[v], v))
			}
		}
		if len(words) > 0 {
			parts = append(parts, kind.noun+"s: "+strings.Join(words, ", "))
		}
	}
	if len(parts) == 0 {
		return
	}
	p.line()
	text := "the rest: " + strings.Join(parts, "; ") + ". (per 1000: requests; ~: within chance; unsure: too little data; ?: the sides differ in this; in brackets: judged by the rows it follows from)"
	for _, l := range wrap(text, p.width) {
		p.line(p.s.quiet.Render(l))
	}
}

func serversOnly(c *analyzer.Comparison) []diffGroup { return hostGroups(c)[:len(c.Peers)] }
func clientsOnly(c *analyzer.Comparison) []diffGroup { return hostGroups(c)[len(c.Peers):] }
