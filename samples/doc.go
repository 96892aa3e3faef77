// Package samples holds small captures and logs of real programs, recorded
// where the truth was known from the programs' own logs and the kernel's socket
// events; README.md says what each shows.
//
// Its tests read every sample and compare what finwait concludes with three
// things: testdata/NAME.expect, written by hand from the truth;
// testdata/NAME.flows.ndjson and NAME.report.json, which hold what it concluded
// last (go test ./samples -update rewrites them); and rules that hold for any
// input, checked by code that shares nothing with the analyzer's.
//
// Limitations: the recordings are of Linux hosts, and mostly of paths without
// loss.
package samples
