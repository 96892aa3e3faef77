package render

import (
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// column describes one column of a table.
type column struct {
	title string
	group string // heading over neighbouring columns that share it; may be empty
	right bool   // numbers are aligned to the right
	// rank orders the columns by importance: where the width does not suffice
	// the one with the highest rank goes first. Rank 0 always stays.
	rank int
	// shrink is the least width that a text column may be cut to; 0 forbids cutting.
	shrink int
	head   bool            // a text that is too long keeps its beginning only, not both ends
	style  *lipgloss.Style // nil: plain
}

// table is rows of cells under columns. It drops columns and cuts texts until
// it fits.
type table struct {
	columns []column
	rows    [][]string
	indent  int
}

// gap is the space between two columns.
const gap = 2

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// lines lays the table out in width cells: heading lines, then one line a row.
func (t *table) lines(width int, s style) []string {
	natural := t.natural()
	shown := t.fit(natural, width-t.indent)
	indent := strings.Repeat(" ", t.indent)
	var out []string
	if groups := t.groupLine(shown, natural); groups != "" {
		out = append(out, indent+s.quiet.Render(groups))
	}
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	out = append(out, indent+s.quiet.Render(strings.TrimRight(t.line(titles, shown, natural, style{ellipsis: s.ellipsis}, false), " ")))
	for _, row := range t.rows {
		out = append(out, indent+strings.TrimRight(t.line(row, shown, natural, s, true), " "))
	}
	return out
}

// natural is the width that each column would like to have; -1 for a column in
// which no row has anything to say, which is then not shown.
func (t *table) natural() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = -1
		for _, row := range t.rows {
			if row[i] != "" && (row[i] != unknown || c.rank == 0) {
				widths[i] = max(widths[i], cells(c.title), cells(row[i]))
			}
		}
	}
	return widths
}

// widen makes the first column of a group wide enough for the group's heading.
func (t *table) widen(shown, widths []int) {
	for k := 0; k < len(shown); {
		last, span := t.groupEnd(shown, widths, k)
		if missing := cells(t.columns[shown[k]].group) - span; missing > 0 {
			widths[shown[k]] += missing
		}
		k = last + 1
	}
}

// groupEnd finds the last shown column of the group that begins at shown[k], and
// the width of them all.
func (t *table) groupEnd(shown, widths []int, k int) (last, span int) {
	group := t.columns[shown[k]].group
	last, span = k, widths[shown[k]]
	for group != "" && last+1 < len(shown) && t.columns[shown[last+1]].group == group {
		last++
		span += gap + widths[shown[last]]
	}
	return last, span
}

// fit cuts text columns down to their least width, then drops columns by rank,
// until the sum fits; widths is changed to what is left. Room that a dropped
// column gives back goes to the cut ones. It returns the columns to show.
func (t *table) fit(widths []int, room int) []int {
	var shown []int
	for i := range t.columns {
		if widths[i] >= 0 {
			shown = append(shown, i)
		}
	}
	natural := slices.Clone(widths)
	for {
		copy(widths, natural)
		t.widen(shown, widths)
		if t.least(shown, widths) <= room || len(shown) < 2 {
			break
		}
		drop := -1
		for k, i := range shown {
			if r := t.columns[i].rank; r > 0 && (drop < 0 || r >= t.columns[shown[drop]].rank) {
				drop = k
			}
		}
		if drop < 0 {
			break
		}
		shown = append(shown[:drop:drop], shown[drop+1:]...)
	}
	t.shrink(shown, widths, room)
	return shown
}

// least is the width with all text columns cut as far as they may be.
func (t *table) least(shown, widths []int) int {
	total := gap * max(0, len(shown)-1)
	for _, i := range shown {
		w := widths[i]
		if c := t.columns[i]; c.shrink > 0 {
			w = min(w, c.shrink)
		}
		total += w
	}
	return total
}

// shrink takes the cells that are too many from the widest text columns.
func (t *table) shrink(shown, widths []int, room int) {
	total := gap * max(0, len(shown)-1)
	for _, i := range shown {
		total += widths[i]
	}
	for ; total > room; total-- {
		widest := -1
		for _, i := range shown {
			c := t.columns[i]
			if c.shrink > 0 && widths[i] > c.shrink && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// line lays out one row.
func (t *table) line(row []string, shown, widths []int, s style, styled bool) string {
	var b strings.Builder
	for k, i := range shown {
		c := t.columns[i]
		text := row[i]
		if c.head {
			text = cutEnd(text, widths[i], s.ellipsis)
		} else {
			text = cutMiddle(text, widths[i], s.ellipsis)
		}
		blanks := strings.Repeat(" ", widths[i]-cells(text))
		if styled && c.style != nil && text != "" && text != unknown && text != "0" {
			text = c.style.Render(text)
		}
		switch {
		case c.right:
			b.WriteString(blanks + text)
		case k == len(shown)-1:
			b.WriteString(text)
		default:
			b.WriteString(text + blanks)
		}
		if k < len(shown)-1 {
			b.WriteString(strings.Repeat(" ", gap))
		}
	}
	return b.String()
}

// groupLine is the heading over groups of columns; empty without groups.
func (t *table) groupLine(shown, widths []int) string {
	var b strings.Builder
	any := false
	for k := 0; k < len(shown); {
		c := t.columns[shown[k]]
		last, span := t.groupEnd(shown, widths, k)
		any = any || c.group != ""
		text := cutEnd(c.group, span, "")
		if c.right {
			b.WriteString(padLeft(text, span))
		} else {
			b.WriteString(pad(text, span))
		}
		b.WriteString(strings.Repeat(" ", gap))
		k = last + 1
	}
	if !any {
		return ""
	}
	return strings.TrimRight(b.String(), " ")
}
