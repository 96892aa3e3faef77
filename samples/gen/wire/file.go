package wire

import (
	"encoding/binary"
	"io"
	"time"
)

// Lengths of headers.
const (
	etherLen = 14
	ipLen    = 20
	tcpLen   = 20
)

// file writes packets as records of a capture file.
type file struct {
	w         io.Writer
	buf       []byte
	err       error // the first failure to write
	ng        bool
	checksums bool
	start     time.Time
	packets   int64
	bytes     int64
	ipID      uint16
}

// newFile writes the file header.
func newFile(w io.Writer, c Config) *file {
	f := &file{w: w, buf: make([]byte, 0, 1<<20), ng: c.Format == Pcapng, checksums: c.Checksums, start: c.Start}
	le := binary.LittleEndian
	if !f.ng {
		f.buf = le.AppendUint32(f.buf, 0xa1b2c3d4)
		f.buf = append(f.buf, 2, 0, 4, 0)
		f.buf = append(f.buf, make([]byte, 8)...)
		f.buf = le.AppendUint32(f.buf, 262144)
		f.buf = le.AppendUint32(f.buf, 1)
		return f
	}
	for _, v := range []uint32{
		0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28, // section
		1, 32, 1, 262144, 9 | 1<<16, 9, 0, 32, // interface: Ethernet, nanoseconds
	} {
		f.buf = le.AppendUint32(f.buf, v)
	}
	return f
}

// flush writes the buffer out.
func (f *file) flush() {
	if f.err == nil {
		_, f.err = f.w.Write(f.buf)
	}
	f.bytes += int64(len(f.buf))
	f.buf = f.buf[:0]
}

// packet appends a packet of s.
func (f *file) packet(s *script, p *packet) {
	if len(f.buf) > cap(f.buf)-4096 {
		f.flush()
	}
	f.packets++
	opts := 12
	if p.flags&syn != 0 {
		opts = 20
	} else if p.flags&rst != 0 {
		opts = 0
	}
	size := etherLen + ipLen + tcpLen + opts + len(p.head) + len(p.body)
	f.record(f.start.Add(p.at), size)
	from, to := s.server, s.client
	if p.client {
		from, to = to, from
	}
	f.headers(from, to, p, size-etherLen, opts)
	f.buf = append(append(f.buf, p.head...), p.body...)
	if f.checksums {
		sum(f.buf[len(f.buf)-size+etherLen:])
	}
	if f.ng {
		f.buf = append(f.buf, 0, 0, 0)
		f.buf = f.buf[:len(f.buf)-3+(-size&3)]
		f.buf = binary.LittleEndian.AppendUint32(f.buf, uint32(32+(size+3)&^3))
	}
}

// record appends the record header of a packet of n bytes.
func (f *file) record(at time.Time, n int) {
	le := binary.LittleEndian
	if !f.ng {
		f.buf = le.AppendUint32(f.buf, uint32(at.Unix()))
		f.buf = le.AppendUint32(f.buf, uint32(at.Nanosecond()/1000))
		f.buf = le.AppendUint32(f.buf, uint32(n))
		f.buf = le.AppendUint32(f.buf, uint32(n))
		return
	}
	t := uint64(at.UnixNano())
	for _, v := range []uint32{6, uint32(32 + (n+3)&^3), 0, uint32(t >> 32), uint32(t), uint32(n), uint32(n)} {
		f.buf = le.AppendUint32(f.buf, v)
	}
}

// headers appends the Ethernet, IPv4 and TCP headers.
func (f *file) headers(from, to end, p *packet, total, opts int) {
	be := binary.BigEndian
	b := append(f.buf, 2, 0, to.addr[0], to.addr[1], to.addr[2], to.addr[3], 2, 0, from.addr[0], from.addr[1], from.addr[2], from.addr[3], 8, 0)
	ip := len(b)
	f.ipID++
	b = append(b, 0x45, 0)
	b = be.AppendUint16(b, uint16(total))
	b = be.AppendUint16(b, f.ipID)
	ttl := byte(64)
	if !p.client {
		ttl = 61 // three routers away
	}
	b = append(b, 0x40, 0, ttl, 6, 0, 0)
	b = append(append(b, from.addr[:]...), to.addr[:]...)
	be.PutUint16(b[ip+10:], ^fold(add(0, b[ip:])))
	b = be.AppendUint16(be.AppendUint16(b, from.port), to.port)
	b = be.AppendUint32(be.AppendUint32(b, p.seq), p.ack)
	window := uint16(501)
	switch {
	case p.flags&rst != 0:
		window = 0
	case p.flags&syn != 0:
		window = 64240
	}
	b = append(b, byte((tcpLen+opts)/4<<4), p.flags)
	b = be.AppendUint16(b, window)
	b = append(b, 0, 0, 0, 0)
	switch {
	case p.flags&syn != 0: // MSS, SACK permitted, timestamps, window scale
		b = append(b, 2, 4, 1460>>8, 1460&0xff, 4, 2, 8, 10)
		b = be.AppendUint32(be.AppendUint32(b, p.tsval), p.tsecr)
		b = append(b, 1, 3, 3, 7)
	case p.flags&rst == 0:
		b = append(b, 1, 1, 8, 10)
		b = be.AppendUint32(be.AppendUint32(b, p.tsval), p.tsecr)
	}
	f.buf = b
}

// sum fills in the TCP checksum of an IPv4 packet.
func sum(ip []byte) {
	tcp := ip[ipLen:]
	s := add(0, ip[12:20]) + 6 + uint64(len(tcp))
	binary.BigEndian.PutUint16(tcp[16:], ^fold(add(s, tcp)))
}

// add adds the 16-bit words of b to s (RFC 1071).
func add(s uint64, b []byte) uint64 {
	for ; len(b) >= 4; b = b[4:] {
		s += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		s += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

// fold folds a sum to 16 bits.
func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
