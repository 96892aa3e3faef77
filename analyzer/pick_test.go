package analyzer

import (
	"io"
	"slices"
	"strings"
	"testing"

	"finwait/analyzer/event"
)

// played is a source of segments that are there already.
type played struct {
	segs []event.Segment
	done bool
}

func (p *played) Next(b *event.Batch) error {
	b.Reset()
	if p.done {
		return io.EOF
	}
	p.done = true
	b.Segments = append(b.Segments, p.segs...)
	return nil
}

func (p *played) Input() event.Input        { return event.Input{Path: "played"} }
func (p *played) Problems() []event.Problem { return nil }

// TestPick: of two connections on one 4-tuple, one between them on another, and
// a segment of a third between their frames, only the chosen one's frames are
// taken, and its closing frame says why.
func TestPick(t *testing.T) {
	var w wire
	w.dial(1000, 100)  // frames 1 to 3
	w.dial(1001, 5000) // 4 to 6
	w.part(1000, 100)  // 7 to 9
	w.dial(1000, 900000)
	w.part(1000, 900000) // 10 to 15
	w.part(1001, 5000)   // 16 to 18

	a := New(Options{})
	if err := a.Capture(a.NewView(), &played{segs: w.segs}); err != nil {
		t.Fatal(err)
	}
	res := a.Finish()
	pick := res.Pick(func(f *Flow) bool { return *f.Stream == 2 })
	if !pick.Wants(0) || pick.Wants(1) {
		t.Fatal("the wrong views are wanted")
	}
	if err := pick.Capture(0, &played{segs: w.segs}); err != nil {
		t.Fatal(err)
	}
	var got []uint32
	for frame := range uint32(30) {
		note, ok := pick.Frame(0, frame)
		if ok {
			got = append(got, frame)
		}
		if says := strings.HasPrefix(note, "finwait: stream 2: no-data, closed by the client (fin)"); says != (frame == 13) {
			t.Errorf("frame %d: %q", frame, note)
		}
	}
	if want := []uint32{10, 11, 12, 13, 14, 15}; !slices.Equal(got, want) {
		t.Errorf("frames %v, want %v", got, want)
	}
}
