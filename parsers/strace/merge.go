package strace

import (
	"io"

	"finwait/analyzer/event"
)

// Part is one file of strace -ff.
type Part struct {
	Reader io.Reader
	Path   string
	PID    int32 // from the file's name
}

// Merged reads the files of strace -ff as one log.
type Merged struct {
	parts   []*Reader
	current int
}

// Merge returns a reader of the files of one strace -ff.
func Merge(parts []Part, opts Options) *Merged {
	m := &Merged{}
	for _, p := range parts {
		o := opts
		o.Path, o.PID = p.Path, p.PID
		m.parts = append(m.parts, NewReader(p.Reader, o))
	}
	return m
}

// Next fills b with the next run of calls.
func (m *Merged) Next(b *event.CallBatch) error {
	for m.current < len(m.parts) {
		err := m.parts[m.current].Next(b)
		if err != io.EOF {
			return err
		}
		m.current++
	}
	return io.EOF
}

// Trace returns what the log turned out to be.
func (m *Merged) Trace() event.Trace { return m.parts[0].Trace() }

// Problems returns what could not be read.
func (m *Merged) Problems() []event.Problem { return m.parts[0].Problems() }
