package analyzer

import (
	"encoding/json"
	"strconv"
)

// Measured is a number that the inputs may not show: negative is not known, and
// null in JSON.
type Measured int

// notMeasured is what no input shows.
const notMeasured Measured = -1

// Known reports whether the inputs show m.
func (m Measured) Known() bool { return m >= 0 }

// MarshalJSON writes the number or null.
func (m Measured) MarshalJSON() ([]byte, error) {
	if !m.Known() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(m), 10), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Measured) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*m = notMeasured
		return nil
	}
	return json.Unmarshal(b, (*int)(m))
}

// omit takes out of the report what its inputs do not show: a log shows no
// states of the kernel's sockets, and without times nothing that stood at once.
func (b *builder) omit(r *Report) {
	packets, times := false, false
	for _, v := range b.res.views {
		packets = packets || v.log == nil
		times = times || v.start.Known()
	}
	if packets {
		return
	}
	r.HalfClose.Client.Peak.Count, r.HalfClose.Server.Peak.Count = notMeasured, notMeasured
	for i := range r.Peers {
		p := &r.Peers[i]
		p.FinWait2Peak, p.TimeWaitPeak = notMeasured, notMeasured
		if !times {
			p.InFlightPeak, p.ConcurrencyPeak = notMeasured, notMeasured
		}
	}
	for i := range r.Clients {
		r.Clients[i].FinWait2Peak, r.Clients[i].TimeWaitPeak = notMeasured, notMeasured
	}
}

// omitPackets takes out of a flow that only a log shows what only packets show.
func (f *Flow) omitPackets() {
	f.Packets, f.Retransmissions, f.MissingBytes = nil, nil, nil
	f.Handshake.SYNRetries = notMeasured
}

// MarshalJSON writes null for the client of a timer that only all together show.
func (t Timer) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ValueS  float64  `json:"value_s"`
		SpreadS float64  `json:"spread_s"`
		Basis   string   `json:"basis"`
		Count   int      `json:"count"`
		Client  *string  `json:"client"`
		Servers []string `json:"servers"`
		Meaning string   `json:"meaning"`
	}{t.ValueS, t.SpreadS, t.Basis, t.Count, text(t.Client), t.Servers, t.Meaning})
}

// MarshalJSON writes null for what a finding is not about.
func (f Finding) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID       string  `json:"id"`
		Severity string  `json:"severity"`
		Title    string  `json:"title"`
		Text     string  `json:"text"`
		Advice   string  `json:"advice"`
		Disproof string  `json:"disproof"`
		Server   *string `json:"server"`
		Endpoint *string `json:"endpoint"`
		Count    int     `json:"count"`
		Streams  []int   `json:"streams"`
		Filter   *string `json:"filter"`
	}{f.ID, f.Severity, f.Title, f.Text, f.Advice, f.Disproof, text(f.Server), text(f.Endpoint), f.Count, f.Streams, text(f.Filter)})
}

// MarshalJSON writes null for the packets of a log.
func (in Input) MarshalJSON() ([]byte, error) {
	row := struct {
		Path      string   `json:"path"`
		Kind      string   `json:"kind"`
		Bytes     int64    `json:"bytes"`
		Packets   *int64   `json:"packets"`
		Lines     int64    `json:"lines"`
		Start     Stamp    `json:"start"`
		End       Stamp    `json:"end"`
		LinkTypes []string `json:"link_types"`
		Snaplen   *int     `json:"snaplen"`
		Host      *string  `json:"host"`
	}{in.Path, in.Kind, in.Bytes, &in.Packets, in.Lines, in.Start, in.End, in.LinkTypes, in.Snaplen, in.Host}
	if in.Kind == "strace" {
		row.Packets = nil
	}
	return json.Marshal(row)
}
