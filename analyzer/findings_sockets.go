package analyzer

import (
	"fmt"
	"slices"
)

// These findings are about sockets and the network between them.

// findLeakedCloseWait: the server holds half-closed connections longer than
// the client's kernel waits.
func (b *builder) findLeakedCloseWait(*Report) []Finding {
	flows := b.special["long-close-wait"]
	if len(flows) == 0 {
		return nil
	}
	return []Finding{b.with(Finding{ID: "server-leaks-close-wait", Severity: SeverityHigh,
		Title:    "A server keeps sockets in CLOSE-WAIT",
		Text:     fmt.Sprintf("%s stayed half-closed for %s or longer after the client's FIN: longer than the client's kernel keeps its end (tcp_fin_timeout).", plural(len(flows), "connection"), seconds(b.res.opts.FinTimeout)),
		Advice:   "The server must close what its client has closed: look for handlers that never return, and for sockets that are read to the end but not closed. A restart frees them; tcp_fin_timeout does not help, it counts on the other side.",
		Disproof: "The server keeps the half-open connection on purpose (a shutdown by the client, long polling).", Count: len(flows)}, flows)}
}

// findClientCloseWait: clients do not close what their server has closed.
func (b *builder) findClientCloseWait(*Report) []Finding {
	flows := b.special["client-close-wait"]
	if len(flows) == 0 {
		return nil
	}
	return []Finding{b.with(Finding{ID: "client-leaks-close-wait", Severity: SeverityMedium,
		Title:    "A client keeps sockets in CLOSE-WAIT",
		Text:     fmt.Sprintf("%s stayed half-closed for %s or longer after the server's FIN: the client never closed its end.", plural(len(flows), "connection"), seconds(b.res.opts.FinTimeout)),
		Advice:   "The client's pool must look at idle connections: read the server's FIN and close (Go does; others evict idle connections or check before use), or close idle connections earlier than the server does.",
		Disproof: "The client keeps the half-open connection on purpose.", Count: len(flows)}, flows)}
}

// findDials: dials fail.
func (b *builder) findDials(r *Report) []Finding {
	var list []Finding
	for _, d := range [...]struct {
		cause                  Cause
		id, what, text, advice string
	}{
		{CauseConnectTimeout, "dials-time-out", "does not answer", "no SYN was answered", "Check the path: a firewall that drops, a full accept queue (nstat TcpExtListenOverflows on the server), a host that is down; give the client a dial timeout of its own, shorter than the request's."},
		{CauseConnectRefused, "dials-refused", "refuses connections", "a RST answered the SYN", "Nothing listens on the port: the server is down or restarting, or the address is wrong."},
	} {
		for _, p := range b.significant(r, func(p *Peer) int { return p.Causes[d.cause.String()] }) {
			n := p.Causes[d.cause.String()]
			list = append(list, b.with(Finding{ID: d.id, Severity: SeverityHigh, Title: p.called() + " " + d.what,
				Text: fmt.Sprintf("%s to %s failed: %s.", plural(n, "connection"), p.called(), d.text), Advice: d.advice,
				Disproof: "The attempts are a health check or a scan that expects it.", Server: p.Server, Count: n}, b.flowsOf(p, d.cause)))
		}
	}
	return list
}

// findNetwork: timeouts and failures where the network lost packets.
func (b *builder) findNetwork(r *Report) []Finding {
	failed := b.all.streams[CauseNetworkFailure]
	lost := b.special["network"]
	n := len(lost) + b.all.causes[CauseNetworkFailure]
	if n < 3 {
		return nil
	}
	return []Finding{b.with(Finding{ID: "network-loses-packets", Severity: SeverityHigh, Title: "The network loses packets, or drops connections",
		Text:     networkText(len(lost), b.all.causes[CauseNetworkFailure]),
		Advice:   "Do not blame the server for these: look for loss on the path (capture on both hosts and give both to finwait), stateful firewalls that forget idle connections, MTU black holes.",
		Disproof: "The capture itself lost packets (see data quality), so that retransmissions are only apparent.", Count: n}, append(slices.Clone(lost), failed...))}
}

// networkText says what failed for the network's sake.
func networkText(timeouts, failed int) string {
	s := ""
	if timeouts > 0 {
		s = fmt.Sprintf("%s while the request or its response was being retransmitted", plural(timeouts, "timeout"))
	}
	if failed > 0 {
		if s != "" {
			s += "; "
		}
		s += fmt.Sprintf("%s failed outright (an ICMP error, or retransmissions without an answer)", plural(failed, "connection"))
	}
	return s + "."
}

// findWindow: requests given up with a closed receive window.
func (b *builder) findWindow(*Report) []Finding {
	flows := b.special["window"]
	if len(flows) < 3 {
		return nil
	}
	return []Finding{b.with(Finding{ID: "receive-window-closed", Severity: SeverityMedium, Title: "A receiver does not read",
		Text: fmt.Sprintf("%s were given up while a receive window was zero: one side had stopped reading.", plural(len(flows), "request")) +
			queued(len(b.special["queued"])),
		Advice:   "Look at the side that announced the zero window: its process is blocked or too slow to take the bytes.",
		Disproof: "The window opened again long before the timeout.", Count: len(flows)}, flows)}
}

// queued says of how many closes the time is not known.
func queued(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" The FIN of %d waited behind bytes that could not be sent: it shows neither when the client closed nor whether its timer ran out; the client's log does.", n)
}

// ephemeralPorts are the local ports that Linux gives out for one server by
// default (net.ipv4.ip_local_port_range, 32768 to 60999).
const ephemeralPorts = 60999 - 32768 + 1

// findPortRange: sockets in TIME-WAIT use up the client's ports.
func (b *builder) findPortRange(r *Report) []Finding {
	var list []Finding
	for _, p := range b.significant(r, func(p *Peer) int { return int(p.TimeWaitPeak + p.ConcurrencyPeak) }) {
		if held := int(p.TimeWaitPeak + p.ConcurrencyPeak); held*2 >= ephemeralPorts {
			list = append(list, Finding{ID: "ports-run-out", Severity: SeverityHigh,
				Title:    "TIME-WAIT nears the client's port range for " + p.called(),
				Text:     fmt.Sprintf("Up to %d sockets in TIME-WAIT and %d open ones to %s, of %d ephemeral ports.", p.TimeWaitPeak, p.ConcurrencyPeak, p.called(), ephemeralPorts),
				Advice:   "Reuse connections (see the other findings): that is the cure. tcp_tw_reuse is safe for clients and buys time; tcp_tw_recycle is gone from Linux for good reasons.",
				Disproof: "The connections come from several client addresses.", Server: p.Server, Count: held, Streams: []int{}})
		}
	}
	return list
}

// findChallengeACK: a port was taken again while the server still held the old
// connection.
func (b *builder) findChallengeACK(*Report) []Finding {
	flows := b.special["challenge-ack"]
	if len(flows) == 0 {
		return nil
	}
	return []Finding{b.with(Finding{ID: "port-reused-into-close-wait", Severity: SeverityHigh,
		Title:    "New connections meet old ones in CLOSE-WAIT",
		Text:     fmt.Sprintf("%s from a port whose old connection the server still held in CLOSE-WAIT got an ACK instead of a SYN-ACK, and the dial stalled.", plural(len(flows), "SYN")),
		Advice:   "Make the server close half-closed connections; until then a longer tcp_fin_timeout on the client keeps the port from being taken again.",
		Disproof: "The server answers the next SYN.", Count: len(flows)}, flows)}
}
