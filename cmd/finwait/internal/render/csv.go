package render

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"finwait/analyzer"
)

// csvHeads are the names of the contract's fields, nested ones joined by dots.
func csvHeads() []string {
	return strings.Fields(`stream source input client server server_name role_basis vantage
		process.pid process.tid process.fd process.comm opened closed first_frame last_frame
		packets.client packets.server bytes.client bytes.server
		retransmissions.client retransmissions.server missing_bytes.client missing_bytes.server
		handshake.state handshake.syn_retries handshake.rtt_s protocol
		requests.sent requests.answered requests.timed_out requests.cancelled requests.aborted requests.open
		close.cause close.initiator close.how close.at close.frame close.confidence close.because close.declared_by close.codes
		close.request.method close.request.host close.request.path close.request.endpoint close.request.sent close.request.frame
		close.request.waited_s close.request.phase close.request.stall
		close.timer.value_s close.timer.basis close.timer.count
		half_close.by half_close.fin_wait_1_s half_close.fin_wait_2_s half_close.close_wait_s half_close.last_ack_s half_close.total_s
		half_close.ended_by half_close.kind half_close.censored
		late_response.after_request_s late_response.after_close_s late_response.frame
		time_wait.by time_wait.from replaced_by notes`)
}

// csvRow flattens a connection. A value that is null in the contract is empty.
func csvRow(f *analyzer.Flow) []string {
	r := record{}
	r.ints(f.Stream)
	r.text(f.Source, f.Input, f.Client, f.Server, orEmpty(f.ServerName), f.RoleBasis, orEmpty(f.Vantage))
	if p := f.Process; p != nil {
		r.whole(int64(p.PID), int64(p.TID), int64(p.FD))
		r.text(orEmpty(p.Comm))
	} else {
		r.skip(4)
	}
	r.stamp(f.Opened, f.Closed)
	r.whole(int64(f.FirstFrame), int64(f.LastFrame))
	for _, p := range []*analyzer.Pair{f.Packets, &f.Bytes, f.Retransmissions, f.MissingBytes} {
		if p == nil {
			r.skip(2)
			continue
		}
		r.whole(p.Client, p.Server)
	}
	r.text(f.Handshake.State)
	if m := f.Handshake.SYNRetries; m.Known() {
		r.whole(int64(m))
	} else {
		r.skip(1)
	}
	r.seconds(f.Handshake.RTTS)
	r.text(f.Protocol)
	q := f.Requests
	r.whole(int64(q.Sent), int64(q.Answered), int64(q.TimedOut), int64(q.Cancelled), int64(q.Aborted), int64(q.Open))
	r.close(&f.Close)
	r.half(f)
	r.ints(f.ReplacedBy)
	r.text(strings.Join(f.Notes, ";"))
	return r
}

// record is a row of CSV in the making.
type record []string

func (r *record) text(values ...string) {
	for _, v := range values {
		*r = append(*r, clean(v))
	}
}

func (r *record) skip(n int) { *r = append(*r, make([]string, n)...) }

func (r *record) whole(values ...int64) {
	for _, v := range values {
		*r = append(*r, strconv.FormatInt(v, 10))
	}
}

func (r *record) ints(v *int) {
	if v == nil {
		r.skip(1)
		return
	}
	r.whole(int64(*v))
}

func (r *record) seconds(values ...*float64) {
	for _, v := range values {
		if v == nil {
			r.skip(1)
			continue
		}
		*r = append(*r, strconv.FormatFloat(*v, 'f', -1, 64))
	}
}

func (r *record) stamp(values ...analyzer.Stamp) {
	for _, v := range values {
		text, _ := v.MarshalJSON() // never fails
		*r = append(*r, strings.Trim(strings.TrimPrefix(string(text), "null"), `"`))
	}
}

func (r *record) close(c *analyzer.FlowClose) {
	r.text(c.Cause, c.Initiator, c.How)
	r.stamp(c.At)
	if c.Frame != nil {
		r.whole(int64(*c.Frame))
	} else {
		r.skip(1)
	}
	r.text(c.Confidence, c.Because, orEmpty(c.DeclaredBy), c.Codes)
	if q := c.Request; q != nil {
		r.text(orEmpty(q.Method), orEmpty(q.Host), orEmpty(q.Path), q.Endpoint)
		r.stamp(q.Sent)
		r.whole(int64(q.Frame))
		r.seconds(q.WaitedS)
		r.text(q.Phase, orEmpty(q.Stall))
	} else {
		r.skip(9)
	}
	if t := c.Timer; t != nil {
		r.seconds(&t.ValueS)
		r.text(t.Basis)
		r.whole(int64(t.Count))
	} else {
		r.skip(3)
	}
}

func (r *record) half(f *analyzer.Flow) {
	if h := f.HalfClose; h != nil {
		r.text(h.By)
		r.seconds(h.FinWait1S, h.FinWait2S, h.CloseWaitS, h.LastAckS, h.TotalS)
		r.text(h.EndedBy, orEmpty(h.Kind), strconv.FormatBool(h.Censored))
	} else {
		r.skip(9)
	}
	if l := f.LateResponse; l != nil {
		r.seconds(l.AfterRequestS, l.AfterCloseS)
		r.whole(int64(l.Frame))
	} else {
		r.skip(3)
	}
	if t := f.TimeWait; t != nil {
		r.text(t.By)
		r.stamp(t.From)
	} else {
		r.skip(2)
	}
}

// flowsCSV writes a heading and one row a connection.
func flowsCSV(w io.Writer, each EachFlow) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeads()); err != nil {
		return err
	}
	if err := each(func(f *analyzer.Flow) error { return out.Write(csvRow(f)) }); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}
