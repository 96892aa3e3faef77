package render

import (
	"fmt"
	"io"
	"strings"

	"finwait/analyzer"
)

// reportMarkdown writes the report for a ticket: GitHub's tables, the parts that
// few need folded away.
func reportMarkdown(w io.Writer, r *analyzer.Report) error {
	m := &markdown{}
	m.line("### finwait: %s", inputNames(r))
	m.line("")
	m.line("%s", md(r.Verdict))
	m.peers(r)
	m.endpoints(r)
	m.timers(r)
	m.findings(r)
	m.halfClose(r)
	m.quality(r)
	_, err := io.WriteString(w, m.String())
	return err
}

// markdown is a document in the making.
type markdown struct{ strings.Builder }

func (m *markdown) line(format string, args ...any) {
	fmt.Fprintf(&m.Builder, format, args...)
	m.WriteByte('\n')
}

// md escapes text so that Markdown and HTML show it as it is, also in a table.
func md(s string) string {
	escapes := strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`)
	return escapes.Replace(clean(s))
}

// code shows text as code, also in a table. A grave accent would end it.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(clean(s)) + "`"
}

func inputNames(r *analyzer.Report) string {
	var names []string
	for i, in := range r.Inputs {
		if i == 3 && len(r.Inputs) > 4 {
			names = append(names, fmt.Sprintf("%d more", len(r.Inputs)-3))
			break
		}
		names = append(names, code(in.Path))
	}
	text := list(names)
	if at := clock(r.Span.Start, dateAndTime); at != unknown {
		text += fmt.Sprintf(", %s UTC, %s", at, duration(r.Span.DurationS))
	}
	return text
}

// table writes a heading and rows; columns whose heading begins with "-" are
// numbers and aligned to the right.
func (m *markdown) table(heads []string, rows [][]string, rest string) {
	m.line("")
	rule := make([]string, len(heads))
	for i, h := range heads {
		rule[i] = "---"
		if strings.HasPrefix(h, "-") {
			heads[i], rule[i] = h[1:], "--:"
		}
	}
	m.line("| %s |", strings.Join(heads, " | "))
	m.line("| %s |", strings.Join(rule, " | "))
	for _, row := range rows {
		m.line("| %s |", strings.Join(row, " | "))
	}
	if rest != "" {
		m.line("")
		m.line("%s", rest)
	}
}

func (m *markdown) peers(r *analyzer.Report) {
	var rows [][]string
	for i := range r.Peers[:min(topRows, len(r.Peers))] {
		x := &r.Peers[i]
		rows = append(rows, []string{code(x.Server), md(peerName(x)), count(int64(x.Connections)), count(int64(x.Requests)),
			count(int64(x.TimedOut)), count(int64(x.Churned)), duration(x.FinWait2.P50), duration(x.FinWait2.P99),
			measured(x.FinWait2Peak), measured(x.TimeWaitPeak)})
	}
	if len(rows) > 0 {
		m.table([]string{"server", "name", "-connections", "-requests", "-timeouts", "-churned", "-FIN-WAIT-2 p50", "-p99", "-peak", "-TIME-WAIT peak"},
			rows, restOfPeers(r.Peers[len(rows):], style{ellipsis: "..."}))
	}
}

func (m *markdown) endpoints(r *analyzer.Report) {
	var rows [][]string
	for i := range r.Endpoints[:min(topRows, len(r.Endpoints))] {
		x := &r.Endpoints[i]
		rows = append(rows, []string{code(x.Endpoint), code(x.Server), count(int64(x.Requests)), count(int64(x.TimedOut)), count(int64(x.Churned)),
			duration(x.Response.P50), duration(x.Response.P99), duration(x.LateResponse.P50), duration(x.WastedServerS)})
	}
	if len(rows) > 0 {
		rest := ""
		if n := len(r.Endpoints) - len(rows); n > 0 {
			rest = fmt.Sprintf("... and %d more", n)
		}
		m.table([]string{"endpoint", "server", "-requests", "-timeouts", "-churned", "-response p50", "-p99", "-late p50", "-wasted"}, rows, rest)
	}
}

func (m *markdown) timers(r *analyzer.Report) {
	var rows [][]string
	for i := range r.Timers {
		x := &r.Timers[i]
		rows = append(rows, []string{duration(&x.ValueS), basisText(x.Basis), count(int64(x.Count)), code(x.Client), md(x.Meaning)})
	}
	if len(rows) > 0 {
		m.table([]string{"-timer", "runs", "-closes", "client", "meaning"}, rows, "")
	}
	for _, x := range r.WhatIf {
		m.line("")
		m.line("A timeout of %s would have saved %s (%s to %s) of those of %s.", duration(&x.TimeoutS), percent(x.SavedShare),
			percent(x.Low), percent(x.High), code(firstOf(x.Endpoint, x.Server)))
	}
}

// firstOf is the first text that is not empty.
func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (m *markdown) findings(r *analyzer.Report) {
	for i := range r.Findings {
		f := &r.Findings[i]
		m.line("")
		m.line("#### %s (%s)", md(f.Title), md(f.Severity))
		for _, part := range []struct{ label, text string }{{"", f.Text}, {"**Do:** ", f.Advice}, {"**Wrong if:** ", f.Disproof}} {
			if part.text != "" {
				m.line("")
				m.line("%s%s", part.label, md(part.text))
			}
		}
		if f.Filter != "" {
			m.line("")
			m.line("Wireshark: %s", code(f.Filter))
		}
	}
}

func (m *markdown) halfClose(r *analyzer.Report) {
	var rows [][]string
	for _, side := range []struct {
		name string
		h    *analyzer.HalfClose
	}{{"client", &r.HalfClose.Client}, {"server", &r.HalfClose.Server}} {
		if h := side.h; h.Count > 0 {
			rows = append(rows, []string{side.name, count(int64(h.Count)), count(int64(h.Censored)), duration(h.FinWait2.P50), duration(h.FinWait2.P90),
				duration(h.FinWait2.P99), duration(h.CloseWait.P50), duration(h.CloseWait.P99), measured(h.Peak.Count), md(endings(h.EndedBy))})
		}
	}
	if len(rows) == 0 {
		return
	}
	m.details("Half-closed connections")
	m.table([]string{"first FIN by", "-count", "-unfinished", "-FIN-WAIT-2 p50", "-p90", "-p99", "-CLOSE-WAIT p50", "-p99", "-peak", "ended by"}, rows, "")
	m.endDetails()
}

func (m *markdown) quality(r *analyzer.Report) {
	if len(r.Quality) == 0 {
		return
	}
	m.details("Data quality")
	var rows [][]string
	for _, q := range r.Quality {
		text := md(q.Text)
		if q.Damage {
			text = "**damage:** " + text
		}
		rows = append(rows, []string{count(q.Count), text, md(q.Where)})
	}
	m.table([]string{"-count", "what", "first at"}, rows, "")
	m.endDetails()
}

func (m *markdown) details(summary string) {
	m.line("")
	m.line("<details><summary>%s</summary>", summary)
}

func (m *markdown) endDetails() {
	m.line("")
	m.line("</details>")
}
