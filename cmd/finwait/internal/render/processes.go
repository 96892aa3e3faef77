package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"finwait/analyzer"
)

// alike are processes of one program that waited the same way.
type alike struct {
	name string // of the program; "" unknown, then the process is alone
	text string // how they waited
	list []*analyzer.Process
}

// maxAlike is how many groups of processes a text shows, and maxPIDs how many of
// a group it names.
const (
	maxAlike = 20
	maxPIDs  = 6
)

// group puts processes of one program that waited the same way together, in the
// order of the first of each.
func group(list []analyzer.Process) []*alike {
	type key struct{ name, runtime, text string }
	var groups []*alike
	by := map[key]*alike{}
	for i := range list {
		x := &list[i]
		k := key{text: x.Text}
		if x.Comm != nil {
			k.name = *x.Comm
		}
		if x.Runtime != nil {
			k.runtime = *x.Runtime
		}
		g := by[k]
		if g == nil || k.name == "" {
			g = &alike{name: k.name, text: k.text}
			by[k] = g
			groups = append(groups, g)
		}
		g.list = append(g.list, x)
	}
	return groups
}

// processes writes how traced processes waited.
func (p *page) processes(r *analyzer.Report) {
	groups := group(r.Processes)
	if len(groups) == 0 {
		return
	}
	p.heading("Processes", "how each one waits for its sockets")
	for i, g := range groups {
		if i == maxAlike {
			p.line("  ", p.s.quiet.Render(fmt.Sprintf("and %s more, see --format json", counted(len(groups)-i, "group"))))
			break
		}
		p.line("  ", p.s.strong.Render(g.title()))
		p.labelled(4, "", 0, clean(g.text))
		first := g.list[0]
		for _, e := range first.Evidence[:min(3, len(first.Evidence))] {
			p.quietLine(clean(e))
		}
		for _, c := range g.longCalls() {
			p.quietLine(fmt.Sprintf("%s: %s took %s", clean(c.Line), clean(c.Call), duration(&c.TookS)))
		}
	}
}

// quietLine writes a line of evidence.
func (p *page) quietLine(text string) {
	p.line("    ", p.s.quiet.Render(cutEnd(text, p.width-4, p.s.ellipsis)))
}

// title names the processes.
func (g *alike) title() string {
	if len(g.list) == 1 {
		return strings.TrimSpace(fmt.Sprintf("%d %s", g.list[0].PID, clean(g.name)))
	}
	var pids []string
	for _, x := range g.list[:min(maxPIDs, len(g.list))] {
		pids = append(pids, fmt.Sprint(x.PID))
	}
	if len(g.list) > maxPIDs {
		pids = append(pids, "...")
	}
	return fmt.Sprintf("%s: %s (%s)", clean(g.name), count(int64(len(g.list)))+" processes", strings.Join(pids, ", "))
}

// longCalls are the longest of all, longest first, as many as one process has.
func (g *alike) longCalls() []analyzer.LongCall {
	var list []analyzer.LongCall
	most := 0
	for _, x := range g.list {
		list = append(list, x.LongCalls...)
		most = max(most, len(x.LongCalls))
	}
	slices.SortStableFunc(list, func(a, b analyzer.LongCall) int { return cmp.Compare(b.TookS, a.TookS) })
	return list[:most]
}
