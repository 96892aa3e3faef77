package analyzer

import (
	"slices"

	"finwait/analyzer/event"
)

// firsts keeps the first segments of connections of which nothing else was seen
// yet. Scans, floods and unanswered dials come to nothing else, and a segment
// takes an eighth of the memory of a connection in working form. The zero value
// is empty and ready to use.
type firsts struct {
	blocks []*[firstBlock]event.Segment
	free   []uint32
	used   uint32
}

const (
	firstBlock = 256
	// firstPayload is the longest payload that is kept: past it the working
	// form is not much larger.
	firstPayload = 512
)

// at is the segment with number i.
func (f *firsts) at(i uint32) *event.Segment { return &f.blocks[i/firstBlock][i%firstBlock] }

// put keeps a copy of s and returns its number.
func (f *firsts) put(s *event.Segment) uint32 {
	i := f.used
	if n := len(f.free); n > 0 {
		i, f.free = f.free[n-1], f.free[:n-1]
	} else {
		f.used++
		if int(i) == len(f.blocks)*firstBlock {
			f.blocks = append(f.blocks, new([firstBlock]event.Segment))
		}
	}
	own := f.at(i)
	*own = *s
	own.Payload = slices.Clone(s.Payload)
	return i
}

// take returns the segment with number i and forgets it.
func (f *firsts) take(i uint32) event.Segment {
	p := f.at(i)
	s := *p
	*p = event.Segment{}
	f.free = append(f.free, i)
	return s
}

// first keeps the first segment of the connection of a slot.
func (t *table) first(at uint32, s *event.Segment) {
	if len(s.Payload) > firstPayload {
		t.open(at, s, nil)
		return
	}
	t.slots[at].ref = firstRef(t.firsts.put(s))
}

// wake puts the connection of a slot, whose second segment has come, in working
// form.
func (t *table) wake(at uint32) {
	s := t.firsts.take(t.slots[at].ref.firstIndex())
	t.open(at, &s, nil)
}

// finishFirsts packs the connections that had only one segment. end is the end
// of the input.
func (t *table) finishFirsts(end event.Time) {
	for i := range t.slots {
		p := &t.slots[i]
		if !p.ref.isFirst() {
			continue
		}
		t.wake(uint32(i))
		if p.ref.isLive() { // else it was a RST, and many of them lingered
			n := p.ref.liveIndex()
			t.store(n, t.live[n], end)
			p.ref = 0
		}
	}
	t.firsts = firsts{}
}
