package analyzer

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// Pick finds the frames of chosen connections in a second reading of their
// captures, and what the verdicts say of single frames.
type Pick struct{ views map[int]*picked }

// picked is what was chosen in one view.
type picked struct {
	flows  map[tuple][]extent
	frames []uint64          // a bit for every frame, from 0
	notes  map[uint32]string // by frame
}

// tuple is the two ends of a connection, the lesser one first.
type tuple [2]event.Endpoint

func tupleOf(a, b event.Endpoint) tuple {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return tuple{a, b}
}

// extent is the frames of a connection, from the first to the last. Others of the
// same 4-tuple lie before and behind it.
type extent struct{ first, last uint32 }

// Pick chooses connections. Those that only a log shows have no frames. Where
// two captures show a connection, it is chosen in both.
func (res *Result) Pick(keep func(*Flow) bool) *Pick {
	p := &Pick{views: map[int]*picked{}}
	var r conn.Record
	for i := range res.flows {
		if res.view(i).log != nil {
			continue
		}
		res.record(i, &r)
		f := res.flow(i, &r)
		if !keep(f) {
			continue
		}
		near := p.choose(int(res.flows[i].view), &r)
		for frame, text := range cited(f) {
			near.note(frame, remark(f, frame, text))
		}
		if t, ok := res.twins[int32(i)]; ok {
			r.Unpack(res.views[t.flow.view].shards[t.flow.shard].records.at(int(t.flow.index)))
			p.choose(int(t.flow.view), &r)
		}
	}
	for _, v := range p.views {
		for _, list := range v.flows {
			slices.SortFunc(list, func(x, y extent) int { return cmp.Compare(x.first, y.first) })
		}
	}
	return p
}

// remark is what a frame's comment says: what it means, and where the
// connection closes, the verdict.
func remark(f *Flow, frame uint32, text string) string {
	c := &f.Close
	if c.Frame != nil && *c.Frame == frame {
		text = fmt.Sprintf("%s, closed by the %s (%s), confidence %s: %s", c.Cause, c.Initiator, c.How, c.Confidence, c.Because)
	}
	return fmt.Sprintf("finwait: stream %d: %s", *f.Stream, text)
}

// choose adds a connection of a view.
func (p *Pick) choose(view int, r *conn.Record) *picked {
	v := p.views[view]
	if v == nil {
		v = &picked{flows: map[tuple][]extent{}, notes: map[uint32]string{}}
		p.views[view] = v
	}
	k := tupleOf(r.Client, r.Server)
	v.flows[k] = append(v.flows[k], extent{r.FirstFrame, r.LastFrame})
	return v
}

// note adds to what is said of a frame.
func (v *picked) note(frame uint32, text string) {
	if old := v.notes[frame]; old != "" {
		text = old + "; " + text
	}
	v.notes[frame] = text
}

// Wants reports whether a view has a chosen connection.
func (p *Pick) Wants(view int) bool { return p.views[view] != nil }

// Capture reads a capture of a view again. They must come in the same order.
func (p *Pick) Capture(view int, src Source) error {
	v := p.views[view]
	return eachSegment(src, func(s *event.Segment) {
		if v.holds(s) {
			v.take(s.Frame)
		}
	})
}

// eachSegment reads a capture to its end. The segment is only valid during the
// call of f.
func eachSegment(src Source, f func(*event.Segment)) error {
	var b event.Batch
	for {
		err := src.Next(&b)
		if err != nil && err != io.EOF {
			return err
		}
		for i := range b.Segments {
			f(&b.Segments[i])
		}
		if err == io.EOF {
			return nil
		}
	}
}

// holds reports whether s is of a chosen connection.
func (v *picked) holds(s *event.Segment) bool {
	list := v.flows[tupleOf(s.Src, s.Dst)]
	i, found := slices.BinarySearchFunc(list, s.Frame, func(x extent, frame uint32) int { return cmp.Compare(x.first, frame) })
	if !found {
		i--
	}
	return i >= 0 && s.Frame <= list[i].last
}

// take marks a frame.
func (v *picked) take(frame uint32) {
	for int(frame/64) >= len(v.frames) {
		v.frames = append(v.frames, 0)
	}
	v.frames[frame/64] |= 1 << (frame % 64)
}

// Frame reports whether a frame of a view belongs to a chosen connection, and
// what its verdict says of it; "" nothing.
func (p *Pick) Frame(view int, frame uint32) (note string, ok bool) {
	v := p.views[view]
	if v == nil || int(frame/64) >= len(v.frames) || v.frames[frame/64]&(1<<(frame%64)) == 0 {
		return "", false
	}
	return v.notes[frame], true
}
