package analyzer

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// These rules are about connections that were never established, or that
// nobody closed.

// refused: the SYN was answered by a RST.
func (f *facts) refused() bool {
	if f.Handshake != conn.HandshakeRefused {
		return false
	}
	return f.conclude(CauseConnectRefused, stat.ConfidenceHigh, "a RST answered the SYN: nothing listens there, or a firewall rejects it")
}

// unreachable: an ICMP error answered the SYN.
func (f *facts) unreachable() bool {
	if f.Handshake != conn.HandshakeUnreachable {
		return false
	}
	return f.conclude(CauseNetworkFailure, stat.ConfidenceHigh, "an ICMP error answered the SYN")
}

// synRetry is the kernel's first retransmission timeout of a SYN (RFC 6298,
// section 2; Linux TCP_TIMEOUT_INIT).
const synRetry = time.Second

// unanswered: no SYN was answered. Whether the client gave up or was still
// trying when the input ended shows by the next retry, due after twice the
// last wait.
func (f *facts) unanswered() bool {
	if f.Handshake != conn.HandshakeUnanswered {
		return false
	}
	if f.Marks&conn.MarkAnsweredLate != 0 {
		gone := f.CloseAt.Sub(f.Opened)
		f.Initiator, f.FirstBy, f.How = event.NoSide, event.NoSide, conn.HowNone
		if f.SYNRTT < synRetry/2 {
			return f.decided(CauseConnectTimeout, stat.ConfidenceMedium) || f.say("the SYN-ACK was sent at once but never acknowledged, so it was lost; %s after the SYN the client answered a repetition with a RST: it had given up",
				took(gone))
		}
		return f.decided(CauseConnectTimeout, stat.ConfidenceHigh) || f.say("the SYN-ACK came %s after the SYN, and the client answered it with a RST: it had given up",
			took(f.SYNRTT))
	}
	if !f.view.answers {
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "the input holds nothing but SYNs, so answers cannot be seen")
	}
	due := synRetry << min(f.SYNRetries, 6)
	if f.end.Sub(f.Last) <= due && f.How == conn.HowNone {
		return f.conclude(CauseOpen, stat.ConfidenceMedium, "no SYN was answered yet; the input ends before the next retry was due")
	}
	if f.FirstBy == event.Client && f.How == conn.HowRST {
		if f.CloseAt.Sub(f.Opened) < conn.DialLeast {
			return f.conclude(CauseUnknown, stat.ConfidenceLow, "the client reset its dial at once, and no answer is in the input: a port scan does so to an answer")
		}
		f.Initiator, f.FirstBy, f.How = event.NoSide, event.NoSide, conn.HowNone
		return f.conclude(CauseConnectTimeout, stat.ConfidenceMedium, "no answer to the SYN is in the input, but the client's RST, which is what a client that has given up sends to a late one")
	}
	conf := stat.ConfidenceHigh
	if f.SYNRetries == 0 && f.res.lossy[f.view] {
		conf = stat.ConfidenceLow // the answer may be one of the packets that the input lacks
	}
	return f.decided(CauseConnectTimeout, conf) || f.say("%d SYNs in %s, none answered, and no further retry",
		int(f.SYNRetries)+1, took(f.Last.Sub(f.Opened)))
}

// gaveUp: data was retransmitted, or an idle peer probed, into silence until the
// sender stopped.
func (f *facts) gaveUp() bool {
	if f.Marks&conn.MarkGaveUp == 0 {
		return false
	}
	f.Initiator, f.How = event.NoSide, conn.HowNone
	return f.conclude(CauseNetworkFailure, stat.ConfidenceHigh,
		"data that was retransmitted, or keep-alive probes, got no answer until the kernel of the sender gave up")
}

// unseenClose: a log shows the descriptor used for something else later, or a
// capture another connection on the 4-tuple, which at least the end that dials had
// given up by then.
func (f *facts) unseenClose() bool {
	if f.Marks&conn.MarkClosedUnseen == 0 {
		return false
	}
	if f.view.log == nil {
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "another connection began on the same addresses and ports, so this one had ended, but its close is not in the input")
	}
	return f.conclude(CauseUnknown, stat.ConfidenceLow, "the descriptor was reused, but its close is not in the log: record close as well (-e trace=network,desc,process)")
}

// stillOpen: neither FIN nor RST.
func (f *facts) stillOpen() bool {
	if f.FirstBy != event.NoSide {
		return false
	}
	switch missing := f.ClientMissing + f.ServerMissing; {
	case f.Marks&conn.MarkOneSided != 0:
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "neither FIN nor RST in the one direction that was captured; what the other end did cannot be seen")
	case missing > 0:
		return f.decided(CauseOpen, stat.ConfidenceLow) || f.say("neither FIN nor RST within the input, which lacks %d payload bytes of this connection, and perhaps its end", missing)
	case f.res.lossy[f.view]:
		return f.conclude(CauseOpen, stat.ConfidenceMedium, "neither FIN nor RST within the input; it lacks packets of other connections, so it may lack those as well")
	}
	return f.conclude(CauseOpen, stat.ConfidenceHigh, "neither FIN nor RST within the input")
}
