package socket

import (
	"encoding/binary"
	"time"

	"finwait/analyzer/conn"
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
	First         uint32 // its first line
	evidence      uint16 // bytes from there to its evidence
	class         class
}

// class says what may have to be looked at once more when the log has ended.
type class uint8

const (
	classSample   class = 1 << iota // its wait may be a certain timeout; see judge.learn
	classCut                        // its verdict may correct the record; see bodyRule
	classAccepted                   // the program is the server
)

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
	k.evidence(&c.Evidence, &c.Record)
	s.buf = k.buf
	n := len(s.chunks)
	if n == 0 || len(s.chunks[n-1])+len(s.buf) > cap(s.chunks[n-1]) {
		s.chunks = append(s.chunks, make([]byte, 0, max(chunkSize, len(s.buf))))
		n++
	}
	chunk := &s.chunks[n-1]
	s.places[i] = Place{
		Chunk: uint32(n - 1), Offset: uint32(len(*chunk)), First: c.Record.FirstFrame,
		evidence: uint16(record), class: classOf(c),
	}
	*chunk = append(*chunk, s.buf...)
}

// classOf says what may have to be looked at once more.
func classOf(c *Conn) class {
	var is class
	e := &c.Evidence
	if e.Accepted {
		if leftUnseen(c) {
			return classAccepted | classCut
		}
		return classAccepted
	}
	if c.Record.Outstanding && e.Wait.Kind != WaitNone && e.Wait.Kind != WaitTimer && e.Other == 0 {
		is |= classSample
	}
	if bodyUnsure(c) {
		is |= classCut
	}
	return is
}

// get unpacks a connection, without its verdict.
func (s *store) get(i int, c *Conn) {
	p := s.places[i]
	b := s.chunks[p.Chunk][p.Offset:]
	c.Record.Unpack(b)
	k := codec{buf: b, pos: int(p.evidence), words: s}
	c.Evidence = Evidence{}
	k.evidence(&c.Evidence, &c.Record)
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

// evidence walks over all fields but Exiting and Linked. What most connections
// lack is in groups that one bit says are empty.
func (k *codec) evidence(e *Evidence, r *conn.Record) {
	k.number(&e.PID)
	k.near(&e.TID, e.PID)
	k.number(&e.FD)
	k.text(&e.Comm)
	k.line(&e.ConnectLine, r.FirstFrame)
	for _, n := range [...]*uint32{&e.SocketLine, &e.RequestLine, &e.ResponseLine, &e.CloseLine} {
		k.line(n, e.ConnectLine)
	}
	k.byte((*uint8)(&e.End))
	k.time(&e.ClosedAt, r.CloseAt)
	e.Answer = k.signed(e.Answer)
	k.flags(&e.NonBlocking, &e.AbortingLinger, &e.Active, &e.Opaque, &e.Unsure, &e.Idle, &e.Early, &e.Reused)
	k.flags(&e.Broken, &e.Kernel, &e.Accepted, &e.Guessed, &e.ServerAlert, &e.Glanced)
	none := noWait
	none.seq = e.Wait.seq
	waited := e.Wait != none
	timed := e.Waited != 0 || e.Expired != 0 || e.ReceiveTimeout != 0 || e.SendTimeout != 0 || e.UserTimeout != 0
	failed := e.Errno != 0 || e.ErrnoLine != 0 || e.Other != 0 || e.Alert != 0
	left := e.EOFLine != 0 || e.EOFAt.Known()
	several := k.write && (e.tids != e.alone() || e.CloseTID != e.closer())
	k.flags(&waited, &timed, &failed, &left, &several)
	k.waits(e, r, waited, timed)
	if failed {
		for _, n := range [...]*uint32{&e.ErrnoLine, &e.Other, &e.Alert} {
			k.line(n, e.ConnectLine)
		}
		e.Errno = event.Errno(k.signed(int64(e.Errno)))
	}
	if left {
		k.line(&e.EOFLine, e.ConnectLine)
		k.time(&e.EOFAt, r.CloseAt)
	} else {
		e.EOFAt = event.NoTime
	}
	if !several {
		e.tids, e.CloseTID = e.alone(), e.closer()
		return
	}
	k.near(&e.CloseTID, e.PID)
	for i := range e.tids {
		k.near(&e.tids[i], e.PID)
	}
}

// waits walks over the waits and timeouts.
func (k *codec) waits(e *Evidence, r *conn.Record, waited, timed bool) {
	if waited {
		k.line(&e.Wait.Line, e.ConnectLine)
		k.time(&e.Wait.At, r.CloseAt)
		k.byte((*uint8)(&e.Wait.Kind))
		k.text(&e.Wait.Name)
		k.near(&e.Wait.TID, e.PID)
		e.Wait.Timeout = time.Duration(k.signed(int64(e.Wait.Timeout)))
	} else {
		e.Wait = noWait
	}
	if timed {
		for _, d := range [...]*time.Duration{&e.Waited, &e.ReceiveTimeout, &e.SendTimeout, &e.UserTimeout} {
			*d = time.Duration(k.signed(int64(*d)))
		}
		e.Expired = int(k.signed(int64(e.Expired)))
	}
}

// alone are the threads of the lines if one thread made all calls.
func (e *Evidence) alone() (tids [places]int32) {
	for i, n := range e.lines() {
		if n != 0 {
			tids[i] = e.TID
		}
	}
	return tids
}

// closer is the thread that closed if one thread made all calls.
func (e *Evidence) closer() int32 {
	if e.CloseLine == 0 {
		return 0
	}
	return e.TID
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

// time keeps a time as its distance from base, or from 1970 when that is not
// known; NoTime is 0.
func (k *codec) time(t *event.Time, base event.Time) {
	if !base.Known() {
		base = 0
	}
	u := uint64(0)
	if k.write && t.Known() {
		d := int64(*t - base)
		u = (uint64(d<<1) ^ uint64(d>>63)) + 1
	}
	if u = k.unsigned(u); u == 0 {
		*t = event.NoTime
		return
	}
	u--
	*t = base + event.Time(int64(u>>1)^-int64(u&1))
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
