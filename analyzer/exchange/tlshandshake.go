package exchange

import "finwait/analyzer/event"

// tlsFlight judges encrypted records between the ServerHello and the client's
// Finished. The server's first one holds the EncryptedExtensions, whose length
// tells the chosen protocol. The client's are its certificate, if any, and its
// Finished, whose length is known; a client that packs several messages into
// one record is recognised by the server going on.
func (t *Tracker) tlsFlight(side event.Side, size int) recordRole {
	s := t.tls
	if size == 2+tagSize(s.cipher) {
		return recordHeld
	}
	if side == event.Client {
		if size == finishedSize(s.cipher) || s.cipher == 0 && size == finishedSize(cipherSHA384) {
			t.tlsFinished()
		} else {
			s.tickets.certs = true
		}
		return recordSetup
	}
	if s.tickets.certs {
		t.tlsFinished()
		t.unsure = true
		if t.isTicket(&s.server, size) {
			return recordIgnored
		}
		return recordTurn
	}
	switch {
	case !s.extended && s.cipher != 0:
		s.extended = true
		t.chosenALPN(size)
	case s.fin:
		s.tickets.done = true // behind its own Finished: Go's ticket
	}
	s.fin = s.fin || size == finishedSize(s.cipher)
	return recordSetup
}

// tlsUnannounced acts on a first record of application data outside TLS 1.3. When
// the ServerHello could not be read, it may be TLS 1.3 after all: there the
// server's handshake goes on in such records, and the client's has one behind
// its ChangeCipherSpec, where TLS 1.2 has its Finished.
func (t *Tracker) tlsUnannounced(side event.Side, r *record) {
	s := t.tls
	switch {
	case s.version == 0 && (side == event.Server || r.ccs && !r.fin):
		s.version, s.stage = versionTLS13, tlsFlight
	case side == event.Client:
		s.stage = tlsTraffic
	}
}

// tlsFinished ends the handshake of TLS 1.3.
func (t *Tracker) tlsFinished() {
	s := t.tls
	s.stage = tlsTraffic
	s.tickets.finished = s.client.start
	s.tickets.within = s.handshake.First.Time.Sub(s.handshake.End.Time)
}

// chosenALPN tells the application protocol from the size of the record that
// holds EncryptedExtensions: 4 bytes of header, 2 of length, 4 when the server
// acknowledges the name, and 7 more than the protocol's name. OpenSSL and Go
// send the message in a record of its own; other sizes say nothing.
func (t *Tracker) chosenALPN(size int) {
	s := t.tls
	n := size - tagSize(s.cipher) - 6
	h2 := false
	for _, id := range s.offered {
		p := t.env.Names.String(id)
		if p != "" && (n == 7+len(p) || n == 11+len(p)) {
			t.alpn, s.h2 = id, p == "h2"
			return
		}
		h2 = h2 || p == "h2"
	}
	// Sizes that no offer explains hold something else besides.
	t.unsure = t.unsure || h2 && n != 0 && n != 4
}

// tlsCollect keeps the bytes of plain handshake records until the hello is whole.
func (t *Tracker) tlsCollect(h *half, b []byte) {
	if len(h.buf)+len(b) > maxHello || !t.env.room(h, len(b)) {
		t.capped = true
		return
	}
	h.collect(t.env, b)
}

// maxHello bounds a hello; the largest real ones, with post-quantum keys, have 2 KiB.
const maxHello = 1 << 14

// setup extends the handshake's own exchange.
func (s *tlsState) setup(side event.Side, r *record, at event.Moment) {
	x := &s.handshake
	switch {
	case side == event.Server && x.Start.Seen():
		if !x.First.Seen() {
			x.First, x.FirstOffset = r.start, r.begin
		}
		x.Last = at
	case side == event.Client && s.stage == tlsHello:
		if !x.Start.Seen() {
			x.Start, x.Handshake, x.Keep = r.start, true, true
		}
		x.End = at
	}
}

// tlsHello reads a ClientHello or ServerHello once it is whole.
func (t *Tracker) tlsHello(side event.Side, h *half) {
	b := h.buf
	if len(b) < 4 {
		return
	}
	n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if len(b) < 4+n && n <= maxHello {
		return
	}
	var hi hello
	client := side == event.Client
	ok := n <= len(b)-4 && b[0] == helloServer-byte(b2i(client)) && hi.parse(client, b[4:4+n])
	s := t.tls
	switch {
	case client:
		t.clientHello(&hi)
		s.stage = max(s.stage, tlsAnswer)
	case ok && hi.retry:
		s.stage = tlsHello // a second ClientHello follows
	case ok:
		t.serverHello(&hi)
	default:
		s.stage = tlsFinish
	}
	h.drop(t.env)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (t *Tracker) clientHello(hi *hello) {
	s := t.tls
	s.tickets.wanted = hi.pskModes
	s.handshake.Whole = true
	if len(hi.name) > 0 {
		t.env.scratch = appendLower(t.env.scratch[:0], hi.name)
		t.name = t.env.Names.ID(t.env.scratch)
		s.handshake.Host = t.name
	}
	s.offered = [maxALPN]NameID{}
	for i, p := range hi.alpn {
		s.offered[i] = t.env.Names.ID(p)
	}
}

func (t *Tracker) serverHello(hi *hello) {
	s := t.tls
	s.version, s.cipher = hi.version, hi.cipher
	s.tickets.resumed = hi.resumed
	if len(hi.alpn) > 0 {
		t.alpn = t.env.Names.ID(hi.alpn[0])
		s.h2 = string(hi.alpn[0]) == "h2"
	}
	s.stage = tlsFinish
	if s.version == versionTLS13 {
		s.stage = tlsFlight
	}
}

// tlsHelloCut gives up a hello whose bytes are missing.
func (t *Tracker) tlsHelloCut(side event.Side, h *half) {
	s := t.tls
	if side == event.Client {
		s.stage = max(s.stage, tlsAnswer)
	} else {
		s.stage = tlsFinish
		t.unsure = true
	}
	h.drop(t.env)
}

// overhead is how many bytes protection adds to a record's plaintext: RFC 8446,
// section 5.2, RFC 5288, section 3, RFC 7905, section 2.
func (s *tlsState) overhead() int {
	switch {
	case s.version == versionTLS13:
		return tagSize(s.cipher)
	case s.cipher >= 0xcca8 && s.cipher <= 0xccae:
		return 16
	}
	return 24
}
