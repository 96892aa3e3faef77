package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"finwait/analyzer"
	"finwait/analyzer/event"
	"finwait/cmd/finwait/internal/render"
	"finwait/parsers"
	"finwait/parsers/capture"
)

// input is one file, or standard input.
type input struct {
	path string // as the user or the directory names it
	copy string // temporary file with the bytes of an input that can be read only once; "" none
	kind parsers.Kind
	size int64 // as stored; 0 unknown
	// src is open for inputs that can be read only once, and while any input
	// is being read; nil otherwise, so that thousands of rotated files do not
	// need as many descriptors.
	src *parsers.Source
	// What the first packets tell, to put rotated files in order.
	start event.Time // NoTime when it was not looked at
	end   event.Time // known after reading
	host  string
	links []string
}

// openAll opens the inputs that paths name, and returns an error for each that
// cannot be.
func openAll(paths []string, s streams) (inputs []*input, lost []error) {
	for _, path := range paths {
		files, err := parsers.Expand([]string{path})
		if err != nil {
			lost = append(lost, err)
			continue
		}
		for _, file := range files {
			in := &input{path: file, start: event.NoTime, end: event.NoTime}
			if err := in.open(s.in); err != nil {
				lost = append(lost, err)
				continue
			}
			inputs = append(inputs, in)
		}
	}
	if len(inputs) > 1 {
		inputs, lost = lookAhead(inputs, lost)
	}
	return inputs, lost
}

// open opens the input.
func (in *input) open(stdin io.Reader) error {
	path := in.path
	if in.copy != "" {
		path = in.copy
	}
	src, err := parsers.Open(path, stdin)
	if err != nil {
		return err
	}
	in.src, in.kind, in.size = src, src.Kind, src.Size
	return nil
}

// close closes the input; it may be called more than once.
func (in *input) close() {
	if in.src != nil {
		in.src.Close()
		in.src = nil
	}
}

func closeAll(inputs []*input) {
	for _, in := range inputs {
		in.close()
	}
}

// again reports whether the input can be opened a second time: pipes cannot.
func (in *input) again() bool {
	st, err := os.Stat(in.path)
	return in.path != parsers.Stdin && err == nil && st.Mode().IsRegular()
}

// keepAll copies inputs that can be read only once to temporary files.
func keepAll(inputs []*input) error {
	for _, in := range inputs {
		if in.again() {
			continue
		}
		if err := in.keep(); err != nil {
			for _, in := range inputs {
				in.forget()
			}
			return fmt.Errorf("%s: %w", in.path, err)
		}
	}
	return nil
}

// keep copies the input to a temporary file and closes it.
func (in *input) keep() error {
	file, err := os.CreateTemp("", "finwait-")
	if err != nil {
		return err
	}
	in.copy = file.Name()
	_, err = io.Copy(file, in.src)
	in.close()
	return errors.Join(err, file.Close())
}

// forget removes the temporary file.
func (in *input) forget() {
	if in.copy != "" {
		os.Remove(in.copy)
		in.copy = ""
	}
}

// lookAhead reads the first packets of each capture and closes it again.
func lookAhead(inputs []*input, lost []error) ([]*input, []error) {
	var readable []*input
	for _, in := range inputs {
		if !in.kind.Capture() || !in.again() {
			readable = append(readable, in)
			continue
		}
		err := in.look()
		in.close()
		if err != nil {
			lost = append(lost, err)
			continue
		}
		readable = append(readable, in)
	}
	return readable, lost
}

// look learns when the capture begins and whose it is.
func (in *input) look() error {
	rd, err := capture.NewReader(in.src, capture.Options{Path: in.path})
	if err != nil {
		return err
	}
	var b event.Batch
	if err := rd.Next(&b); err != nil && err != io.EOF {
		return err
	}
	first := rd.Input()
	in.start, in.host, in.links = first.Start, first.Host, first.LinkTypes
	return nil
}

// source is a capture being read, with the problems of its compression.
type source struct {
	*capture.Reader
	file    *parsers.Source
	batches int
}

// Next fills the batch; see capture.Reader.
func (s *source) Next(b *event.Batch) error {
	if s.batches++; s.batches%64 == 1 {
		spare()
	}
	return s.Reader.Next(b)
}

// Problems are those of the packets and of the compression.
func (s *source) Problems() []event.Problem {
	return append(s.file.Problems(), s.Reader.Problems()...)
}

// frames begins to read the input's frames as they are.
func (in *input) frames(o capture.Options) (*capture.FrameReader, error) {
	if in.src == nil {
		if err := in.open(nil); err != nil {
			return nil, err
		}
	}
	return capture.NewFrameReader(in.src, o)
}

// capture begins to read the input's packets.
func (in *input) capture(o capture.Options) (*source, error) {
	if in.src == nil {
		if err := in.open(nil); err != nil {
			return nil, err
		}
	}
	rd, err := capture.NewReader(in.src, o)
	if err != nil {
		return nil, err
	}
	return &source{Reader: rd, file: in.src}, nil
}

// savedReport reads the input when it is a saved report; nil when the inputs
// are captures. A report stands for itself: it has no connections that could be
// put together with others.
func savedReport(inputs []*input) (*analyzer.Report, error) {
	for _, in := range inputs {
		if in.kind != parsers.Report {
			continue
		}
		if len(inputs) > 1 {
			return nil, usagef("%s: a saved report cannot be read together with other inputs", in.path)
		}
		if in.src == nil {
			if err := in.open(nil); err != nil {
				return nil, err
			}
		}
		r, err := render.ReadReport(in.src)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.path, err)
		}
		return r, nil
	}
	return nil, nil
}

// view is what one capture point wrote: captures in time order, read as one
// stream.
type view struct {
	number int // as the analyzer numbers it
	inputs []*input
	frames uint32 // read so far
}

// overlap is how far rotated files may overlap: the queues of a network card
// are not emptied in order of time.
const overlap = event.Time(20 * time.Millisecond)

// continues reports whether in is the next file of the view. tcpdump -C and -G
// close one file before they open the next, so rotated files do not overlap,
// have the same link types, and names that differ in digits only. Two captures
// that overlap come from two capture points, however alike their names are. Two
// captures of different hosts that follow each other under such names are
// mistaken for one stream; their connections stay apart by their addresses.
func (v *view) continues(in *input) bool {
	last := v.inputs[len(v.inputs)-1]
	return in.start.Known() && last.end.Known() && in.start+overlap >= last.end &&
		in.host == last.host && slices.Equal(in.links, last.links) && stem(in.path) == stem(last.path)
}

// byStart sorts inputs by their first packet; those that were not looked at, or
// have none, come last in the order given.
func byStart(inputs []*input) {
	slices.SortStableFunc(inputs, func(a, b *input) int {
		switch {
		case a.start.Known() != b.start.Known():
			return cmp.Compare(b.start, a.start)
		case a.start != b.start:
			return cmp.Compare(a.start, b.start)
		case !a.start.Known():
			return 0
		}
		return strings.Compare(a.path, b.path)
	})
}

// stem is a path without the digits by which rotated files differ, and without
// the endings of compression.
func stem(path string) string {
	for _, ending := range []string{".gz", ".zst"} {
		path = strings.TrimSuffix(path, ending)
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, path)
}
