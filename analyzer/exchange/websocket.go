package exchange

import "finwait/analyzer/event"

// wsFrame is the WebSocket frame that a direction is in (RFC 6455, section 5.2).
type wsFrame struct {
	header [14]byte
	have   uint8
	need   uint8 // length of the header, once its second byte is known
	lost   bool  // out of step: bytes were missing
}

// The opcodes of the control frames.
const (
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// websocket passes over frames, looking for the Close frame that announces the
// connection's end, and for the client's Pings. Messages are no requests: either
// side may send at any time. After a gap outside a payload nothing more is read.
func (t *Tracker) websocket(side event.Side, b []byte, at event.Moment) {
	h, f := t.half(side), t.ws.frame(side)
	h.off += int64(len(b))
	for len(b) > 0 && !f.lost {
		if h.left > 0 {
			b = b[h.skipLeft(b):]
			continue
		}
		f.header[f.have] = b[0]
		f.have++
		b = b[1:]
		if f.have == 2 {
			f.need = frameNeed(f.header[1])
		}
		if f.have >= 2 && f.have == f.need {
			h.left = f.length()
			t.control(side, f.header[0]&0x0f, at)
			f.have = 0
		}
	}
}

// control takes a control frame. A Ping must be answered by a Pong (RFC 6455,
// section 5.5.2), and clients with a heartbeat close when none comes: the Ping
// is then a request like any other. Of several the oldest one waits.
func (t *Tracker) control(side event.Side, op byte, at event.Moment) {
	x := &t.ws.ping
	switch {
	case op == opClose:
		t.declare(side, at, "websocket close frame")
	case op == opPing && side == event.Client && !x.Start.Seen() && !t.client.shut:
		*x = Exchange{Start: at, End: at, Whole: true}
	case op == opPong && side == event.Server && t.client.shut:
		if x.Start.Seen() && !x.Late.Seen() {
			x.Late, x.LateEnd, x.LateWhole = at, at, true
		}
	case op == opPong && side == event.Server:
		*x = Exchange{}
	}
}

// websocketFinish makes a Ping that had no Pong when the client closed the
// request that was outstanding. It has the method PING and, for the rest, the
// names of the request that opened the websocket. Where the server closed, or
// nobody did, it is not counted: many clients send Pings and never look for
// their Pongs.
func (t *Tracker) websocketFinish(s *Summary) {
	x := &t.ws.ping
	if !x.Start.Seen() || s.Outstanding != nil || !t.ws.left || t.ws.client.lost || t.ws.server.lost || t.declared.By != event.NoSide {
		return
	}
	if up := t.q.newest(); up != nil {
		x.Host, x.Endpoint, x.Path = up.Host, up.Endpoint, t.env.Names.ID(up.path)
	}
	x.Method = t.env.Names.ID([]byte("PING"))
	s.Outstanding = x
	s.Open++
	t.sent++
}

// frameNeed returns the length of a frame's header from its second byte.
func frameNeed(b byte) uint8 {
	n := uint8(2)
	switch b & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b&0x80 != 0 { // masked
		n += 4
	}
	return n
}

// length returns the length of the payload.
func (f *wsFrame) length() (n int64) {
	from, to := 2, 2
	switch f.header[1] & 0x7f {
	case 126:
		to = 4
	case 127:
		to = 10
	default:
		return int64(f.header[1] & 0x7f)
	}
	for _, c := range f.header[from:to] {
		n = n<<8 | int64(c)
	}
	return max(n, 0) // the top bit must be zero
}

// wsState is both directions of a WebSocket connection.
type wsState struct {
	client, server wsFrame
	ping           Exchange // the client's oldest Ping that no Pong answers
	left           bool     // the client was the first to close
}

func (s *wsState) frame(side event.Side) *wsFrame {
	if side == event.Server {
		return &s.server
	}
	return &s.client
}

// websocketSkip passes over n unreadable bytes.
func (t *Tracker) websocketSkip(side event.Side, n int64) {
	h := t.half(side)
	if n <= h.left {
		h.left -= n
		return
	}
	t.ws.frame(side).lost = true
}
