package analyzer

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/stat"
)

// These rules are about requests that were outstanding at the close.

// serverLeftRequest: the server closed first while a request was outstanding.
// One that it had never received was lost to a close of an idle connection;
// one that it had acknowledged it gave up.
func (f *facts) serverLeftRequest() bool {
	if f.FirstBy != event.Server || !f.Outstanding {
		return false
	}
	if f.DeclaredBy == event.Server && f.DeclaredText != "GOAWAY" {
		return f.decided(CauseDeclared, stat.ConfidenceMedium) || f.say("the server announced the close (%s)", f.DeclaredText)
	}
	if f.Marks&conn.MarkSentIntoClosed != 0 {
		return f.decided(CauseServerIdle, stat.ConfidenceHigh) || f.say("the server had closed; the client sent a request %s after it had acknowledged that",
			took(f.RequestStart.Sub(f.CloseAt)))
	}
	if f.Marks&conn.MarkDataAfterClose != 0 {
		return f.decided(CauseIdleRace, stat.ConfidenceHigh) || f.say("the request was sent after the server's %s had passed", f.How)
	}
	if f.Marks&conn.MarkRequestUnread != 0 && (f.Answered > 0 || f.Lost > 0 || f.ServerMissing > 0 || f.Marks&conn.MarkMidStream != 0) {
		if f.How == conn.HowRST {
			return f.conclude(CauseIdleRace, stat.ConfidenceMedium, "a RST answered the request on an idle connection: the other end no longer knew it (it had closed, restarted, or a firewall had forgotten it)")
		}
		return f.decided(CauseIdleRace, stat.ConfidenceHigh) || f.say("the server's %s does not acknowledge the request: they crossed on the wire", f.How)
	}
	return f.decided(CauseServerAborted, stat.ConfidenceHigh) || f.say("the server sent a %s %s after the request, which had no complete response",
		f.How, took(f.CloseAt.Sub(f.RequestStart)))
}

// serverNotified: with TLS the server's close_notify tells that it closes, and
// the client's FIN may then be the first one.
func (f *facts) serverNotified() bool {
	if f.FirstBy != event.Client || !f.ServerNotify.Known() || f.ServerNotify > f.CloseAt ||
		f.ClientNotify.Known() && f.ClientNotify < f.ServerNotify {
		return false
	}
	switch {
	case !f.Outstanding:
		if f.DeclaredBy != event.NoSide && f.DeclaredText != "GOAWAY" {
			return false
		}
		return f.decided(CauseServerIdle, stat.ConfidenceHigh) || f.say("the server's TLS close_notify came %s before the client's %s",
			took(f.CloseAt.Sub(f.ServerNotify)), f.How)
	case f.RequestStart > f.ServerNotify || f.Answered > 0 && f.ServerNotify.Sub(f.RequestStart) < f.RTT:
		return f.conclude(CauseIdleRace, stat.ConfidenceMedium, "the request crossed the server's TLS close_notify")
	}
	return f.conclude(CauseServerAborted, stat.ConfidenceMedium, "the server's TLS close_notify came while the request was outstanding")
}

// callerLeft: the client is a proxy, or a service in the middle, and closed
// because its own client had just left.
func (f *facts) callerLeft() bool {
	if f.FirstBy != event.Client || !f.Outstanding {
		return false
	}
	conf := stat.ConfidenceHigh
	lead, ok := f.res.departures.passedOn(f.flow)
	if !ok {
		conf = stat.ConfidenceMedium
		lead, ok = f.res.departures.leftBehind(f.flow)
		if m, fits := f.timers.match(f.Record); fits && m.timer.count >= strongCount {
			return false // its own timer explains it, and clients of a busy proxy leave all the time
		}
	}
	if !ok {
		return false
	}
	return f.decided(CauseRequestCancelled, conf) || f.say("%s before, a client of this client closed its own connection with a request outstanding: the cancel was passed on",
		took(lead))
}

// timedOut: the client closed with a request outstanding, when a timer ran out.
func (f *facts) timedOut() bool {
	if f.FirstBy != event.Client || !f.Outstanding {
		return false
	}
	m, ok := f.timers.match(f.Record)
	if !ok {
		return false
	}
	f.timer, f.basis, f.waited = m.timer, m.basis, m.waited
	if f.Protocol == exchange.ProtocolOpaque && !f.Late.Known() {
		m.confidence = min(m.confidence, stat.ConfidenceMedium) // what a request is, is a guess
	}
	if f.Marks&conn.MarkOneSided != 0 {
		m.confidence = min(m.confidence, stat.ConfidenceMedium)
	}
	return f.decided(CauseRequestTimeout, m.confidence) || f.say("%s %s after %s%s", f.missing(), took(m.waited), m.basis.words(), m.timer.others())
}

// leftBehindData: a FIN does not overtake the bytes in front of it, and rides on
// the last of them when they had waited to be sent (Linux, tcp_send_fin): in the
// middle of an upload that the server's window or the path held back it leaves
// only when these do. The client had closed before, nobody knows when, so such a
// close shows no timer; that of other closes may have been it. A client that
// sends the last bytes of a part and closes in the same moment under Nagle's
// algorithm is taken for one that waited.
func (f *facts) leftBehindData() bool {
	if f.FirstBy != event.Client || !f.Outstanding || !f.Queued {
		return false
	}
	waited, _ := conn.Duration(f.RequestStart, f.CloseAt)
	w := wait{client: f.Client, server: f.Server}
	w.client.Port = 0
	w.from[basisRequest] = waited
	t := f.timers.below(w)
	if t == nil || t.servers[f.Server] == 0 && !t.configured {
		return f.decided(CauseRequestCancelled, stat.ConfidenceLow) || f.say("the client closed at most %s after the request; its %s waited behind bytes of the request that could not be sent, so it does not show when, nor whether a timer ran out",
			took(waited), f.How)
	}
	f.timer, f.basis, f.waited = t, basisRequest, waited
	return f.decided(CauseRequestTimeout, min(t.confidence, stat.ConfidenceMedium)) || f.say("closed at most %s after the request; the %s waited behind bytes of the request that could not be sent, and the timer of %s that other closes show had run out by then",
		took(waited), f.How, took(t.value))
}

// timedOutBehindLoss: a FIN cannot leave before the data in front of it when
// the congestion window is closed, so a timeout while the request is being
// retransmitted shows late, or only as a RST to what the server sends at last.
func (f *facts) timedOutBehindLoss() bool {
	if f.FirstBy != event.Client || !f.Outstanding || f.Marks&conn.MarkUnsure != 0 ||
		f.Marks&(conn.MarkRequestRetrans|conn.MarkRequestUnacked) == 0 || f.Phase == conn.PhaseReadingBody {
		return false
	}
	w := waitOf(f.Record)
	t := f.timers.below(w)
	if t == nil || t.servers[f.Server] == 0 && !t.configured || f.waitsTooLong(w, t) {
		return false
	}
	f.timer, f.basis, f.waited = t, basisRequest, w.from[basisRequest]
	return f.decided(CauseRequestTimeout, min(t.confidence, stat.ConfidenceMedium)) || f.say("closed %s after the request, which was being retransmitted: a FIN waits behind unacknowledged data, so the timer of %s that other closes show ran out before",
		took(f.waited), took(t.value))
}

// waitsTooLong reports whether a close came so much later than a timer that the
// backoff of retransmissions cannot be the reason.
func (f *facts) waitsTooLong(w wait, t *timer) bool {
	return w.from[basisRequest] > 8*t.value+2*time.Second
}

// timedOutInAnswer: where the end of a response cannot be seen (TLS, unknown
// protocols, a head that the capture cut), a close exactly when a timer of this
// client runs out, while bytes had been coming, cut the response short. It takes
// a response that ends by chance at that moment for a timeout.
func (f *facts) timedOutInAnswer() bool {
	cut := f.Protocol == exchange.ProtocolHTTP1 && f.Marks&conn.MarkHeadCut != 0
	if f.FirstBy != event.Client || f.Outstanding || !f.ResponseStart.Known() || f.DeclaredBy != event.NoSide ||
		f.Protocol != exchange.ProtocolTLS && f.Protocol != exchange.ProtocolOpaque && !cut {
		return false
	}
	if !cut && f.Marks&conn.MarkLateData == 0 && f.How != conn.HowRST {
		return false // nothing shows that more was to come
	}
	m, ok := f.timers.matchStrong(f.Record)
	if !ok {
		return false
	}
	f.timer, f.basis, f.waited = m.timer, m.basis, m.waited
	f.Outstanding, f.Phase = true, conn.PhaseReadingBody
	f.Answered = max(f.Answered, 1) - 1
	f.Open++
	return f.decided(CauseRequestTimeout, stat.ConfidenceMedium) || f.say("closed %s after %s, where %d other closes of this client fall; the response had begun",
		took(m.waited), m.basis.words(), m.timer.count)
}

// cancelled: the client closed with a request outstanding, and no timer fits.
func (f *facts) cancelled() bool {
	if f.FirstBy != event.Client || !f.Outstanding {
		return false
	}
	if f.Marks&conn.MarkUnsure != 0 && f.Protocol != exchange.ProtocolHTTP1 {
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "whether a request was outstanding cannot be told: the requests of this connection are a guess")
	}
	if !f.CloseAt.Known() {
		return f.conclude(CauseRequestCancelled, stat.ConfidenceLow, "the client closed with a request outstanding; without a clock a timer cannot be told")
	}
	conf := stat.ConfidenceMedium
	if f.Marks&conn.MarkMidStream != 0 && f.Sent == 1 && f.Answered == 0 {
		conf = stat.ConfidenceLow
	}
	w := waitOf(f.Record)
	hint := f.timers.hint(&w)
	if hint != "" {
		conf = stat.ConfidenceLow
	}
	return f.decided(CauseRequestCancelled, conf) || f.say("the client closed %s after the request, before the response was complete; no timer of this client fits%s",
		took(f.CloseAt.Sub(f.RequestStart)), hint)
}
