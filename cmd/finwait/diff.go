package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"finwait/analyzer"
	"finwait/cmd/finwait/internal/redact"
	"finwait/cmd/finwait/internal/render"
)

// newDiff builds the command diff.
func newDiff(s streams) *cobra.Command {
	var in inputFlags
	var out outputFlags
	var failOn, renamed []string
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER [MORE...]",
		Short: "what changed between captures, and whether it could be chance",
		Long: `Compares what was recorded before a change with what was recorded after it:
timeouts, churn, half-closes and response times, over everything and for every
client, server and endpoint. A change counts when it is large enough to matter
and unlikely by chance; every row says which, with its p-value corrected for the
number of rows. What makes the sides hard to compare comes first.

Each side is a capture, a directory, several of them joined by commas, or a
report saved with --format json. With more than two sides, each is compared with
the first.`,
		Example: `  finwait diff before.pcap after.pcap
  finwait diff monday.json tuesday.json wednesday.json
  finwait diff before.pcap after.pcap --map 10.0.0.7:8080=10.0.0.9:8080
  finwait diff base.json now.pcap --fail-on diff:regressed --fail-on 'timeouts>+10%'`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().SortFlags = false
	in.add(cmd.Flags())
	out.add(cmd, render.DiffFormats())
	cmd.Flags().StringArrayVar(&renamed, "map", nil, "`OLD=NEW`: a server, client or server name before, and what it is called after; may repeat")
	cmd.Flags().StringArrayVar(&failOn, "fail-on", nil, "exit with status 1 when `EXPR` holds, such as diff:regressed or 'timeouts>+10%'; may repeat")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(out.check(render.DiffFormats()), in.check(cmd.Flags())); err != nil {
			return firstOf(err)
		}
		names, err := parseMap(renamed)
		if err != nil {
			return err
		}
		conditions, err := parseDiffConditions(failOn)
		if err != nil {
			return err
		}
		if len(args) < 2 {
			return usagef("give two inputs to compare, BEFORE and AFTER (%s --help)", cmd.CommandPath())
		}
		return compare(args, &in, &out, names, conditions, s)
	}
	return cmd
}

// parseMap reads the values of --map.
func parseMap(texts []string) (map[string]string, error) {
	m := map[string]string{}
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			before, after, ok := strings.Cut(strings.TrimSpace(part), "=")
			if !ok || before == "" || after == "" {
				return nil, usagef("--map %q: give OLD=NEW, such as 10.0.0.7:8080=10.0.0.9:8080", part)
			}
			if _, twice := m[before]; twice {
				return nil, usagef("--map %q: %s was mapped before", part, before)
			}
			m[before] = after
		}
	}
	return m, nil
}

// compare compares every side with the first one and writes the result.
func compare(sides []string, in *inputFlags, out *outputFlags, renamed map[string]string, conditions []diffCondition, s streams) error {
	inputs, err := splitSides(sides)
	if err != nil {
		return err
	}
	sink, err := openSink(out, slices.Concat(inputs...), s)
	if err != nil {
		return err
	}
	defer sink.discard()
	var reports []*analyzer.Report
	for _, paths := range inputs {
		r, err := reportOf(paths, in, s)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	holds := judgeDiff(conditions, compareAll(reports, renamed), reports)
	if out.redact {
		renamed = redactSides(reports, renamed)
	}
	if err := render.Diff(sink, compareAll(reports, renamed), out.format, sink.options); err != nil {
		return err
	}
	if err := sink.finish(); err != nil {
		return err
	}
	return holds
}

// splitSides gives the inputs of every side.
func splitSides(sides []string) ([][]string, error) {
	var inputs [][]string
	standard := 0
	for _, side := range sides {
		var paths []string
		for path := range strings.SplitSeq(side, ",") {
			if path != "" {
				paths = append(paths, path)
			}
			if path == "-" {
				standard++
			}
		}
		if len(paths) == 0 {
			return nil, usagef("%q names no input", side)
		}
		inputs = append(inputs, paths)
	}
	if standard > 1 {
		return nil, usagef("standard input (-) can be read once only")
	}
	return inputs, nil
}

// reportOf is the report over one side's inputs.
func reportOf(paths []string, in *inputFlags, s streams) (*analyzer.Report, error) {
	got, err := load(paths, in, onePass, s)
	if err != nil {
		return nil, err
	}
	defer got.close()
	return got.report(), nil
}

// compareAll compares every report with the first.
func compareAll(reports []*analyzer.Report, renamed map[string]string) []*analyzer.Comparison {
	var list []*analyzer.Comparison
	for _, r := range reports[1:] {
		list = append(list, analyzer.Compare(reports[0], r, analyzer.CompareOptions{Map: renamed, Comparisons: len(reports) - 1, Version: version()}))
	}
	return list
}

// redactSides redacts all sides alike, so that what is the same stays the same,
// and gives the map in the new names.
func redactSides(reports []*analyzer.Report, renamed map[string]string) map[string]string {
	r := redact.New()
	for _, x := range reports {
		r.Report(x)
	}
	m := map[string]string{}
	for _, old := range slices.Sorted(maps.Keys(renamed)) {
		m[r.Text(old)] = r.Text(renamed[old])
	}
	return m
}
