package render

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// clean makes text from an input safe for a terminal: control characters,
// which could move the cursor or change colours, and characters that change
// the direction of writing are shown as escapes; runs of white space become
// one blank.
func clean(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\ufffd") {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// cells is the width of text on a terminal.
func cells(s string) int { return ansi.StringWidth(s) }

// cutMiddle shortens text to width cells and marks the place, so that the
// beginning and the end of a long path both stay readable.
func cutMiddle(s string, width int, ellipsis string) string {
	if cells(s) <= width {
		return s
	}
	room := width - cells(ellipsis)
	if room < 2 {
		return ansi.Truncate(s, width, "")
	}
	tail := room / 2
	return ansi.Truncate(s, room-tail, "") + ellipsis + ansi.TruncateLeft(s, cells(s)-tail, "")
}

// cutEnd shortens text to width cells and marks the place.
func cutEnd(s string, width int, ellipsis string) string {
	if cells(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, ellipsis)
}

// pad fills text with blanks to width cells.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-cells(s)))
}

// padLeft puts blanks before text to make width cells.
func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-cells(s))) + s
}

// wrap breaks text between words into lines of at most width cells. A word that
// is longer, such as a path, is broken inside.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for cells(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := ansi.Truncate(word, width, "")
			if head == "" {
				break
			}
			lines, word = append(lines, head), strings.TrimPrefix(word, head)
		}
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// list joins words as a sentence does: "a", "a and b", "a, b and c".
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
