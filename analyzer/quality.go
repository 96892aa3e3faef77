package analyzer

import (
	"fmt"
	"maps"
	"slices"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// noted is something that limits what the input shows.
type noted struct {
	count int64
	text  string
	flow  int // the first that shows it; -1 none does
}

// note counts something that limits what the input shows.
func (b *builder) note(id string, n int64, text string, flow int) {
	q := b.quality[id]
	if q == nil {
		q = &noted{text: text, flow: flow}
		b.quality[id] = q
	}
	q.count += n
	q.flow = min(q.flow, flow)
}

// where is the place of a flow's first frame.
func (b *builder) where(flow int) string {
	if flow < 0 {
		return ""
	}
	var r conn.Record
	b.res.record(flow, &r)
	return fmt.Sprintf("%s: frame %d", b.res.inputs[r.Input].Path, r.FirstFrame)
}

// notedMarks are the marks of connections that limit what the input shows.
const notedMarks = conn.MarkMidStream | conn.MarkOneSided | conn.MarkFlagsOnly | conn.MarkCutPayload | conn.MarkCapped |
	conn.MarkUnsure | conn.MarkResynced

// mark counts what one connection lacks, and remembers it for the findings
// that no cause names.
func (b *builder) mark(c *counted) {
	i, f := int(c.flow), c.f
	if f.Marks&notedMarks != 0 {
		b.noteMarks(i, f.Marks)
	}
	if f.Copies > 0 {
		b.note("duplicates", int64(f.Copies), "packets were captured more than once, and counted once", i)
	}
	if n := f.ClientMissing + f.ServerMissing; n > 0 && f.Marks&(conn.MarkFlagsOnly|conn.MarkOneSided) == 0 {
		b.note("missing-bytes", n, "payload bytes passed (they were acknowledged) that the input lacks", i)
	}
	b.remember(c)
}

// noteMarks counts the marks that a connection has.
func (b *builder) noteMarks(i int, marks conn.Mark) {
	for _, m := range [...]struct {
		mark     conn.Mark
		id, text string
	}{
		{conn.MarkMidStream, "mid-stream", "connections had begun before the input"},
		{conn.MarkOneSided, "one-sided", "connections show only one direction"},
		{conn.MarkFlagsOnly, "flags-only", "connections show only SYN, FIN and RST segments: requests cannot be seen"},
		{conn.MarkCutPayload, "cut-payload", "connections have payloads cut by the snap length"},
		{conn.MarkCapped, "capped", "connections buffered more than one may; their requests were then judged by turns"},
		{conn.MarkUnsure, "requests-unsure", "connections whose request boundaries are a guess"},
		{conn.MarkResynced, "resynced", "connections lost a message boundary and found another"},
	} {
		if marks&m.mark != 0 {
			b.note(m.id, 1, m.text, i)
		}
	}
}

// remember collects the flows of findings that no cause names.
func (b *builder) remember(c *counted) {
	f := c.f
	add := func(id string) { b.special[id] = append(b.special[id], c.flow) }
	if f.cause == CauseClientNoReuse && f.How == conn.HowRST {
		add("undrained")
	}
	if f.Marks&conn.MarkChallengeACK != 0 {
		add("challenge-ack")
	}
	if f.cause == CauseRequestCancelled && f.Queued {
		add("queued")
		if s := stallOf(f); s != nil && *s == "window" {
			add(*s)
		}
	}
	if f.cause == CauseRequestTimeout {
		if s := stallOf(f); s != nil && (*s == "network" || *s == "window") {
			add(*s)
		}
	}
	if h := &c.half; c.halfOK && h.kind != conn.HalfHeld && h.closeWait.d >= b.res.opts.FinTimeout && (!f.PeerSpoke.Known() || f.PeerSpoke == f.HalfEnd) {
		if h.by == event.Client {
			add("long-close-wait")
		} else {
			add("client-close-wait")
		}
	}
}

// qualities are all notes, those of the inputs first.
func (b *builder) qualities() []Quality {
	list := []Quality{}
	for _, p := range b.res.problems {
		list = append(list, Quality{p.ID, p.Count, p.Text, p.Where, p.Damage})
	}
	for _, v := range b.res.views {
		var refused int64
		for _, s := range v.shards {
			refused += s.refused + s.names.Refused()
		}
		if refused > 0 {
			b.note("endpoints-capped", refused, "requests went to more different endpoints than are kept apart; the rest count for their server", -1)
		}
		if v.clock.back > 0 {
			b.note("clock-steps", v.clock.back, "packets are more than a second older than one before them: the clock stepped, or files overlap", -1)
		}
		list = append(list, b.clockNotes(v)...)
	}
	if n := b.res.rows.merged; n > 0 {
		b.note("rows-merged", n, "servers, endpoints and clients are added up in the rows named other: there are more than a report keeps apart", -1)
	}
	for _, id := range slices.Sorted(maps.Keys(b.quality)) {
		q := b.quality[id]
		list = append(list, Quality{ID: id, Count: q.count, Text: q.text, Where: b.where(q.flow)})
	}
	return list
}

// inputs are the inputs as the report names them.
func (b *builder) inputs() []Input {
	list := []Input{}
	for i, in := range b.res.inputs {
		row := Input{Path: in.Path, Kind: in.Kind, Bytes: in.Bytes, Packets: in.Packets, Lines: in.Lines,
			Start: b.res.stamped(i, in.Start), End: b.res.stamped(i, in.End), LinkTypes: in.LinkTypes, Host: text(in.Host)}
		if in.Snaplen > 0 {
			n := in.Snaplen
			row.Snaplen = &n
		}
		if row.LinkTypes == nil {
			row.LinkTypes = []string{}
		}
		list = append(list, row)
	}
	return list
}

// reportSpan is the time that the inputs cover.
func (b *builder) reportSpan() Span {
	s := Span{Start: b.stamp(b.start), End: b.stamp(b.end)}
	if b.start.Known() {
		s.DurationS = secondsOf(b.span)
	}
	return s
}
