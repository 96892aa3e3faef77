package analyzer

import (
	"fmt"
	"slices"
	"strings"
)

// verdict is the report in two or three sentences.
func (b *builder) verdict(r *Report) string {
	t := &r.Totals
	if t.Connections == 0 {
		return "No TCP connection in the input."
	}
	head := fmt.Sprintf("%s and %s", plural(t.Connections, "connection"), plural(t.Requests, "request"))
	if b.span > 0 {
		head += " in " + seconds(b.span)
	}
	timeouts := t.Causes[CauseRequestTimeout.String()]
	switch {
	case timeouts > 0:
		return head + b.timeoutStory(r, timeouts)
	case len(r.Findings) > 0 && (r.Findings[0].Severity == SeverityHigh || r.Findings[0].Severity == SeverityMedium):
		f := r.Findings[0]
		return head + ". " + f.Title + ": " + f.Text
	case len(r.Findings) > 0 && r.Findings[0].Severity == SeverityLow:
		return head + ". No request timed out and nothing serious was found; of note: " + r.Findings[0].Title + "."
	}
	if len(r.Findings) > 0 && r.Findings[0].ID == "cannot-tell" {
		return head + ". " + r.Findings[0].Title + "; see data quality."
	}
	return head + ". No request timed out. Nothing is wrong with how connections are used."
}

// ranOut names the timers with most closes, in brackets.
func ranOut(list []Timer) string {
	const most = 3
	var values []string
	for i := range list {
		if v := short(&list[i].ValueS); (i == 0 || list[i].Count > 1) && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	switch n := len(values); {
	case n == 0:
		return ""
	case n == 1:
		return " (its timer: " + values[0] + ")"
	case n > most:
		return fmt.Sprintf(" (timers: %s and %d more)", strings.Join(values[:most], ", "), n-most)
	}
	return " (timers: " + strings.Join(values, ", ") + ")"
}

// timeoutStory tells the incident that finwait exists for.
func (b *builder) timeoutStory(r *Report, n int) string {
	t := &r.Totals
	s := fmt.Sprintf(": %s were closed by the client because a request timed out", plural(n, "connection"))
	if n == 1 {
		s = ": 1 connection was closed by the client because a request timed out"
	}
	s += ranOut(r.Timers)
	p := &r.Peers[0]
	for i := range r.Peers {
		if r.Peers[i].TimedOut > p.TimedOut {
			p = &r.Peers[i]
		}
	}
	s += fmt.Sprintf(", %d of them to %s", p.Causes[CauseRequestTimeout.String()], p.called())
	if name, e := worst(r, p.Server, func(e *EndpointRow) int { return e.TimedOut }); e != nil {
		s += ", mostly " + name
	}
	s += "."
	s += lingered(&r.HalfClose.Client.GaveUp, int(r.HalfClose.Client.Peak.Count))
	if t.Churned > 0 {
		s += fmt.Sprintf(" %s had to be replaced by new ones.", plural(t.Churned, "connection"))
	}
	return s
}
