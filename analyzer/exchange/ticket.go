package exchange

import (
	"time"

	"finwait/analyzer/event"
)

// ticketing tells TLS 1.3's NewSessionTicket messages from answers. A server
// that sends tickets does so before any application data, when it has read the
// client's Finished. A client that sends its request along with its Finished,
// as most do, gets them while the request is outstanding, and then only their
// sizes and their place tell that they are no answer. As recorded:
//
//   - OpenSSL (nginx, Node.js, Python) sends two of the same length after a
//     full handshake, also to clients that take none, and one or none after a
//     resumed one. Their records have 74 bytes when the server keeps the
//     session, else 202 or more with 10 modulo 16 (a 16-byte key name, an IV,
//     AES-CBC blocks, an HMAC).
//   - Go sends its one behind its own Finished, before the client's, and only
//     to clients that ask.
//   - BoringSSL keeps them back until it has something else to send.
//
// What this gets wrong: a lone short record that comes at once, which may be a
// ticket or a whole answer. It counts as a ticket when it has OpenSSL's size or
// the client asked for tickets in a full handshake, unless the client closes
// right after it or goes on with a next request; Summary.Unsure tells.
type ticketing struct {
	wanted   bool         // the ClientHello has psk_key_exchange_modes (RFC 8446, section 4.2.9)
	resumed  bool         // the server took a pre-shared key
	certs    bool         // the client sent certificates, which tickets may hold
	done     bool         // no more tickets will come
	count    uint8        // records taken for tickets
	size     uint16       // their length
	finished event.Moment // the client's Finished
	within   time.Duration
	first    heldRecord
}

// maxTickets bounds how many records of one length are taken for tickets.
// rustls sent 4, later 2.
const maxTickets = 4

// take judges a record of the server behind the handshake.
func (k *ticketing) take(r *record, size int) bool {
	longest := 700
	if k.certs {
		longest = 8 << 10
	}
	switch {
	case k.done:
		return false
	case size < 60 || size > longest, k.count == maxTickets, k.count > 0 && size != int(k.size),
		k.count == 0 && !k.plausible(r.start, size):
		k.done = true
		return false
	}
	if k.count == 0 {
		k.size = uint16(size)
		k.first = heldRecord{from: r.begin, to: r.begin + 5 + int64(size), start: r.start, at: r.start}
	}
	k.count++
	return true
}

// soon reports whether at is as close to the client's Finished as tickets come,
// measured by how long the server took for its hello.
func (k *ticketing) soon(at event.Moment) bool {
	if !at.Time.Known() || !k.finished.Time.Known() {
		return true
	}
	return at.Time.Sub(k.finished.Time) <= 2*k.within+50*time.Millisecond
}

// plausible reports whether the first record behind the handshake may be a ticket.
func (k *ticketing) plausible(at event.Moment, size int) bool {
	return k.soon(at) && (openSSLTicket(size) || k.wanted && !k.resumed)
}

// openSSLTicket reports whether a record has the length of an OpenSSL ticket.
func openSSLTicket(size int) bool { return size == 74 || size >= 202 && size%16 == 10 }

// loneTicket returns the request that a single record taken for a ticket may
// have answered, or nil.
func (t *Tracker) loneTicket() *entry {
	k, x := &t.tls.tickets, t.q.waiting()
	if k.count != 1 || x == nil || x.First.Seen() || k.first.start.Frame < x.Start.Frame {
		return nil
	}
	return x
}

// ticketAnswers makes the lone ticket the answer to x.
func (t *Tracker) ticketAnswers(x *entry) {
	k := &t.tls.tickets
	k.done, k.count = true, 0
	x.flags |= entrySoft
	t.respond(x, k.first.from, k.first.to, k.first.start, k.first.at)
}

// ticketBeforeRequest looks back at a lone ticket when the client sends again: a
// client that goes on well after the ticket has had its answer.
func (t *Tracker) ticketBeforeRequest(at event.Moment) {
	x := t.loneTicket()
	if x == nil {
		return
	}
	if first := t.tls.tickets.first.start; first.Frame > x.End.Frame && at.Time.Sub(first.Time) >= 10*time.Millisecond {
		t.ticketAnswers(x)
	}
}

// ticketBeforeClose looks back at a lone ticket when the connection closes at
// at, or zero when it does not.
func (t *Tracker) ticketBeforeClose(at event.Moment) {
	x := t.loneTicket()
	if x == nil {
		return
	}
	k := &t.tls.tickets
	if k.resumed {
		return // one is what OpenSSL sends then
	}
	t.unsure = true
	if at.Seen() && at.Time.Sub(k.first.start.Time) <= 50*time.Millisecond {
		t.ticketAnswers(x)
	}
}
