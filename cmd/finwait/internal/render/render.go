// Package render turns a finished report, connections and ladders into what
// people and programs read. It computes nothing that a reader of the JSON form
// would lack, and it is the only place that knows about terminals.
//
//	Report  text     for a terminal or a pipe, 60 to 160 columns
//	        json     the contract; read back by ReadReport without loss
//	        markdown for tickets
//	Flows   table    one line a connection
//	        ndjson   the contract, one object a line
//	        csv      the same fields, flattened
//	Ladder  text, json
//
// Limitations: widths count terminal cells as Unicode's East Asian Width tells
// them; a terminal that draws a character in another width shifts its line.
package render

import (
	"fmt"
	"io"

	"finwait/analyzer"
)

// The widths that text is laid out for. A narrower terminal wraps; a wider one
// stays unused, since longer lines are hard to follow.
const (
	MinWidth     = 60
	DefaultWidth = 80
	MaxWidth     = 160
)

// Options say what the reader's end can show. The zero value is a pipe: plain
// ASCII in 80 columns.
type Options struct {
	Width   int  // columns; 0 means DefaultWidth
	Color   bool // ANSI colours
	Unicode bool // block characters and an ellipsis, instead of ASCII
}

// width is the usable number of columns.
func (o Options) width() int {
	if o.Width == 0 {
		return DefaultWidth
	}
	return min(max(o.Width, MinWidth), MaxWidth)
}

// ReportFormats lists the formats of Report, the default first.
func ReportFormats() []string { return []string{"text", "json", "markdown"} }

// Report writes a report in one of ReportFormats.
func Report(w io.Writer, r *analyzer.Report, format string, o Options) error {
	switch format {
	case "text":
		return reportText(w, r, o)
	case "json":
		return writeJSON(w, r)
	case "markdown":
		return reportMarkdown(w, r)
	}
	return fmt.Errorf("no such format: %s", format)
}

// FlowFormats lists the formats of Flows, the default first.
func FlowFormats() []string { return []string{"table", "ndjson", "csv"} }

// EachFlow calls a function for every connection in the order of streams, until
// it returns an error. It may be called more than once.
type EachFlow func(func(*analyzer.Flow) error) error

// Flows writes connections in one of FlowFormats.
func Flows(w io.Writer, each EachFlow, format string, o Options) error {
	switch format {
	case "table":
		return flowsTable(w, each, o)
	case "ndjson":
		return flowsLines(w, each)
	case "csv":
		return flowsCSV(w, each)
	}
	return fmt.Errorf("no such format: %s", format)
}

// LadderFormats lists the formats of Ladder, the default first.
func LadderFormats() []string { return []string{"text", "json"} }

// Ladder writes one connection step by step in one of LadderFormats.
func Ladder(w io.Writer, l *analyzer.Ladder, format string, o Options) error {
	switch format {
	case "text":
		return ladderText(w, l, o)
	case "json":
		return writeJSON(w, l)
	}
	return fmt.Errorf("no such format: %s", format)
}
