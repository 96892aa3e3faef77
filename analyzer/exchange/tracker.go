package exchange

import "finwait/analyzer/event"

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

// doubt is whether requests may be missing in front of those that wait, so that
// answers cannot be given to them.
type doubt uint8

const (
	doubtNone  doubt = iota
	doubtBegun       // from the next request on
	doubtHeld        // until none waits
)

// half is one direction of a connection.
type half struct {
	off   int64        // offset in the stream of the next byte to parse
	left  int64        // bytes left of the body, chunk or frame being skipped
	buf   []byte       // the start of a head that is not complete; from Env
	start event.Moment // first byte of what is being collected in buf
	begin int64        // its offset
	last  mark         // last payload byte before the close
	phase phase        // of HTTP/1.x; for others only phaseHead and phaseSeek
	shut  bool         // FIN or RST
	flags halfFlags
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
	halfQuiet                          // phaseSeek after a gap in the client\'s stream: nothing of the server came since
	halfLate                           // buffered bytes began at start, not at the Moment of the call
)

func (h *half) has(f halfFlags) bool { return h.flags&f != 0 }

// Tracker turns the two byte streams of one connection into exchanges. The zero
// Tracker is ready for Init; it must not be copied after that. Data of both
// directions is given in the order in which it passed the capture point.
type Tracker struct {
	env   *Env
	owner uint32
	port  uint16
	mode  mode

	protocol Protocol
	client   half
	server   half
	q        queue
	prev     Exchange // the last one that was answered
	back     mark     // how far the server's stream was before the last segment
	declared Declared
	tls      *tlsState
	redis    *redisState
	h2       *h2State
	ws       *wsState

	name, alpn NameID

	sent, answered, reset, aborted, lost, resynced uint32

	capped, unsure bool
	hasPrev        bool
	doubt          doubt
	deaf           bool // modeTurns looks for no protocol any more
	spoke          bool // a complete message of HTTP/1.x was seen
}

// Init makes t ready for a new connection of owner, a number that comes back
// at the Sink. port is the server's: a hint where the bytes leave a doubt.
func (t *Tracker) Init(env *Env, owner uint32, port uint16) {
	t.drop()
	slots := t.q.inline
	*t = Tracker{env: env, owner: owner, port: port}
	t.q.inline = slots
	t.q.reset()
}

// drop returns what t borrowed from its Env.
func (t *Tracker) drop() {
	if t.env == nil {
		return
	}
	t.env.release(t.client.buf)
	t.env.release(t.server.buf)
	t.client.buf, t.server.buf = nil, nil
	t.env.releaseTLS(t.tls)
	t.env.releaseRedis(t.redis)
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
	t.skip(side, n, at, false)
}

// wake notes that side sent payload.
func (t *Tracker) wake(side event.Side) {
	if t.protocol == ProtocolNone {
		t.protocol = ProtocolOpaque
	}
	if side == event.Server {
		t.client.flags = t.client.flags&^halfQuiet | halfHeard
	}
}

// touch notes that n bytes of payload came at at.
func (t *Tracker) touch(side event.Side, n int64, at event.Moment) {
	if t.closing() {
		return
	}
	h := t.half(side)
	if side == event.Server && h.last.at != at {
		t.back = h.last
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
	}
	t.endSoft()
	if side == event.Client {
		if read >= 0 && !t.closing() && t.server.last.end > read {
			t.server.last = t.back
		}
		t.undeliver(read)
	}
	h.shut = true
}

// undeliver takes back the answers that the client's close shows it never
// received: those that end behind the first read bytes of the server's stream.
func (t *Tracker) undeliver(read int64) {
	if read < 0 {
		return
	}
	for i := range t.q.n {
		t.takeBack(t.q.at(i), read)
	}
	if t.h2 != nil {
		for i := range t.h2.streams {
			t.takeBack(&t.h2.streams[i].entry, read)
		}
	}
}

func (t *Tracker) takeBack(x *entry, read int64) {
	if !x.First.Seen() || x.LastOffset <= read || x.Late.Seen() {
		return
	}
	x.LateEnd, x.LateWhole = x.Last, x.has(entryComplete) && !x.has(entrySoft)
	if x.FirstOffset >= read {
		x.Late, x.First, x.Last = x.First, event.Moment{}, event.Moment{}
		return
	}
	// The server's last two segments are remembered: enough for a response
	// that trickles. Of a burst only the first byte is known to have come.
	x.Late = x.Last
	if t.back.end <= read && t.back.end > x.FirstOffset {
		x.Last, x.LastOffset = t.back.at, t.back.end
	} else {
		x.Last, x.LastOffset = x.First, read
	}
}

// open starts a request at at. A client that goes on after the server has spoken
// has read what came before, so ended exchanges leave. nil when too many are
// outstanding.
func (t *Tracker) open(at event.Moment) *entry {
	if t.client.has(halfHeard) {
		t.client.flags &^= halfHeard
		t.endSoft()
	}
	t.emit()
	t.sent++
	if t.doubt == doubtHeld && t.q.n == 0 {
		t.doubt = doubtNone
	}
	x := t.q.push(at)
	if x == nil {
		return nil
	}
	x.Keep = true
	if t.doubt != doubtNone {
		t.doubt = doubtHeld
		x.flags |= entryLost
	}
	return x
}

// endSoft ends a response whose framing does not tell its end, because the
// client went on or the connection closes.
func (t *Tracker) endSoft() {
	x := t.q.waiting()
	if x != nil && x.has(entrySoft|entryLost) && (x.First.Seen() || x.has(entryLost)) {
		t.complete(x, event.Moment{})
	}
}

// respond notes response bytes of x at offsets from to to, which came from start
// to at. x may be nil.
func (t *Tracker) respond(x *entry, from, to int64, start, at event.Moment) {
	if x == nil {
		return
	}
	if t.client.shut {
		if !x.Late.Seen() {
			x.Late = at
		}
		x.LateEnd = at
		return
	}
	if !x.First.Seen() {
		x.First, x.FirstOffset = start, from
	}
	x.Last, x.LastOffset = at, to
}

// complete ends the response to x, the oldest that waits; nil ends one that
// answers a request which is not tracked.
func (t *Tracker) complete(x *entry, at event.Moment) {
	if x == nil {
		switch {
		case t.q.over > 0 && !t.client.shut:
			t.q.over--
			t.answered++
		case t.q.over > 0:
			t.q.over--
		}
		return
	}
	t.end(x, at)
	t.q.ended++
}

// end marks the response to x as ended, at at or zero when that is not known.
func (t *Tracker) end(x *entry, at event.Moment) {
	x.flags |= entryComplete
	if !t.client.shut || !at.Seen() {
		return
	}
	if !x.Late.Seen() {
		x.Late, x.LateEnd = at, at
	}
	x.LateWhole = true
}

// delivered reports whether the client received the whole response.
func (x *entry) delivered() bool {
	return x.has(entryComplete) && !x.has(entryLost) && !x.Late.Seen()
}

// emit gives the ended exchanges to the sink.
func (t *Tracker) emit() {
	for t.q.ended > 0 {
		t.count(t.q.at(0))
		t.q.shift()
	}
}

// count settles the outcome of x and gives it to the sink.
func (t *Tracker) count(x *entry) {
	switch {
	case x.Outcome == OutcomeReset:
		t.reset++
	case x.Outcome == OutcomeAborted:
		t.aborted++
	case x.has(entryLost):
		x.Outcome = OutcomeDiscarded
		t.lost++
	case x.delivered():
		x.Outcome = OutcomeAnswered
		t.answered++
		t.prev, t.hasPrev = x.Exchange, true
	}
	if t.env.Sink != nil {
		t.env.Sink.Exchange(t.owner, &x.Exchange)
	}
}

// declare notes the first announcement of the connection's end.
func (t *Tracker) declare(by event.Side, at event.Moment, text string) {
	if t.declared.By == event.NoSide {
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

// Finish gives what is left to the sink and fills s. s.Outstanding and
// s.Previous point into t and are valid until the next Init.
func (t *Tracker) Finish(s *Summary) {
	if t.mode == modeDetect {
		t.decide(event.Client, t.client.last.at)
		t.decide(event.Server, t.server.last.at)
	}
	switch t.mode {
	case modeHTTP1:
		t.http1Finish()
	case modeTLS:
		t.tlsFinish()
	case modeRedis:
		t.redisFinish()
	}
	t.endSoft()
	*s = Summary{
		Protocol: t.protocol, ServerName: t.name, ALPN: t.alpn, Declared: t.declared,
		ClientLast: t.client.last.at, ServerLast: t.server.last.at,
		Resynced: t.resynced, Capped: t.capped,
	}
	t.finishQueue(s)
	if t.tls != nil {
		s.ClientNotify, s.ServerNotify = t.tls.client.notify, t.tls.server.notify
		if s.Outstanding == nil && t.tls.waiting() {
			s.Outstanding = &t.tls.handshake
		}
	}
	if x := s.Outstanding; x != nil {
		s.Late, s.LateEnd, s.LateWhole = x.Late, x.LateEnd, x.LateWhole
	}
	if t.hasPrev {
		s.Previous = &t.prev
	}
	s.Sent, s.Answered, s.Reset, s.Aborted, s.Lost = t.sent, t.answered, t.reset, t.aborted, t.lost
	s.Unsure = t.unsure
}

// finishQueue counts the exchanges that are left, and finds the oldest that waits.
func (t *Tracker) finishQueue(s *Summary) {
	for i := range t.q.n {
		t.finishEntry(s, t.q.at(i))
	}
	s.Open += t.q.over
	if t.h2 == nil {
		return
	}
	for i := range t.h2.streams {
		t.finishEntry(s, &t.h2.streams[i].entry)
	}
}

func (t *Tracker) finishEntry(s *Summary, x *entry) {
	if x.has(entrySoft) && x.Late.Seen() {
		x.LateWhole = t.server.shut // its close is the only end there is
	}
	if !x.delivered() && !x.has(entryLost) {
		s.Open++
		if s.Outstanding == nil {
			x.Path = t.env.Names.ID(x.path)
			s.Outstanding = &x.Exchange
		}
	}
	t.count(x)
}
