package conn

import (
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// Basis is how client and server were told apart. Zero is not decided.
type Basis uint8

const (
	BasisUnknown    Basis = iota
	BasisSYN              // sent the SYN
	BasisSYNACK           // received the SYN-ACK
	BasisPayload          // sent the first recognised request
	BasisPopularity       // the end that fewer connections share
	BasisPort             // the higher port
	BasisConnect          // called connect()
	BasisAccept           // the log is the server's: it called accept()
)

// String gives the contract's word; BasisUnknown is "port".
func (b Basis) String() string {
	switch b {
	case BasisSYN:
		return "syn"
	case BasisSYNACK:
		return "syn-ack"
	case BasisPayload:
		return "payload"
	case BasisPopularity:
		return "popularity"
	case BasisConnect:
		return "connect"
	case BasisAccept:
		return "accept"
	}
	return "port"
}

// Handshake is how far the three-way handshake got. Zero is mid-stream.
type Handshake uint8

const (
	HandshakeMidStream   Handshake = iota // the input begins after it
	HandshakeComplete                     // the connection was established
	HandshakeUnanswered                   // no SYN was ever answered
	HandshakeRefused                      // a RST answered the SYN
	HandshakeUnreachable                  // an ICMP error answered the SYN
)

// String gives the contract's word. An ICMP error is "unanswered": no TCP
// segment answered.
func (h Handshake) String() string {
	switch h {
	case HandshakeComplete:
		return "complete"
	case HandshakeUnanswered, HandshakeUnreachable:
		return "unanswered"
	case HandshakeRefused:
		return "refused"
	}
	return "mid-stream"
}

// How is the way of the first close. Zero is none.
type How uint8

const (
	HowNone How = iota // not closed within the input
	HowFIN
	HowRST
)

// String gives the contract's word.
func (h How) String() string {
	switch h {
	case HowFIN:
		return "fin"
	case HowRST:
		return "rst"
	}
	return "none"
}

// EndedBy is what ended a half-close. Zero is the end of the input.
type EndedBy uint8

const (
	EndedByCapture       EndedBy = iota // the input ended first: durations are lower bounds
	EndedByFIN                          // the peer's FIN
	EndedByReset                        // the peer's RST
	EndedByLateDataReset                // the peer wrote to a socket that was gone, and got a RST
	EndedByExpiry                       // the kernel dropped the orphan after tcp_fin_timeout
	EndedBySimultaneous                 // both FINs crossed
)

// String gives the contract's word.
func (e EndedBy) String() string {
	switch e {
	case EndedByFIN:
		return "peer-fin"
	case EndedByReset:
		return "peer-reset"
	case EndedByLateDataReset:
		return "late-data-reset"
	case EndedByExpiry:
		return "orphan-expired"
	case EndedBySimultaneous:
		return "simultaneous"
	}
	return "capture-end"
}

// HalfKind tells close() from shutdown(). Zero: the input does not show it.
type HalfKind uint8

const (
	HalfUnknown HalfKind = iota
	HalfOrphan           // close(): nobody reads any more
	HalfHeld             // shutdown(SHUT_WR): the closer went on reading
)

// Phase is how far a request had come. Zero: there was none.
type Phase uint8

const (
	PhaseNone Phase = iota
	PhaseConnect
	PhaseTLSHandshake
	PhaseSendingRequest
	PhaseAwaitingHeaders
	PhaseReadingBody
)

// String gives the contract's word.
func (p Phase) String() string {
	switch p {
	case PhaseConnect:
		return "connect"
	case PhaseTLSHandshake:
		return "tls-handshake"
	case PhaseSendingRequest:
		return "sending-request"
	case PhaseAwaitingHeaders:
		return "awaiting-headers"
	case PhaseReadingBody:
		return "reading-body"
	}
	return ""
}

// Mark is a set of facts about a record.
type Mark uint32

const (
	MarkMidStream       Mark = 1 << iota // the input begins inside the connection
	MarkOneSided                         // only one direction was captured
	MarkFlagsOnly                        // only SYN, FIN and RST segments were captured although data had passed
	MarkCutPayload                       // payloads were cut by the snap length
	MarkClosed                           // nobody can send any more: both FINs, or a RST
	MarkRequestRetrans                   // client bytes were retransmitted while the closing request waited, and not only at its beginning
	MarkResponseRetrans                  // server bytes were
	MarkRequestUnacked                   // the closing request was never acknowledged completely
	MarkZeroWindow                       // a window of zero was open while the closing request waited
	MarkGaveUp                           // data was retransmitted without an answer until the sender fell silent, or keep-alive probes were until it sent a RST
	MarkReset                            // a RST was seen at all
	MarkLateData                         // the peer sent data after the first FIN
	MarkChallengeACK                     // a SYN on this 4-tuple met the old connection's CLOSE-WAIT
	MarkSYNReused                        // the 4-tuple had carried another connection before
	MarkDataAfterClose                   // a request was sent after, or crossing, the server's FIN
	MarkSentIntoClosed                   // it was sent after the client had acknowledged the server's FIN
	MarkAnsweredLate                     // the SYN-ACK came when the client had given up
	MarkEndLost                          // the last request, or the answer it waited for, is not in the input
	MarkUnsure                           // request boundaries are a guess
	MarkCapped                           // a limit on buffered bytes was hit
	MarkSwapped                          // client and server were told apart only after the requests had been read
	MarkProbeAlive                       // the closer answered a keep-alive probe in the half-close with an ACK
	MarkProbeReset                       // it answered one with a RST
	MarkHeadCut                          // a head of HTTP/1.x was cut: it may have announced the close, and where its message ends is not known
	MarkRequestWhole                     // the outstanding request had been sent completely
	MarkPathCut                          // the path is only the beginning of the real one
	MarkRequestUnseen                    // the outstanding request is not in the input, only its acknowledgement: RequestStart is the latest that it can have been
	MarkClosedUnseen                     // a log shows that the descriptor was reused, or a capture that the 4-tuple was, but not the close
	MarkCloseUnseen                      // the first FIN is not in the input, only its acknowledgement: CloseAt is the latest that it can have been
	MarkRequestUnread                    // the server's close did not acknowledge the first byte of the outstanding request
	MarkResynced                         // the parser lost a message boundary and found another
	MarkFINAckedUntimed                  // the first FIN was acknowledged by a packet without a time
)

// Record is what the input shows of one connection, whether its segments or
// its system calls were seen. Times that are not known are event.NoTime,
// frames that are not known 0. Names are of the exchange.Names that the
// connection's tracker used.
type Record struct {
	Client, Server event.Endpoint
	Input          uint16
	Basis          Basis
	Handshake      Handshake
	SYNRetries     uint8 // SYNs beyond the first
	Protocol       exchange.Protocol
	Marks          Mark

	Opened    event.Time    // first packet, or connect()
	Last      event.Time    // last packet of the connection
	LastClose event.Time    // last FIN or RST, or the close(); NoTime while open
	RTT       time.Duration // SYN to the ACK of the SYN-ACK; 0 unknown
	SYNRTT    time.Duration // SYN to SYN-ACK; 0 unknown. Against RTT it tells where the capture stood

	FirstFrame, LastFrame          uint32
	ClientPackets, ServerPackets   uint32
	ClientBytes, ServerBytes       int64 // payload without retransmissions
	ClientRetrans, ServerRetrans   uint32
	ClientMissing, ServerMissing   int64 // payload bytes that the input lacks
	Copies                         uint32
	ClientStart, ServerStart       uint32     // initial sequence numbers, to join captures of both hosts; 0 unknown
	ClientBase, ServerBase         uint32     // the numbers that a repeated SYN has; valid where Based says so
	Based                          event.Side // whose number is known: NoSide, Client, Server or Both
	ClientLastByte, ServerLastByte event.Time // last payload byte before the close, TLS close_notify excluded

	// The first close.
	Initiator  event.Side // NoSide: not closed; Both: the FINs crossed
	FirstBy    event.Side // whose FIN or RST was seen first; NoSide: not closed
	How        How
	CloseAt    event.Time
	CloseFrame uint32

	// The half-close that the first FIN began, from the closer A to its peer B.
	FINAcked   event.Time // the ACK that covers A's FIN; NoTime: none, or not known
	ACKMissed  bool       // that ACK is not in the input: FINAcked is a round trip behind the FIN, or not known
	PeerFIN    event.Time // B's FIN
	PeerAcked  event.Time // the ACK that covers B's FIN
	HalfEnd    event.Time // what ended it: B's FIN, a RST; NoTime when the input ended first
	HalfFrame  uint32     // frame of HalfEnd
	EndedBy    EndedBy
	HalfKind   HalfKind
	PeerSpoke  event.Time // last segment of B that A's socket had to answer after its FIN; NoTime none
	LateData   event.Time // first data of B after A's FIN; NoTime none
	TimeWaitBy event.Side // who entered TIME-WAIT: NoSide, Client, Server or Both
	TimeWaitAt event.Time

	// Requests.
	Sent, Answered, Reset, Aborted, Open, Lost uint32

	// The request outstanding at the close, or else the last answered one.
	Outstanding              bool
	Queued                   bool  // the client closed before CloseAt: its FIN rode on bytes of the unfinished request that had waited to be sent, or only a RST to what came later shows that it had gone
	Prompt                   bool  // who closed first had acknowledged the last bytes of its peer within 20 ms before, or with the close
	Outlasted                bool  // the response had paused for longer before than the server had been silent at the close
	Phase                    Phase // of the outstanding request
	Method, Host, Path       exchange.NameID
	Endpoint                 exchange.NameID
	Status                   uint16
	RequestStart, RequestEnd event.Time // first and last byte of the request
	ResponseStart            event.Time // first byte of its response; NoTime none
	ResponseEnd              event.Time // last byte of it that was seen before the close
	RequestFrame             uint32

	// A response that came after the client had closed.
	Late      event.Time // first byte; NoTime none
	LateEnd   event.Time
	LateFrame uint32

	ServerName   exchange.NameID // SNI or Host
	DeclaredBy   event.Side
	DeclaredText string     // a constant of package exchange; "" when nothing was declared
	ClientNotify event.Time // TLS close_notify
	ServerNotify event.Time
}

// Duration returns to-from, and false when either is unknown. A clock that
// stepped back gives 0.
func Duration(from, to event.Time) (time.Duration, bool) {
	if !from.Known() || !to.Known() {
		return 0, false
	}
	return max(0, to.Sub(from)), true
}

// Starts reports whether s begins another connection on the 4-tuple of r; see
// Conn.Starts.
func (r *Record) Starts(s *event.Segment) bool {
	if !dials(s) {
		return false
	}
	from, server := r.origins()
	if s.Src != r.Client {
		from = server
	}
	return from.begins(s.Seq)
}

// Stray takes a segment that came long after the connection had ended. It
// counts; of what it says, only a FIN that was missing is new.
func (r *Record) Stray(s *event.Segment) {
	r.LastFrame = s.Frame
	r.Last = max(r.Last, s.Time)
	client, server := r.origins()
	from := event.Server
	if s.Src == r.Client {
		from = event.Client
		number(s, &client, &server)
	} else {
		number(s, &server, &client)
	}
	r.setOrigins(client, server)
	if s.Kind != event.SegmentTCP {
		return
	}
	if from == event.Client {
		r.ClientPackets++
	} else {
		r.ServerPackets++
	}
	if s.Flags&(event.FIN|event.RST) != 0 {
		r.LastClose = max(r.LastClose, s.Time)
	}
	if s.Flags&event.FIN != 0 && r.How == HowFIN && from == r.FirstBy.Peer() && !r.PeerFIN.Known() {
		r.PeerFIN = s.Time
	}
}
