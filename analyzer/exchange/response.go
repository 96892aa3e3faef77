package exchange

import "finwait/analyzer/event"

// response acts on a response's head at offsets from to to.
func (t *Tracker) response(h *half, hd *head, from, to int64, at event.Moment) {
	if hd.status < 200 && hd.status != 101 {
		t.interim(t.q.waiting(), at)
		return
	}
	x := t.q.waiting()
	if x == nil && t.q.over == 0 {
		t.unpaired(h, hd)
	}
	if x != nil {
		x.Status = hd.status
		x.flags &^= entryLost
	}
	switch {
	case hd.status == 101:
		t.switchProtocol(x, hd, at)
	case x != nil && x.has(entryConnect) && hd.status < 300:
		t.complete(x, at)
		t.tunnel()
	default:
		t.responseBody(h, hd, x, at)
	}
}

// interim notes a 1xx response, which is not the answer.
func (t *Tracker) interim(x *entry, at event.Moment) {
	if x == nil {
		return
	}
	if x.Late.Seen() {
		x.Late, x.LateEnd = event.Moment{}, event.Moment{}
		return
	}
	x.Continue, x.First, x.Last = x.First, event.Moment{}, event.Moment{}
	if !x.Continue.Seen() {
		x.Continue = at
	}
}

// unpaired handles a response to no known request. Servers send 408 (Request
// Timeout) unasked when they close an idle connection (RFC 9110, section
// 15.5.9): that answers nothing. Else the request is in a part that the input
// lacks: in a gap, or before its start.
func (t *Tracker) unpaired(h *half, hd *head) {
	h.flags |= halfUnpaired
	if hd.status == 408 {
		return
	}
	t.lost++
	if t.lossy {
		t.sent++
	}
}

// responseBody decides how the body of a response ends (RFC 9112, section 6.3).
func (t *Tracker) responseBody(h *half, hd *head, x *entry, at event.Moment) {
	keep, why := hd.persistent()
	length := hd.length
	if hd.status == 204 || hd.status == 304 || x != nil && x.has(entryHead) {
		hd.chunked, hd.coded, length = false, false, 0
	}
	switch {
	case hd.chunked:
		h.phase, h.left = phaseSize, 0
	case hd.bad:
		t.unsure = true
		t.seek(h, false)
		if x != nil {
			x.flags |= entrySoft
		}
	case hd.coded || length < 0:
		h.phase = phaseClose
		if keep {
			keep, why = false, "body until close"
		}
	case length > 0:
		h.phase, h.left = phaseBody, length
	}
	if x != nil {
		x.Keep = x.Keep && keep
	}
	if !keep && !(x == nil && hd.status == 408) {
		t.declare(event.Server, at, why)
	}
	if h.phase == phaseHead {
		t.endMessage(event.Server, h, at)
	}
}

// switchProtocol follows 101 (Switching Protocols).
func (t *Tracker) switchProtocol(x *entry, hd *head, at event.Moment) {
	if isName(hd.protocol, "h2c") && x != nil && x == t.q.newest() && !t.client.shut {
		t.upgradeH2(x, at)
		return
	}
	t.complete(x, at)
	if isName(hd.protocol, "websocket") {
		t.mode, t.ws = modeWebSocket, &wsState{}
		t.client.restart(t.env)
		t.server.restart(t.env)
		t.setProtocol(ProtocolWebSocket)
		return
	}
	t.tunnel()
}

// upgradeH2 goes on with HTTP/2, where the request is stream 1 (RFC 7540,
// section 3.2).
func (t *Tracker) upgradeH2(x *entry, at event.Moment) {
	t.interim(x, at)
	x.Status = 0
	t.enter(matchHTTP2)
	t.h2.newest = 1
	first := stream{entry: *x, id: 1}
	first.path = append([]byte(nil), x.path...)
	t.h2.streams = append(t.h2.streams, first)
	t.q.n--
	t.client.restart(t.env)
	t.server.restart(t.env)
}

// tunnel starts over: what follows may be anything, TLS for the most part.
func (t *Tracker) tunnel() {
	t.setProtocol(ProtocolTunnel)
	t.mode = modeDetect
	t.client.restart(t.env)
	t.server.restart(t.env)
}

// restart forgets what the parser before was in.
func (h *half) restart(env *Env) {
	h.drop(env)
	h.phase, h.left = phaseHead, 0
	h.flags = 0
}

// http1Shut ends what a FIN or RST of side ends.
func (t *Tracker) http1Shut(side event.Side, at event.Moment) {
	h := t.half(side)
	if side == event.Server && h.phase == phaseClose {
		if x := t.q.waiting(); x != nil && t.client.shut && !x.Late.Seen() {
			x.Late, x.LateEnd = at, at // the client had all but the end
		}
		t.endMessage(side, h, at)
	}
	if side == event.Client {
		t.partialRequest()
	}
}

// http1Finish takes what heads that never got complete say.
func (t *Tracker) http1Finish() {
	t.partialRequest()
	if x := t.q.waiting(); x != nil && len(t.server.buf) > 0 {
		var hd head
		if hd.readCut(t.server.buf, false) && hd.status >= 200 {
			x.Status = hd.status
		}
	}
	if x := t.q.waiting(); x != nil && x.has(entrySoft|entryLost) {
		t.unsure = true
	}
}

// partialRequest describes a request whose head is not complete.
func (t *Tracker) partialRequest() {
	if len(t.client.buf) == 0 {
		return
	}
	var hd head
	x := t.q.newest()
	if x != nil && hd.readCut(t.client.buf, true) {
		t.describe(x, &hd)
	}
}
