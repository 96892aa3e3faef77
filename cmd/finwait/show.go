package main

import (
	"errors"

	"github.com/spf13/cobra"

	"finwait/cmd/finwait/internal/render"
)

// newShow builds the command show.
func newShow(s streams) *cobra.Command {
	var in inputFlags
	var out outputFlags
	var stream int
	cmd := &cobra.Command{
		Use:   "show INPUT... --stream N",
		Short: "one connection as a ladder, with states and evidence",
		Long: `Prints every segment of one connection with the states of both ends, what it
means, and then the verdict with its evidence. Of a connection in an strace log
it prints the system calls; where a capture shows it as well, they stand between
the segments, with L before the number of their line. What the verdict rests on
is marked with an asterisk.

N is the number that "finwait flows" prints; it equals Wireshark's tcp.stream.
Connections that only a log shows have their place among all connections instead.`,
		Example: `  finwait show client.pcap --stream 12
  finwait show client.strace --stream 0
  finwait show client.pcap client.strace --stream 12`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().SortFlags = false
	in.add(cmd.Flags())
	out.add(cmd, render.LadderFormats())
	cmd.Flags().IntVar(&stream, "stream", -1, "the connection's number `N`")
	cmd.Flags().Lookup("stream").DefValue = ""
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(out.check(render.LadderFormats()), in.check(cmd.Flags())); err != nil {
			return firstOf(err)
		}
		if err := checkInputs(cmd, args); err != nil {
			return err
		}
		if !cmd.Flags().Changed("stream") {
			return usagef("which connection? give --stream N; finwait flows lists the numbers")
		}
		if stream < 0 {
			return usagef("--stream %d: streams are numbered from 0", stream)
		}
		return show(args, stream, &in, &out, s)
	}
	return cmd
}

// show writes the ladder of one connection.
func show(paths []string, stream int, in *inputFlags, out *outputFlags, s streams) error {
	return produce(paths, in, twoPasses, out, s, func(sink *sink, got *analysis) error {
		l, err := got.ladder(stream)
		if err != nil {
			return err
		}
		if out.redact {
			newRedactor(got).Ladder(l)
		}
		return render.Ladder(sink, l, out.format, sink.options)
	})
}
