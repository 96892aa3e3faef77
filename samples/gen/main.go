// Gen writes big, seeded inputs of made-up traffic: for benchmarks, and to try
// finwait on inputs of which the truth is known.
//
//	go run ./samples/gen -kind keepalive -o big.pcap
//	go run ./samples/gen -kind short -conns 1000 -format pcapng -seed 7 -o short.pcapng
//	go run ./samples/gen -kind strace -size 20000000 -o big.strace
//
// It prints the truth about what it wrote to standard error.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"finwait/samples/gen/syscalls"
	"finwait/samples/gen/wire"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "gen:", err)
		}
		os.Exit(2)
	}
}

// run writes what the arguments ask for.
func run(args []string, stdout, stderr io.Writer) error {
	var c wire.Config
	fs := flag.NewFlagSet("gen", flag.ContinueOnError)
	fs.SetOutput(stderr)
	kind := fs.String("kind", "keepalive", "keepalive: many requests a connection, some time out; short: one request a connection; strace: a log; strace-short: likewise")
	format := fs.String("format", "pcap", "pcap or pcapng")
	fs.IntVar(&c.Conns, "conns", 0, "connections (default 20000, short: 200000)")
	fs.IntVar(&c.Requests, "requests", 0, "requests on each connection (default 10, short: 1)")
	fs.IntVar(&c.Concurrent, "concurrent", 0, "connections open at once (default 500, short: 5000); strace, strace-short: processes (default 80)")
	fs.IntVar(&c.Bytes, "bytes", 0, "mean size of a response body (default 2750, short: 500)")
	fs.Float64Var(&c.TimeoutShare, "timeouts", 0, "share of connections that end in a client timeout (default 0.05, short: none; -1: none)")
	fs.DurationVar(&c.Timeout, "timeout", 0, "the client's timeout (default 500ms)")
	slow := fs.String("slow", "", "`SERVER/ENDPOINT=SHARE` of requests that time out, such as 2/3=0.1")
	fs.Uint64Var(&c.Seed, "seed", 1, "seed of everything random")
	fs.BoolVar(&c.Checksums, "checksums", false, "compute TCP checksums")
	size := fs.Int64("size", 0, "strace, strace-short: bytes of the log (default 10 MiB)")
	out := fs.String("o", "-", "output file; - is standard output")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if *kind == "strace" || *kind == "strace-short" {
		return to(*out, stdout, func(w io.Writer) error {
			total, err := syscalls.WriteStrace(w, syscalls.Config{Bytes: *size, Seed: c.Seed, AtOnce: c.Concurrent, Short: *kind == "strace-short"})
			if err == nil {
				fmt.Fprintf(stderr, "%d lines, %d bytes: %d processes, %d connections, %d timed out\n",
					total.Lines, total.Bytes, total.Processes, total.Connections, total.Timeouts)
			}
			return err
		})
	}
	if *slow != "" {
		var err error
		if c.Slow, err = wire.ParseSlow(*slow); err != nil {
			return fmt.Errorf("-slow %w", err)
		}
	}
	c.Kind, c.Format = wire.Kind(*kind), wire.Format(*format)
	return to(*out, stdout, func(w io.Writer) error {
		total, err := wire.Write(w, c)
		if err == nil {
			fmt.Fprintf(stderr, "%d packets, %d bytes, %v: %d connections, %d requests, %d timed out\n",
				total.Packets, total.Bytes, total.Span, total.Conns, total.Requests, total.TimedOut)
		}
		return err
	})
}

// to has write write to a file or to stdout.
func to(path string, stdout io.Writer, write func(io.Writer) error) error {
	if path == "-" {
		return write(stdout)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
