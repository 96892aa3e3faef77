package analyzer

import (
	"fmt"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// Flows calls f with every connection in order of its stream. The Flow is only
// valid during the call. It stops at the first error and returns it.
func (res *Result) Flows(f func(*Flow) error) error {
	var r conn.Record
	for i := range res.flows {
		res.record(i, &r)
		fl := res.flow(i, &r)
		if err := f(fl); err != nil {
			return err
		}
	}
	return nil
}

// flow is flow i, whose record is r, as the contract has it.
func (res *Result) flow(i int, r *conn.Record) *Flow {
	f := &facts{}
	res.judge(f, res.spot(i), r, true)
	fl := &Flow{
		Stream: res.stream(i), Row: res.row(i), Source: "capture", Input: res.inputs[f.Input].Path,
		Client: f.Client.String(), Server: f.Server.String(), ServerName: text(f.serverName(f.Record)),
		RoleBasis: f.Basis.String(), Vantage: vantageWord(f.Record),
		Opened: Stamp(f.Opened), Closed: Stamp(f.LastClose), FirstFrame: f.FirstFrame, LastFrame: f.LastFrame,
		Packets:         &Pair{int64(f.ClientPackets), int64(f.ServerPackets)},
		Bytes:           Pair{f.ClientBytes, f.ServerBytes},
		Retransmissions: &Pair{int64(f.ClientRetrans), int64(f.ServerRetrans)},
		MissingBytes:    &Pair{f.ClientMissing, f.ServerMissing},
		Handshake:       FlowHandshake{State: f.Handshake.String(), SYNRetries: Measured(f.SYNRetries)},
		Protocol:        f.Protocol.String(),
		Requests:        requestsOf(f),
		Notes:           notes(f.Record),
	}
	if f.RTT > 0 {
		fl.Handshake.RTTS = secondsOf(f.RTT)
	}
	fl.Close = res.flowClose(i, f)
	fl.HalfClose = res.flowHalf(i, f)
	fl.LateResponse = lateOf(f)
	if f.TimeWaitBy != event.NoSide {
		fl.TimeWait = &FlowTimeWait{By: f.TimeWaitBy.String(), From: Stamp(f.TimeWaitAt)}
	}
	if n := res.replaced[i]; n >= 0 {
		fl.ReplacedBy = res.stream(int(n))
	}
	if res.view(i).log != nil {
		fl.omitPackets()
	}
	res.addLog(i, f, fl)
	fl.OtherSide = res.otherSide(i, f.Record)
	if res.view(i).undated {
		fl.undate()
	}
	return fl
}

// addLog fills in what a log knows of flow i: all of it, or, where a capture
// shows the connection as well, the process.
func (res *Result) addLog(i int, f *facts, fl *Flow) {
	if l := res.view(i).log; l != nil {
		c := l.conn(int(res.flows[i].index))
		fl.Source, fl.Process, fl.Close.Evidence = "strace", l.process(c), l.lines(c)
		fl.HalfClose, fl.TimeWait = nil, nil // packets' matters
		if fl.Close.Request != nil {
			fl.Close.Request.Stall = nil
		}
		if c.Evidence.Accepted && c.Evidence.Linked != 0 {
			fl.Notes = append(fl.Notes, "other-end-in-log")
		}
		return
	}
	if p, ok := res.pairs[int32(i)]; ok {
		fl.Source, fl.Process = "both", p.process(f.Record)
		fl.Close.Evidence = append(fl.Close.Evidence, p.log.lines(p.log.conn(p.index))...)
	}
}

// stream is the number that Wireshark gives flow i in its capture; nil for what
// only a log shows.
func (res *Result) stream(i int) *int {
	if res.view(i).log != nil {
		return nil
	}
	n := int(res.flows[i].stream)
	return &n
}

// row numbers a connection that only a log shows; nil for all others.
func (res *Result) row(i int) *int {
	if res.view(i).log == nil {
		return nil
	}
	return &i
}

// serverName is what the server is called: SNI or Host, else what DNS answers
// in the capture said; "" when nothing does.
func (at spot) serverName(r *conn.Record) string {
	if r.ServerName != 0 {
		return at.name(r.ServerName)
	}
	e := r.Server
	e.Port = 0
	return at.view.hosts[e]
}

func vantageWord(r *conn.Record) *string {
	switch vantageOf(r) {
	case event.Client:
		return text("client")
	case event.Server:
		return text("server")
	case event.Both:
		return text("middle")
	}
	return nil
}

// text is a pointer to s; nil for the empty string.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// flowClose is why flow i was closed.
func (res *Result) flowClose(i int, f *facts) FlowClose {
	c := FlowClose{
		Cause: f.cause.String(), Initiator: f.Initiator.String(), How: f.How.String(),
		At: Stamp(event.NoTime), Confidence: f.confidence.String(), Because: f.because,
		Codes: f.cause.codes(), Evidence: evidence(f),
	}
	if f.cause == CauseConnectRefused && res.view(i).log == nil { // a log shows the error, not who sent it
		c.Initiator, c.How = event.Server.String(), conn.HowRST.String()
	}
	if f.How != conn.HowNone {
		c.At = Stamp(f.CloseAt)
		frame := f.CloseFrame
		c.Frame = &frame
	}
	if f.cause == CauseDeclared {
		c.DeclaredBy = text(f.DeclaredBy.String())
	}
	c.Request = res.flowRequest(i, f)
	if f.timer != nil {
		c.Timer = &FlowTimer{ValueS: f.timer.value.Seconds(), Basis: f.basis.String(), Count: f.timer.count}
		if f.timer.configured {
			c.Timer.Basis = "configured"
		}
	}
	return c
}

// evidence names the frames that the verdict rests on.
func evidence(f *facts) []string {
	frames := []string{}
	add := func(what string, n uint32) {
		if n != 0 {
			frames = append(frames, fmt.Sprintf("%s: frame %d", what, n))
		}
	}
	if f.Sent > 0 || f.Outstanding {
		add("request", f.RequestFrame)
	}
	if f.Marks&conn.MarkCloseUnseen != 0 {
		add("sign of the missing fin", f.CloseFrame)
	} else {
		add(f.How.String(), f.CloseFrame)
	}
	if f.Outstanding {
		add("late response", f.LateFrame)
	}
	if f.How == conn.HowFIN {
		add(f.EndedBy.String(), f.HalfFrame)
	}
	if len(frames) == 0 {
		add("first", f.FirstFrame)
	}
	return frames
}

// flowRequest is the request that was outstanding at the close of flow i.
func (res *Result) flowRequest(i int, f *facts) *FlowRequest {
	if !f.Outstanding || f.cause == CauseClientNoReuse && f.HalfKind == conn.HalfHeld || f.FirstBy == event.NoSide && f.cause != CauseNetworkFailure && f.cause != CauseOpen {
		return nil
	}
	q := &FlowRequest{
		Method: text(res.name(i, f.Method)), Host: text(res.name(i, f.Host)), Path: text(res.name(i, f.Path)),
		Endpoint: res.endpoint(f.spot, f.Record), Sent: Stamp(f.RequestStart), Frame: f.RequestFrame,
		Phase: f.Phase.String(), Stall: stallOf(f),
	}
	if f.Marks&(conn.MarkRequestUnseen|conn.MarkCloseUnseen) != 0 {
		return q // known within bounds only
	}
	if f.timer != nil {
		q.WaitedS = secondsOf(f.waited)
	} else if d, ok := conn.Duration(f.RequestStart, f.CloseAt); ok {
		q.WaitedS = secondsOf(d)
	}
	return q
}

// endpoint is what flow i's closing request is grouped by: its endpoint, else
// the SNI, else the server's address.
func (res *Result) endpoint(at spot, r *conn.Record) string {
	if r.Endpoint != 0 {
		return res.fold(r.Server, at.name(r.Endpoint))
	}
	if r.Protocol != exchange.ProtocolHTTP1 && r.ServerName != 0 {
		return at.name(r.ServerName)
	}
	return r.Server.String()
}

// trickleShare is how recent, as a share of the wait, the last byte of an
// unfinished response must be for the server to be sending too slowly rather
// than to have stopped.
const trickleShare = 0.5

// stallOf tells why no answer came in time; nil when it cannot be told.
func stallOf(f *facts) *string {
	if f.FirstBy != event.Client || !f.RequestStart.Known() || !f.CloseAt.Known() {
		return nil
	}
	if s := f.res.stallFromBoth(f); s != nil {
		return s
	}
	m := f.Marks
	switch {
	case m&conn.MarkZeroWindow != 0:
		return text("window")
	case m&(conn.MarkRequestRetrans|conn.MarkRequestUnacked|conn.MarkResponseRetrans) != 0:
		return text("network")
	case f.ServerMissing > 0 || m&(conn.MarkOneSided|conn.MarkCapped) != 0:
		return nil
	case f.Phase == conn.PhaseReadingBody:
		since, waited := f.CloseAt.Sub(f.ResponseEnd), f.CloseAt.Sub(f.RequestStart)
		if f.ResponseEnd.Known() && float64(since) < trickleShare*float64(waited) {
			return text("trickle")
		}
		return text("server")
	}
	return text("server")
}

// flowHalf is the half-close of flow i; nil when the first close was no FIN.
func (res *Result) flowHalf(i int, f *facts) *FlowHalf {
	h, ok := halfCloseOf(f.Record, res.view(i).end, res.opts.FinTimeout)
	if !ok {
		return nil
	}
	out := &FlowHalf{
		By: h.by.String(), FinWait1S: secondsIf(h.finWait1), FinWait2S: secondsIf(h.finWait2),
		CloseWaitS: secondsIf(h.bounded(h.closeWait)), LastAckS: secondsIf(h.lastAck), TotalS: secondsIf(h.bounded(h.total)),
		EndedBy: h.endedBy.String(), Censored: h.censored,
	}
	switch h.kind {
	case conn.HalfOrphan:
		out.Kind = text("orphan")
	case conn.HalfHeld:
		out.Kind = text("held")
	}
	return out
}

// lateOf is the response that nobody read; nil when none came.
func lateOf(f *facts) *FlowLate {
	if !f.late() {
		return nil
	}
	l := &FlowLate{Frame: f.LateFrame}
	if f.Marks&conn.MarkRequestUnseen == 0 {
		l.AfterRequestS = secondsIf(between(f.RequestStart, f.Late))
	}
	if f.Marks&conn.MarkCloseUnseen == 0 {
		l.AfterCloseS = secondsIf(between(f.CloseAt, f.Late))
	}
	return l
}

// notes are the facts of a record that a reader should know.
func notes(r *conn.Record) []string {
	list := []string{}
	for _, n := range [...]struct {
		mark conn.Mark
		word string
	}{
		{conn.MarkMidStream, "mid-stream"}, {conn.MarkOneSided, "one-sided"}, {conn.MarkFlagsOnly, "flags-only"},
		{conn.MarkCutPayload, "cut-payload"}, {conn.MarkChallengeACK, "challenge-ack"}, {conn.MarkSYNReused, "port-reused"},
		{conn.MarkUnsure, "requests-unsure"}, {conn.MarkCapped, "capped"}, {conn.MarkSwapped, "roles-turned"},
		{conn.MarkProbeAlive, "probe-alive"}, {conn.MarkProbeReset, "probe-reset"}, {conn.MarkResynced, "resynced"},
		{conn.MarkClosedUnseen, "close-unseen"}, {conn.MarkPathCut, "path-cut"}, {conn.MarkHeadCut, "head-cut"},
		{conn.MarkCloseUnseen, "fin-unseen"}, {conn.MarkRequestUnseen, "request-unseen"},
	} {
		if r.Marks&n.mark != 0 {
			list = append(list, n.word)
		}
	}
	if r.ACKMissed && r.FINAcked.Known() { // else one-sided says it
		list = append(list, "ack-unseen")
	}
	if r.Copies > 0 {
		list = append(list, "duplicates")
	}
	return list
}
