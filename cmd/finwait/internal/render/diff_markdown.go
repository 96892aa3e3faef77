package render

import (
	"fmt"
	"io"
	"strings"

	"finwait/analyzer"
)

// diffMarkdown writes comparisons for a ticket.
func diffMarkdown(w io.Writer, list []*analyzer.Comparison) error {
	m := &markdown{}
	for i, c := range list {
		if i > 0 {
			m.line("")
		}
		m.comparison(c)
	}
	_, err := io.WriteString(w, m.String())
	return err
}

// comparison writes one comparison: verdict, doubts, what changed, and the rest
// folded away.
func (m *markdown) comparison(c *analyzer.Comparison) {
	m.line("### finwait diff: %s to %s", sideNames(&c.Before), sideNames(&c.After))
	m.line("")
	m.line("**%s.** %s", md(strings.ToUpper(c.Verdict)), md(c.Text))
	if len(c.Comparable)+len(c.Matches) > 0 {
		m.line("")
		for _, d := range c.Comparable {
			m.line("- %s", md(d.Text))
		}
		for _, x := range c.Matches {
			m.line("- %s", md(x.Text))
		}
	}
	var changed, rest [][]string
	for i := range c.Totals {
		d := &c.Totals[i]
		if row := m.diffRow("all", d); shownTotal(d) {
			changed = append(changed, row)
		} else {
			rest = append(rest, row)
		}
	}
	for _, g := range append(hostGroups(c), endpointGroups(c)...) {
		for i := range g.rows {
			d := &g.rows[i]
			if hasChanged(d.Verdict) && d.JudgedBy == "" && len(changed) < 3*diffRows {
				changed = append(changed, m.diffRow(code(g.label), d))
			} else if len(rest) < 200 {
				rest = append(rest, m.diffRow(code(g.label), d))
			}
		}
	}
	heads := func() []string {
		return []string{"where", "what", "-before", "-after", "-change", "-p", "-n", "verdict"}
	}
	m.table(heads(), changed, "")
	for _, t := range c.Timers {
		if t.Verdict != analyzer.VerdictUnchanged {
			m.line("")
			m.line("%s (%d and %d closes).", md(t.Text), t.CountBefore, t.CountAfter)
		}
	}
	m.details("All other rows, and how they are judged")
	m.line("")
	m.line("%s", md(c.Rule))
	if len(rest) > 0 {
		m.table(heads(), rest, "")
	}
	m.endDetails()
}

// diffRow is one row of the table.
func (m *markdown) diffRow(where string, d *analyzer.D) []string {
	verdict := d.Verdict
	if hasChanged(verdict) {
		verdict = "**" + verdict + "**"
	}
	if d.Because != "" {
		verdict = "see below"
	}
	if d.JudgedBy != "" {
		verdict += " (as " + md(d.JudgedBy) + ")"
	}
	if len(d.Doubts) > 0 {
		verdict += " (doubtful: " + md(strings.Join(d.Doubts, ", ")) + ")"
	}
	return []string{where, md(metricName(d)), diffValue(d, d.Before), diffValue(d, d.After), md(diffChange(d)), md(diffP(d)),
		fmt.Sprintf("%s+%s", count(int64(d.NBefore)), count(int64(d.NAfter))), verdict}
}

// sideNames names the inputs of one side.
func sideNames(s *analyzer.Side) string {
	return inputNames(&analyzer.Report{Inputs: s.Inputs, Span: s.Span})
}
