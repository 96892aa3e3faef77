package exchange

import "finwait/analyzer/event"

// wsFrame is the WebSocket frame that a direction is in (RFC 6455, section 5.2).
type wsFrame struct {
	header [14]byte
	have   uint8
	need   uint8 // length of the header, once its second byte is known
	lost   bool  // out of step: bytes were missing
}

// opClose is the opcode of a Close frame.
const opClose = 8

// websocket passes over frames, looking for the Close frame that announces the
// connection's end. Messages are no requests: either side may send at any time.
// After a gap outside a payload nothing more is read.
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
			if f.header[0]&0x0f == opClose {
				t.declare(side, at, "websocket close frame")
			}
			f.have = 0
		}
	}
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
type wsState struct{ client, server wsFrame }

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
