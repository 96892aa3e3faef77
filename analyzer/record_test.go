package analyzer

import (
	"net/netip"
	"testing"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// The tests of the conclusions start from finished records: what the packets
// showed is given, what follows from it is asked.

// begin is when the input of a made begins.
const begin = event.Time(1_800_000_000e9)

// sec is a moment so many seconds after begin.
func sec(s float64) event.Time { return begin + event.Time(s*1e9) }

// ends parses an address and port.
func ends(s string) event.Endpoint { return event.EndpointOf(netip.MustParseAddrPort(s)) }

// made is an analysis whose connections are given as records.
type made struct {
	a     *Analyzer
	v     *view
	frame uint32
}

// newMade is made with one view that lasts for 1000 seconds.
func newMade(opts Options) *made {
	m := &made{a: New(opts)}
	m.newView()
	return m
}

// newView goes on with the capture of another host.
func (m *made) newView() {
	m.v = m.a.views[m.a.NewView()]
	m.v.start, m.v.end, m.v.answers = begin, sec(1000), true
	m.a.inputs = append(m.a.inputs, event.Input{Path: "made.pcap", Kind: "pcap", Start: begin, End: sec(1000)})
}

// name gives a word a number, as the parsers do.
func (m *made) name(word string) exchange.NameID { return m.v.shards[0].names.ID([]byte(word)) }

// add adds a connection and numbers its frames.
func (m *made) add(r conn.Record) {
	r.Input = m.v.input
	r.FirstFrame, r.RequestFrame, r.CloseFrame = m.frame+1, m.frame+2, m.frame+3
	m.frame += 4
	r.LastFrame = m.frame
	m.v.shards[0].records.add(&r)
}

// flows concludes.
func (m *made) flows(t *testing.T) ([]Flow, *Report) {
	t.Helper()
	res := m.a.Finish()
	var list []Flow
	if err := res.Flows(func(f *Flow) error { list = append(list, *f); return nil }); err != nil {
		t.Fatal(err)
	}
	return list, res.Report()
}

// plain is a connection of HTTP/1.1 that was opened at a time, closed by the
// client with a FIN after a while, and had carried one answered request at
// once. The round trip takes 100 us, most of it beyond the capture point: it
// stood at the client.
func plain(client string, opened, lasted float64) conn.Record {
	no := event.NoTime
	end := sec(opened + lasted)
	return conn.Record{
		Client: ends(client), Server: ends("10.0.0.2:80"), Basis: conn.BasisSYN, Handshake: conn.HandshakeComplete,
		Protocol: exchange.ProtocolHTTP1, Opened: sec(opened), Last: end, LastClose: end, RTT: 100 * time.Microsecond, SYNRTT: 95 * time.Microsecond,
		ClientPackets: 5, ServerPackets: 4, ClientBytes: 100, ServerBytes: 200,
		ClientLastByte: sec(opened + 0.001), ServerLastByte: sec(opened + 0.002),
		Initiator: event.Client, FirstBy: event.Client, How: conn.HowFIN, CloseAt: end,
		FINAcked: no, PeerFIN: no, PeerAcked: no, HalfEnd: no, PeerSpoke: no, LateData: no, TimeWaitAt: no,
		Sent: 1, Answered: 1, RequestStart: sec(opened + 0.001), RequestEnd: sec(opened + 0.001),
		ResponseStart: sec(opened + 0.002), ResponseEnd: sec(opened + 0.002),
		Late: no, LateEnd: no, ClientNotify: no, ServerNotify: no,
		Marks: conn.MarkClosed,
	}
}

// waited is such a connection whose only request, sent 1 ms after the SYN, was
// outstanding for so long when the client closed.
func waited(client string, opened, wait float64) conn.Record {
	r := plain(client, opened, 0.001+wait)
	outstanding(&r, opened+0.001)
	return r
}

// outstanding gives r a request that was sent at a time and never answered.
func outstanding(r *conn.Record, at float64) {
	r.Outstanding, r.Phase = true, conn.PhaseAwaitingHeaders
	r.RequestStart, r.RequestEnd, r.ClientLastByte = sec(at), sec(at), sec(at)
	r.ResponseStart, r.ResponseEnd, r.ServerLastByte = event.NoTime, event.NoTime, event.NoTime
	r.Answered, r.Open, r.ServerBytes = r.Sent-1, 1, 0
	r.Marks |= conn.MarkRequestWhole
}
