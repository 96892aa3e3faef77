package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"finwait/analyzer"
	"finwait/parsers/capture"
)

// newExtract builds the command extract.
func newExtract(s streams) *cobra.Command {
	var in inputFlags
	var filter flowFilter
	out := outputFlags{color: "never", option: "-w"}
	cmd := &cobra.Command{
		Use:   "extract INPUT... -w OUT.pcapng",
		Short: "the packets of some connections, with the verdicts as comments",
		Long: `Writes the packets of the connections that the filters keep into a pcapng file,
to open in Wireshark: the frame that closes a connection carries the verdict as
its comment, the request that waited and a late response what they are. The
filters are those of "finwait flows"; without any, all connections are taken.

Times and captured bytes stay what they were. Fragments of IP datagrams are
taken only where they complete one.`,
		Example: `  finwait extract client.pcap --cause request-timeout -w timeouts.pcapng
  finwait extract captures/ --peer 10.9.0.2:8080 -w - | wireshark -k -i -`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().SortFlags = false
	in.add(cmd.Flags())
	filter.add(cmd)
	cmd.Flags().StringVarP(&out.file, "write", "w", "", "write to `OUT`, whole or not at all; - for standard output")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(in.check(cmd.Flags()), filter.check()); err != nil {
			return firstOf(err)
		}
		if err := checkInputs(cmd, args); err != nil {
			return err
		}
		if out.file == "" {
			return usagef("where to? give -w OUT.pcapng, or -w - for standard output")
		}
		return extract(args, &in, &out, &filter, s)
	}
	return cmd
}

// extract writes the packets of the connections that pass the filter.
func extract(paths []string, in *inputFlags, out *outputFlags, filter *flowFilter, s streams) error {
	return produce(paths, in, twoPasses, out, s, func(sink *sink, got *analysis) error {
		pick, err := got.pick(filter, s)
		if err != nil {
			return err
		}
		w, err := capture.NewWriter(sink, "finwait")
		if err != nil {
			return err
		}
		for n, v := range got.views {
			if err := got.copyFrames(pick, n, v.inputs, w); err != nil {
				return err
			}
		}
		if err := w.Close(); err != nil {
			return fmt.Errorf("-w %s: %w", out.file, reason(err))
		}
		return nil
	})
}

// pick chooses the connections that pass the filter.
func (a *analysis) pick(filter *flowFilter, s streams) (*analyzer.Pick, error) {
	switch {
	case a.saved != nil:
		return nil, usagef("a saved report holds no packets; give the capture itself")
	case len(a.views) == 0:
		return nil, usagef("an strace log holds no packets; give a capture")
	}
	chosen := 0
	pick := a.result.Pick(func(f *analyzer.Flow) bool {
		keep := filter.keeps(f)
		if keep {
			chosen++
		}
		return keep
	})
	if chosen == 0 {
		complain(s.err, "warning: %s", "no connection of the captures passes the filters; no packets were written")
	}
	return pick, nil
}

// copyFrames reads the captures of a view twice more: which frames are wanted
// shows only when their packets are looked into.
func (a *analysis) copyFrames(pick *analyzer.Pick, view int, inputs []*input, w *capture.Writer) error {
	if !pick.Wants(view) {
		return nil
	}
	if err := a.segments(inputs, func(src analyzer.Source) error { return pick.Capture(view, src) }); err != nil {
		return err
	}
	return a.again(inputs, func(in *input, o capture.Options) (uint32, error) {
		frames, err := in.frames(o)
		if err != nil {
			return 0, err
		}
		var f capture.Frame
		for err = frames.Next(&f); err == nil; err = frames.Next(&f) {
			if note, ok := pick.Frame(view, f.Number); ok {
				if err := w.Write(&f, note); err != nil {
					return 0, err
				}
			}
		}
		if err == io.EOF {
			err = nil
		}
		return frames.Frames(), err
	})
}
