package exchange

import "finwait/analyzer/event"

// detect collects the first bytes of a connection until they tell its protocol.
func (t *Tracker) detect(side event.Side, b []byte, at event.Moment) {
	if o := t.half(side.Peer()); len(o.buf) > 0 {
		t.decide(side.Peer(), at)
		t.feed(side, b, at)
		return
	}
	h := t.half(side)
	if len(h.buf) == 0 {
		if m := sniff(side, b, t.port); m != matchMaybe {
			t.enter(m)
			t.feed(side, b, at)
			return
		}
		h.buf, h.start = t.env.buffer(), at
		h.flags |= halfLate
	}
	h.buf = append(h.buf, b...)
	m := sniff(side, h.buf, t.port)
	if m == matchMaybe && len(h.buf) < maxBuffer {
		return
	}
	t.enter(m)
	t.replay(side, at)
}

// decide ends the collecting: nothing more will come that could tell.
func (t *Tracker) decide(side event.Side, at event.Moment) {
	h := t.half(side)
	if t.mode != modeDetect || len(h.buf) == 0 {
		return
	}
	t.enter(likely(side, h.buf))
	t.replay(side, at)
}

// replay feeds the collected bytes to the mode that was entered.
func (t *Tracker) replay(side event.Side, at event.Moment) {
	h := t.half(side)
	b := h.buf
	h.buf = nil
	h.flags &^= halfLate
	t.feed(side, b, at)
	h.start = event.Moment{}
	t.env.release(b)
}

// enter starts the parser of a recognised protocol.
func (t *Tracker) enter(m match) {
	switch m {
	case matchHTTP1:
		t.mode = modeHTTP1
		t.setProtocol(ProtocolHTTP1)
	case matchTLS:
		t.mode = modeTLS
		t.tls = t.env.takeTLS()
		t.setProtocol(ProtocolTLS)
	case matchHTTP2:
		t.mode = modeHTTP2
		t.h2 = newH2()
		t.setProtocol(ProtocolHTTP2)
	case matchRedis:
		t.mode = modeRedis
		t.redis = t.env.takeRedis()
		t.setProtocol(ProtocolRedis)
	default:
		t.mode = modeTurns
	}
}
