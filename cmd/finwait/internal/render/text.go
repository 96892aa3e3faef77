package render

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"finwait/analyzer"
)

// topRows is how many peers and endpoints the text shows; the rest is summed up
// in one line, since who reads it at night acts on the first few.
const topRows = 10

// page is a text report in the making.
type page struct {
	strings.Builder
	s     style
	width int
}

// reportText writes the report for a person: the verdict first, then who, where,
// which timer, how long, when, what to do, and last what the input cannot show.
func reportText(w io.Writer, r *analyzer.Report, o Options) error {
	p := &page{s: newStyle(o), width: o.width()}
	p.inputs(r)
	p.verdict(r)
	p.peers(r)
	p.endpoints(r)
	p.clients(r)
	p.timers(r)
	p.halfCloses(r)
	p.timeline(r)
	p.processes(r)
	p.findings(r)
	p.quality(r)
	_, err := io.WriteString(w, p.String())
	return err
}

// line writes one line.
func (p *page) line(parts ...string) {
	p.WriteString(strings.TrimRight(strings.Join(parts, ""), " "))
	p.WriteByte('\n')
}

// heading begins a section after an empty line.
func (p *page) heading(title, note string) {
	p.line()
	if note == "" {
		p.line(p.s.title.Render(title))
		return
	}
	lines := wrap(note, p.width-cells(title)-2)
	p.line(p.s.title.Render(title), "  ", p.s.quiet.Render(lines[0]))
	for _, l := range lines[1:] {
		p.line(strings.Repeat(" ", cells(title)+2), p.s.quiet.Render(l))
	}
}

// labelled writes wrapped text behind a label; further lines are indented to
// where the text began.
func (p *page) labelled(indent int, label string, labelWidth int, text string) {
	for i, l := range wrap(text, p.width-indent-labelWidth) {
		if i > 0 {
			label = ""
		}
		p.line(strings.Repeat(" ", indent), p.s.quiet.Render(pad(label, labelWidth)), l)
	}
}

// table writes a table, and below it what was left out.
func (p *page) table(t *table, rest string) {
	for _, l := range t.lines(p.width, p.s) {
		p.line(l)
	}
	if rest != "" {
		p.line(strings.Repeat(" ", t.indent), p.s.quiet.Render(cutEnd(rest, p.width-t.indent, p.s.ellipsis)))
	}
}

// inputs writes what was read, in one line where it fits.
func (p *page) inputs(r *analyzer.Report) {
	var names []string
	var packets, lines int64
	kinds := map[string]bool{}
	for _, in := range r.Inputs {
		names = append(names, clean(path.Base(in.Path)))
		packets += in.Packets
		lines += in.Lines
		kinds[in.Kind] = true
	}
	what := strings.Join(names, ", ")
	if len(names) > 3 {
		what = fmt.Sprintf("%s to %s (%d files)", names[0], names[len(names)-1], len(names))
	}
	var facts []string
	if packets > 0 {
		facts = append(facts, counted(int(packets), "packet"))
	}
	if lines > 0 {
		facts = append(facts, counted(int(lines), "line"))
	}
	if at := clock(r.Span.Start, dateAndTime); at != unknown {
		facts = append(facts, at+" UTC", duration(r.Span.DurationS))
	} else if r.Span.DurationS != nil {
		facts = append(facts, duration(r.Span.DurationS))
	}
	tail := strings.Join(facts, ", ")
	if room := p.width - cells(tail) - 2; room >= 16 {
		p.line(p.s.title.Render(cutMiddle(what, room, p.s.ellipsis)), "  ", p.s.quiet.Render(tail))
		return
	}
	p.line(p.s.title.Render(cutMiddle(what, p.width, p.s.ellipsis)))
	p.line(p.s.quiet.Render(cutEnd(tail, p.width, p.s.ellipsis)))
}

// verdict writes the sentences that matter, and below them all causes. They are
// kept to 100 columns: a longer line is not read at a glance.
func (p *page) verdict(r *analyzer.Report) {
	p.line()
	for _, l := range wrap(clean(r.Verdict), min(p.width, 100)) {
		p.line(p.s.strong.Render(l))
	}
	if len(r.Totals.Causes) == 0 {
		return
	}
	p.line()
	text := fmt.Sprintf("%s, %s: %s.", counted(r.Totals.Connections, "connection"), counted(r.Totals.Requests, "request"), byCount(r.Totals.Causes))
	for _, l := range wrap(text, min(p.width, 100)) {
		p.line(l)
	}
}

// byCount lists what was counted, the most frequent first.
func byCount(counts map[string]int) string {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	for i, k := range keys {
		keys[i] = count(int64(counts[k])) + " " + clean(k)
	}
	return strings.Join(keys, ", ")
}

// findings writes the conclusions, worst first, each with what to do. Advice is
// given once for findings of one kind.
func (p *page) findings(r *analyzer.Report) {
	if len(r.Findings) == 0 {
		return
	}
	p.heading("Findings", "")
	given := map[string]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if i > 0 {
			p.line()
		}
		p.finding(f, given[f.ID+f.Advice])
		given[f.ID+f.Advice] = true
	}
}

// finding writes one conclusion; brief leaves out the advice.
func (p *page) finding(f *analyzer.Finding, brief bool) {
	const indent, label = 4, 10
	mark := pad(f.Severity, 6)
	switch f.Severity {
	case analyzer.SeverityHigh:
		mark = p.s.bad.Render(mark)
	case analyzer.SeverityMedium:
		mark = p.s.warn.Render(mark)
	case analyzer.SeverityInfo:
		mark = p.s.good.Render(mark)
	}
	title := wrap(clean(f.Title), p.width-10)
	for i, l := range title {
		lead := "  " + mark + "  "
		if i > 0 {
			lead = strings.Repeat(" ", 10)
		}
		p.line(lead, p.s.strong.Render(l))
	}
	p.labelled(indent, "", 0, clean(f.Text))
	if brief {
		p.labelled(indent, "do", label, "as above")
	} else {
		p.labelled(indent, "do", label, clean(f.Advice))
		p.labelled(indent, "wrong if", label, clean(f.Disproof))
	}
	p.labelledLine(indent, "filter", label, filterOf(f, p.width-indent-label))
	if !brief {
		p.labelledLine(indent, "more", label, "finwait explain "+clean(f.ID))
	}
}

// labelledLine writes text that must stay on one line, to be copied.
func (p *page) labelledLine(indent int, label string, labelWidth int, text string) {
	if text != "" {
		p.line(strings.Repeat(" ", indent), p.s.quiet.Render(pad(label, labelWidth)), text)
	}
}

// filterOf is the finding's filter for Wireshark, with as many streams as fit
// into width, so that the line can be copied as it stands.
func filterOf(f *analyzer.Finding, width int) string {
	if f.Filter == "" || cells(f.Filter) <= width || len(f.Streams) == 0 {
		return clean(f.Filter)
	}
	for n := len(f.Streams) - 1; n > 0; n-- {
		if filter := streamFilter(f.Streams[:n]); cells(filter) <= width {
			return filter
		}
	}
	return streamFilter(f.Streams[:1])
}

// streamFilter is a display filter for a few connections.
func streamFilter(streams []int) string {
	words := make([]string, len(streams))
	for i, n := range streams {
		words[i] = fmt.Sprint(n)
	}
	return "tcp.stream in {" + strings.Join(words, ", ") + "}"
}

// quality writes what limits the input, damage first.
func (p *page) quality(r *analyzer.Report) {
	if len(r.Quality) == 0 && len(r.Clocks) == 0 {
		return
	}
	p.heading("Data quality", "")
	ordered := slices.Clone(r.Quality)
	slices.SortStableFunc(ordered, func(a, b analyzer.Quality) int {
		switch {
		case a.Damage == b.Damage:
			return 0
		case a.Damage:
			return -1
		}
		return 1
	})
	width := 0
	for _, q := range ordered {
		width = max(width, cells(count(q.Count)))
	}
	for _, q := range ordered {
		text := clean(q.Text)
		if q.Where != "" {
			text += " (" + clean(q.Where) + ")"
		}
		n := padLeft(count(q.Count), width)
		if q.Damage {
			n = p.s.bad.Render(n)
		}
		for i, l := range wrap(text, p.width-width-4) {
			if i > 0 {
				n = strings.Repeat(" ", width)
			}
			p.line("  ", n, "  ", l)
		}
	}
	for _, c := range r.Clocks {
		p.labelled(2, "", 0, clean(c.Text))
	}
}
