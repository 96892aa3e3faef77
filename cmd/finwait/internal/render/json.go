package render

import (
	"encoding/json"
	"fmt"
	"io"

	"finwait/analyzer"
)

// writeJSON writes v as the contract has it: fields in the order of the
// contract, two spaces of indentation, a newline at the end.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// flowsLines writes one object a line.
func flowsLines(w io.Writer, each EachFlow) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return each(func(f *analyzer.Flow) error { return e.Encode(f) })
}

// ReadReport reads what Report wrote as JSON.
func ReadReport(r io.Reader) (*analyzer.Report, error) {
	var report analyzer.Report
	d := json.NewDecoder(r)
	if err := d.Decode(&report); err != nil {
		return nil, fmt.Errorf("not a saved report: %w", err)
	}
	if report.Schema != analyzer.ReportSchema {
		return nil, fmt.Errorf("a report of schema %q, this version reads %q", report.Schema, analyzer.ReportSchema)
	}
	return &report, nil
}
