package samples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"finwait/analyzer"
	"finwait/analyzer/event"
	"finwait/parsers"
	"finwait/parsers/capture"
	"finwait/parsers/strace"
)

// sample is one analysis of one or more recorded files, with what must come out.
type sample struct {
	name    string   // of testdata/NAME.expect
	inputs  []string // files; those of one directory belong to one incident
	oneView bool     // the captures are rotated files of one host, in the order of their names
	opts    analyzer.Options
	checks  []check
	conns   []conn
	extra   int                      // connections that the truth does not list
	usual   func() (*outcome, error) // of its files and options, found once
}

// load reads the expectations of all samples, once.
var load = sync.OnceValues(func() (list []*sample, err error) {
	files, err := filepath.Glob("testdata/*.expect")
	for _, f := range files {
		s, err := readExpect(f)
		if err != nil {
			return nil, err
		}
		s.usual = sync.OnceValues(func() (*outcome, error) {
			files, err := s.files()
			if err != nil {
				return nil, err
			}
			return conclude(files, s.oneView, s.opts)
		})
		list = append(list, s)
	}
	return list, err
})

// all are the samples.
func all(t testing.TB) []*sample {
	t.Helper()
	list, err := load()
	if err != nil || len(list) == 0 {
		t.Fatal("no expectations: ", err)
	}
	return list
}

// file is one input in memory.
type file struct {
	path string
	data []byte
}

// files loads the sample's files.
func (s *sample) files() (list []file, err error) {
	for _, path := range s.inputs {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		list = append(list, file{path, data})
	}
	return list, nil
}

// read loads the sample's files.
func (s *sample) read(t testing.TB) []file {
	t.Helper()
	list, err := s.files()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// captureSource is a capture with the problems of its compression.
type captureSource struct {
	*capture.Reader
	file *parsers.Source
}

func (s captureSource) Problems() []event.Problem {
	return append(s.file.Problems(), s.Reader.Problems()...)
}

// logSource is a log, or the files of strace -ff together.
type logSource struct {
	calls interface {
		Next(*event.CallBatch) error
		Problems() []event.Problem
		Trace() event.Trace
		Close()
	}
	inputs func() []event.Input
	files  []*parsers.Source
}

func (s logSource) Next(b *event.CallBatch) error { return s.calls.Next(b) }
func (s logSource) Trace() event.Trace            { return s.calls.Trace() }
func (s logSource) Inputs() []event.Input         { return s.inputs() }

func (s logSource) Problems() []event.Problem {
	list := s.calls.Problems()
	for _, f := range s.files {
		list = append(list, f.Problems()...)
	}
	return list
}

// analyze reads the files as the command would, and concludes. Captures come
// first; every one is a view of its own unless oneView is set.
func analyze(files []file, oneView bool, opts analyzer.Options) (*analyzer.Result, error) {
	a := analyzer.New(opts)
	var logs []*parsers.Source
	view, next, input := -1, uint32(1), uint16(0)
	for _, f := range files {
		src, err := open(f)
		if err != nil {
			return nil, err
		}
		if src.Kind == parsers.Strace {
			logs = append(logs, src)
			continue
		}
		if view < 0 || !oneView {
			view, next = a.NewView(), 1
		}
		rd, err := capture.NewReader(src, capture.Options{Path: f.path, Input: input, FirstFrame: next})
		if err != nil {
			return nil, err
		}
		if err := a.Capture(view, captureSource{rd, src}); err != nil {
			return nil, err
		}
		next, input = rd.Frames()+1, input+1
	}
	if err := addLogs(a, logs, opts.Jobs); err != nil {
		return nil, err
	}
	return a.Finish(), nil
}

// open tells what a file is.
func open(f file) (*parsers.Source, error) {
	src, err := parsers.Open(parsers.Stdin, bytes.NewReader(f.data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	src.Path = f.path
	if !src.Kind.Capture() && src.Kind != parsers.Strace {
		return nil, fmt.Errorf("%s: a %s", f.path, src.Kind)
	}
	return src, nil
}

// addLogs reads one log, or several as those of one strace -ff.
func addLogs(a *analyzer.Analyzer, logs []*parsers.Source, jobs int) error {
	if len(logs) == 0 {
		return nil
	}
	s := logSource{files: logs}
	if len(logs) == 1 {
		r := strace.NewReader(logs[0], strace.Options{Path: logs[0].Path, Jobs: jobs})
		s.calls, s.inputs = r, func() []event.Input { return []event.Input{r.Input()} }
	} else {
		var parts []strace.Part
		for _, l := range logs {
			parts = append(parts, strace.Part{Reader: l, Path: l.Path, PID: strace.PartPID(l.Path)})
		}
		m := strace.Merge(parts, strace.Options{Jobs: jobs})
		s.calls, s.inputs = m, m.Inputs
	}
	defer s.calls.Close()
	if err := a.Log(s); err != nil && err != io.EOF {
		return err
	}
	return nil
}

// outcome is what an analysis prints: the report, and a row a connection.
type outcome struct {
	report []byte
	rows   [][]byte
	result *analyzer.Result
	flows  []analyzer.Flow
}

// outcomeOf writes everything that res concluded.
func outcomeOf(res *analyzer.Result) (*outcome, error) {
	o := &outcome{result: res}
	var err error
	if o.report, err = json.MarshalIndent(res.Report(), "", " "); err != nil {
		return nil, err
	}
	err = res.Flows(func(f *analyzer.Flow) error {
		row, err := json.Marshal(f)
		o.rows, o.flows = append(o.rows, row), append(o.flows, *f)
		return err
	})
	return o, err
}

// conclude analyzes files to the last byte of output.
func conclude(files []file, oneView bool, opts analyzer.Options) (*outcome, error) {
	res, err := analyze(files, oneView, opts)
	if err != nil {
		return nil, err
	}
	return outcomeOf(res)
}

// conclude analyzes files as those of the sample.
func (s *sample) conclude(t testing.TB, files []file, opts analyzer.Options) *outcome {
	t.Helper()
	o, err := conclude(files, s.oneView, opts)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// outcome is what the sample's files come to with its own options.
func (s *sample) outcome(t testing.TB) *outcome {
	t.Helper()
	o, err := s.usual()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// text is everything that was concluded, to compare two analyses.
func (o *outcome) text() string {
	return string(bytes.Join(append(slices.Clone(o.rows), o.report), []byte("\n")))
}

// each runs f on every sample.
func each(t *testing.T, f func(t *testing.T, s *sample)) {
	for _, s := range all(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f(t, s)
		})
	}
}

// TestEverySampleIsUsed demands that every file has expectations and a row in
// README.md.
func TestEverySampleIsUsed(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, s := range all(t) {
		for _, path := range s.inputs {
			used[path] = true
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name == "gen" || name == "testdata" || name == "README.md" || strings.HasSuffix(name, ".go") {
			continue
		}
		if !strings.Contains(string(readme), "`"+e.Name()) {
			t.Errorf("README.md does not mention %s", e.Name())
		}
		for _, path := range expand(t, e.Name()) {
			if !used[path] {
				t.Errorf("no testdata/*.expect reads %s", path)
			}
		}
	}
}

// expand lists the files of a directory, or the file itself.
func expand(t testing.TB, path string) []string {
	t.Helper()
	list, err := filesOf(path)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// filesOf lists the files of a directory in the order of their names, or the
// file itself.
func filesOf(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return []string{path}, nil
	}
	return filepath.Glob(path + "/*")
}

// seconds parses a duration.
func seconds(text string) (float64, error) {
	d, err := time.ParseDuration(text)
	return d.Seconds(), err
}
