package conn

import (
	"encoding/binary"
	"time"

	"finwait/analyzer/event"
)

// Append appends the packed form of r to b and returns it. A finished
// connection takes some 150 bytes packed, half of what the struct takes, and
// there may be millions of them: most of their fields are zero, or times and
// frames shortly after the first. The form is for memory, not for files.
func (r *Record) Append(b []byte) []byte {
	k := codec{buf: b, write: true}
	k.record(r)
	return k.buf
}

// Unpack fills r from what Append wrote at the start of b, and returns how many
// bytes that was.
func (r *Record) Unpack(b []byte) int {
	*r = Record{}
	k := codec{buf: b}
	k.record(r)
	return k.pos
}

// codec walks over the fields of a record in one fixed order, writing or
// reading each. Both directions share the list, so they cannot differ.
type codec struct {
	buf   []byte
	pos   int
	write bool
}

// record walks over all fields.
func (k *codec) record(r *Record) {
	k.end(&r.Client)
	k.end(&r.Server)
	k.small(&r.Input)
	k.bytes((*uint8)(&r.Basis), (*uint8)(&r.Handshake), &r.SYNRetries, (*uint8)(&r.Protocol),
		(*uint8)(&r.Initiator), (*uint8)(&r.FirstBy), (*uint8)(&r.How), (*uint8)(&r.EndedBy), (*uint8)(&r.HalfKind),
		(*uint8)(&r.TimeWaitBy), (*uint8)(&r.Based), (*uint8)(&r.Phase), (*uint8)(&r.DeclaredBy))
	k.word((*uint32)(&r.Marks))
	k.flag(&r.Outstanding)
	k.absolute(&r.Opened)
	base := r.Opened
	if !base.Known() {
		base = 0
	}
	for _, t := range [...]*event.Time{&r.Last, &r.LastClose, &r.ClientLastByte, &r.ServerLastByte, &r.CloseAt,
		&r.FINAcked, &r.PeerFIN, &r.PeerAcked, &r.HalfEnd, &r.PeerSpoke, &r.LateData, &r.TimeWaitAt, &r.RequestStart,
		&r.RequestEnd, &r.ResponseStart, &r.ResponseEnd, &r.Late, &r.LateEnd, &r.ClientNotify, &r.ServerNotify} {
		k.relative(t, base)
	}
	k.duration(&r.RTT)
	k.duration(&r.SYNRTT)
	k.word(&r.FirstFrame)
	for _, f := range [...]*uint32{&r.LastFrame, &r.CloseFrame, &r.HalfFrame, &r.RequestFrame, &r.LateFrame} {
		k.frame(f, r.FirstFrame)
	}
	for _, n := range [...]*uint32{&r.ClientPackets, &r.ServerPackets, &r.ClientRetrans, &r.ServerRetrans, &r.Copies,
		&r.ClientStart, &r.ServerStart, &r.Sent, &r.Answered, &r.Reset, &r.Aborted, &r.Open, &r.Lost,
		(*uint32)(&r.Method), (*uint32)(&r.Host), (*uint32)(&r.Path), (*uint32)(&r.Endpoint), (*uint32)(&r.ServerName)} {
		k.word(n)
	}
	k.near(&r.ClientBase, r.ClientStart)
	k.near(&r.ServerBase, r.ServerStart)
	for _, n := range [...]*int64{&r.ClientBytes, &r.ServerBytes, &r.ClientMissing, &r.ServerMissing} {
		k.long(n)
	}
	k.small(&r.Status)
	k.text(&r.DeclaredText)
}

func (k *codec) uvarint(v uint64) uint64 {
	if k.write {
		k.buf = binary.AppendUvarint(k.buf, v)
		return v
	}
	v, n := binary.Uvarint(k.buf[k.pos:])
	k.pos += n
	return v
}

func (k *codec) varint(v int64) int64 {
	return unzigzag(k.uvarint(uint64(v<<1) ^ uint64(v>>63)))
}

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func (k *codec) word(v *uint32)  { *v = uint32(k.uvarint(uint64(*v))) }
func (k *codec) small(v *uint16) { *v = uint16(k.uvarint(uint64(*v))) }
func (k *codec) long(v *int64)   { *v = k.varint(*v) }

// near keeps a number that mostly equals another one.
func (k *codec) near(v *uint32, other uint32) {
	x := *v ^ other
	k.word(&x)
	*v = x ^ other
}

func (k *codec) duration(v *time.Duration) { *v = time.Duration(k.varint(int64(*v))) }

// bytes keeps each value in a byte of its own.
func (k *codec) bytes(vs ...*uint8) {
	for _, v := range vs {
		if k.write {
			k.buf = append(k.buf, *v)
			continue
		}
		*v = k.buf[k.pos]
		k.pos++
	}
}

func (k *codec) flag(v *bool) {
	var b uint8
	if *v {
		b = 1
	}
	k.bytes(&b)
	*v = b != 0
}

// absolute keeps a time whole.
func (k *codec) absolute(t *event.Time) { *t = event.Time(k.varint(int64(*t))) }

// relative keeps a time as its distance from base; NoTime is 0.
func (k *codec) relative(t *event.Time, base event.Time) {
	if k.write {
		if !t.Known() {
			k.uvarint(0)
			return
		}
		d := int64(*t - base)
		k.uvarint((uint64(d<<1) ^ uint64(d>>63)) + 1)
		return
	}
	u := k.uvarint(0)
	if u == 0 {
		*t = event.NoTime
		return
	}
	*t = base + event.Time(unzigzag(u-1))
}

// frame keeps a frame number as its distance from the first; 0 stays 0.
func (k *codec) frame(f *uint32, first uint32) {
	if k.write {
		if *f == 0 {
			k.uvarint(0)
		} else {
			k.uvarint(uint64(*f-first) + 1)
		}
		return
	}
	if u := k.uvarint(0); u != 0 {
		*f = first + uint32(u-1)
	}
}

// end keeps an endpoint: its length tells IPv4 from IPv6.
func (k *codec) end(e *event.Endpoint) {
	if k.write {
		a := e.AddrPort().Addr()
		n := byte(16)
		if a.Is4() {
			n = 4
		}
		k.buf = append(k.buf, n)
		k.buf = append(k.buf, e.Addr[16-n:]...)
		k.buf = binary.BigEndian.AppendUint16(k.buf, e.Port)
		return
	}
	n := int(k.buf[k.pos])
	if n == 4 {
		*e = event.V4(k.buf[k.pos+1:], 0)
	} else {
		copy(e.Addr[:], k.buf[k.pos+1:k.pos+1+n])
	}
	k.pos += 1 + n
	e.Port = binary.BigEndian.Uint16(k.buf[k.pos:])
	k.pos += 2
}

func (k *codec) text(s *string) {
	n := int(k.uvarint(uint64(len(*s))))
	if k.write {
		k.buf = append(k.buf, *s...)
		return
	}
	if n > 0 {
		*s = string(k.buf[k.pos : k.pos+n])
	}
	k.pos += n
}

// UnpackEnds reads only the two endpoints of a packed record.
func UnpackEnds(b []byte) (client, server event.Endpoint) {
	k := codec{buf: b}
	k.end(&client)
	k.end(&server)
	return client, server
}
