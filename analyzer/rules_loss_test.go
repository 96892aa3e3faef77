package analyzer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// closeUnseen makes r one whose FIN is not in the input; its acknowledgement is.
func closeUnseen(r *conn.Record) {
	r.Marks |= conn.MarkCloseUnseen
	r.FINAcked = r.CloseAt
}

// requestUnseen makes r one whose only request is known by its acknowledgement.
func requestUnseen(r *conn.Record) {
	r.Marks |= conn.MarkRequestUnseen
	r.ClientBytes, r.ClientMissing = 0, 100
}

// TestUnseen judges closes of which the input lacks a part, beside a timer of
// 500 ms that eight others show.
func TestUnseen(t *testing.T) {
	const client = "10.0.0.1:40000"
	reused := func(wait float64) conn.Record { // its second request
		r := plain(client, 1, 1+wait)
		r.Sent = 2
		outstanding(&r, 2)
		return r
	}
	for _, c := range []struct {
		name   string
		record conn.Record
		change func(*conn.Record)
		want   string // cause and confidence
		says   string
	}{
		{"the FIN, acknowledged after 40 ms", waited(client, 1, 0.54), closeUnseen, "request-timeout medium", "FIN is not in the input"},
		{"an acknowledgement that comes too late for it", waited(client, 1, 0.75), closeUnseen, "unknown low", "FIN is not in the input"},
		{"before the timer", waited(client, 1, 0.4), closeUnseen, "unknown low", ""},
		{"the FIN, seen only by late data", waited(client, 1, 2), func(r *conn.Record) {
			closeUnseen(r)
			r.FINAcked = event.NoTime
		}, "request-timeout low", ""},
		{"the request, acknowledged after 40 ms", reused(0.46), requestUnseen, "request-timeout medium", "request is not in the input"},
		{"longer than the timer", reused(0.54), requestUnseen, "unknown low", "request is not in the input"},
		{"of a new connection, which dates from the SYN", waited(client, 1, 0.499), requestUnseen, "request-timeout medium", "the SYN"},
		{"a FIN that was seen, a little late", waited(client, 1, 0.54), nil, "request-cancelled medium", ""},

		{"idle, and the FIN is missing", plain(client, 1, 5), closeUnseen, "client-idle-close medium", ""},
		{"idle, and nothing tells when it closed", plain(client, 1, 5), func(r *conn.Record) { r.Marks |= conn.MarkCloseUnseen }, "client-idle-close low", ""},
		{"behind a head that was cut", plain(client, 1, 5), func(r *conn.Record) { r.Marks |= conn.MarkHeadCut }, "client-idle-close medium", ""},
		{"the server, at once behind a head that was cut", plain(client, 1, 0.003), func(r *conn.Record) {
			byServer(r, conn.HowFIN)
			r.Marks |= conn.MarkHeadCut
		}, "declared-close low", "head"},
		{"the server, at once", plain(client, 1, 0.003), func(r *conn.Record) { byServer(r, conn.HowFIN) }, "server-idle-close medium", ""},
		{"joined in the middle, the server's FIN crosses the request", waited(client, 1, 0.01), func(r *conn.Record) {
			byServer(r, conn.HowFIN)
			r.Handshake = conn.HandshakeMidStream
			r.Marks |= conn.MarkMidStream | conn.MarkRequestUnread
		}, "idle-race high", "crossed"},
		{"its first request, unread", waited(client, 1, 0.01), func(r *conn.Record) {
			byServer(r, conn.HowFIN)
			r.Marks |= conn.MarkRequestUnread
		}, "server-aborted-request high", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMade(Options{})
			for i := range 8 {
				r := waited(fmt.Sprintf("10.0.0.1:%d", 50000+i), 10+float64(i)/9, 0.5)
				if i%2 == 1 { // half of them on connections that stood ready
					r = plain(r.Client.String(), 10+float64(i)/9, 1.5)
					r.Sent = 2
					outstanding(&r, 11+float64(i)/9)
				} else {
					r.CloseAt -= event.Time(time.Millisecond)
				}
				m.add(r)
			}
			if c.change != nil {
				c.change(&c.record)
			}
			m.add(c.record)
			flows, _ := m.flows(t)
			got := flows[8].Close
			if was := got.Cause + " " + got.Confidence; was != c.want || !strings.Contains(got.Because, c.says) {
				t.Errorf("%s (%s), want %s %q", was, got.Because, c.want, c.says)
			}
			for i := range 8 {
				if got := flows[i].Close; got.Cause != "request-timeout" || got.Confidence != "high" {
					t.Errorf("beside it: %s %s (%s)", got.Cause, got.Confidence, got.Because)
				}
			}
		})
	}
}

// TestTaken does not call open what another connection has taken the place of.
func TestTaken(t *testing.T) {
	m := newMade(Options{})
	r := plain("10.0.0.1:40000", 1, 5)
	notClosed(&r)
	r.Marks |= conn.MarkClosedUnseen
	m.add(r)
	flows, _ := m.flows(t)
	if got := flows[0].Close; got.Cause != "unknown" || got.Confidence != "low" || !strings.Contains(got.Because, "same addresses and ports") {
		t.Errorf("%s %s (%s)", got.Cause, got.Confidence, got.Because)
	}
}

// TestOpen doubts that a connection is open where the input lacks packets.
func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name               string
		missing, elsewhere int64
		want               string
	}{
		{"nothing is missing", 0, 0, "high"},
		{"packets of another connection", 0, 100, "medium"},
		{"packets of this one", 100, 0, "low"},
	} {
		m := newMade(Options{})
		r := plain("10.0.0.1:40000", 1, 5)
		notClosed(&r)
		r.ServerMissing = c.missing
		m.add(r)
		other := plain("10.0.0.1:40001", 1, 5)
		other.ServerMissing = c.elsewhere
		m.add(other)
		flows, _ := m.flows(t)
		if got := flows[0].Close; got.Cause != "open" || got.Confidence != c.want {
			t.Errorf("%s: %s %s (%s), want %s", c.name, got.Cause, got.Confidence, got.Because, c.want)
		}
	}
}

// TestUnseenTold: notes and evidence say which segments of the close the input
// lacks.
func TestUnseenTold(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*conn.Record)
		note, says string // "" none of the notes
		finWait2   bool
	}{
		{"nothing", func(*conn.Record) {}, "", "fin: frame ", true},
		{"the FIN", closeUnseen, "fin-unseen", "sign of the missing fin: frame ", true},
		{"its ACK", func(r *conn.Record) { r.ACKMissed = true }, "ack-unseen", "fin: frame ", true},
		{"all of the peer", func(r *conn.Record) { r.ACKMissed, r.FINAcked = true, event.NoTime }, "", "fin: frame ", false},
	} {
		m := newMade(Options{})
		r := plain("10.0.0.1:40000", 1, 5)
		r.FINAcked, r.PeerFIN, r.HalfEnd, r.HalfFrame, r.EndedBy = r.CloseAt, r.CloseAt+2e9, r.CloseAt+2e9, r.CloseFrame+1, conn.EndedByFIN
		c.change(&r)
		m.add(r)
		flows, _ := m.flows(t)
		f := &flows[0]
		told := slices.ContainsFunc(f.Close.Evidence, func(e string) bool { return strings.HasPrefix(e, c.says) })
		if notes := strings.Join(f.Notes, " "); notes != c.note || !told {
			t.Errorf("%s: notes %q, evidence %q; want %q and %q", c.name, notes, f.Close.Evidence, c.note, c.says)
		}
		if h := f.HalfClose; (h.FinWait1S != nil) != (c.name == "nothing") || (h.FinWait2S != nil) != c.finWait2 {
			t.Errorf("%s: FIN-WAIT-1 known %v, FIN-WAIT-2 %v", c.name, h.FinWait1S != nil, h.FinWait2S != nil)
		}
	}
}
