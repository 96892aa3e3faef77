package analyzer

import (
	"fmt"
	"io"
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
	steps          []Step
	tail           []Step // a ring, once steps holds ladderHead
	oldest         int    // of the ring, once it is full
	left           int    // steps that fell out of the ring
	start          event.Time
	notes          map[uint32][]string // by frame
}

// traced is what a Trace remembers of one end's stream.
type traced struct {
	base, top event.Seq
	based     bool
	last      event.Segment // without payload
}

// Trace begins to follow the connection with a stream number; false when there
// is none. With several views the first one that has such a number counts.
func (res *Result) Trace(stream int) (*Trace, bool) {
	for i := range res.flows {
		n := res.stream(i)
		if n == nil || *n != stream {
			continue
		}
		var r conn.Record
		res.record(i, &r)
		t := &Trace{flow: res.flow(i, &r), view: int(res.flows[i].view), client: r.Client, server: r.Server, notes: map[uint32][]string{}}
		t.env = exchange.Env{Names: exchange.NewNames(), Sink: t}
		t.announce()
		return t, true
	}
	return nil, false
}

// View is the number of the view whose captures are to be read again.
func (t *Trace) View() int { return t.view }

// announce notes what the verdict rests on, by frame.
func (t *Trace) announce() {
	c := &t.flow.Close
	if q := c.Request; q != nil {
		t.note(q.Frame, "request "+q.Endpoint+", never answered in time")
	}
	if c.Frame != nil {
		t.note(*c.Frame, c.Cause)
	}
	if l := t.flow.LateResponse; l != nil {
		t.note(l.Frame, "late response")
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
	var b event.Batch
	for {
		err := src.Next(&b)
		if err != nil && err != io.EOF {
			return err
		}
		for i := range b.Segments {
			if s := &b.Segments[i]; t.holds(s) {
				t.add(s)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
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
	step := Step{Frame: s.Frame, From: from.String(), What: describe(s, side, other), Note: side.oddity(s)}
	if d, ok := conn.Duration(t.start, s.Time); ok {
		step.AtS = secondsOf(d)
	}
	client, server := t.conn.States()
	if t.conn.Server() == t.client && t.client != t.server {
		client, server = server, client
	}
	step.Client, step.Server = client.String(), server.String()
	side.take(s)
	t.keep(step)
}

// keep adds a step, within the bounds.
func (t *Trace) keep(s Step) {
	if len(t.steps) < ladderHead {
		t.steps = append(t.steps, s)
		return
	}
	if len(t.tail) < ladderTail {
		t.tail = append(t.tail, s)
		return
	}
	t.tail[t.oldest] = s
	t.oldest = (t.oldest + 1) % ladderTail
	t.left++
}

// Ladder is the connection step by step. Call it once, after the captures.
func (t *Trace) Ladder() *Ladder {
	if t.begun {
		var r conn.Record
		t.conn.Finish(t.conn.LastTime(), &r)
	}
	l := &Ladder{Flow: *t.flow, Steps: slices.Concat(t.steps, t.tail[t.oldest:], t.tail[:t.oldest])}
	for i := range l.Steps {
		s := &l.Steps[i]
		all := t.notes[s.Frame]
		if s.Note != "" {
			all = append([]string{s.Note}, all...)
		}
		s.Note = strings.Join(all, "; ")
	}
	if t.left > 0 {
		s := &l.Steps[len(t.steps)]
		s.Note = strings.TrimPrefix(fmt.Sprintf("%s; %d segments before this one are left out", s.Note, t.left), "; ")
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
