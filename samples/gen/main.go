// Gen writes big, seeded captures of made-up HTTP/1.1 traffic: for benchmarks,
// and to try finwait on a capture of which the truth is known.
//
//	go run ./samples/gen -kind keepalive -o big.pcap
//	go run ./samples/gen -kind short -conns 1000 -format pcapng -seed 7 -o short.pcapng
//
// It prints the truth about what it wrote to standard error.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

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
	kind := fs.String("kind", "keepalive", "keepalive: many requests a connection, some time out; short: one request a connection")
	format := fs.String("format", "pcap", "pcap or pcapng")
	fs.IntVar(&c.Conns, "conns", 0, "connections (default 20000, short: 200000)")
	fs.IntVar(&c.Requests, "requests", 0, "requests on each connection (default 10, short: 1)")
	fs.IntVar(&c.Concurrent, "concurrent", 0, "connections open at once (default 500, short: 5000)")
	fs.IntVar(&c.Bytes, "bytes", 0, "mean size of a response body (default 2750, short: 500)")
	fs.Float64Var(&c.TimeoutShare, "timeouts", 0, "share of connections that end in a client timeout (default 0.05, short: none; -1: none)")
	fs.DurationVar(&c.Timeout, "timeout", 0, "the client's timeout (default 500ms)")
	fs.Uint64Var(&c.Seed, "seed", 1, "seed of everything random")
	fs.BoolVar(&c.Checksums, "checksums", false, "compute TCP checksums")
	out := fs.String("o", "-", "output file; - is standard output")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	c.Kind, c.Format = wire.Kind(*kind), wire.Format(*format)
	total, err := write(*out, stdout, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%d packets, %d bytes, %v: %d connections, %d requests, %d timed out\n",
		total.Packets, total.Bytes, total.Span, total.Conns, total.Requests, total.TimedOut)
	return nil
}

// write writes the capture to a file or to stdout.
func write(path string, stdout io.Writer, c wire.Config) (wire.Total, error) {
	if path == "-" {
		return wire.Write(stdout, c)
	}
	f, err := os.Create(path)
	if err != nil {
		return wire.Total{}, err
	}
	total, err := wire.Write(f, c)
	return total, errors.Join(err, f.Close())
}
