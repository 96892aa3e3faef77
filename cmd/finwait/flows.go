package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"finwait/analyzer"
	"finwait/cmd/finwait/internal/render"
)

// newFlows builds the command flows.
func newFlows(s streams) *cobra.Command {
	var in inputFlags
	var out outputFlags
	var filter flowFilter
	cmd := &cobra.Command{
		Use:   "flows INPUT...",
		Short: "one row a connection, with filters",
		Long: `Prints one row for every connection, in the order of Wireshark's tcp.stream.
Connections that only an strace log shows come last; their number is their place
in this list (row in ndjson), which "finwait show --stream" takes as well.

A filter takes a whole text with * and ? for what may vary, or a part of a text;
letter case does not matter. A filter that is given twice takes either; different
filters must all agree.`,
		Example: `  finwait flows client.pcap --cause request-timeout
  finwait flows client.pcap --peer 10.9.0.2:8080 --endpoint 'GET /api/*'
  finwait flows client.pcap --format ndjson | jq .close.cause`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().SortFlags = false
	in.add(cmd.Flags())
	out.add(cmd, render.FlowFormats())
	filter.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := errors.Join(out.check(render.FlowFormats()), in.check(cmd.Flags()), filter.check())
		if err != nil {
			return firstOf(err)
		}
		if err := checkInputs(cmd, args); err != nil {
			return err
		}
		return flows(args, &in, &out, &filter, s)
	}
	return cmd
}

// flows writes the connections that pass the filter.
func flows(paths []string, in *inputFlags, out *outputFlags, filter *flowFilter, s streams) error {
	return produce(paths, in, onePass, out, s, func(sink *sink, got *analysis) error {
		each, err := got.flows()
		if err != nil {
			return err
		}
		each = filter.apply(each)
		if out.redact {
			each = newRedactor(got).each(each)
		}
		return render.Flows(sink, each, out.format, sink.options)
	})
}

// flowFilter keeps some connections. The zero value keeps all.
type flowFilter struct{ causes, peers, endpoints, clients []string }

// add registers the flags.
func (f *flowFilter) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVar(&f.causes, "cause", nil, "only connections that ended for `CAUSE`; may repeat")
	fs.StringArrayVar(&f.peers, "peer", nil, "only connections to a server whose address or name matches `TEXT`; may repeat")
	fs.StringArrayVar(&f.endpoints, "endpoint", nil, "only connections closed with a request outstanding whose endpoint matches `TEXT`; may repeat")
	fs.StringArrayVar(&f.clients, "client", nil, "only connections of a client whose address matches `TEXT`; may repeat")
	_ = cmd.RegisterFlagCompletionFunc("cause", cobra.FixedCompletions(analyzer.CauseWords(), cobra.ShellCompDirectiveNoFileComp))
}

// check refuses a cause that does not exist: a typing error would look like an
// input without such connections.
func (f *flowFilter) check() error {
	known := analyzer.CauseWords()
	for _, c := range f.causes {
		if !slices.Contains(known, c) {
			return usagef("--cause %q: there is %s", c, strings.Join(known, ", "))
		}
	}
	return nil
}

// apply passes on what the filter keeps.
func (f *flowFilter) apply(each render.EachFlow) render.EachFlow {
	return func(take func(*analyzer.Flow) error) error {
		return each(func(x *analyzer.Flow) error {
			if !f.keeps(x) {
				return nil
			}
			return take(x)
		})
	}
}

func (f *flowFilter) keeps(x *analyzer.Flow) bool {
	name, endpoint := "", ""
	if x.ServerName != nil {
		name = *x.ServerName
	}
	if x.Close.Request != nil {
		endpoint = x.Close.Request.Endpoint
	}
	return (len(f.causes) == 0 || slices.Contains(f.causes, x.Close.Cause)) &&
		matchesAny(f.peers, x.Server, name) && matchesAny(f.endpoints, endpoint) && matchesAny(f.clients, x.Client)
}

// matchesAny reports whether any pattern matches any of the texts; without
// patterns everything does.
func matchesAny(patterns []string, texts ...string) bool {
	if len(patterns) == 0 {
		return true
	}
	for _, p := range patterns {
		for _, t := range texts {
			if matches(strings.ToLower(p), strings.ToLower(t)) {
				return true
			}
		}
	}
	return false
}

// matches compares a pattern with * and ? to a whole text, or looks for a
// pattern without them anywhere in it. No text matches nothing.
func matches(pattern, text string) bool {
	if text == "" {
		return false
	}
	if !strings.ContainsAny(pattern, "*?") {
		return strings.Contains(text, pattern)
	}
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0: // let the last * take one more
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
