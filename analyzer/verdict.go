package analyzer

import (
	"fmt"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
	"finwait/analyzer/stat"
)

// verdict is why one connection was closed.
type verdict struct {
	cause      Cause
	confidence stat.Confidence
	timer      *timer        // the timer that closed it; nil
	basis      timerBasis    // where the timer had started, for this connection
	waited     time.Duration // from there to the close
	because    string        // only where it was asked for
}

// facts is one connection before the rules.
type facts struct {
	*conn.Record
	verdict
	spot
	res     *Result
	timers  *timers
	end     event.Time // of the view
	start   event.Time
	explain bool         // fill in because
	own     conn.Record  // what Record points to while a flow is judged: rules may correct it
	pools   *recentPools // may be nil
	called  *socket.Conn // memory for what a log knows; nil until it is needed
}

// rules are tried in order; the first that holds decides, the last always
// holds. Each looks at one observation, sets the cause and says why.
var rules = [...]func(*facts) bool{
	(*facts).refused,
	(*facts).unreachable,
	(*facts).unanswered,
	(*facts).gaveUp,
	(*facts).unseenClose,
	(*facts).stillOpen,
	(*facts).payloadNotCaptured,
	(*facts).endLost,
	(*facts).heldAnswered,
	(*facts).obeyedGoodbye,
	(*facts).serverLeftRequest,
	(*facts).serverNotified,
	(*facts).bodyUnread,
	(*facts).oneSided,
	(*facts).neverAnswers,
	(*facts).saidGoodbye,
	(*facts).callerLeft,
	(*facts).timedOut,
	(*facts).timedOutBehindLoss,
	(*facts).timedOutInAnswer,
	(*facts).answerUnsure,
	(*facts).cancelled,
	(*facts).noData,
	(*facts).declared,
	(*facts).clientAfterResponse,
	(*facts).serverAfterResponse,
	(*facts).joinedLate,
	(*facts).unknown,
}

// judge applies the rules. They see the side that let go first: with TLS the
// client's close_notify may make the server's FIN the first one, although the
// client closed.
func (f *facts) judge() {
	first := f.FirstBy
	if first == event.Server && f.ClientNotify.Known() && f.ClientNotify <= f.CloseAt &&
		(!f.ServerNotify.Known() || f.ServerNotify > f.ClientNotify) {
		f.FirstBy = event.Client
	}
	for _, rule := range rules {
		if rule(f) {
			break
		}
	}
	if f.FirstBy != event.NoSide {
		f.FirstBy = first
	}
}

// conclude sets the verdict.
func (f *facts) conclude(c Cause, conf stat.Confidence, because string) bool {
	if !f.decided(c, conf) {
		f.because = because
	}
	return true
}

// decided sets the verdict, and reports whether that is all: a sentence is only
// wanted for what is shown, and what it is made of costs more than most rules.
func (f *facts) decided(c Cause, conf stat.Confidence) bool {
	f.cause, f.confidence = c, conf
	return !f.explain
}

// say gives the verdict's sentence. It is always true.
func (f *facts) say(format string, args ...any) bool {
	f.because = fmt.Sprintf(format, args...)
	return true
}

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
		f.Initiator, f.FirstBy, f.How = event.NoSide, event.NoSide, conn.HowNone
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
	return f.decided(CauseConnectTimeout, stat.ConfidenceHigh) || f.say("%d SYNs in %s, none answered, and no further retry",
		int(f.SYNRetries)+1, took(f.Last.Sub(f.Opened)))
}

// gaveUp: data was retransmitted into silence until the sender stopped.
func (f *facts) gaveUp() bool {
	if f.Marks&conn.MarkGaveUp == 0 {
		return false
	}
	f.Initiator, f.How = event.NoSide, conn.HowNone
	return f.conclude(CauseNetworkFailure, stat.ConfidenceHigh,
		"data was retransmitted without an acknowledgement, and the next retransmission that was due never came: the kernel gave up")
}

// unseenClose: a log shows the descriptor used for something else later.
func (f *facts) unseenClose() bool {
	if f.Marks&conn.MarkClosedUnseen == 0 {
		return false
	}
	return f.conclude(CauseUnknown, stat.ConfidenceLow, "the descriptor was reused, but its close is not in the log: record close as well (-e trace=network,desc,process)")
}

// stillOpen: neither FIN nor RST.
func (f *facts) stillOpen() bool {
	if f.FirstBy != event.NoSide {
		return false
	}
	return f.conclude(CauseOpen, stat.ConfidenceHigh, "neither FIN nor RST within the input")
}

// payloadNotCaptured: bytes passed that the input does not hold, so what was
// outstanding is not known.
func (f *facts) payloadNotCaptured() bool {
	if f.Protocol != exchange.ProtocolNone || f.ClientMissing+f.ServerMissing == 0 {
		return false
	}
	return f.decided(CauseUnknown, stat.ConfidenceLow) || f.say("%d payload bytes are not in the input, so it does not show whether a request was outstanding",
		f.ClientMissing+f.ServerMissing)
}

// endLost: the last request, or what answered it, is not in the input.
func (f *facts) endLost() bool {
	if f.Marks&conn.MarkEndLost == 0 {
		return false
	}
	return f.conclude(CauseUnknown, stat.ConfidenceLow, "the last request, or the answer that it waited for, is not in the input: nobody can tell whether one was outstanding")
}

// shutdownLimit is how soon after its request a client that means to read the
// answer shuts down its sending side. One that does so later has waited first
// and gives up, unless it then reads the answer to its end.
const shutdownLimit = 50 * time.Millisecond

// heldAnswered: the client shut down its sending side and read the answer.
func (f *facts) heldAnswered() bool {
	if f.FirstBy != event.Client || f.HalfKind != conn.HalfHeld || !f.Late.Known() {
		return false
	}
	if d, ok := conn.Duration(f.RequestEnd, f.CloseAt); !ok || d > shutdownLimit {
		m, fits := f.timers.match(f.Record)
		if !f.PeerFIN.Known() || f.Marks&conn.MarkReset != 0 || fits && m.timer.count >= strongCount {
			return false
		}
	}
	return f.conclude(CauseClientNoReuse, stat.ConfidenceMedium, "the client closed its sending side only (shutdown) and went on reading the response")
}

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
	if f.Marks&conn.MarkRequestUnread != 0 && f.Answered > 0 {
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

// glanceLimit is how soon after the first byte of a response a close is a
// reaction to that response.
const glanceLimit = 10 * time.Millisecond

// glanced reports whether the client closed as soon as the response began: it
// read the head and closed the body unread. A timer that runs out in the very
// moment a response begins looks the same, so a timer that other closes show
// goes before.
func (f *facts) glanced() bool {
	if f.FirstBy != event.Client || !f.Outstanding || f.Phase != conn.PhaseReadingBody || f.Protocol != exchange.ProtocolHTTP1 {
		return false
	}
	d, ok := conn.Duration(f.ResponseStart, f.CloseAt)
	if vantageOf(f.Record) == event.Server {
		d -= f.RTT
	}
	return ok && d <= glanceLimit
}

// bodyUnread: the client closed as soon as the response began.
func (f *facts) bodyUnread() bool {
	if !f.glanced() {
		return false
	}
	if m, ok := f.timers.match(f.Record); ok && m.timer.count >= strongCount {
		return false
	}
	return f.decided(CauseClientNoReuse, stat.ConfidenceMedium) || f.say("the client closed %s after the response began, with its body unread",
		took(f.CloseAt.Sub(f.ResponseStart)))
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
	return f.decided(CauseRequestTimeout, m.confidence) || f.say("%s %s after %s%s", f.missing(), took(m.waited), m.basis.words(), m.timer.others())
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
	return f.decided(CauseRequestTimeout, stat.ConfidenceMedium) || f.say("closed %s after the request, which was being retransmitted: a FIN waits behind unacknowledged data, so the timer of %s that other closes show ran out before",
		took(f.waited), took(t.value))
}

// waitsTooLong reports whether a close came so much later than a timer that the
// backoff of retransmissions cannot be the reason.
func (f *facts) waitsTooLong(w wait, t *timer) bool {
	return w.from[basisRequest] > 8*t.value+2*time.Second
}

// answerUnsure: a head that the capture cut leaves the end of its response
// unknown. When bytes of it came and no timer fits, it was most likely whole.
func (f *facts) answerUnsure() bool {
	if f.FirstBy == event.Client && f.Outstanding && f.Marks&conn.MarkUnsure != 0 && f.Phase == conn.PhaseReadingBody &&
		f.Protocol == exchange.ProtocolHTTP1 {
		f.Outstanding, f.Phase = false, conn.PhaseNone
		f.Answered += f.Open
		f.Open = 0
	}
	return false
}

// late reports whether a response came that nobody read: the client had given
// the request up before.
func (f *facts) late() bool {
	return f.Late.Known() && f.Outstanding && f.FirstBy == event.Client && f.How != conn.HowNone && f.HalfKind != conn.HalfHeld
}

// missing says what had not come.
func (f *facts) missing() string {
	switch f.Phase {
	case conn.PhaseReadingBody:
		return "no complete response"
	case conn.PhaseTLSHandshake:
		return "no complete TLS handshake"
	case conn.PhaseSendingRequest:
		return "the request was not sent completely"
	}
	return "no response"
}

// timedOutInAnswer: where the end of a response cannot be seen (TLS, unknown
// protocols), a close exactly when a timer of this client runs out, while
// bytes had been coming, cut the response short. It takes a response that ends
// by chance at that moment for a timeout.
func (f *facts) timedOutInAnswer() bool {
	if f.FirstBy != event.Client || f.Outstanding || !f.ResponseStart.Known() || f.DeclaredBy != event.NoSide ||
		f.Protocol != exchange.ProtocolTLS && f.Protocol != exchange.ProtocolOpaque {
		return false
	}
	if f.Marks&conn.MarkLateData == 0 && f.How != conn.HowRST {
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
	return f.decided(CauseRequestCancelled, conf) || f.say("the client closed %s after the request, before the response was complete; no timer of this client fits",
		took(f.CloseAt.Sub(f.RequestStart)))
}

// noData: the connection carried no request.
func (f *facts) noData() bool {
	if f.Sent > 0 || f.Marks&conn.MarkMidStream != 0 || f.ClientMissing+f.ServerMissing > 0 {
		return false
	}
	if f.Protocol == exchange.ProtocolTLS {
		return f.conclude(CauseNoData, stat.ConfidenceHigh, "closed after the TLS handshake, without a request")
	}
	if f.ClientBytes > 0 {
		return false
	}
	if f.ServerBytes > 0 {
		return f.decided(CauseNoData, stat.ConfidenceMedium) || f.say("closed without a byte from the client, after %d from the server", f.ServerBytes)
	}
	return f.conclude(CauseNoData, stat.ConfidenceHigh, "closed without a byte of payload")
}

// declared: either side had announced the close.
func (f *facts) declared() bool {
	if f.DeclaredBy == event.NoSide || f.DeclaredText == "GOAWAY" || f.Outstanding {
		return false // a GOAWAY lets what is under way finish, and idle servers send one before they close
	}
	if f.DeclaredText == "body until close" && f.FirstBy == event.Server && f.How == conn.HowRST {
		return f.conclude(CauseServerAborted, stat.ConfidenceHigh, "the server reset the connection while it sent a body that only a FIN ends")
	}
	return f.decided(CauseDeclared, stat.ConfidenceHigh) || f.say("the %s announced it: %s", f.DeclaredBy, f.DeclaredText)
}

// reuseLimit is how soon after a complete response a close is a decision not
// to reuse the connection, and not an idle timer: programs close at once, and
// nobody configures idle timers this short.
const reuseLimit = 100 * time.Millisecond

// idle is how long the connection had been idle at the close, as its client
// saw it: at the server the response leaves, and the close arrives, half a
// round trip away from when it happened. False when it is not known.
func (f *facts) idle() (time.Duration, bool) {
	if !f.ResponseEnd.Known() || !f.CloseAt.Known() {
		return 0, false
	}
	d := f.CloseAt.Sub(f.ResponseEnd)
	if vantageOf(f.Record) == event.Server && f.FirstBy == event.Client ||
		vantageOf(f.Record) == event.Client && f.FirstBy == event.Server {
		d -= f.RTT
	}
	return max(0, d), true
}

// clientAfterResponse: the client closed with nothing outstanding.
func (f *facts) clientAfterResponse() bool {
	if f.FirstBy != event.Client || f.Answered == 0 {
		return false
	}
	idle, ok := f.idle()
	if !ok {
		return f.conclude(CauseClientIdle, stat.ConfidenceLow, "the client closed with no request outstanding; without a clock, how long it had been idle is not known")
	}
	conf := stat.ConfidenceHigh
	if f.Protocol != exchange.ProtocolHTTP1 && f.Protocol != exchange.ProtocolRedis {
		conf = stat.ConfidenceMedium
	}
	if idle <= reuseLimit && !f.timers.emptiedPool(f.Record, f.pools) {
		return f.decided(CauseClientNoReuse, conf) || f.say("the client closed %s after a complete response that allowed reuse", took(idle))
	}
	return f.decided(CauseClientIdle, conf) || f.say("idle for %s, no request outstanding", took(idle))
}

// serverAfterResponse: the server closed with nothing outstanding.
func (f *facts) serverAfterResponse() bool {
	if f.FirstBy != event.Server || f.Answered == 0 {
		return false
	}
	idle, ok := f.idle()
	if !ok {
		return f.conclude(CauseServerIdle, stat.ConfidenceMedium, "the server closed with no request outstanding")
	}
	conf := stat.ConfidenceHigh
	if idle <= reuseLimit {
		conf = stat.ConfidenceMedium
	}
	return f.decided(CauseServerIdle, conf) || f.say("idle for %s, no request outstanding", took(idle))
}

// silenceLimit is how long a connection that was joined in the middle must
// have been silent before its close counts as that of an idle one.
const silenceLimit = time.Second

// joinedLate: the input begins inside the connection and shows no request at
// all. A long silence, longer than every timer of its client, is idleness.
func (f *facts) joinedLate() bool {
	if f.Marks&conn.MarkMidStream == 0 || f.Sent > 0 || f.ClientBytes+f.ServerBytes > 0 || !f.start.Known() || !f.CloseAt.Known() {
		return false
	}
	silent := f.CloseAt.Sub(f.start)
	if silent < silenceLimit || silent < f.timers.longest(f.Record) {
		return false
	}
	cause := CauseClientIdle
	if f.FirstBy == event.Server {
		cause = CauseServerIdle
	}
	return f.decided(cause, stat.ConfidenceLow) || f.say("silent for at least %s; a request from before the input began cannot be excluded", took(silent))
}

// unknown: nothing above holds.
func (f *facts) unknown() bool {
	switch {
	case f.Marks&conn.MarkOneSided != 0:
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "only one direction was captured")
	case f.Lost > 0 || f.ClientMissing+f.ServerMissing > 0:
		return f.decided(CauseUnknown, stat.ConfidenceLow) || f.say("%d payload bytes are missing, and with them what was outstanding", f.ClientMissing+f.ServerMissing)
	case f.Marks&conn.MarkMidStream != 0:
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "the input begins inside the connection and shows no request")
	}
	return f.decided(CauseUnknown, stat.ConfidenceLow) || f.say("no request was recognised before the %s", f.How)
}
