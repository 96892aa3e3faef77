package exchange

import (
	"time"

	"finwait/analyzer/event"
)

// mode is which parser a connection's bytes go to.
type mode uint8

const (
	modeDetect mode = iota // not enough bytes to tell
	modeTurns
	modeHTTP1
	modeHTTP2
	modeTLS
	modeRedis
	modeWebSocket
	modeStream // bytes that are no requests: a replication or pub/sub stream
)

// mark is how far a stream had come, and when.
type mark struct {
	end int64 // offset behind the last byte
	at  event.Moment
}

// half is one direction of a connection.
type half struct {
	off   int64  // offset in the stream of the next byte to parse
	left  int64  // bytes left of the body, chunk or frame being skipped
	last  mark   // last payload byte before the close
	buf   []byte // the start of a head that is not complete; from Env
	lent  uint32 // what Env counts for buf
	flags halfFlags
	phase phase        // of HTTP/1.x; for others only phaseHead and phaseSeek
	shut  bool         // FIN or RST
	start event.Moment // first byte of what is being collected in buf
}

type halfFlags uint16

const (
	halfTurns    halfFlags = 1 << iota // phaseSeek: what is not recognised is judged by turns
	halfMissing                        // phaseSeek after a fault: finding a message is a resynchronisation
	halfHold                           // a body that follows only after 100 (Continue), of which no byte was seen
	halfUnpaired                       // the response being read answers no known request
	halfCR                             // HTTP/1.x chunk size: only the rest of the line is left
	halfDigits                         // HTTP/1.x chunk size: a digit was seen
	halfHeard                          // of the client: something of the server came since its last request
	halfQuiet                          // phaseSeek after a gap in the client's stream: nothing of the server came since
	halfLate                           // buffered bytes began at start, not at the Moment of the call
)

func (h *half) has(f halfFlags) bool { return h.flags&f != 0 }

// Tracker turns the two byte streams of one connection into exchanges. The zero
// Tracker is ready for Init; it must not be copied after that. Data of both
// directions is given in the order in which it passed the capture point.
type Tracker struct {
	env      *Env
	owner    uint32
	port     uint16
	mode     mode
	protocol Protocol

	capped, unsure bool
	headCut        bool
	doubt          doubt
	lossy          bool // bytes of the client are missing
	deaf           bool // modeTurns looks for no protocol any more
	spoke          bool // a complete message of HTTP/1.x was seen
	sent, answered uint32

	tls   *tlsState
	redis *redisState
	h2    *h2State
	ws    *wsState

	client   half
	server   half
	q        queue
	gap      event.Moment // when bytes of the client that may be a whole request were known to be missing; valid with halfQuiet
	read     int64        // how many bytes of the server's stream the client had received at its close; valid when client.shut, -1 unknown
	prev     *Exchange    // the last one that was answered, in kept or where it waited; nil: none
	kept     *kept        // memory for prev; nil until a second request needs it
	back     mark         // how far the server's stream was before the last segment
	declared Declared

	name, alpn NameID
	method     NameID // of the last request

	reset, aborted, lost, resynced uint32
	pause                          time.Duration // see Summary.Pause
}

// kept is a copy of an exchange that has left the queue.
type kept struct {
	Exchange
	path []byte // as entry's, where it may be asked for; reused
}

// Init makes t ready for a new connection of owner, a number that comes back
// at the Sink. port is the server's: a hint where the bytes leave a doubt.
func (t *Tracker) Init(env *Env, owner uint32, port uint16) {
	t.Drop()
	path, k := t.q.inline[0].path, t.kept
	*t = Tracker{env: env, owner: owner, port: port, kept: k}
	t.q.init(path)
}

// Drop returns what t borrowed from its Env. Only Init may follow.
func (t *Tracker) Drop() {
	if t.env == nil {
		return
	}
	t.env.release(t.client.give(t.env))
	t.env.release(t.server.give(t.env))
	t.env.tls.release(t.tls)
	t.env.redis.release(t.redis)
	t.tls, t.redis, t.h2, t.ws = nil, nil, nil, nil
}

func (t *Tracker) half(side event.Side) *half {
	if side == event.Server {
		return &t.server
	}
	return &t.client
}

// closing reports whether either side has sent its FIN or RST.
func (t *Tracker) closing() bool { return t.client.shut || t.server.shut }

// Data gives n bytes of side's stream. b holds the first of them: all, unless
// the source cut the rest (snaplen, strace -s). b is not kept. Bytes of a side
// that was shut are ignored.
func (t *Tracker) Data(side event.Side, n int, b []byte, at event.Moment) {
	h := t.half(side)
	if n <= 0 || h.shut {
		return
	}
	if len(b) > n {
		b = b[:n]
	}
	t.wake(side)
	if t.mode != modeTLS {
		t.touch(side, int64(n), at)
	}
	t.feed(side, b, at)
	if cut := n - len(b); cut > 0 {
		t.skip(side, int64(cut), at, true)
	}
}

// Gap says that n bytes of side's stream are missing from the input.
func (t *Tracker) Gap(side event.Side, n int64, at event.Moment) {
	h := t.half(side)
	if n <= 0 || h.shut {
		return
	}
	t.wake(side)
	t.lossy = t.lossy || side == event.Client
	t.skip(side, n, at, false)
}

// behind reports whether the server's next byte is one that the client had not
// received when it closed.
func (t *Tracker) behind() bool {
	return t.client.shut && t.read >= 0 && t.server.off >= t.read
}

// wake notes that side sent payload.
func (t *Tracker) wake(side event.Side) {
	if t.protocol == ProtocolNone {
		t.protocol = ProtocolOpaque
	}
	if side == event.Server && !t.client.shut {
		t.client.flags = t.client.flags&^halfQuiet | halfHeard
	}
}

// touch notes that n bytes of payload came at at.
func (t *Tracker) touch(side event.Side, n int64, at event.Moment) {
	if t.closing() {
		return
	}
	h := t.half(side)
	switch {
	case side == event.Client:
		t.pause = 0
	case h.last.at != at:
		t.back = h.last
		if h.last.at.Frame > t.client.last.at.Frame && at.Time.Known() && h.last.at.Time.Known() {
			t.pause = max(t.pause, at.Time.Sub(h.last.at.Time))
		}
	}
	h.last = mark{h.off + int64(len(h.pending())) + n, at}
}

// pending returns the buffered bytes that off does not count yet: those of an
// undecided protocol.
func (h *half) pending() []byte {
	if h.has(halfLate) {
		return h.buf
	}
	return nil
}

// feed hands bytes to the parser of the connection's mode. It advances the
// side's offset by len(b), sooner or later.
func (t *Tracker) feed(side event.Side, b []byte, at event.Moment) {
	if len(b) == 0 {
		return
	}
	switch t.mode {
	case modeDetect:
		t.detect(side, b, at)
	case modeTurns:
		t.turns(side, b, at)
	case modeHTTP1:
		t.http1(side, b, at)
	case modeTLS:
		t.tlsData(side, b, at)
	case modeRedis:
		t.redisData(side, b, at)
	case modeHTTP2:
		t.http2(side, b, at)
	case modeWebSocket:
		t.websocket(side, b, at)
	default:
		t.half(side).off += int64(len(b))
	}
}

// skip passes over n bytes that cannot be read. cut: they are known to exist
// and to belong to this very segment; otherwise the input lacks them.
func (t *Tracker) skip(side event.Side, n int64, at event.Moment, cut bool) {
	h := t.half(side)
	if t.mode == modeDetect {
		t.decide(event.Client, at)
		t.decide(event.Server, at)
	}
	switch t.mode {
	case modeDetect, modeTurns:
		t.turnSkip(side, h, n, at, cut)
	case modeHTTP1:
		t.http1Skip(side, n, at, cut)
	case modeTLS:
		t.tlsSkip(side, n, at)
	case modeRedis:
		t.redisSkip(side, n, at, cut)
	case modeHTTP2:
		t.http2Skip(side, n, at)
	case modeWebSocket:
		t.websocketSkip(side, n)
	}
	h.off += n
}

// Shut says that side sent its FIN or RST. read is how many bytes of the
// peer's stream it had received by then (the acknowledgement number of the
// FIN), -1 when unknown: then everything given so far counts as received.
func (t *Tracker) Shut(side event.Side, at event.Moment, read int64) {
	h := t.half(side)
	if h.shut {
		return
	}
	if t.mode == modeDetect {
		t.decide(event.Client, at)
		t.decide(event.Server, at)
	}
	switch t.mode {
	case modeHTTP1:
		t.http1Shut(side, at)
	case modeTLS:
		t.tlsShut(side, at)
	case modeWebSocket:
		t.ws.left = t.ws.left || side == event.Client && !t.server.shut
	}
	if side == event.Client {
		t.waitUnseen()
	}
	t.endSoft()
	if side == event.Client {
		if read >= 0 && !t.closing() && t.server.last.end > read {
			t.server.last = t.back
		}
		t.undeliver(read)
		t.read = read
	}
	h.shut = true
}

// declare notes the first announcement of the connection's end. One in a
// response that the client did not wait for announces nothing.
func (t *Tracker) declare(by event.Side, at event.Moment, text string) {
	if t.declared.By == event.NoSide && !(by == event.Server && t.behind()) {
		t.declared = Declared{By: by, At: at, Text: text}
	}
}

// setProtocol names what the connection speaks; a tunnel stays a tunnel
// whatever passes through it.
func (t *Tracker) setProtocol(p Protocol) {
	if t.protocol != ProtocolTunnel {
		t.protocol = p
	}
}
