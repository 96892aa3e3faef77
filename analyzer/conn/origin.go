package conn

import "finwait/analyzer/event"

// origin is the sequence number that tells a SYN which begins another
// connection from a repeated one. The zero value is not known yet.
type origin struct {
	seq   event.Seq
	known bool
}

// begins reports whether a SYN with the number seq begins another connection.
func (o origin) begins(seq event.Seq) bool { return o.known && o.seq != seq }

// number notes what s, sent by from, says of the origins, by Wireshark's rules
// (packet-tcp.c, base_seq): it is the number of the SYN, else the one before
// the first that an end sent or had acknowledged. A SYN-ACK with another number
// replaces it; quoted and broken segments tell nothing.
func number(s *event.Segment, from, to *origin) {
	if from.known && to.known && s.Flags&event.SYN == 0 {
		return
	}
	whole := s.Kind == event.SegmentTCP && s.Notes&event.EndUnknown == 0
	switch {
	case from.known && s.Flags.Has(event.SYN|event.ACK), whole && !from.known && s.Flags&event.SYN != 0:
		*from = origin{s.Seq, true}
	case whole && !from.known:
		*from = origin{event.SeqOf(s.Seq.Uint32() - 1), true}
	}
	if whole && !to.known && s.Flags&event.ACK != 0 {
		*to = origin{event.SeqOf(s.Ack.Uint32() - 1), true}
	}
}

// Opens reports whether s, of a 4-tuple that was not seen before, begins a
// connection: everything does but an ICMP error that quotes only the ports.
// (Wireshark gives that no stream; the RFC 792 minimum is enough to find one.)
func Opens(s *event.Segment) bool {
	return s.Kind == event.SegmentTCP || s.Notes&event.CutByCapture == 0
}

// dials reports whether s is a SYN. One that an ICMP error quotes counts, for
// the error may be all that the capture holds of the dial.
func dials(s *event.Segment) bool {
	return s.Flags&(event.SYN|event.ACK) == event.SYN && Opens(s)
}

// origins are those of the client and the server of r.
func (r *Record) origins() (client, server origin) {
	client = origin{event.SeqOf(r.ClientBase), r.Based == event.Client || r.Based == event.Both}
	server = origin{event.SeqOf(r.ServerBase), r.Based == event.Server || r.Based == event.Both}
	return client, server
}

// setOrigins is the inverse of origins.
func (r *Record) setOrigins(client, server origin) {
	r.ClientBase, r.ServerBase = client.seq.Uint32(), server.seq.Uint32()
	switch {
	case client.known && server.known:
		r.Based = event.Both
	case client.known:
		r.Based = event.Client
	case server.known:
		r.Based = event.Server
	default:
		r.Based = event.NoSide
	}
}
