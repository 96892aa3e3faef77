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
		if m := t.recognise(side, b); m > matchMaybe && m != matchProxy || m == matchNone {
			t.enter(m)
			t.feed(side, b, at)
			return
		}
		if !t.env.room(h, len(b)) {
			t.capped, t.unsure = true, true
			t.enter(likely(side, b))
			t.feed(side, b, at)
			return
		}
		h.start = at
		h.flags |= halfLate
	}
	h.collect(t.env, b)
	m := t.recognise(side, h.buf)
	if m == matchProxy {
		t.skipProxy(h, at)
		return
	}
	if m == matchMaybe && t.env.room(h, 1) {
		return
	}
	t.enter(m)
	t.replay(side, at)
}

// recognise tells the protocol from what a side has sent so far.
func (t *Tracker) recognise(side event.Side, b []byte) match {
	if side == event.Client && t.client.off == 0 {
		if _, m := proxyHeader(b); m == matchProxy || m == matchMaybe && sniff(side, b, t.port) <= matchMaybe {
			return m
		}
	}
	return sniff(side, b, t.port)
}

// skipProxy goes on behind a PROXY header, as if the connection began there.
func (t *Tracker) skipProxy(h *half, at event.Moment) {
	b := h.give(t.env)
	n, _ := proxyHeader(b)
	h.start = event.Moment{}
	h.flags &^= halfLate
	h.off += int64(n)
	if n < len(b) {
		t.detect(event.Client, b[n:], at)
	}
	t.env.release(b)
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
	b := h.give(t.env)
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
		t.tls = t.env.tls.take()
		t.setProtocol(ProtocolTLS)
	case matchHTTP2:
		t.mode = modeHTTP2
		t.h2 = newH2()
		t.setProtocol(ProtocolHTTP2)
	case matchRedis:
		t.mode = modeRedis
		t.redis = t.env.redis.take()
		t.setProtocol(ProtocolRedis)
	default:
		t.mode = modeTurns
	}
}
