package analyzer

import (
	"strings"
	"testing"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// byServer makes the server close first.
func byServer(r *conn.Record, how conn.How) {
	r.FirstBy, r.Initiator, r.How = event.Server, event.Server, how
}

// notClosed makes r stay open.
func notClosed(r *conn.Record) {
	r.FirstBy, r.Initiator, r.How = event.NoSide, event.NoSide, conn.HowNone
	r.CloseAt, r.LastClose, r.CloseFrame = event.NoTime, event.NoTime, 0
	r.Marks &^= conn.MarkClosed
}

// TestVerdict judges single connections: one behaviour each, and beside it what
// only looks like it.
func TestVerdict(t *testing.T) {
	const client = "10.0.0.1:40000"
	for _, c := range []struct {
		name   string
		record conn.Record
		change func(r *conn.Record)
		want   string // cause and confidence
		says   string // part of the reason
	}{
		{"nothing outstanding, at once", plain(client, 1, 0.003), nil, "client-no-reuse high", "allowed reuse"},
		{"just within the limit of reuse", plain(client, 1, 0.101), nil, "client-no-reuse high", ""},
		{"at the server, long after the response", plain(client, 1, 0.404), func(r *conn.Record) {
			r.RTT, r.SYNRTT = 80*time.Millisecond, 100*time.Microsecond
		}, "client-idle-close high", "idle for"},
		{"at the server, right behind the acknowledgement of the response", plain(client, 1, 0.404), func(r *conn.Record) {
			r.RTT, r.SYNRTT, r.Prompt = 80*time.Millisecond, 100*time.Microsecond, true
		}, "client-no-reuse high", ""},
		{"at the client, right behind it: the kernel's acknowledgement", plain(client, 1, 0.404), func(r *conn.Record) {
			r.RTT, r.SYNRTT, r.Prompt = 80*time.Millisecond, 80*time.Millisecond, true
		}, "client-idle-close high", "idle for"},
		{"just beyond it", plain(client, 1, 0.104), nil, "client-idle-close high", "idle for"},
		{"nothing outstanding, after a while", plain(client, 1, 90), nil, "client-idle-close high", "idle for"},
		{"the server, after a while", plain(client, 1, 5), func(r *conn.Record) { byServer(r, conn.HowFIN) },
			"server-idle-close high", "idle for"},
		{"the server, at once", plain(client, 1, 0.003), func(r *conn.Record) { byServer(r, conn.HowFIN) },
			"server-idle-close medium", ""},
		{"announced by the server", plain(client, 1, 0.003), func(r *conn.Record) {
			byServer(r, conn.HowFIN)
			r.DeclaredBy, r.DeclaredText = event.Server, "Connection: close"
		}, "declared-close high", "Connection: close"},
		{"announced by the server, closed by the client", plain(client, 1, 0.003), func(r *conn.Record) {
			r.DeclaredBy, r.DeclaredText = event.Server, "Connection: close"
		}, "declared-close high", ""},
		{"announced, but a request was outstanding", waited(client, 1, 0.3127), func(r *conn.Record) {
			r.DeclaredBy, r.DeclaredText = event.Client, "Connection: close"
		}, "request-cancelled", ""},

		{"outstanding, no timer in sight", waited(client, 1, 0.3127), nil, "request-cancelled medium", "no timer"},
		{"behind bytes that could not be sent, at a round value", waited(client, 1, 0.5), func(r *conn.Record) {
			r.Phase, r.Queued = conn.PhaseSendingRequest, true
		}, "request-cancelled low", "waited behind bytes"},
		{"outstanding, one round value", waited(client, 1, 0.5), nil, "request-timeout low", "500 ms"},
		{"outstanding when the server closes", waited(client, 1, 0.3), func(r *conn.Record) { byServer(r, conn.HowFIN) },
			"server-aborted-request high", "no complete response"},
		{"outstanding when the server resets", waited(client, 1, 0.3), func(r *conn.Record) { byServer(r, conn.HowRST) },
			"server-aborted-request high", "rst"},
		{"a request behind the server's FIN", waited(client, 1, 0.3), func(r *conn.Record) {
			byServer(r, conn.HowFIN)
			r.Sent, r.Answered = 2, 1
			r.Marks |= conn.MarkDataAfterClose
		}, "idle-race high", ""},
		{"a request that the server's FIN does not acknowledge", waited(client, 1, 0.3), func(r *conn.Record) {
			byServer(r, conn.HowFIN)
			r.Sent, r.Answered = 2, 1
			r.Marks |= conn.MarkRequestUnread
		}, "idle-race high", "crossed"},
		{"the first request is no race on an idle connection", waited(client, 1, 0.3), func(r *conn.Record) {
			byServer(r, conn.HowFIN)
			r.Marks |= conn.MarkRequestUnread
		}, "server-aborted-request high", ""},
		{"a request into a close that the client knew of", waited(client, 1, 0.3), func(r *conn.Record) {
			byServer(r, conn.HowFIN)
			r.Sent, r.Answered = 2, 1
			r.Marks |= conn.MarkSentIntoClosed
		}, "server-idle-close high", ""},

		{"no byte", plain(client, 1, 0.003), func(r *conn.Record) {
			r.Sent, r.Answered, r.ClientBytes, r.ServerBytes, r.Protocol = 0, 0, 0, 0, exchange.ProtocolNone
		}, "no-data high", ""},
		{"a greeting only", plain(client, 1, 0.003), func(r *conn.Record) {
			r.Sent, r.Answered, r.ClientBytes, r.Protocol = 0, 0, 0, exchange.ProtocolOpaque
		}, "no-data medium", "from the server"},
		{"no byte in the input, though some passed", plain(client, 1, 0.003), func(r *conn.Record) {
			r.Sent, r.Answered, r.ClientBytes, r.ServerBytes, r.Protocol = 0, 0, 0, 0, exchange.ProtocolNone
			r.ClientMissing = 1000
		}, "unknown low", "not in the input"},

		{"open", plain(client, 1, 5), notClosed, "open high", "within the input"},
		{"refused", plain(client, 1, 0.001), func(r *conn.Record) {
			byServer(r, conn.HowRST)
			r.Handshake, r.Sent, r.Answered = conn.HandshakeRefused, 0, 0
		}, "connect-refused high", "RST"},
		{"unreachable", plain(client, 1, 0.001), func(r *conn.Record) {
			notClosed(r)
			r.Handshake, r.Sent, r.Answered = conn.HandshakeUnreachable, 0, 0
		}, "network-failure high", "ICMP"},
		{"unanswered", plain(client, 1, 3), func(r *conn.Record) {
			notClosed(r)
			r.Handshake, r.SYNRetries, r.Sent, r.Answered = conn.HandshakeUnanswered, 2, 0, 0
		}, "connect-timeout high", "3 SYNs"},
		{"unanswered as yet", plain(client, 999.5, 0), func(r *conn.Record) {
			notClosed(r)
			r.Handshake, r.Sent, r.Answered = conn.HandshakeUnanswered, 0, 0
		}, "open medium", "before the next retry"},
		{"answered too late", plain(client, 1, 3), func(r *conn.Record) {
			r.Handshake, r.How, r.Sent, r.Answered = conn.HandshakeUnanswered, conn.HowRST, 0, 0
			r.Marks |= conn.MarkAnsweredLate
			r.SYNRTT = 3 * time.Second
		}, "connect-timeout high", "given up"},
		{"answered late, as the server sees it", plain(client, 1, 1.1), func(r *conn.Record) {
			r.Handshake, r.How, r.Sent, r.Answered = conn.HandshakeUnanswered, conn.HowRST, 0, 0
			r.Marks |= conn.MarkAnsweredLate
			r.SYNRTT = 50 * time.Microsecond
		}, "connect-timeout medium", "a repetition"},
		{"a RST long after an unanswered SYN", plain(client, 1, 3), func(r *conn.Record) {
			r.Handshake, r.How, r.Sent, r.Answered = conn.HandshakeUnanswered, conn.HowRST, 0, 0
		}, "connect-timeout medium", "given up"},
		{"a RST right after an unanswered SYN", plain(client, 1, 0.08), func(r *conn.Record) {
			r.Handshake, r.How, r.Sent, r.Answered = conn.HandshakeUnanswered, conn.HowRST, 0, 0
		}, "unknown low", "port scan"},
		{"the kernel gave up", waited(client, 1, 900), func(r *conn.Record) { r.Marks |= conn.MarkGaveUp },
			"network-failure high", "gave up"},

		{"the body unread", waited(client, 1, 0.2), func(r *conn.Record) {
			r.Phase, r.ResponseStart, r.ResponseEnd = conn.PhaseReadingBody, r.CloseAt.Add(-time.Millisecond), r.CloseAt.Add(-time.Millisecond)
		}, "client-no-reuse medium", "unread"},
		{"the body read for a while", waited(client, 1, 0.2), func(r *conn.Record) {
			r.Phase, r.ResponseStart, r.ResponseEnd = conn.PhaseReadingBody, r.CloseAt.Add(-50*time.Millisecond), r.CloseAt.Add(-50*time.Millisecond)
		}, "request-timeout", ""},
		{"shut down at once, and read on", waited(client, 1, 0.001), func(r *conn.Record) {
			r.HalfKind, r.Late = conn.HalfHeld, r.CloseAt.Add(time.Second)
		}, "client-no-reuse medium", "shutdown"},

		{"a websocket, just after a message", plain(client, 1, 5), func(r *conn.Record) {
			r.Protocol, r.ServerLastByte = exchange.ProtocolWebSocket, r.CloseAt.Add(-2*time.Millisecond)
		}, "client-idle-close low", "2 ms after the last byte"},
		{"a websocket that the server closed", plain(client, 1, 5), func(r *conn.Record) {
			r.Protocol, r.ClientLastByte, r.FirstBy, r.Initiator = exchange.ProtocolWebSocket, r.CloseAt.Add(-time.Second), event.Server, event.Server
		}, "server-idle-close high", "idle for 999.9 ms"},
		{"a ping without a pong", waited(client, 1, 0.5), func(r *conn.Record) {
			r.Protocol, r.Sent, r.Answered = exchange.ProtocolWebSocket, 2, 1
		}, "request-timeout", "no pong"},
		{"TLS: the server's goodbye first", plain(client, 1, 5), func(r *conn.Record) {
			r.Protocol, r.ServerNotify = exchange.ProtocolTLS, r.CloseAt.Add(-2*time.Millisecond)
		}, "server-idle-close high", "close_notify"},
		{"TLS: the client's goodbye first", plain(client, 1, 5), func(r *conn.Record) {
			r.Protocol, r.ServerNotify, r.ClientNotify = exchange.ProtocolTLS, r.CloseAt.Add(-1*time.Millisecond), r.CloseAt.Add(-2*time.Millisecond)
		}, "client-idle-close medium", ""},
		{"TLS: the server's goodbye while a request waits", waited(client, 1, 0.3), func(r *conn.Record) {
			r.Protocol, r.ServerNotify = exchange.ProtocolTLS, r.CloseAt.Add(-2*time.Millisecond)
		}, "server-aborted-request medium", ""},
		{"TLS: no request at all", plain(client, 1, 0.01), func(r *conn.Record) {
			r.Protocol, r.Sent, r.Answered = exchange.ProtocolTLS, 0, 0
		}, "no-data high", "handshake"},

		{"the server's direction alone", waited(client, 1, 0.3), func(r *conn.Record) {
			r.Marks |= conn.MarkOneSided
			r.ClientPackets = 0
		}, "unknown low", "one direction"},
		{"the client's alone, which acknowledges bytes of the server", waited(client, 1, 0.3), func(r *conn.Record) {
			r.Marks |= conn.MarkOneSided
			r.ServerPackets, r.ServerMissing = 0, 200
		}, "unknown low", "one direction"},
		{"the client's alone, which acknowledges nothing", waited(client, 1, 0.3), func(r *conn.Record) {
			r.Marks |= conn.MarkOneSided
			r.ServerPackets = 0
		}, "request-timeout low", "no response"},
		{"the server's alone, open", plain(client, 1, 5), func(r *conn.Record) {
			notClosed(r)
			r.Marks |= conn.MarkOneSided
			r.ClientPackets = 0
		}, "unknown low", "other end"},
		{"joined late, silent for long", plain(client, 0, 30), func(r *conn.Record) {
			r.Marks |= conn.MarkMidStream
			r.Handshake, r.Sent, r.Answered, r.ClientBytes, r.ServerBytes, r.Protocol = conn.HandshakeMidStream, 0, 0, 0, 0, exchange.ProtocolNone
		}, "client-idle-close low", "silent"},
		{"joined late, closed soon", plain(client, 0, 0.5), func(r *conn.Record) {
			r.Marks |= conn.MarkMidStream
			r.Handshake, r.Sent, r.Answered, r.ClientBytes, r.ServerBytes, r.Protocol = conn.HandshakeMidStream, 0, 0, 0, 0, exchange.ProtocolNone
		}, "unknown low", "inside the connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMade(Options{})
			if c.change != nil {
				c.change(&c.record)
			}
			m.add(c.record)
			flows, _ := m.flows(t)
			got := flows[0].Close
			cause, confidence, _ := strings.Cut(c.want, " ")
			if got.Cause != cause || confidence != "" && got.Confidence != confidence || !strings.Contains(got.Because, c.says) {
				t.Errorf("%s %s (%s), want %s %q", got.Cause, got.Confidence, got.Because, c.want, c.says)
			}
			if got.Because == "" {
				t.Error("no reason")
			}
		})
	}
}
