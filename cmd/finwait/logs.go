package main

import (
	"fmt"
	"strings"

	"finwait/analyzer"
	"finwait/analyzer/event"
	"finwait/parsers"
	"finwait/parsers/strace"
)

// logSource is an strace log being read: one file, or those of strace -ff.
type logSource struct {
	calls interface {
		Next(*event.CallBatch) error
		Problems() []event.Problem
		Trace() event.Trace
		Close()
	}
	read  func() []event.Input
	files []*parsers.Source

	batches int // handed on so far
}

func (s *logSource) Next(b *event.CallBatch) error {
	if s.batches++; s.batches%16 == 1 {
		spare()
	}
	return s.calls.Next(b)
}
func (s *logSource) Inputs() []event.Input { return s.read() }
func (s *logSource) Trace() event.Trace    { return s.calls.Trace() }

// Problems are those of the lines and of the compression.
func (s *logSource) Problems() []event.Problem {
	var list []event.Problem
	for _, f := range s.files {
		list = append(list, f.Problems()...)
	}
	return append(list, s.calls.Problems()...)
}

// logGroups puts the files of one strace -ff together: they lie beside each
// other and differ only in the thread's number at the end of their names.
func logGroups(inputs []*input) [][]*input {
	var groups [][]*input
	byStem := map[string]int{}
	for _, in := range inputs {
		stem := ""
		if strace.PartPID(in.path) != 0 {
			stem = in.path[:strings.LastIndexByte(in.path, '.')]
		}
		if n, ok := byStem[stem]; ok && stem != "" {
			groups[n] = append(groups[n], in)
			continue
		}
		byStem[stem] = len(groups)
		groups = append(groups, []*input{in})
	}
	return groups
}

// openLog begins to read one log.
func openLog(group []*input, jobs int) (*logSource, error) {
	s := &logSource{}
	parts := make([]strace.Part, 0, len(group))
	for _, in := range group {
		if in.src == nil {
			if err := in.open(nil); err != nil {
				return nil, err
			}
		}
		s.files = append(s.files, in.src)
		parts = append(parts, strace.Part{Reader: in.src, Path: in.path, PID: strace.PartPID(in.path)})
	}
	if len(parts) > 1 {
		m := strace.Merge(parts, strace.Options{Jobs: jobs})
		s.calls, s.read = m, m.Inputs
		return s, nil
	}
	r := strace.NewReader(parts[0].Reader, strace.Options{Path: parts[0].Path, Jobs: jobs})
	s.calls, s.read = r, func() []event.Input { return []event.Input{r.Input()} }
	return s, nil
}

// readLogs feeds all logs to the engine. A text without a single call is no
// strace log.
func (a *analysis) readLogs(groups [][]*input, engine *analyzer.Analyzer, follow func(*parsers.Source)) (read int) {
	for _, group := range groups {
		s, err := openLog(group, a.flags.jobs)
		if err == nil {
			for _, f := range s.files {
				follow(f)
			}
			a.logs = append(a.logs, group)
			err = engine.Log(s)
			s.calls.Close()
		}
		if tr := (event.Trace{}); err == nil {
			tr = s.Trace()
			if len(tr.Calls) == 0 {
				err = fmt.Errorf("%s: neither a capture nor an strace log: no line of it is a system call (%d lines)", group[0].path, tr.Lines)
			}
		}
		closeAll(group)
		if err != nil {
			a.lost = append(a.lost, err)
			continue
		}
		read++
	}
	return read
}

// calls reads a log again.
func (a *analysis) calls(trace *analyzer.Trace, group []*input) error {
	defer closeAll(group)
	s, err := openLog(group, a.flags.jobs)
	if err != nil {
		return err
	}
	defer s.calls.Close()
	return trace.Calls(s)
}
