package render

import (
	"io"
	"path"
	"strings"

	"finwait/analyzer"
)

// ladderText draws one connection from top to bottom, and then says why it was
// closed.
func ladderText(w io.Writer, l *analyzer.Ladder, o Options) error {
	p := &page{s: newStyle(o), width: o.width()}
	p.ladderHead(&l.Flow)
	p.steps(l)
	p.ladderVerdict(&l.Flow)
	_, err := io.WriteString(w, p.String())
	return err
}

// ladderHead names the connection and its two ends.
func (p *page) ladderHead(f *analyzer.Flow) {
	title := "connection"
	if f.Stream != nil {
		title = "stream " + number(f.Stream)
	} else if f.Row != nil {
		title = "connection " + number(f.Row)
	}
	facts := []string{clean(path.Base(f.Input)), clean(f.Protocol)}
	if at := clock(f.Opened, "2006-01-02 15:04:05.000000"); at != unknown {
		facts = append(facts, at+" UTC")
	}
	p.line(p.s.title.Render(title), "  ", p.s.quiet.Render(cutMiddle(strings.Join(facts, ", "), p.width-cells(title)-2, p.s.ellipsis)))
	server := clean(f.Server)
	if f.ServerName != nil && *f.ServerName != f.Server {
		server += " (" + clean(*f.ServerName) + ")"
	}
	p.labelled(2, "client", 8, clean(f.Client)+" (role told by: "+clean(f.RoleBasis)+")")
	p.labelled(2, "server", 8, server)
	p.line()
}

// notesBeside is the width from which on notes have a column of their own. In
// less they stand below their segment.
const notesBeside = 120

// steps writes a line a segment or call.
func (p *page) steps(l *analyzer.Ladder) {
	toServer, toClient := "-->", "<--"
	if p.s.unicode {
		toServer, toClient = "──▶", "◀──"
	}
	u := stepUnit(l.Steps)
	t := &table{columns: []column{
		{title: "time " + u.name, right: true},
		{title: "frame", right: true, rank: 3},
		{title: "", rank: 0},
		{title: "segment", shrink: 20, head: true},
		{title: "client", rank: 1},
		{title: "server", rank: 2},
	}}
	beside := p.width >= notesBeside
	if beside {
		t.columns = append(t.columns, column{title: "", shrink: 30, head: true, style: &p.s.warn})
	}
	switch l.Flow.Source {
	case "strace":
		t.columns[1].title, t.columns[3].title = "line", "call"
	case "both":
		t.columns[1].title, t.columns[3].title = "frame", "segment or call"
	}
	var client, server string
	for _, x := range l.Steps {
		arrow, what := toServer, clean(x.What)
		if x.From == "server" {
			arrow = toClient
		}
		switch {
		case p.width >= MaxWidth:
		case x.Kind != analyzer.StepCall:
			what = brief(what)
		case !beside:
			what = withoutPayload(what)
		}
		row := []string{u.number(x.AtS), position(&x, l.Flow.Source), arrow, what, "", ""}
		if x.Kind != analyzer.StepCall {
			row[4], row[5] = changed(&client, x.Client), changed(&server, x.Server)
		}
		if beside {
			row = append(row, clean(x.Note))
		}
		t.add(row...)
	}
	p.ladderLines(t, l.Steps, beside)
}

// position is a step's frame, or its line, marked with an L among frames; an
// asterisk marks what the verdict rests on.
func position(x *analyzer.Step, source string) string {
	text := count(int64(x.Frame))
	if source == "both" && x.Kind == analyzer.StepCall {
		text = "L" + text
	}
	if x.Evidence {
		text = "*" + text
	}
	return text
}

// ladderLines writes the table, with the notes between its lines where they
// have no column.
func (p *page) ladderLines(t *table, steps []analyzer.Step, beside bool) {
	lines := t.lines(p.width, p.s)
	heads := len(lines) - len(steps)
	indent := cells(t.columns[0].title)
	for _, row := range t.rows {
		indent = max(indent, cells(row[0]))
	}
	for i, line := range lines {
		p.line(line)
		if i < heads || beside || steps[i-heads].Note == "" {
			continue
		}
		for _, l := range wrap(clean(steps[i-heads].Note), p.width-indent-gap) {
			p.line(strings.Repeat(" ", indent+gap), p.s.warn.Render(l))
		}
	}
}

// brief shortens a segment's description for a narrow terminal. The length is
// left out: the range of sequence numbers tells it.
func brief(what string) string {
	what, _, _ = strings.Cut(what, ", length ")
	return strings.NewReplacer("Flags ", "", ",", "").Replace(what)
}

// withoutPayload leaves the bytes out of a call: its note tells the request.
func withoutPayload(what string) string {
	head, rest, ok := strings.Cut(what, `, "`)
	if !ok {
		return what
	}
	_, tail, ok := strings.Cut(rest, `"...`)
	if !ok {
		return what
	}
	return head + tail
}

// stepUnit keeps microseconds, which a capture has, as long as they fit.
func stepUnit(steps []analyzer.Step) unit {
	var last float64
	for _, x := range steps {
		if x.AtS != nil {
			last = max(last, *x.AtS)
		}
	}
	if last < 1 {
		return unit{"ms", 1e3, 3}
	}
	return unit{"s", 1, 6}
}

// changed shows a state only where it changes; a quote stands for the same.
func changed(last *string, state string) string {
	if state == *last && state != "" {
		return "."
	}
	*last = state
	return clean(state)
}

// ladderVerdict says who closed, why, and what that rests on.
func (p *page) ladderVerdict(f *analyzer.Flow) {
	p.line()
	c := &f.Close
	head := clean(c.Cause)
	if c.How != "none" {
		head += ", closed by the " + clean(c.Initiator) + " (" + strings.ToUpper(clean(c.How)) + ")"
	}
	p.line(p.s.strong.Render(head), p.s.quiet.Render("  confidence "+clean(c.Confidence)))
	const label = 13
	p.labelled(2, "because", label, clean(c.Because))
	if q := c.Request; q != nil {
		text := clean(q.Endpoint)
		if q.WaitedS != nil {
			text += ", waited " + duration(q.WaitedS)
		}
		text += ", " + clean(q.Phase)
		if q.Stall != nil {
			text += ", stalled by the " + clean(*q.Stall)
		}
		p.labelled(2, "request", label, text)
	}
	if t := c.Timer; t != nil {
		p.labelled(2, "timer", label, duration(&t.ValueS)+" "+basisText(t.Basis)+", seen "+times(t.Count))
	}
	p.ladderHalf(f)
	if len(c.Evidence) > 0 {
		p.labelled(2, "evidence", label, clean(strings.Join(places(c.Evidence), ", ")))
	}
	if c.Codes != "" {
		p.labelled(2, "elsewhere", label, clean(c.Codes))
	}
	if f.ReplacedBy != nil {
		p.labelled(2, "replaced by", label, "stream "+number(f.ReplacedBy))
	}
	if len(f.Notes) > 0 {
		p.labelled(2, "notes", label, clean(strings.Join(f.Notes, ", ")))
	}
}

// places shortens the paths of evidence to file names, as the ladder's head
// does: a path that wraps cannot be read or copied. JSON has them whole.
func places(evidence []string) []string {
	short := make([]string, len(evidence))
	for i, at := range evidence {
		short[i] = path.Base(at)
	}
	return short
}

// ladderHalf says how long the half-close took, and how late the answer was.
func (p *page) ladderHalf(f *analyzer.Flow) {
	const label = 13
	if h := f.HalfClose; h != nil {
		var parts []string
		for _, x := range []struct {
			name  string
			value *float64
		}{{"FIN-WAIT-1", h.FinWait1S}, {"FIN-WAIT-2", h.FinWait2S}, {"CLOSE-WAIT", h.CloseWaitS}, {"LAST-ACK", h.LastAckS}} {
			if x.value != nil {
				parts = append(parts, x.name+" "+duration(x.value))
			}
		}
		text := strings.Join(parts, ", ") + "; ended by " + endedBy(h.EndedBy)
		if h.Censored {
			text = "at least " + text
		}
		p.labelled(2, "half-close", label, text)
	}
	if l := f.LateResponse; l != nil {
		p.labelled(2, "late answer", label, duration(l.AfterRequestS)+" after the request, "+duration(l.AfterCloseS)+" after the close")
	}
}
