package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"finwait/cmd/finwait/internal/render"
)

// newAnalyze builds the command analyze.
func newAnalyze(s streams) *cobra.Command {
	var in inputFlags
	var out outputFlags
	var failOn []string
	cmd := &cobra.Command{
		Use:   "analyze INPUT...",
		Short: "one report over all inputs: the verdict, who, where, how long, what to do",
		Long: `Reads all inputs and prints one report: the verdict first, then servers,
endpoints, timers, half-closed connections and findings with their evidence.

INPUT is a file, a directory, or - for standard input. Rotated files of one host
are read in time order as one stream. A report saved with --format json can be
read again to print it in another format.`,
		Example: `  finwait client.pcap
  finwait analyze /var/tmp/capture.d --timeout 500ms
  tcpdump -i any -w - port 8080 | finwait -
  finwait client.pcap --format json -o report.json
  finwait analyze report.json --format markdown`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().SortFlags = false
	in.add(cmd.Flags())
	out.add(cmd, render.ReportFormats())
	cmd.Flags().StringArrayVar(&failOn, "fail-on", nil, "exit with status 1 when `EXPR` holds, such as 'timeouts>0'; may repeat")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(out.check(render.ReportFormats()), in.check(cmd.Flags())); err != nil {
			return firstOf(err)
		}
		conditions, err := parseConditions(failOn)
		if err != nil {
			return err
		}
		if err := checkInputs(cmd, args); err != nil {
			return err
		}
		return analyze(args, &in, &out, conditions, s)
	}
	return cmd
}

// analyze writes the report over all inputs and then judges --fail-on by it.
func analyze(paths []string, in *inputFlags, out *outputFlags, conditions []condition, s streams) error {
	var holds error
	err := produce(paths, in, onePass, out, s, func(sink *sink, got *analysis) error {
		r := got.report()
		holds = judge(conditions, r)
		if out.redact {
			newRedactor(got).Report(r)
		}
		err := render.Report(sink, r, out.format, sink.options)
		if holds != nil && errors.Is(err, syscall.EPIPE) { // a closed pipe does not change the judgement
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return holds
}

// checkInputs refuses a command line without input, and a mistyped command:
// a first word that is no file and looks like none.
func checkInputs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("no input; give a capture, a directory, or - for standard input (%s --help)", cmd.CommandPath())
	}
	word := args[0]
	if cmd.HasParent() || strings.ContainsAny(word, "./\\-_0123456789") {
		return nil
	}
	if _, err := os.Stat(word); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if near := nearest(word, commandNames(cmd)); near != "" {
		return usagef("%s: no such file or command; did you mean finwait %s?", word, near)
	}
	return usagef("%s: no such file or command; finwait --help lists the commands", word)
}

// firstOf is the first of joined errors: a message is one line.
func firstOf(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()[0]
	}
	return err
}
