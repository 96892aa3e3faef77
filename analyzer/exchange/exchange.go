package exchange

import (
	"time"

	"finwait/analyzer/event"
)

// Protocol is what a connection spoke. Zero is ProtocolNone.
type Protocol uint8

const (
	ProtocolNone   Protocol = iota // no payload
	ProtocolOpaque                 // payload that nothing recognises: judged by turns
	ProtocolHTTP1
	ProtocolHTTP2
	ProtocolTLS
	ProtocolRedis
	ProtocolWebSocket // after an upgrade of HTTP/1.1
	ProtocolTunnel    // after CONNECT or another upgrade of HTTP/1.1
)

// String gives the contract's word.
func (p Protocol) String() string {
	switch p {
	case ProtocolOpaque:
		return "opaque"
	case ProtocolHTTP1:
		return "http/1.1"
	case ProtocolHTTP2:
		return "h2"
	case ProtocolTLS:
		return "tls"
	case ProtocolRedis:
		return "redis"
	case ProtocolWebSocket:
		return "websocket"
	case ProtocolTunnel:
		return "tunnel"
	}
	return "none"
}

// Outcome is how an exchange ended. Zero is OutcomeOpen.
type Outcome uint8

const (
	OutcomeOpen      Outcome = iota // not answered when the connection closed or the input ended; an answer that came too late is in Late
	OutcomeAnswered                 // the whole response was delivered
	OutcomeReset                    // HTTP/2: the client reset the stream (RST_STREAM) before it was answered
	OutcomeAborted                  // HTTP/2: the server reset the stream or refused it (GOAWAY)
	OutcomeDiscarded                // the connection's bytes were lost here; nothing is known
)

// NameID is a string of a Names. Zero is the empty string.
type NameID uint32

// Exchange is one request and what came back. Moments that did not happen are zero.
type Exchange struct {
	Method   NameID // HTTP method or Redis command; 0 when the protocol shows none
	Host     NameID // Host header or :authority; 0 unknown
	Path     NameID // path and query as sent, or a Redis command's first argument; 0 unknown. Only set in Summary.Outstanding
	Endpoint NameID // what the report groups by, such as "GET /item/{id}"; 0: fall back to SNI or the server's address

	Start event.Moment // first byte of the request
	End   event.Moment // last byte of the request that was seen so far

	Continue event.Moment // the last 1xx response
	First    event.Moment // first byte of the final response that the client received before it closed
	Last     event.Moment // last byte of the response that it received

	// Ended is when the client or the server gave up an HTTP/2 stream:
	// OutcomeReset and OutcomeAborted.
	Ended event.Moment

	// Late and LateEnd are the first and the last byte of the response that
	// passed after the client had closed, or that its close shows it never
	// received. An exchange with a late answer is never OutcomeAnswered.
	Late, LateEnd event.Moment

	FirstOffset int64 // offset of First in the server's stream; valid when First was seen
	LastOffset  int64 // offset just behind Last
	Status      uint16
	Outcome     Outcome
	Whole       bool // the request was sent completely, as far as its framing tells
	LateWhole   bool // with LateEnd the response was complete
	Truncated   bool // the path was cut by the source (strace -s, snaplen)
	Handshake   bool // what is outstanding is the TLS handshake, on behalf of a request not yet sent
	Keep        bool // after this exchange the connection may be reused, as far as both messages say
}

// Declared says who announced the end of the connection, and how. Zero: nobody.
type Declared struct {
	By   event.Side   // Client or Server; NoSide when not declared
	At   event.Moment // the message that did
	Text string       // "Connection: close", "HTTP/1.0", "body until close", "websocket close frame", "GOAWAY", "QUIT"
}

// Summary is what a connection's bytes said, frozen at Tracker.Finish.
type Summary struct {
	Protocol   Protocol
	ServerName NameID // SNI, else the first Host or :authority; 0 unknown
	ALPN       NameID // what the server chose, else empty

	Sent     uint32 // requests of which at least a byte was sent
	Answered uint32 // delivered completely before the close
	Reset    uint32 // HTTP/2 streams that the client reset unanswered
	Aborted  uint32 // HTTP/2 streams that the server reset or refused
	Open     uint32 // outstanding at the close, or at the end of the input without one
	Lost     uint32 // exchanges in a part of the stream that the input lacks

	// Outstanding is the oldest request that waited when the connection
	// closed (or the input ended); nil when none did. With a handshake that
	// had not finished it has Handshake set and no method.
	Outstanding *Exchange
	// Previous is the last exchange that was answered before the close; nil
	// when none was. Its Keep tells whether the connection could live on.
	Previous *Exchange
	// PreviousPath is the path of Previous where it is unsure that it was
	// answered; it may then have to stand for what was outstanding.
	PreviousPath []byte
	// Late, LateEnd and LateWhole are Outstanding's: the first and last byte of
	// a response that the client did not wait for. Zero when Outstanding is nil.
	Late      event.Moment
	LateEnd   event.Moment
	LateWhole bool

	Declared Declared
	// ClientNotify and ServerNotify are the TLS close_notify alerts, told by
	// type, or by record length just before the end; zero when none.
	ClientNotify, ServerNotify event.Moment

	ClientLast, ServerLast event.Moment // last payload byte before the close, close_notify excluded
	Resynced               uint32       // times the parser had to look for a message boundary after lost bytes
	Capped                 bool         // a limit on buffered bytes was hit and the rest judged by turns
	HeadCut                bool         // a head of HTTP/1.x was cut: it may have announced the close
	EndLost                bool         // what the client sent last, or the answer to it, is missing: whether a request waited is not known
	Unsure                 bool         // the request boundaries are a guess (TLS that may be HTTP/2, turns of a protocol that pipelines)

	// Unseen says that nothing of Outstanding is in the input: the client's last
	// bytes are missing, and the server said nothing to them before the close.
	// Start is when that was known.
	Unseen bool

	// Pause is the longest silence between bytes of the server that followed one
	// another without one of the client in between, since the client's last; 0
	// when there was none.
	Pause time.Duration
}

// Sink receives every exchange of a connection once: one that was answered,
// reset or aborted when that is certain, which is at the latest when the next
// request starts, and those that stayed open or were discarded at
// Tracker.Finish. TLS handshakes are not exchanges and are not given to it. The
// Exchange is only valid during the call.
type Sink interface {
	Exchange(owner uint32, x *Exchange)
}
