// Package exchange turns the bytes of a connection, in order, into requests
// and responses: HTTP/1.x, HTTP/2, TLS by its records, Redis, WebSocket, and
// turns for everything else.
//
// A [Tracker] takes the two streams of one connection as they passed the capture
// point: [Tracker.Data] for bytes, [Tracker.Gap] for bytes that the input lacks,
// [Tracker.Shut] for a FIN or RST, and [Tracker.Finish] at the end. Exchanges that
// ended go to the [Sink] of its [Env]; what the close left behind is in the
// [Summary].
//
//	Data(Client, "GET /item/42 HTTP/1.1\r\n\r\n")            at 1
//	Data(Server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  at 2
//	Data(Client, "GET /slow HTTP/1.1\r\n\r\n")                at 3
//	Shut(Client)                                              at 4
//
// gives the sink "GET /item/{id}", answered, from 1 to 2, and a summary with
// "GET /slow", outstanding since 3.
//
// The first bytes tell the protocol. Each has a mode of the tracker that passes
// over its stream and keeps little more than where the current message ends. An
// answered exchange is held back until the client goes on, because the client's
// close may show that it never read the answer: what it did not acknowledge is a
// late response of an exchange that stays open (Exchange.Late).
//
// # When bytes are missing
//
// A gap inside a body of known length is passed over. Any other hides where the
// next message starts; it is found again at the start of a segment. An exchange
// whose answer may have been in the gap is OutcomeDiscarded, and so are those
// that would be paired with an answer only by counting. Missing bytes of the client
// that are long enough for a request and lie where one must start are one: it
// counts, an answer of HTTP/1.x that follows is its own, and when the client
// closes before the server said anything it is outstanding (Summary.Unseen).
// Missing bytes of the server that the client had not received when it closed
// hide no answer. A source that cuts
// segments (snap length, strace -s) gives method, path and status where they fit;
// the rest of a cut message is judged by turns.
//
// # Turns
//
// Where the framing does not tell the end of a response (opaque protocols, TLS,
// cut heads), it ends with the server's last byte before the client goes on or
// the connection closes. A client that closes in the middle of such a response
// looks as if it had been answered, unless the server sends more of it after the
// close, the last TLS record is incomplete, or it is as long as records get.
//
// # Limitations
//
//   - HTTP/2 inside TLS is judged by the lengths of its records, as if it had one
//     stream; Summary.Unsure is set.
//   - TLS 1.3 session tickets are told from answers by size and place; see
//     ticketing for what that gets wrong. Early data counts as a request when it
//     passes, keys are never used.
//   - A capture or log that cuts segments hides pipelined requests behind the
//     first one of a segment.
//   - Redis: CLIENT REPLY OFF and SKIP are not followed, nor streamed strings
//     and aggregates of RESP3. What a replica receives is not read.
//   - A request that is sent before the answer of the one before it is trusted
//     to be pipelined; HTTP/1.x servers that answer out of order do not exist.
//   - More than 256 requests at once on a connection are counted but have no Exchange.
package exchange
