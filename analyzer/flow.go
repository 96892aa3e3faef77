package analyzer

import "finwait/analyzer/event"

// Flow is one connection as `finwait flows` prints it. The fields are those of
// the contract; a pointer is nil where the value cannot be known.
type Flow struct {
	Stream *int `json:"stream"`
	// Row numbers a connection that only a log shows, for finwait show: its
	// place among all connections. Absent where there is a stream.
	Row             *int          `json:"row,omitempty"`
	Source          string        `json:"source"` // capture | strace | both
	Input           string        `json:"input"`
	Client          string        `json:"client"`
	Server          string        `json:"server"`
	ServerName      *string       `json:"server_name"`
	RoleBasis       string        `json:"role_basis"`
	Vantage         *string       `json:"vantage"`
	Process         *FlowProcess  `json:"process"`
	Opened          Stamp         `json:"opened"`
	Closed          Stamp         `json:"closed"`
	FirstFrame      uint32        `json:"first_frame"`
	LastFrame       uint32        `json:"last_frame"`
	Packets         *Pair         `json:"packets"`
	Bytes           Pair          `json:"bytes"`
	Retransmissions *Pair         `json:"retransmissions"`
	MissingBytes    *Pair         `json:"missing_bytes"`
	Handshake       FlowHandshake `json:"handshake"`
	Protocol        string        `json:"protocol"`
	Requests        FlowRequests  `json:"requests"`
	Close           FlowClose     `json:"close"`
	HalfClose       *FlowHalf     `json:"half_close"`
	LateResponse    *FlowLate     `json:"late_response"`
	TimeWait        *FlowTimeWait `json:"time_wait"`
	ReplacedBy      *int          `json:"replaced_by"`
	Notes           []string      `json:"notes"`
	// OtherSide is the same connection as a capture of the other host shows it;
	// absent when none does.
	OtherSide *FlowTwin `json:"other_side,omitempty"`
}

// FlowTwin is a connection as a second capture shows it.
type FlowTwin struct {
	Input   string   `json:"input"`
	Stream  int      `json:"stream"` // tcp.stream in that capture
	Client  string   `json:"client"` // as seen there: an address translator may stand between
	Server  string   `json:"server"`
	OneWayS *float64 `json:"one_way_s"` // from one capture point to the other: half of what the handshake took
	Lost    Pair     `json:"lost"`      // packets of each end that the other capture does not show
}

// FlowProcess is the process that held the socket, from a strace log.
type FlowProcess struct {
	PID  int     `json:"pid"`
	TID  int     `json:"tid"`
	FD   int     `json:"fd"`
	Comm *string `json:"comm"`
	// ClosedAt is when the program called close() or shutdown(), and
	// CloseLine the line of the log; null when it never did.
	ClosedAt    Stamp    `json:"closed_at"`
	CloseLine   *int     `json:"close_line"`
	CloseToFINS *float64 `json:"close_to_fin_s"` // from the call to the FIN's packet; null without a capture
}

// Pair holds one number for each direction or end.
type Pair struct {
	Client int64 `json:"client"`
	Server int64 `json:"server"`
}

// FlowHandshake is the three-way handshake.
type FlowHandshake struct {
	State      string   `json:"state"`
	SYNRetries Measured `json:"syn_retries"`
	RTTS       *float64 `json:"rtt_s"`
}

// FlowRequests counts the requests of a connection by outcome.
type FlowRequests struct {
	Sent      int `json:"sent"`
	Answered  int `json:"answered"`
	TimedOut  int `json:"timed_out"`
	Cancelled int `json:"cancelled"`
	Aborted   int `json:"aborted"`
	Open      int `json:"open"`
}

// FlowClose is who closed a connection first, and why.
type FlowClose struct {
	Cause      string       `json:"cause"`
	Initiator  string       `json:"initiator"`
	How        string       `json:"how"`
	At         Stamp        `json:"at"`
	Frame      *uint32      `json:"frame"`
	Confidence string       `json:"confidence"`
	Because    string       `json:"because"`
	DeclaredBy *string      `json:"declared_by,omitempty"` // of a declared close: client | server
	Codes      string       `json:"codes,omitempty"`       // what proxies call the same event
	Evidence   []string     `json:"evidence"`              // positions: "frame 17", "client.strace:120"
	Request    *FlowRequest `json:"request"`
	Timer      *FlowTimer   `json:"timer"`
}

// FlowRequest is the request that was outstanding at the close.
type FlowRequest struct {
	Method   *string  `json:"method"`
	Host     *string  `json:"host"`
	Path     *string  `json:"path"`
	Endpoint string   `json:"endpoint"`
	Sent     Stamp    `json:"sent"`
	Frame    uint32   `json:"frame"`
	WaitedS  *float64 `json:"waited_s"`
	Phase    string   `json:"phase"`
	Stall    *string  `json:"stall"`
}

// FlowTimer is the timer that closed the connection.
type FlowTimer struct {
	ValueS float64 `json:"value_s"`
	Basis  string  `json:"basis"`
	Count  int     `json:"count"`
}

// FlowHalf is the half-close that the first FIN began.
type FlowHalf struct {
	By         string   `json:"by"`
	FinWait1S  *float64 `json:"fin_wait_1_s"`
	FinWait2S  *float64 `json:"fin_wait_2_s"`
	CloseWaitS *float64 `json:"close_wait_s"`
	LastAckS   *float64 `json:"last_ack_s"`
	TotalS     *float64 `json:"total_s"`
	EndedBy    string   `json:"ended_by"`
	Kind       *string  `json:"kind"`
	Censored   bool     `json:"censored"`
}

// FlowLate is a response that came after the client had closed.
type FlowLate struct {
	AfterRequestS *float64 `json:"after_request_s"`
	AfterCloseS   *float64 `json:"after_close_s"`
	Frame         uint32   `json:"frame"`
}

// FlowTimeWait says who entered TIME-WAIT, and when.
type FlowTimeWait struct {
	By   string `json:"by"`
	From Stamp  `json:"from"`
}

// Ladder is one connection step by step, for `finwait show`.
type Ladder struct {
	Flow  Flow   `json:"flow"`
	Steps []Step `json:"steps"`
}

// The kinds of steps.
const (
	StepSegment = "segment"
	StepCall    = "call"
)

// Step is one segment or system call of a Ladder.
type Step struct {
	Kind     string   `json:"kind"`   // segment | call
	Frame    uint32   `json:"frame"`  // of a segment; of a call its line in the log
	AtS      *float64 `json:"at_s"`   // since the connection's first packet or call; null without a clock
	From     string   `json:"from"`   // client | server: who sent the segment, or whose bytes the call moves
	What     string   `json:"what"`   // in tcpdump's words: "Flags [F.], seq 813, ack 5121, length 0"; in strace's: "close(7) = 0 by 34262"
	Client   string   `json:"client"` // RFC 9293 state of the client after it; "" for a call
	Server   string   `json:"server"`
	Note     string   `json:"note"`     // what it means here: "request GET /a", "late response", "retransmission"; may be empty
	Evidence bool     `json:"evidence"` // the verdict rests on it

	at event.Time // NoTime without a clock
}
