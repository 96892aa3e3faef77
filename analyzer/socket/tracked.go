package socket

import (
	"bytes"
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// state is how far a connection is. Zero: connect has not returned.
type state uint8

const (
	stateConnecting state = iota
	stateEstablished
	stateFailed
)

// tracked is a connection while the log goes on.
type tracked struct {
	index    int32 // in the result, and owner of its exchanges
	pos      int   // in Log.live
	file     *file
	tracker  *exchange.Tracker
	state    state
	accepted bool // the program is the server
	early    bool // open before the log began
	guessed  bool // the role is a guess so far
	ended    bool

	client, server event.Endpoint
	opener         int32
	proc           *process
	comm           string
	fd             int32
	guess          bool // the opener's table is a guess

	connect    moment // connect() or accept()
	resolved   moment // connected, or failed
	errno      event.Errno
	errnoAt    moment
	ours       moment // the program's first close or shutdown
	end        End
	endAt      moment
	closeTID   int32
	theirs     moment // the peer's FIN was read, or its RST met
	reset      bool   // it was a RST
	glanced    moment // a look at it, without waiting, found something to read while no request waited
	broken     bool   // the kernel gave the connection up
	kernelWait bool   // connect() on a blocking socket ran into SO_SNDTIMEO

	request   moment // first byte of the request that waits, as far as turns tell
	response  moment // first byte of the response to it
	last      moment // last payload byte of either side
	answered  int    // responses that began, by turns
	answering bool   // the peer has sent bytes since the last request byte

	wait    Wait // on this very descriptor, the last that expired with nothing read since
	shared  Wait // of the process, at the first close
	weak    Wait // a timer of the process, at the first close
	expired int  // shared waits between the request and the first close
	waited  time.Duration
	other   moment // data read from another connection between shared and the first close
	held    held   // a write that began and has not returned
	alert   moment
	muted   bool // what is read now is not the response: an alert was written

	sentBytes, gotBytes int64
	answer              int64  // bytes read since the last byte sent
	asked               moment // SO_ERROR was asked for, and there was none, while a request waited
	opts                options
	active              bool // another connection was used between the last byte and the first close
	idleWait            bool // a shared wait expired between them
	hidden              bool // its calls went through io_uring
}

// held is a write whose end has not been printed yet.
type held struct {
	at   moment
	size int64
	data []byte
}

// sides returns which side the program is, and which the peer.
func (c *tracked) sides() (ours, peer event.Side) {
	if c.accepted {
		return event.Server, event.Client
	}
	return event.Client, event.Server
}

// ends points at the endpoint of the program and of its peer.
func (c *tracked) ends() (ours, peer *event.Endpoint) {
	if c.accepted {
		return &c.server, &c.client
	}
	return &c.client, &c.server
}

// beside takes the addresses that a call prints beside the descriptor.
func (c *tracked) beside(call *event.Call) {
	ours, peer := c.ends()
	if call.Local.Known() && (!ours.Known() || call.Remote.Known()) {
		*ours = call.Local
	}
	if call.Remote.Known() {
		*peer = call.Remote
	}
}

// mismatch reports whether a call prints another connection than c beside the
// descriptor.
func (c *tracked) mismatch(call *event.Call) bool {
	if !call.Local.Known() || !call.Remote.Known() {
		return false
	}
	ours, peer := c.ends()
	return ours.Known() && ours.Port != call.Local.Port || peer.Known() && peer.Port != call.Remote.Port
}

// noWait stands for no wait that expired.
var noWait = Wait{At: event.NoTime}

// begin starts following a connection.
func (l *Log) begin(t *thread, f *file, m moment) *tracked {
	var c *tracked
	if n := len(l.free); n > 0 {
		c, l.free = l.free[n-1], l.free[:n-1]
	} else {
		c = &tracked{}
	}
	tracker, data := c.tracker, c.held.data[:0]
	if tracker == nil {
		tracker = &exchange.Tracker{}
	}
	*c = tracked{
		index: l.conns.begin(), pos: len(l.live), tracker: tracker, held: held{data: data},
		file: f, opener: t.tid, proc: t.proc, comm: t.comm, fd: f.fd, connect: m, opts: f.opts, guess: t.guessed,
		wait: noWait, shared: noWait, weak: noWait,
	}
	l.live = append(l.live, c)
	if l.watched != nil && l.watched.index == c.index {
		l.watched.conn = c
	}
	c.tracker.Init(l.env, uint32(c.index), 0)
	return c
}

// showsTCP reports whether a call shows by itself that its descriptor is a TCP
// connection. The payload tells where nothing else does: other protocols of
// pre-existing sockets are not followed.
func showsTCP(c *event.Call) bool {
	switch c.What {
	case event.DescriptorOther:
		return false
	case event.DescriptorTCP:
		return c.Remote.Known() || c.Kind != event.CallClose && c.Inode != 0 && c.Kind != event.CallAccept && c.Kind != event.CallListen
	}
	switch c.Kind {
	case event.CallRead, event.CallWrite:
		return len(c.Data) > 0 && exchange.Sniff(c.Data) != exchange.HintNone && plausible(c.Data)
	case event.CallSockname, event.CallPeername:
		return !c.Failed() && c.Family == event.FamilyInet && c.Addr.Port != 0
	case event.CallSetOption:
		return c.Option == event.OptionUserTimeout || c.Option == event.OptionSynCount
	}
	return false
}

// plausible keeps out payloads that merely look like a protocol: what a log
// shows of a descriptor it knows nothing about may be a file.
func plausible(b []byte) bool {
	return bytes.HasPrefix(b, []byte("HTTP/1.")) || bytes.Contains(b, []byte(" HTTP/1.")) || bytes.HasPrefix(b, []byte("PRI * HTTP/2")) ||
		len(b) > 3 && isUpper(b[0]) && isUpper(b[1]) && bytes.Contains(b[:min(len(b), 12)], []byte(" /")) ||
		len(b) >= 5 && b[0] == 0x16 && b[1] == 3
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// expire notes a wait of t that ended by its timeout.
func (l *Log) expire(t *thread, w Wait) {
	if w.Kind == WaitTimer {
		t.table.weak = w
		return
	}
	t.table.wait = w
	// A shared wait belongs to every connection that waits for something: what
	// it means to each is looked up when that one closes.
	l.history(t.table, w)
}

// direct notes a wait on the descriptor of c itself.
func (c *tracked) direct(w Wait) {
	if c.ended || !c.waits() {
		return
	}
	c.wait = w
}

// waits reports whether something is outstanding: the connect, or a request.
func (c *tracked) waits() bool {
	return c.state == stateConnecting || c.request.seen()
}

// duration returns the time from m to n, and false without a clock.
func duration(m, n moment) (time.Duration, bool) {
	if !m.time.Known() || !n.time.Known() {
		return 0, false
	}
	return n.time.Sub(m.time), true
}
