package conn

// State is a state of RFC 9293, section 3.3.2, as the capture point sees it.
// Zero is undetermined: nothing has shown it yet.
type State uint8

const (
	StateUndetermined State = iota
	StateSYNSent            // sent a SYN
	StateSYNReceived        // answered one
	StateEstablished        // both SYNs acknowledged, or joined while data passed
	StateFinWait1           // sent the first FIN
	StateFinWait2           // it was acknowledged; the peer has not closed
	StateClosing            // both FINs crossed
	StateTimeWait           // closed first, and acknowledged the peer's FIN
	StateCloseWait          // acknowledged the peer's FIN and has not closed
	StateLastAck            // sent its FIN in CLOSE-WAIT
	StateClosed             // gone
)

// String gives the RFC's word; StateUndetermined is "?".
func (s State) String() string {
	names := [...]string{"?", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
		"FIN-WAIT-2", "CLOSING", "TIME-WAIT", "CLOSE-WAIT", "LAST-ACK", "CLOSED"}
	if int(s) < len(names) {
		return names[s]
	}
	return "?"
}

// afterFIN is the state of an end that sent its FIN in state s.
func (s State) afterFIN() State {
	switch s {
	case StateCloseWait:
		return StateLastAck
	case StateFinWait1, StateFinWait2, StateClosing, StateTimeWait, StateLastAck, StateClosed:
		return s // a retransmission
	}
	return StateFinWait1
}

// afterOwnFINAcked is the state of an end whose FIN was acknowledged in state s.
func (s State) afterOwnFINAcked() State {
	switch s {
	case StateFinWait1:
		return StateFinWait2
	case StateClosing:
		return StateTimeWait
	case StateLastAck:
		return StateClosed
	}
	return s
}

// afterPeerFIN is the state of an end that acknowledged its peer's FIN in state s.
func (s State) afterPeerFIN() State {
	switch s {
	case StateFinWait1:
		return StateClosing
	case StateFinWait2:
		return StateTimeWait
	case StateUndetermined, StateSYNSent, StateSYNReceived, StateEstablished:
		return StateCloseWait
	}
	return s
}
