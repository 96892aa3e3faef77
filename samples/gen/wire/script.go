package wire

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// TCP control bits.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// mss is the payload that fits an Ethernet frame beside 12 bytes of options.
const mss = 1448

// packet is one packet of a script.
type packet struct {
	at         time.Duration // since the start of the capture
	seq, ack   uint32
	tsval      uint32
	tsecr      uint32
	head, body []byte // payload, in two pieces
	flags      byte
	client     bool // sent by the client
}

// script is the life of one connection.
type script struct {
	id      int // order of opening; breaks ties of time
	packets []packet
	next    int // the packet to be written next
	done    int // the packet with which the client is free for its next connection
	bytes   []byte

	client, server end
	clock          [2]uint32 // offset of the timestamps of server and client
	seen           [2]uint32 // last timestamp of server and client
	seq            [2]uint32 // next sequence number of server and client
	rtt            time.Duration
}

// end is an address and a port.
type end struct {
	addr [4]byte
	port uint16
}

// side is an index of the arrays of a script.
func side(client bool) int {
	if client {
		return 1
	}
	return 0
}

// send appends a packet at time at.
func (s *script) send(at time.Duration, client bool, flags byte, head, body []byte) {
	me, peer := side(client), side(!client)
	p := packet{
		at: at, client: client, flags: flags, head: head, body: body,
		seq: s.seq[me], tsval: s.clock[me] + uint32(at/time.Millisecond), tsecr: s.seen[peer],
	}
	if flags&ack != 0 {
		p.ack = s.seq[peer]
	}
	s.seen[me] = p.tsval
	s.seq[me] += uint32(len(head) + len(body))
	if flags&(syn|fin) != 0 {
		s.seq[me]++
	}
	s.packets = append(s.packets, p)
}

// keep copies text into the script's own memory.
func (s *script) keep(text []byte) []byte {
	n := len(s.bytes)
	s.bytes = append(s.bytes, text...)
	return s.bytes[n:len(s.bytes):len(s.bytes)]
}

// endpoint is a kind of request.
type endpoint struct {
	path   string        // with %d for an item
	weight int           // how often, of 100
	takes  time.Duration // how long the server takes, in the middle
}

// endpoints are what the clients ask for. The last is what they time out on.
func endpoints() []endpoint {
	return []endpoint{
		{"/api/v1/item/%d", 60, 4 * time.Millisecond},
		{"/api/v1/user/%d/profile", 25, 9 * time.Millisecond},
		{"/api/v1/search?q=term-%d", 12, 30 * time.Millisecond},
		{"/api/v1/report/%d", 3, 90 * time.Millisecond},
	}
}

// author writes scripts.
type author struct {
	c         Config
	rng       *rand.Rand
	endpoints []endpoint
	filler    []byte
	text      []byte // scratch
	opened    int
	total     Total
}

// newAuthor returns an author with its own source of chance.
func newAuthor(c Config) *author {
	a := &author{c: c, rng: rand.New(rand.NewPCG(c.Seed, 0x66696e77616974)), endpoints: endpoints()}
	const words = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor "
	for len(a.filler) < 8*c.Bytes+len(words) {
		a.filler = append(a.filler, words...)
	}
	return a
}

// between returns a duration from lo to hi.
func (a *author) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(a.rng.Int64N(int64(hi-lo)+1))
}

// portsPerClient is Linux's ephemeral range.
const (
	firstPort      = 32768
	portsPerClient = 28232
)

// open writes the script of the next connection, which starts at time at, over
// s. Each has a 4-tuple of its own.
func (a *author) open(s *script, at time.Duration) {
	id := a.opened
	a.opened++
	client, n := id/portsPerClient, id%portsPerClient
	server := a.rng.IntN(4)
	*s = script{
		id: id, packets: s.packets[:0], bytes: s.bytes[:0],
		client: end{[4]byte{10, 9, byte(client >> 8), byte(client + 1)}, uint16(firstPort + n)},
		server: end{[4]byte{10, 20, 0, byte(server + 1)}, 8080},
		clock:  [2]uint32{a.rng.Uint32(), a.rng.Uint32()},
		seq:    [2]uint32{a.rng.Uint32(), a.rng.Uint32()},
		rtt:    a.between(150*time.Microsecond, 800*time.Microsecond),
	}
	times := a.c.TimeoutShare > 0 && a.rng.Float64() < a.c.TimeoutShare
	a.total.Conns++
	at = a.handshake(s, at)
	for i := range a.c.Requests {
		a.total.Requests++
		if times && i == a.c.Requests-1 {
			a.timeout(s, at, a.endpoints[len(a.endpoints)-1])
			return
		}
		e := a.pick()
		if a.slow(server, e) {
			a.timeout(s, at, a.endpoints[e])
			return
		}
		at = a.exchange(s, at, a.endpoints[e], server)
	}
	a.close(s, at)
}

// pick chooses an endpoint by weight.
func (a *author) pick() int {
	n := a.rng.IntN(100)
	for i, e := range a.endpoints {
		if n -= e.weight; n < 0 {
			return i
		}
	}
	return 0
}

// slow reports whether a request to an endpoint of a server is one of those
// that Config.Slow wants to be too late.
func (a *author) slow(server, endpoint int) bool {
	s := a.c.Slow
	return s.Server == server+1 && s.Endpoint == endpoint+1 && a.rng.Float64() < s.Share
}

// handshake opens the connection and returns when the client may send.
func (a *author) handshake(s *script, at time.Duration) time.Duration {
	s.send(at, true, syn, nil, nil)
	s.send(at+s.rtt, false, syn|ack, nil, nil)
	s.send(at+s.rtt+15*time.Microsecond, true, ack, nil, nil)
	return at + s.rtt + 40*time.Microsecond
}

// request sends a request at time at and has it acknowledged.
func (a *author) request(s *script, at time.Duration, e endpoint, server int) {
	a.text = append(a.text[:0], "GET "...)
	a.text = fmt.Appendf(a.text, e.path, a.rng.IntN(100000))
	a.text = fmt.Appendf(a.text, " HTTP/1.1\r\nHost: cache-%d.svc\r\nUser-Agent: Go-http-client/1.1\r\nAccept: application/json\r\nX-Request-Id: %016x\r\nAccept-Encoding: gzip\r\n\r\n", server+1, a.rng.Uint64())
	s.send(at, true, psh|ack, s.keep(a.text), nil)
	s.send(at+s.rtt, false, ack, nil, nil)
}

// exchange sends a request and its response and returns when the client sends
// the next one.
func (a *author) exchange(s *script, at time.Duration, e endpoint, server int) time.Duration {
	a.request(s, at, e, server)
	takes := time.Duration(float64(e.takes) * (0.5 + a.rng.ExpFloat64()*0.5))
	if a.c.Kind == Short {
		takes *= 20 // so that many are open at once
	}
	at = a.response(s, at+s.rtt+min(takes, a.c.Timeout*9/10)) // in time
	if a.c.Kind == Short {
		return at + 30*time.Microsecond
	}
	return at + a.between(100*time.Microsecond, 200*time.Millisecond)
}

// response sends a whole response, the header in a segment of its own, and its
// acknowledgements. It returns the time after the last.
func (a *author) response(s *script, at time.Duration) time.Duration {
	size := min(int(float64(a.c.Bytes)*(0.5+a.rng.ExpFloat64()*0.5)), len(a.filler))
	piece := mss
	if a.c.Kind == Short {
		piece = size/2 + 1 // written in two pieces
	}
	a.text = fmt.Appendf(a.text[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nServer: demo\r\n\r\n", size)
	head, body := s.keep(a.text), a.filler[:size]
	s.send(at, false, psh|ack, head, nil)
	unacked := 1
	if a.c.Kind == Short {
		s.send(at+12*time.Microsecond, true, ack, nil, nil)
	}
	for len(body) > 0 {
		at += 20 * time.Microsecond
		n := min(len(body), piece, mss)
		s.send(at, false, ack, nil, body[:n])
		body = body[n:]
		if unacked++; unacked >= 2 || len(body) == 0 || a.c.Kind == Short {
			s.send(at+12*time.Microsecond, true, ack, nil, nil)
			unacked = 0
		}
	}
	return at + 20*time.Microsecond
}

// close ends an idle connection: the client closes first.
func (a *author) close(s *script, at time.Duration) {
	s.done = len(s.packets)
	s.send(at, true, fin|ack, nil, nil)
	at += s.rtt
	if a.rng.IntN(2) == 0 { // the server's kernel answers before its process does
		s.send(at, false, ack, nil, nil)
		at += 60 * time.Microsecond
	}
	s.send(at, false, fin|ack, nil, nil)
	s.send(at+10*time.Microsecond, true, ack, nil, nil)
}

// timeout sends a request that the server answers too late: the client's FIN at
// the timeout, its acknowledgement, later the response, which meets a reset.
func (a *author) timeout(s *script, at time.Duration, e endpoint) {
	a.total.TimedOut++
	a.request(s, at, e, int(s.server.addr[3])-1)
	jitter := a.between(-900*time.Microsecond, 900*time.Microsecond)
	s.done = len(s.packets)
	gone := at + a.c.Timeout + jitter
	s.send(gone, true, fin|ack, nil, nil)
	s.send(gone+s.rtt+a.between(0, 40*time.Millisecond), false, ack, nil, nil)
	late := gone + 50*time.Millisecond + time.Duration(a.rng.ExpFloat64()*float64(a.c.Timeout))
	a.text = append(a.text[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nServer: demo\r\n\r\n{}"...)
	s.send(late, false, psh|ack, s.keep(a.text), nil)
	s.send(late+10*time.Microsecond, true, rst, nil, nil)
}
