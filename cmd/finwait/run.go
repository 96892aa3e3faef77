package main

import (
	"errors"
	"fmt"
	"strings"

	"finwait/analyzer"
	"finwait/cmd/finwait/internal/redact"
	"finwait/cmd/finwait/internal/render"
	"finwait/parsers"
	"finwait/parsers/capture"
)

// analysis is what the inputs of one command came to: a saved report, or a
// finished analysis of captures.
type analysis struct {
	saved  *analyzer.Report // nil: the inputs were captures
	result *analyzer.Result
	views  []*view    // as they were read, for a second pass
	logs   [][]*input // likewise
	lost   []error    // inputs that could not be read, when others could
	flags  *inputFlags
}

// passes is how often the inputs of a command are read.
type passes int

const (
	onePass   passes = 1
	twoPasses passes = 2
)

// produce reads the inputs and lets write make a command's result of them. The
// output is opened first, and takes its place only when all went well.
func produce(paths []string, in *inputFlags, passes passes, out *outputFlags, s streams, write func(*sink, *analysis) error) error {
	sink, err := openSink(out, paths, s)
	if err != nil {
		return err
	}
	defer sink.discard()
	got, err := load(paths, in, passes, s)
	if err != nil {
		return err
	}
	defer got.close()
	if err := write(sink, got); err != nil {
		return err
	}
	return sink.finish()
}

// load reads all inputs. With two passes, those that can be read only once are
// kept in temporary files until close. Inputs that cannot be read are warned
// about as long as there is another one.
func load(paths []string, f *inputFlags, passes passes, s streams) (*analysis, error) {
	filter, err := compileFilter(f.filter)
	if err != nil {
		return nil, err
	}
	inputs, lost := openAll(paths, s)
	if len(inputs) == 0 {
		return nil, lastAfterWarning(lost, s)
	}
	got := &analysis{flags: f, lost: lost}
	if got.saved, err = savedReport(inputs); err != nil || got.saved != nil {
		closeAll(inputs)
		return got, err
	}
	if passes == twoPasses {
		if err := keepAll(inputs); err != nil {
			return nil, err
		}
	}
	if err := got.read(inputs, filter, s); err != nil {
		got.close()
		return nil, err
	}
	if err := got.judgeDamage(s); err != nil {
		got.close()
		return nil, err
	}
	return got, nil
}

// compileFilter makes the filter of -f; nil when there is none.
func compileFilter(expr string) (*capture.Filter, error) {
	if expr == "" {
		return nil, nil
	}
	filter, err := capture.CompileFilter(expr)
	if err != nil {
		return nil, usagef("-f %q: %v", expr, err)
	}
	return filter, nil
}

// lastAfterWarning warns about all errors but the last, which it returns.
func lastAfterWarning(errs []error, s streams) error {
	for _, err := range errs[:len(errs)-1] {
		complain(s.err, "%v", err)
	}
	return errs[len(errs)-1]
}

// read feeds all inputs to an analyzer.
func (a *analysis) read(inputs []*input, filter *capture.Filter, s streams) error {
	engine := analyzer.New(a.flags.options())
	bar := startProgress(inputs, a.flags.noProgress, s)
	defer bar.stop()
	byStart(inputs)
	var number uint16
	captures, logs := split(inputs)
	for _, in := range captures {
		v := a.viewFor(in, engine)
		src, err := in.capture(capture.Options{Path: in.path, Input: number, FirstFrame: v.frames + 1, Filter: filter})
		if err == nil {
			bar.follow(in.src)
			number++
			err = engine.Capture(v.number, src)
			v.frames = src.Frames()
			in.end = src.Input().End
		}
		in.close()
		if err != nil {
			a.lost = append(a.lost, err)
		}
	}
	read := int(number) + a.readLogs(logGroups(logs), engine, bar.follow)
	bar.stop()
	if read == 0 {
		return lastAfterWarning(a.lost, s)
	}
	a.result = engine.Finish()
	return nil
}

// split tells captures from logs.
func split(inputs []*input) (captures, logs []*input) {
	for _, in := range inputs {
		if in.kind == parsers.Strace {
			logs = append(logs, in)
		} else {
			captures = append(captures, in)
		}
	}
	return captures, logs
}

// viewFor finds the view that the input goes on with, or begins one.
func (a *analysis) viewFor(in *input, engine *analyzer.Analyzer) *view {
	for _, v := range a.views {
		if v.continues(in) {
			v.inputs = append(v.inputs, in)
			return v
		}
	}
	v := &view{number: engine.NewView(), inputs: []*input{in}}
	a.views = append(a.views, v)
	return v
}

// judgeDamage warns of damaged and unreadable inputs; under --strict the first
// of them is an error.
func (a *analysis) judgeDamage(s streams) error {
	r := a.result.Report()
	for _, err := range a.lost {
		r.Quality = append(r.Quality, analyzer.Quality{ID: "unreadable-input", Count: 1, Text: err.Error(), Damage: true})
	}
	for _, q := range r.Quality {
		if !q.Damage {
			continue
		}
		text := damageLine(&q, r.Inputs)
		if a.flags.strict {
			return errors.New(text)
		}
		complain(s.err, "warning: %s", text)
	}
	return nil
}

// damageLine says what is wrong with an input: FILE: what (where).
func damageLine(q *analyzer.Quality, inputs []analyzer.Input) string {
	if q.ID == "unreadable-input" {
		return q.Text
	}
	for _, in := range inputs {
		place, ok := strings.CutPrefix(q.Where, in.Path+":")
		if !ok {
			continue
		}
		place = strings.NewReplacer(" (", ", ", ")", "").Replace(strings.TrimSpace(place))
		return fmt.Sprintf("%s: %s (%d, first at %s)", in.Path, q.Text, q.Count, place)
	}
	if q.Where != "" {
		return fmt.Sprintf("%s: %s (%d)", q.Where, q.Text, q.Count)
	}
	return fmt.Sprintf("%s: %d", q.Text, q.Count)
}

// report is the report over all inputs.
func (a *analysis) report() *analyzer.Report {
	if a.saved != nil {
		return a.saved
	}
	r := a.result.Report()
	r.Settings.From, r.Settings.To, r.Settings.Filter = a.flags.from.text, a.flags.to.text, a.flags.filter
	return r
}

// flows gives the connections in the order of streams.
func (a *analysis) flows() (render.EachFlow, error) {
	if a.saved != nil {
		return nil, usagef("a saved report holds no single connections; give the capture itself")
	}
	return a.result.Flows, nil
}

// ladder reads the captures and the log again for the steps of one connection.
func (a *analysis) ladder(number int) (*analyzer.Ladder, error) {
	if a.saved != nil {
		return nil, usagef("a saved report holds no single connections; give the capture itself")
	}
	trace, ok := a.result.Trace(number)
	if !ok {
		return nil, a.noStream(number)
	}
	if n, ok := trace.View(); ok {
		if err := a.segments(a.views[n].inputs, trace.Capture); err != nil {
			return nil, err
		}
	}
	if n, ok := trace.Log(); ok {
		if err := a.calls(trace, a.logs[n]); err != nil {
			return nil, err
		}
	}
	return trace.Ladder(), nil
}

// segments reads the captures of a view again. read reads one to its end.
func (a *analysis) segments(inputs []*input, read func(analyzer.Source) error) error {
	return a.again(inputs, func(in *input, o capture.Options) (uint32, error) {
		src, err := in.capture(o)
		if err != nil {
			return 0, err
		}
		err = read(src)
		return src.Frames(), err
	})
}

// again reads the captures of a view once more, in their order. read returns the
// number of the last frame.
func (a *analysis) again(inputs []*input, read func(*input, capture.Options) (uint32, error)) error {
	filter, err := compileFilter(a.flags.filter)
	if err != nil {
		return err
	}
	frames := uint32(0)
	for _, in := range inputs {
		frames, err = read(in, capture.Options{Path: in.path, FirstFrame: frames + 1, Filter: filter})
		in.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// noStream says which connections there are.
func (a *analysis) noStream(number int) error {
	last, kind := -1, "streams"
	_ = a.result.Flows(func(f *analyzer.Flow) error { // never fails
		switch {
		case f.Row != nil:
			last, kind = max(last, *f.Row), "connections"
		case f.Stream != nil:
			last = max(last, *f.Stream)
		}
		return nil
	})
	if last >= 0 {
		return usagef("no stream %d: the %s of the input are 0 to %d", number, kind, last)
	}
	return usagef("no stream %d: the input has no connections", number)
}

// close closes what is open and removes what was kept for a second pass.
func (a *analysis) close() {
	for _, v := range a.views {
		for _, in := range v.inputs {
			in.close()
			in.forget()
		}
	}
	for _, group := range a.logs {
		for _, in := range group {
			in.close()
			in.forget()
		}
	}
}

// redactor replaces names in results. It has met all connections in their
// order, so that every command gives the same stand-ins for the same inputs.
type redactor struct{ *redact.Redactor }

func newRedactor(a *analysis) redactor {
	r := redactor{redact.New()}
	if a.saved == nil {
		_ = r.each(a.result.Flows)(func(*analyzer.Flow) error { return nil }) // never fails
	}
	return r
}

// each passes on redacted connections.
func (r redactor) each(each render.EachFlow) render.EachFlow {
	return func(take func(*analyzer.Flow) error) error {
		return each(func(f *analyzer.Flow) error {
			own := *f
			r.Flow(&own)
			return take(&own)
		})
	}
}
