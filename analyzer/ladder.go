package analyzer

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// ladderHead and ladderTail bound the steps of a ladder: of a longer connection
// only the first and the last ones are kept.
const (
	ladderHead = 4000
	ladderTail = 1000
)

// Trace follows one connection through a second reading of its captures.
type Trace struct {
	flow           *Flow
	view           int
	client, server event.Endpoint
	conn           conn.Conn
	begun          bool
	env            exchange.Env
	streams        [2]traced // of the client and of the server
	steps          steps
	start          event.Time
	notes          map[uint32][]string // by frame
	cited          map[uint32]bool     // frames that the verdict rests on
	calls          *callTrace          // nil: no log shows the connection
}

// steps are the first and the last ones of a ladder.
type steps struct {
	head   []Step
	tail   []Step // a ring, once head holds ladderHead
	oldest int    // of the ring, once it is full
	left   int    // steps that fell out of the ring
}

// traced is what a Trace remembers of one end's stream.
type traced struct {
	base, top event.Seq
	based     bool
	last      event.Segment // without payload
}

// Trace begins to follow the connection with a number: its stream, or, where
// only a log shows it, its row; false when there is none. With several views
// the first one that has such a stream counts.
func (res *Result) Trace(number int) (*Trace, bool) {
	for i := range res.flows {
		n, row := res.stream(i), res.row(i)
		if (n == nil || *n != number) && (row == nil || *row != number) {
			continue
		}
		var r conn.Record
		res.record(i, &r)
		t := &Trace{flow: res.flow(i, &r), view: int(res.flows[i].view), client: r.Client, server: r.Server,
			start: event.NoTime, notes: map[uint32][]string{}, cited: map[uint32]bool{}}
		t.env = exchange.Env{Names: exchange.NewNames(), Sink: t}
		t.calls = res.traceCalls(i)
		if n != nil {
			t.announce()
		}
		return t, true
	}
	return nil, false
}

// View is the number of the view whose captures are to be read again; false
// when no capture shows the connection.
func (t *Trace) View() (int, bool) { return t.view, t.flow.Stream != nil }

// announce notes what the verdict rests on, by frame.
func (t *Trace) announce() {
	for frame, text := range cited(t.flow) {
		t.cited[frame] = true
		t.note(frame, text)
	}
}

// cited are the frames that a verdict rests on, and what each means.
func cited(f *Flow) iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		c := &f.Close
		if q := c.Request; q != nil && !yield(q.Frame, "request "+q.Endpoint+", never answered in time") {
			return
		}
		if c.Frame != nil && !yield(*c.Frame, c.Cause) {
			return
		}
		if l := f.LateResponse; l != nil {
			yield(l.Frame, "late response")
		}
	}
}

// note remembers what a frame means. It is bounded, since a connection may carry
// any number of requests; those whose steps are kept at the end go without.
func (t *Trace) note(frame uint32, text string) {
	if len(t.notes) < 2*ladderHead {
		t.notes[frame] = append(t.notes[frame], text)
	}
}

// Take lends the connection's only tracker.
func (t *Trace) Take(owner uint32, port uint16) *exchange.Tracker {
	tr := new(exchange.Tracker)
	tr.Init(&t.env, owner, port)
	return tr
}

// Exchange notes where a request and its response began.
func (t *Trace) Exchange(_ uint32, x *exchange.Exchange) {
	what := "request"
	if name := t.env.Names.String(x.Endpoint); name != "" {
		what += " " + name
	}
	if q := t.flow.Close.Request; x.Start.Seen() && (q == nil || q.Frame != x.Start.Frame) {
		t.note(x.Start.Frame, what)
	}
	if l := t.flow.LateResponse; x.First.Seen() && (l == nil || l.Frame != x.First.Frame) {
		what = "response"
		if x.Status != 0 {
			what = fmt.Sprintf("response %d", x.Status)
		}
		t.note(x.First.Frame, what)
	}
}

// Capture reads a capture of the view again. They must come in the same order.
func (t *Trace) Capture(src Source) error {
	return eachSegment(src, func(s *event.Segment) {
		if t.holds(s) {
			t.add(s)
		}
	})
}

// holds reports whether s belongs to the connection. Another connection of the
// same 4-tuple lies before its first or behind its last frame.
func (t *Trace) holds(s *event.Segment) bool {
	return s.Frame >= t.flow.FirstFrame && s.Frame <= t.flow.LastFrame &&
		(s.Src == t.client && s.Dst == t.server || s.Src == t.server && s.Dst == t.client)
}

// add takes the connection's next segment.
func (t *Trace) add(s *event.Segment) {
	if !t.begun {
		t.begun, t.start = true, s.Time
		t.conn.Init(s, t, 0)
	}
	t.conn.Add(s)
	from, side, other := event.Client, &t.streams[0], &t.streams[1]
	if s.Src == t.server && s.Src != t.client {
		from, side, other = event.Server, other, side
	}
	step := Step{Kind: StepSegment, Frame: s.Frame, From: from.String(), What: describe(s, side, other), Note: side.oddity(s), Evidence: t.cited[s.Frame], at: s.Time}
	if d, ok := conn.Duration(t.start, s.Time); ok {
		step.AtS = secondsOf(d)
	}
	client, server := t.conn.States()
	if t.conn.Server() == t.client && t.client != t.server {
		client, server = server, client
	}
	step.Client, step.Server = client.String(), server.String()
	side.take(s)
	t.steps.keep(step)
}

// keep adds a step, within the bounds.
func (l *steps) keep(s Step) {
	if len(l.head) < ladderHead {
		l.head = append(l.head, s)
		return
	}
	if len(l.tail) < ladderTail {
		l.tail = append(l.tail, s)
		return
	}
	l.tail[l.oldest] = s
	l.oldest = (l.oldest + 1) % ladderTail
	l.left++
}

// last is the step that was kept last; there must be one.
func (l *steps) last() *Step {
	if n := len(l.tail); n > 0 {
		return &l.tail[(l.oldest+n-1)%n]
	}
	return &l.head[len(l.head)-1]
}

// list puts the steps in order, with their notes.
func (l *steps) list(notes map[uint32][]string) []Step {
	list := slices.Concat(l.head, l.tail[l.oldest:], l.tail[:l.oldest])
	for i := range list {
		s := &list[i]
		all := notes[s.Frame]
		if s.Note != "" {
			all = append([]string{s.Note}, all...)
		}
		s.Note = strings.Join(all, "; ")
	}
	if l.left > 0 {
		s := &list[len(l.head)]
		s.Note = strings.TrimPrefix(fmt.Sprintf("%s; %d %ss before this one are left out", s.Note, l.left, s.Kind), "; ")
	}
	return list
}

// Ladder is the connection step by step. Call it once, after the captures and
// the log.
func (t *Trace) Ladder() *Ladder {
	if t.begun {
		var r conn.Record
		t.conn.Finish(t.conn.LastTime(), &r)
	}
	l := &Ladder{Flow: *t.flow, Steps: t.steps.list(t.notes)}
	if t.calls != nil {
		l.Steps = t.calls.merge(l.Steps, t.start)
	}
	return l
}

// take remembers what the stream has reached.
func (h *traced) take(s *event.Segment) {
	end := s.Seq.Add(s.Len)
	if s.Flags&(event.SYN|event.FIN) != 0 {
		end = end.Add(1)
	}
	if !h.based {
		h.base, h.top, h.based = s.Seq, end, true
		if s.Flags&event.SYN == 0 {
			h.base = s.Seq.Add(^uint32(0)) // the first byte is number 1, as after a SYN
		}
	}
	if h.top.Before(end) {
		h.top = end
	}
	h.last = *s
	h.last.Payload = nil
}

// oddity names what is not plain about s, for a stream that has reached h.
func (h *traced) oddity(s *event.Segment) string {
	switch {
	case s.Kind == event.SegmentUnreachable:
		return "ICMP error"
	case !h.based:
		return ""
	case s.Seq == h.last.Seq && s.Ack == h.last.Ack && s.Len == h.last.Len && s.Flags == h.last.Flags && s.IPID == h.last.IPID && s.IPID != 0 && s.TSVal == h.last.TSVal:
		return "the same frame again"
	case s.Flags&event.RST != 0:
		return ""
	case s.Len <= 1 && s.Flags&(event.SYN|event.FIN) == 0 && s.Seq.Add(1) == h.top:
		return "keep-alive probe"
	case s.Len > 0 && !h.top.Before(s.Seq.Add(s.Len)), s.Len == 0 && s.Flags&(event.SYN|event.FIN) != 0 && s.Seq.Before(h.top):
		return "retransmission"
	case s.Len > 0 && h.top.Before(s.Seq):
		return "bytes before this are missing"
	case s.Window == 0 && s.Flags&event.SYN == 0:
		return "window 0"
	}
	return ""
}

// describe tells a segment in tcpdump's words, with sequence numbers relative
// to the beginning of each stream.
func describe(s *event.Segment, from, to *traced) string {
	if s.Kind == event.SegmentUnreachable {
		return fmt.Sprintf("ICMP type %d code %d", s.Code>>8, s.Code&0xff)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Flags [%s]", flagLetters(s.Flags))
	seq := uint32(0)
	switch {
	case from.based:
		seq = uint32(s.Seq.Sub(from.base))
	case s.Flags&event.SYN == 0:
		seq = 1
	}
	switch {
	case s.Len > 0:
		fmt.Fprintf(&b, ", seq %d:%d", seq, seq+s.Len)
	case s.Flags&(event.SYN|event.FIN|event.RST) != 0:
		fmt.Fprintf(&b, ", seq %d", seq)
	}
	if s.Flags&event.ACK != 0 {
		ack := uint32(1)
		if to.based {
			ack = uint32(s.Ack.Sub(to.base))
		}
		fmt.Fprintf(&b, ", ack %d", ack)
	}
	fmt.Fprintf(&b, ", length %d", s.Len)
	return b.String()
}

// flagLetters are the control bits as tcpdump prints them.
func flagLetters(f event.Flags) string {
	var b strings.Builder
	for _, x := range [...]struct {
		flag   event.Flags
		letter byte
	}{{event.FIN, 'F'}, {event.SYN, 'S'}, {event.RST, 'R'}, {event.PSH, 'P'}, {event.URG, 'U'}, {event.ECE, 'E'}, {event.CWR, 'W'}, {event.ACK, '.'}} {
		if f&x.flag != 0 {
			b.WriteByte(x.letter)
		}
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}

var (
	_ conn.Trackers = (*Trace)(nil)
	_ exchange.Sink = (*Trace)(nil)
)
