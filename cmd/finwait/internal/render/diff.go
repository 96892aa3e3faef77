package render

import (
	"fmt"
	"io"

	"finwait/analyzer"
)

// DiffFormats lists the formats of Diff, the default first.
func DiffFormats() []string { return []string{"text", "json", "markdown"} }

// seriesSchema names the JSON form of several comparisons with one base.
const seriesSchema = "finwait.diff-series/v1"

// series is several comparisons with one base, as JSON has them.
type series struct {
	Schema string                 `json:"schema"`
	Diffs  []*analyzer.Comparison `json:"diffs"`
}

// Diff writes one comparison, or several with the same base, in one of
// DiffFormats.
func Diff(w io.Writer, list []*analyzer.Comparison, format string, o Options) error {
	switch {
	case format == "text" && len(list) == 1:
		return diffText(w, list[0], o)
	case format == "text":
		return seriesText(w, list, o)
	case format == "json" && len(list) == 1:
		return writeJSON(w, list[0])
	case format == "json":
		return writeJSON(w, series{seriesSchema, list})
	case format == "markdown":
		return diffMarkdown(w, list)
	}
	return fmt.Errorf("no such format: %s", format)
}
