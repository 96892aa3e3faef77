package render

import (
	"fmt"
	"io"
	"strings"

	"finwait/analyzer"
)

// seriesText writes several comparisons with one base: a column for every
// side, the totals as rows, and below what each one changed.
func seriesText(w io.Writer, list []*analyzer.Comparison, o Options) error {
	p := &page{s: newStyle(o), width: o.width()}
	p.diffSide("base", &list[0].Before)
	for i, c := range list {
		p.diffSide(fmt.Sprintf("%d", i+1), &c.After)
	}
	p.line()
	t := &table{indent: 2, columns: []column{{title: "all", shrink: 12}, {title: "base", right: true}}}
	for i := range list {
		t.columns = append(t.columns, column{title: fmt.Sprintf("%d", i+1), right: true}, column{title: "", right: true})
	}
	for i := range list[0].Totals {
		d := &list[0].Totals[i]
		if !shownTotal(d) {
			continue
		}
		row := []string{metricName(&analyzer.D{Metric: d.Metric}), diffValue(d, d.Before)}
		for _, c := range list {
			e := totalOf(c, d.Metric)
			if e == nil {
				row = append(row, unknown, "")
				continue
			}
			mark := diffChange(e)
			if e.JudgedBy != "" && mark != "~" {
				mark = "(" + mark + ")"
			}
			row = append(row, diffValue(e, e.After), mark)
		}
		t.add(row...)
	}
	p.table(t, "")
	for i, c := range list {
		p.line()
		text := wrap(fmt.Sprintf("%s. %s", strings.ToUpper(c.Verdict), clean(c.Text)), p.width-4)
		for k, l := range text {
			label := "    "
			if k == 0 {
				label = pad(fmt.Sprintf("%d", i+1), 4)
			}
			p.line(p.s.quiet.Render(label), l)
		}
		for k, d := range c.Comparable {
			if k == 2 {
				break
			}
			p.labelled(4, "unlike", 8, clean(d.Text))
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// totalOf is the row of a metric over everything; nil when there is none.
func totalOf(c *analyzer.Comparison, metric string) *analyzer.D {
	for i := range c.Totals {
		if c.Totals[i].Metric == metric {
			return &c.Totals[i]
		}
	}
	return nil
}
