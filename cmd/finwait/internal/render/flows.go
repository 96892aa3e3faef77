package render

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"finwait/analyzer"
)

// flowUnits are the units of the columns of durations, one for each column.
type flowUnits struct{ waited, timer, wait2, late unit }

// flowSpans are the longest durations of each column so far.
type flowSpans struct{ waited, timer, wait2, late *float64 }

// see takes the durations of one connection into account.
func (x *flowSpans) see(f *analyzer.Flow) {
	longer := func(a **float64, b *float64) {
		if b != nil && (*a == nil || **a < *b) {
			v := *b
			*a = &v
		}
	}
	if q := f.Close.Request; q != nil {
		longer(&x.waited, q.WaitedS)
	}
	if t := f.Close.Timer; t != nil {
		longer(&x.timer, &t.ValueS)
	}
	if h := f.HalfClose; h != nil {
		longer(&x.wait2, h.FinWait2S)
	}
	if l := f.LateResponse; l != nil {
		longer(&x.late, l.AfterCloseS)
	}
}

// units picks the units that fit.
func (x *flowSpans) units() flowUnits {
	return flowUnits{unitFor(x.waited), unitFor(x.timer), unitFor(x.wait2), unitFor(x.late)}
}

// flowColumns are the columns of the table of connections.
func flowColumns(u flowUnits) []column {
	return []column{
		{title: "stream", right: true},
		{title: "client", shrink: 15, rank: 5},
		{title: "server", shrink: 15, rank: 1},
		{title: "cause"},
		{title: "closed", rank: 4},
		{title: "waited " + u.waited.name, right: true, rank: 2},
		{title: "timer " + u.timer.name, right: true, rank: 6},
		{title: "FIN-WAIT-2 " + u.wait2.name, right: true, rank: 1},
		{title: "late " + u.late.name, right: true, rank: 7},
		{title: "replaced by", right: true, rank: 8},
		{title: "endpoint", shrink: 10, rank: 3},
	}
}

// flowRow is one line of the table.
func flowRow(f *analyzer.Flow, u flowUnits) []string {
	closed := f.Close.Initiator + " " + f.Close.How
	if f.Close.How == "none" {
		closed = unknown
	}
	waited, timer, wait2, late, endpoint := unknown, unknown, unknown, unknown, ""
	if q := f.Close.Request; q != nil {
		waited, endpoint = u.waited.number(q.WaitedS), clean(q.Endpoint)
	}
	if t := f.Close.Timer; t != nil {
		timer = u.timer.number(&t.ValueS)
	}
	if h := f.HalfClose; h != nil {
		wait2 = u.wait2.number(h.FinWait2S)
		if h.Censored && h.FinWait2S != nil {
			wait2 = ">" + wait2
		}
	}
	if l := f.LateResponse; l != nil {
		late = u.late.number(l.AfterCloseS)
	}
	return []string{number(streamOrRow(f)), clean(f.Client), clean(f.Server), clean(f.Close.Cause), clean(closed), waited, timer, wait2, late, number(f.ReplacedBy), endpoint}
}

// streamOrRow is the number by which finwait show finds a connection.
func streamOrRow(f *analyzer.Flow) *int {
	if f.Stream == nil {
		return f.Row
	}
	return f.Stream
}

func number(n *int) string {
	if n == nil {
		return unknown
	}
	return strconv.Itoa(*n)
}

// flowsTable goes over the connections three times, for the units, for the
// widths and for the rows, so that a table of any length needs no memory.
func flowsTable(w io.Writer, each EachFlow, o Options) error {
	var spans flowSpans
	rows := 0
	err := each(func(f *analyzer.Flow) error {
		rows++
		spans.see(f)
		return nil
	})
	if err != nil {
		return err
	}
	if rows == 0 {
		_, err := io.WriteString(w, "no connections\n")
		return err
	}
	u := spans.units()
	t := &table{columns: flowColumns(u)}
	widths := make([]int, len(t.columns))
	for i := range widths {
		widths[i] = -1
	}
	err = each(func(f *analyzer.Flow) error {
		for i, text := range flowRow(f, u) {
			if text != "" && text != unknown || t.columns[i].rank == 0 {
				widths[i] = max(widths[i], cells(text), cells(t.columns[i].title))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	shown := t.fit(widths, o.width())
	s := newStyle(o)
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	out := bufio.NewWriter(w)
	out.WriteString(s.quiet.Render(strings.TrimRight(t.line(titles, shown, widths, s, false), " ")) + "\n")
	err = each(func(f *analyzer.Flow) error {
		_, err := out.WriteString(strings.TrimRight(t.line(flowRow(f, u), shown, widths, s, true), " ") + "\n")
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}
