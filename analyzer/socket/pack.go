package socket

import (
	"encoding/binary"
	"time"

	"finwait/analyzer/event"
)

// chunkSize is the size of the blocks that packed connections live in.
const chunkSize = 256 << 10

// maxWords bounds the different names of threads and calls that are kept.
const maxWords = 1 << 16

// store holds ended connections, packed: a log may have millions. Each is a
// conn.Record as its Append writes it, and behind it the Evidence. Blocks are
// never moved, so growing costs no copy.
type store struct {
	chunks  [][]byte
	places  []Place
	buf     []byte
	words   []string
	ids     map[string]uint32
	exiting []uint64 // bits by index: Evidence.Exiting, known only later
	linked  []int32  // by index: Evidence.Linked; nil: no connection has its other end in the log
}

// Place is where a packed connection lies in Result.Packed.
type Place struct {
	Chunk, Offset uint32
	evidence      uint32 // bytes from there to its evidence
}

// begin gives out the next index.
func (s *store) begin() int32 {
	s.places = append(s.places, Place{})
	return int32(len(s.places) - 1)
}

// put packs a connection, without its verdict.
func (s *store) put(i int32, c *Conn) {
	b := c.Record.Append(s.buf[:0])
	record := len(b)
	k := codec{buf: b, write: true, words: s}
	k.evidence(&c.Evidence)
	s.buf = k.buf
	n := len(s.chunks)
	if n == 0 || len(s.chunks[n-1])+len(s.buf) > cap(s.chunks[n-1]) {
		s.chunks = append(s.chunks, make([]byte, 0, max(chunkSize, len(s.buf))))
		n++
	}
	chunk := &s.chunks[n-1]
	s.places[i] = Place{uint32(n - 1), uint32(len(*chunk)), uint32(record)}
	*chunk = append(*chunk, s.buf...)
}

// get unpacks a connection, without its verdict.
func (s *store) get(i int, c *Conn) {
	p := s.places[i]
	b := s.chunks[p.Chunk][p.Offset:]
	c.Record.Unpack(b)
	k := codec{buf: b, pos: int(p.evidence), words: s}
	c.Evidence = Evidence{}
	k.evidence(&c.Evidence)
	c.Evidence.Exiting = i/64 < len(s.exiting) && s.exiting[i/64]&(1<<(i%64)) != 0
	if s.linked != nil {
		c.Evidence.Linked = s.linked[i]
	}
	c.Verdict = Verdict{}
}

// exits marks a connection as one behind which its process exited.
func (s *store) exits(i int32) {
	for len(s.exiting) <= int(i/64) {
		s.exiting = append(s.exiting, 0)
	}
	s.exiting[i/64] |= 1 << (i % 64)
}

// word keeps a string and returns its number.
func (s *store) word(w string) uint32 {
	if id, ok := s.ids[w]; ok {
		return id
	}
	if s.ids == nil {
		s.ids, s.words = map[string]uint32{"": 0}, []string{""}
	}
	if w == "" || len(s.words) >= maxWords {
		return 0
	}
	id := uint32(len(s.words))
	s.words = append(s.words, w)
	s.ids[w] = id
	return id
}

// codec walks over the fields of an Evidence in one fixed order, writing or
// reading each, so that the two cannot differ.
type codec struct {
	buf   []byte
	pos   int
	write bool
	words *store
}

// evidence walks over all fields but Exiting and Linked.
func (k *codec) evidence(e *Evidence) {
	k.number(&e.PID)
	for _, n := range [...]*int32{&e.TID, &e.CloseTID} {
		k.near(n, e.PID)
	}
	k.number(&e.FD)
	k.text(&e.Comm)
	k.line(&e.ConnectLine, 0)
	for _, n := range [...]*uint32{&e.SocketLine, &e.RequestLine, &e.ResponseLine, &e.CloseLine, &e.Wait.Line, &e.ErrnoLine, &e.EOFLine, &e.Other, &e.Alert} {
		k.line(n, e.ConnectLine)
	}
	base := event.NoTime
	for _, t := range [...]*event.Time{&e.ClosedAt, &e.EOFAt, &e.Wait.At} {
		k.time(t, &base)
	}
	k.byte((*uint8)(&e.End))
	k.byte((*uint8)(&e.Wait.Kind))
	k.text(&e.Wait.Name)
	k.near(&e.Wait.TID, e.PID)
	for _, d := range [...]*time.Duration{&e.Wait.Timeout, &e.Waited, &e.ReceiveTimeout, &e.SendTimeout, &e.UserTimeout} {
		*d = time.Duration(k.signed(int64(*d)))
	}
	e.Expired = int(k.signed(int64(e.Expired)))
	e.Errno = event.Errno(k.signed(int64(e.Errno)))
	e.Answer = k.signed(e.Answer)
	k.flags(&e.NonBlocking, &e.AbortingLinger, &e.Active, &e.Opaque, &e.Unsure, &e.Idle, &e.Early, &e.Reused)
	k.flags(&e.Broken, &e.Kernel, &e.Accepted, &e.Guessed, &e.ServerAlert)
	for i := range e.tids {
		k.near(&e.tids[i], e.PID)
	}
}

func (k *codec) unsigned(v uint64) uint64 {
	if k.write {
		k.buf = binary.AppendUvarint(k.buf, v)
		return v
	}
	v, n := binary.Uvarint(k.buf[k.pos:])
	k.pos += n
	return v
}

func (k *codec) signed(v int64) int64 {
	u := k.unsigned(uint64(v<<1) ^ uint64(v>>63))
	return int64(u>>1) ^ -int64(u&1)
}

func (k *codec) number(v *int32) { *v = int32(k.signed(int64(*v))) }

// near keeps a thread as its distance from its process; 0, unknown, stays 0.
func (k *codec) near(v *int32, pid int32) {
	u := uint64(0)
	if k.write && *v != 0 {
		d := int64(*v) - int64(pid)
		u = (uint64(d<<1) ^ uint64(d>>63)) + 1
	}
	if u = k.unsigned(u); u != 0 {
		u--
		*v = int32(int64(pid) + (int64(u>>1) ^ -int64(u&1)))
	}
}

// line keeps a line as its distance from the first; 0 stays 0.
func (k *codec) line(v *uint32, first uint32) {
	u := uint64(0)
	if k.write && *v != 0 {
		d := int64(*v) - int64(first)
		u = (uint64(d<<1) ^ uint64(d>>63)) + 1
	}
	if u = k.unsigned(u); u != 0 {
		u--
		*v = uint32(int64(first) + (int64(u>>1) ^ -int64(u&1)))
	}
}

// time keeps a time as its distance from the one before it that is known.
func (k *codec) time(t, base *event.Time) {
	known := t.Known()
	k.flags(&known)
	if !known {
		*t = event.NoTime
		return
	}
	from := int64(0)
	if base.Known() {
		from = int64(*base)
	}
	*t = event.Time(from + k.signed(int64(*t)-from))
	*base = *t
}

func (k *codec) byte(v *uint8) {
	if k.write {
		k.buf = append(k.buf, *v)
		return
	}
	*v = k.buf[k.pos]
	k.pos++
}

// flags keeps up to eight flags in a byte.
func (k *codec) flags(vs ...*bool) {
	var b uint8
	for i, v := range vs {
		if *v {
			b |= 1 << i
		}
	}
	k.byte(&b)
	for i, v := range vs {
		*v = b&(1<<i) != 0
	}
}

func (k *codec) text(s *string) {
	if k.write {
		k.unsigned(uint64(k.words.word(*s)))
		return
	}
	if id := k.unsigned(0); int(id) < len(k.words.words) {
		*s = k.words.words[id]
	}
}
