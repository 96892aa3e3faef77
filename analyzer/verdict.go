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
	(*facts).oneSided,
	(*facts).endLost,
	(*facts).heldAnswered,
	(*facts).obeyedGoodbye,
	(*facts).serverLeftRequest,
	(*facts).serverNotified,
	(*facts).bodyUnread,
	(*facts).neverAnswers,
	(*facts).saidGoodbye,
	(*facts).callerLeft,
	(*facts).timedOutUnseen,
	(*facts).timedOut,
	(*facts).leftBehindData,
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
	if f.Protocol == exchange.ProtocolWebSocket && f.Answered > 0 {
		return "no pong"
	}
	return "no response"
}

// unknown: nothing above holds.
func (f *facts) unknown() bool {
	switch {
	case f.Marks&conn.MarkOneSided != 0:
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "only one direction was captured")
	case f.Lost > 0 && f.Marks&conn.MarkMidStream != 0 && f.ClientMissing+f.ServerMissing == 0:
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "the input begins inside the connection and lacks the request that the server answered last")
	case f.Lost > 0 || f.ClientMissing+f.ServerMissing > 0:
		return f.decided(CauseUnknown, stat.ConfidenceLow) || f.say("%d payload bytes are missing, and with them what was outstanding", f.ClientMissing+f.ServerMissing)
	case f.Marks&conn.MarkMidStream != 0:
		return f.conclude(CauseUnknown, stat.ConfidenceLow, "the input begins inside the connection and shows no request")
	}
	return f.decided(CauseUnknown, stat.ConfidenceLow) || f.say("no request was recognised before the %s", f.How)
}
