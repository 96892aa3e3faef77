package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"finwait/analyzer"
	"finwait/analyzer/event"
)

// inputFlags say how inputs are read and judged.
type inputFlags struct {
	filter     string
	from, to   boundValue
	timeouts   durationList
	finTimeout durationValue
	timeWait   durationValue
	jobs       int
	strict     bool
	noProgress bool
}

// add registers the flags.
func (f *inputFlags) add(fs *pflag.FlagSet) {
	f.finTimeout, f.timeWait = durationValue(60*time.Second), durationValue(60*time.Second)
	fs.StringVarP(&f.filter, "filter", "f", "", "take only frames that match `EXPR`, a filter as tcpdump takes it")
	fs.Var(&f.from, "from", "leave out what was before `TIME`: 2026-11-22T10:00:00Z, or 90s after the first packet")
	fs.Var(&f.to, "to", "leave out what was after `TIME`")
	fs.Var(&f.timeouts, "timeout", "a client timeout that is configured, such as 500ms; may repeat (default: found in the input)")
	fs.Var(&f.finTimeout, "fin-timeout", "tcp_fin_timeout of the side that closes first")
	fs.Var(&f.timeWait, "time-wait", "how long a socket stays in TIME-WAIT")
	fs.IntVar(&f.jobs, "jobs", runtime.GOMAXPROCS(0), "follow connections on `N` cores; the result is the same")
	fs.BoolVar(&f.strict, "strict", false, "damaged input is an error (exit status 3)")
	fs.BoolVar(&f.noProgress, "no-progress", false, "no progress bar")
	fs.String("keylog", "", "")
	_ = fs.MarkHidden("keylog") // fails only for a flag that does not exist
}

// check refuses what cannot be obeyed.
func (f *inputFlags) check(fs *pflag.FlagSet) error {
	if fs.Changed("keylog") {
		return usagef("--keylog is not available in this version; TLS is judged by its records, without keys")
	}
	if f.jobs < 1 {
		return usagef("--jobs %d: give a number of cores, 1 or more", f.jobs)
	}
	if f.from.bound.Set && f.to.bound.Set && f.from.bound.Relative == f.to.bound.Relative &&
		(f.to.bound.At < f.from.bound.At || f.to.bound.After < f.from.bound.After) {
		return usagef("--to %s is before --from %s", f.to.text, f.from.text)
	}
	return nil
}

// options are the flags as the analyzer takes them.
func (f *inputFlags) options() analyzer.Options {
	return analyzer.Options{
		Timeouts:   f.timeouts,
		FinTimeout: time.Duration(f.finTimeout),
		TimeWait:   time.Duration(f.timeWait),
		From:       f.from.bound,
		To:         f.to.bound,
		Jobs:       f.jobs,
		Version:    version(),
	}
}

// outputFlags say where results go and how they look.
type outputFlags struct {
	format string
	file   string
	color  string
	redact bool
	option string // that gave file; "" is -o
}

// add registers the flags for a command with these formats, the default first.
func (f *outputFlags) add(cmd *cobra.Command, formats []string) {
	fs := cmd.Flags()
	fs.StringVar(&f.format, "format", formats[0], "`FORMAT` of the output: "+strings.Join(formats, ", "))
	fs.StringVarP(&f.file, "output", "o", "", "write to `FILE`, whole or not at all (default: standard output)")
	fs.StringVar(&f.color, "color", "auto", "`WHEN` to use colours: auto, always, never")
	fs.BoolVar(&f.redact, "redact", false, "replace addresses, names, paths and payload words consistently")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
}

// check refuses what cannot be obeyed.
func (f *outputFlags) check(formats []string) error {
	if slices.Contains([]string{"html", "openmetrics"}, f.format) {
		return usagef("--format %s is not available in this version; there is %s", f.format, strings.Join(formats, ", "))
	}
	if !slices.Contains(formats, f.format) {
		return usagef("--format %q: there is %s", f.format, strings.Join(formats, ", "))
	}
	if !slices.Contains([]string{"auto", "always", "never"}, f.color) {
		return usagef("--color %q: there is auto, always, never", f.color)
	}
	return nil
}

// durationValue is a flag for a positive duration.
type durationValue time.Duration

func (d *durationValue) Set(text string) error {
	v, err := parseDuration(text)
	if err != nil {
		return err
	}
	if v == 0 {
		return fmt.Errorf("must be more than 0")
	}
	*d = durationValue(v)
	return nil
}

// String formats the value as it is typed.
func (d *durationValue) String() string {
	v := time.Duration(*d)
	if v%time.Second == 0 && v < time.Hour {
		return fmt.Sprintf("%ds", v/time.Second)
	}
	return v.String()
}

// Type names the value in the help.
func (d *durationValue) Type() string { return "D" }

// parseDuration reads a duration with its unit.
func parseDuration(text string) (time.Duration, error) {
	v, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("not a duration; give a number with its unit, such as 500ms, 30s or 2m")
	}
	if v < 0 {
		return 0, fmt.Errorf("a duration cannot be negative")
	}
	return v, nil
}

// durationList is a flag for durations that may repeat.
type durationList []time.Duration

func (l *durationList) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		var d durationValue
		if err := d.Set(part); err != nil {
			return err
		}
		*l = append(*l, time.Duration(d))
	}
	return nil
}

// String is empty: there is no default.
func (l *durationList) String() string { return "" }

// Type names the value in the help.
func (l *durationList) Type() string { return "D" }

// boundValue is a flag for one end of the time window.
type boundValue struct {
	text  string
	bound analyzer.Bound
}

// Set reads an absolute time, with or without a zone (UTC), or a duration after
// the first packet.
func (b *boundValue) Set(text string) error {
	b.text = text
	if d, err := time.ParseDuration(strings.TrimPrefix(text, "+")); err == nil && d >= 0 {
		b.bound = analyzer.Bound{After: d, Set: true, Relative: true}
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			b.bound = analyzer.Bound{At: event.Time(t.UnixNano()), Set: true}
			return nil
		}
	}
	return fmt.Errorf("not a time; give one such as 2026-11-22T10:00:00Z, or a duration after the first packet such as 90s")
}

func (b *boundValue) String() string { return b.text }

// Type names the value in the help.
func (b *boundValue) Type() string { return "TIME" }
