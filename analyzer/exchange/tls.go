package exchange

import "finwait/analyzer/event"

// tlsStage is how far a TLS connection is.
type tlsStage uint8

const (
	tlsHello   tlsStage = iota // waiting for the ClientHello
	tlsAnswer                  // waiting for the ServerHello
	tlsFlight                  // TLS 1.3: waiting for the client's Finished
	tlsFinish                  // TLS 1.2: waiting for both Finished
	tlsTraffic                 // application data; also when joined in the middle
)

// record is the TLS record that a direction is in.
type record struct {
	header [5]byte
	have   uint8 // bytes of the header
	lost   bool  // out of step: bytes were missing
	role   recordRole
	ccs    bool         // TLS 1.2: a ChangeCipherSpec has passed
	fin    bool         // TLS 1.2: and a Finished
	held   bool         // a record that is a close_notify if it stays the last
	full   bool         // the last data record was as long as records get
	notify event.Moment // close_notify
	start  event.Moment // first byte of the header
	begin  int64        // its offset
	hold   heldRecord   // what held stands for
}

// heldRecord is where a record of close_notify's size was.
type heldRecord struct {
	from, to  int64
	start, at event.Moment
}

// recordRole is what a record is to the exchanges.
type recordRole uint8

const (
	recordIgnored recordRole = iota
	recordHello              // plain handshake messages: collected
	recordSetup              // the rest of the handshake
	recordTurn               // application data
	recordHeld               // the size of an encrypted close_notify
)

// tlsState is what a tracker of TLS needs beyond its halves.
type tlsState struct {
	stage     tlsStage
	version   uint16
	cipher    uint16
	h2        bool            // HTTP/2 was chosen
	extended  bool            // TLS 1.3: the server's EncryptedExtensions have passed
	fin       bool            // TLS 1.3: and its Finished
	turns     h2Turns         // when h2
	offered   [maxALPN]NameID // protocols the client offered
	client    record
	server    record
	handshake Exchange
	tickets   ticketing
}

// waiting reports whether the handshake was begun and never finished.
func (s *tlsState) waiting() bool {
	return s.handshake.Start.Seen() && s.stage < tlsTraffic
}

func (s *tlsState) record(side event.Side) *record {
	if side == event.Server {
		return &s.server
	}
	return &s.client
}

// tlsData passes over the records in b.
func (t *Tracker) tlsData(side event.Side, b []byte, at event.Moment) {
	h, r := t.half(side), t.tls.record(side)
	for fresh := true; len(b) > 0; fresh = false {
		if r.lost && !t.tlsSeek(side, h, r, b, at, fresh) {
			return
		}
		if r.have < 5 {
			if r.have == 0 {
				r.start, r.begin = h.took(at), h.off
			}
			n := copy(r.header[r.have:], b)
			r.have += uint8(n)
			h.off += int64(n)
			b = b[n:]
			if r.have == 5 {
				t.tlsRecord(side, h, r)
			}
			if r.have < 5 || r.lost {
				continue
			}
		}
		n := h.skipLeft(b)
		if r.role == recordHello {
			t.tlsCollect(h, b[:n])
		}
		h.off += int64(n)
		b = b[n:]
		t.tlsPart(side, h, r, at)
	}
}

// tlsSeek looks for a record at the start of a segment and reports whether it
// found one. It takes b when it did not.
func (t *Tracker) tlsSeek(side event.Side, h *half, r *record, b []byte, at event.Moment, fresh bool) bool {
	if fresh && len(b) >= 5 && validRecord(b) {
		r.lost = false
		t.resynced++
		return true
	}
	if t.tls.stage == tlsTraffic {
		t.unsure = true
		t.turnLost(side, h, int64(len(b)), at)
	}
	h.off += int64(len(b))
	t.tlsTouch(side, h, at)
	return false
}

// validRecord reports whether b starts with a record's header.
func validRecord(b []byte) bool {
	n := int(b[3])<<8 | int(b[4])
	return b[0] >= recordCCS && b[0] <= recordData && b[1] == 3 && b[2] <= 4 && n > 0 && n <= maxRecord
}

// tlsRecord acts on a complete record header.
func (t *Tracker) tlsRecord(side event.Side, h *half, r *record) {
	if !validRecord(r.header[:]) {
		r.lost, r.have = true, 0
		t.unsure = true
		return
	}
	size := int(r.header[3])<<8 | int(r.header[4])
	h.left = int64(size)
	if r.held { // it was not the last record, so it was no alert
		r.held = false
		t.release(side, h, r.hold)
	}
	r.role = t.tlsRole(side, r, size)
}

// release makes a held record the data that it is. The server's belongs to the
// exchange of its time, which may be over.
func (t *Tracker) release(side event.Side, h *half, k heldRecord) {
	if x := t.q.waiting(); side == event.Server && x != nil && x.Start.Frame > k.start.Frame {
		return
	}
	t.tlsTurn(side, h, k.from, k.to, k.start, k.at)
}

// tlsRole tells what a record is to the exchanges.
func (t *Tracker) tlsRole(side event.Side, r *record, size int) recordRole {
	s := t.tls
	switch r.header[0] {
	case recordHandshake:
		switch {
		case s.stage == tlsTraffic:
			return recordIgnored
		case r.ccs:
			r.fin = true
			return recordSetup
		case side == event.Client && s.stage == tlsHello, side == event.Server && s.stage <= tlsAnswer:
			return recordHello
		}
		return recordSetup
	case recordCCS:
		r.ccs = s.stage == tlsFinish || s.stage == tlsAnswer
		return recordSetup
	case recordAlert:
		return recordHeld
	}
	if s.stage == tlsFinish {
		t.tlsUnannounced(side, r)
	}
	if s.stage == tlsFlight {
		return t.tlsFlight(side, size)
	}
	if s.stage == tlsHello {
		s.stage = tlsTraffic // joined in the middle
	}
	if s.version == versionTLS13 || s.version == 0 {
		if size == 2+tagSize(s.cipher) {
			return recordHeld
		}
		if side == event.Server && s.stage == tlsTraffic && t.isTicket(r, size) {
			return recordIgnored
		}
	}
	r.full = size >= 1<<14
	if s.h2 {
		return t.h2Role(side, r, size-s.overhead())
	}
	return recordTurn
}

// isTicket judges a record of the server behind a TLS 1.3 handshake.
func (t *Tracker) isTicket(r *record, size int) bool {
	k := &t.tls.tickets
	if !k.finished.Seen() {
		return false // joined in the middle
	}
	if k.take(r, size) {
		return true
	}
	k.count = 0
	return false
}

// tlsPart notes progress of the current record, up to h.off.
func (t *Tracker) tlsPart(side event.Side, h *half, r *record, at event.Moment) {
	s := t.tls
	switch r.role {
	case recordHello, recordSetup:
		s.setup(side, r, at)
		t.tlsTouch(side, h, at)
		if r.role == recordHello && h.left == 0 {
			t.tlsHello(side, h)
		}
	case recordTurn:
		t.tlsTurn(side, h, r.begin, h.off, r.start, at)
	case recordHeld:
		if h.left == 0 {
			r.held = true
			r.hold = heldRecord{r.begin, h.off, r.start, at}
		}
	default:
		t.tlsTouch(side, h, at)
	}
	if h.left == 0 {
		r.have = 0
		if s.stage == tlsFinish && s.client.fin && s.server.fin {
			s.stage = tlsTraffic
		}
	}
}

// tlsTurn judges application data by turns.
func (t *Tracker) tlsTurn(side event.Side, h *half, from, to int64, start, at event.Moment) {
	t.tlsTouch(side, h, at)
	if side == event.Client && from == t.tls.client.begin {
		t.ticketBeforeRequest(start)
	}
	t.turn(side, from, to, start, at)
}

// tlsTouch notes payload that is no close_notify.
func (t *Tracker) tlsTouch(side event.Side, h *half, at event.Moment) {
	t.touch(side, 0, at)
}

// tlsSkip passes over n unreadable bytes: exact inside a record, else the
// records' boundaries are lost until a segment starts with one.
func (t *Tracker) tlsSkip(side event.Side, n int64, at event.Moment) {
	h, r := t.half(side), t.tls.record(side)
	if r.have == 5 && n <= h.left {
		h.left -= n
		if r.role == recordHello {
			t.tlsHelloCut(side, h)
			r.role = recordSetup
		}
		h.off += n
		t.tlsPart(side, h, r, at)
		h.off -= n
		return
	}
	if r.have == 5 && r.role == recordTurn {
		t.tlsTurn(side, h, r.begin, h.off+h.left, r.start, at)
	}
	if r.role == recordHello {
		t.tlsHelloCut(side, h)
	}
	t.tlsTouch(side, h, at)
	r.lost, r.have, r.held, h.left = true, 0, false, 0
	if t.tls.stage == tlsTraffic {
		t.turnLost(side, h, n, at)
	}
}

// tlsShut judges what only the end of a direction tells: whether the last
// record was a close_notify, and whether the server's last record shows that
// its response was not complete.
func (t *Tracker) tlsShut(side event.Side, at event.Moment) {
	t.heldNotify(side)
	t.ticketBeforeClose(at)
	if x := t.q.waiting(); x != nil && x.First.Seen() && t.midResponse() {
		x.flags &^= entrySoft
	}
}

// midResponse reports whether the server has stopped inside a record, or with a
// record as long as they get, which is not how a response ends.
func (t *Tracker) midResponse() bool {
	r := &t.tls.server
	return r.role == recordTurn && (r.have > 0 && t.server.left > 0 || r.full)
}

// heldNotify takes a held record as the close_notify that it is.
func (t *Tracker) heldNotify(side event.Side) {
	r := t.tls.record(side)
	if !r.held {
		return
	}
	r.held, r.notify = false, r.hold.start
}

// tlsFinish judges the last records.
func (t *Tracker) tlsFinish() {
	t.heldNotify(event.Client)
	t.heldNotify(event.Server)
	t.ticketBeforeClose(event.Moment{})
}
