package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"finwait/analyzer"
)

// basisText says in words from when a timer ran.
func basisText(basis string) string {
	switch basis {
	case "connect-start":
		return "from the first SYN"
	case "request-start":
		return "from the request's first byte"
	case "request-end":
		return "from the request's last byte"
	case "last-byte":
		return "from the last byte received"
	case "configured":
		return "as given with --timeout"
	}
	return clean(basis)
}

// timers writes the client timers and what longer ones would have saved.
func (p *page) timers(r *analyzer.Report) {
	if len(r.Timers) == 0 && len(r.WhatIf) == 0 {
		return
	}
	p.heading("Timers", "")
	t := &table{indent: 2, columns: []column{
		{title: "value", right: true},
		{title: "runs", rank: 1},
		{title: "closes", right: true, rank: 2, style: &p.s.bad},
		{title: "spread", right: true, rank: 4},
		{title: "client", rank: 3, shrink: 15},
		{title: "servers", rank: 5, shrink: 15},
	}}
	var meanings []string
	for i := range r.Timers {
		x := &r.Timers[i]
		client := x.Client
		if client == "" {
			client = "all together"
		}
		t.add(duration(&x.ValueS), basisText(x.Basis), count(int64(x.Count)), duration(&x.SpreadS), clean(client), clean(strings.Join(x.Servers, ", ")))
		if m := clean(x.Meaning); m != "" && !slices.Contains(meanings, m) {
			meanings = append(meanings, m)
		}
	}
	if len(r.Timers) > 0 {
		p.table(t, "")
	}
	for _, m := range meanings {
		p.labelled(2, "", 0, m)
	}
	p.whatIf(r)
}

// whatIf writes what longer timeouts would have saved, one sentence an endpoint.
func (p *page) whatIf(r *analyzer.Report) {
	const most = 4
	type target struct{ server, endpoint string }
	var order []target
	parts := map[target][]string{}
	for _, x := range r.WhatIf {
		t := target{x.Server, x.Endpoint}
		if parts[t] == nil {
			order = append(order, t)
		}
		parts[t] = append(parts[t], fmt.Sprintf("%s would have saved %s (%s to %s)",
			duration(&x.TimeoutS), percent(x.SavedShare), percent(x.Low), percent(x.High)))
	}
	for i, t := range order {
		if i == most {
			p.line("  ", p.s.quiet.Render(fmt.Sprintf("%s and %d more", p.s.ellipsis, len(order)-most)))
			return
		}
		where := clean(t.endpoint)
		if where == "" {
			where = clean(t.server)
		} else if len(r.Peers) > 1 {
			where += " on " + clean(t.server)
		}
		said := strings.Join(parts[t][:1], "")
		for _, more := range parts[t][1:] {
			said += ", " + strings.Replace(more, " would have saved", "", 1)
		}
		p.labelled(2, "what if", 9, where+": a timeout of "+said+" of its timeouts")
	}
}

// halfCloses writes how long connections stayed half closed, by who closed first.
func (p *page) halfCloses(r *analyzer.Report) {
	sides := []struct {
		name, peer string
		h          *analyzer.HalfClose
	}{{"client", "server", &r.HalfClose.Client}, {"server", "client", &r.HalfClose.Server}}
	if sides[0].h.Count+sides[1].h.Count == 0 {
		return
	}
	p.heading("Half-closed connections", "")
	for _, side := range sides {
		if side.h.Count > 0 {
			p.halfClose(side.name, side.peer, side.h)
		}
	}
}

// halfClose writes the distribution for one side.
func (p *page) halfClose(name, peer string, h *analyzer.HalfClose) {
	head := fmt.Sprintf("the %s sent the first FIN %s", name, times(h.Count))
	if h.Censored > 0 {
		head += fmt.Sprintf("; %s still half closed when the input ended", count(int64(h.Censored)))
	}
	p.labelled(2, "", 0, head)
	u := unitFor(h.FinWait2.P50, h.FinWait2.P90, h.FinWait2.P99, h.FinWait2.Max, h.CloseWait.P50, h.CloseWait.P90, h.CloseWait.P99, h.CloseWait.Max)
	first := unitFor(h.FinWait1.P50, h.FinWait1.P90, h.FinWait1.P99, h.FinWait1.Max)
	t := &table{indent: 4, columns: []column{
		{title: ""}, {title: "p50", right: true}, {title: "p90", right: true, rank: 2},
		{title: "p99", right: true, rank: 1}, {title: "longest", right: true}, {title: ""},
	}}
	row := func(state string, u unit, q analyzer.Quantiles) {
		if q.Count > 0 {
			t.add(state, u.number(q.P50), u.number(q.P90), u.number(q.P99), longest(u, q), u.name)
		}
	}
	row("FIN-WAIT-1 of the "+name, first, h.FinWait1)
	row("FIN-WAIT-2 of the "+name, u, h.FinWait2)
	row("CLOSE-WAIT of the "+peer, u, h.CloseWait)
	p.table(t, "")
	p.histogram(h.FinWait2)
	if h.Peak.Count > 0 {
		text := fmt.Sprintf("at most %s in FIN-WAIT-2 at once", counted(int(h.Peak.Count), "socket"))
		if at := clock(h.Peak.At, timeOfDay); at != unknown {
			text += ", at " + at
		}
		p.labelled(4, "", 0, text)
	}
	p.labelled(4, "", 0, "ended by "+endings(h.EndedBy))
}

// longest is the largest duration; where some were cut off by the end of the
// input it is a lower bound.
func longest(u unit, q analyzer.Quantiles) string {
	text := u.number(q.Max)
	if q.Censored > 0 && q.Max != nil {
		return ">" + text
	}
	return text
}

// times is a count of events in words.
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return count(int64(n)) + " times"
}

// endings lists what ended half-closes, the most frequent first.
func endings(by map[string]int) string {
	keys := make([]string, 0, len(by))
	for k := range by {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(by[b], by[a]), strings.Compare(a, b))
	})
	for i, k := range keys {
		keys[i] = endedBy(k) + " " + count(int64(by[k]))
	}
	return list(keys)
}

// endedBy says in words what ended a half-close.
func endedBy(word string) string {
	switch word {
	case "peer-fin":
		return "the peer's FIN"
	case "peer-reset":
		return "the peer's reset"
	case "late-data-reset":
		return "late data that met a reset"
	case "orphan-expired":
		return "the kernel's tcp_fin_timeout"
	case "capture-end":
		return "the end of the input"
	case "simultaneous":
		return "FINs that crossed"
	}
	return clean(word)
}

// histogram draws how long sockets stayed in FIN-WAIT-2, a bar a step of 1-2-5.
// Fewer than eight durations are told well enough by their quantiles.
func (p *page) histogram(q analyzer.Quantiles) {
	if q.Count < 8 {
		return
	}
	bars, rest := bins(q.Dist)
	if len(bars) < 2 {
		return
	}
	full, labelWidth := 0.0, 0
	labels := make([]string, len(bars))
	for i, b := range bars {
		full = max(full, b.share)
		labels[i] = binLabel(b)
		labelWidth = max(labelWidth, cells(labels[i]))
	}
	p.line("    ", p.s.quiet.Render("how long in FIN-WAIT-2:"))
	room := min(40, p.width-6-labelWidth-8)
	for i := 0; i < len(bars); i++ {
		if n := emptyRun(bars[i:]); n > 2 {
			p.line("    ", p.s.quiet.Render(padLeft(p.s.ellipsis, labelWidth)))
			i += n - 1
			continue
		}
		b := bars[i]
		p.line("    ", p.s.quiet.Render(padLeft(labels[i], labelWidth)), " ", padLeft(percent(b.share), 5), "  ", p.s.chart.Render(bar(b.share, full, room, p.s)))
	}
	if rest > 0.005 {
		p.line("    ", p.s.quiet.Render(padLeft("longer", labelWidth)), " ", padLeft(percent(rest), 5), "  ", p.s.quiet.Render("(not seen to its end)"))
	}
}

// emptyRun counts the bars without a share that bars begins with.
func emptyRun(bars []bin) int {
	n := 0
	for n < len(bars) && bars[n].share <= 0 {
		n++
	}
	return n
}

// binLabel names a bar by its upper bound.
func binLabel(b bin) string {
	if b.to > 200*time.Second {
		s := b.from.Seconds()
		return "above " + duration(&s)
	}
	s := b.to.Seconds()
	return "to " + duration(&s)
}

// timelineRow is one line of the chart.
type timelineRow struct {
	label  string
	side   string
	state  string
	events bool // counts of events, not of sockets
}

// timeline draws the sockets by state over time, all servers together.
func (p *page) timeline(r *analyzer.Report) {
	tl := &r.Timeline
	rows := []timelineRow{
		{"FIN-WAIT-2 of clients", "client", "FIN-WAIT-2", false},
		{"CLOSE-WAIT of servers", "server", "CLOSE-WAIT", false},
		{"FIN-WAIT-2 of servers", "server", "FIN-WAIT-2", false},
		{"TIME-WAIT of clients", "client", "TIME-WAIT", false},
		{"TIME-WAIT of servers", "server", "TIME-WAIT", false},
		{"new connections", "client", "NEW", true},
	}
	const label = 21
	var drawn []string
	var last []int
	each, length, buckets := 1, 0, 0
	for _, row := range rows {
		values := seriesOf(tl, row.side, row.state)
		if slices.Max(append(values, 0)) == 0 || slices.Equal(values, last) {
			continue // the mirror image of the row above says nothing new
		}
		last = values
		room := max(8, p.width-2-label-2-12)
		merged, n := merge(values, room, row.events)
		each, length, buckets = n, len(merged), len(values)
		peak := slices.Max(merged)
		note := "peak " + count(int64(peak))
		drawn = append(drawn, "  "+p.s.quiet.Render(pad(row.label, label))+"  "+p.s.chart.Render(spark(merged, peak, p.s))+"  "+note)
	}
	if len(drawn) == 0 || tl.BucketS <= 0 {
		return
	}
	step := tl.BucketS * float64(each)
	p.heading("Timeline", "a character is "+duration(&step))
	for _, l := range drawn {
		p.line(l)
	}
	end := tl.Start + analyzer.Stamp(tl.BucketS*float64(buckets)*1e9)
	from, to := clock(tl.Start, timeOfDay), clock(end, timeOfDay)
	if from == unknown {
		length := tl.BucketS * float64(buckets)
		from, to = "0 s", duration(&length)
	}
	if length >= len(from)+len(to)+1 {
		from += padLeft(to, length-len(from))
	}
	p.line(strings.Repeat(" ", 2+label+2), p.s.quiet.Render(from))
}

// seriesOf finds the series over all servers; nil when there is none.
func seriesOf(tl *analyzer.Timeline, side, state string) []int {
	for i := range tl.Series {
		s := &tl.Series[i]
		if s.Peer == "" && s.Side == side && s.State == state {
			return slices.Clone(s.Values)
		}
	}
	return nil
}
