package event

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Endpoint is one end of a connection: an address and a port. IPv4 addresses
// are held in their IPv4-mapped form (RFC 4291, section 2.5.5.2), so a mapped
// IPv6 address and the IPv4 address are the same end. The zero value means
// that the end is not known. It is comparable and holds no pointer.
type Endpoint struct {
	Addr [16]byte
	Port uint16
}

// EndpointOf returns the endpoint of an address and port.
func EndpointOf(ap netip.AddrPort) Endpoint {
	return Endpoint{Addr: ap.Addr().As16(), Port: ap.Port()}
}

// V4 returns the endpoint of a four-byte address. It panics when addr is
// shorter.
func V4(addr []byte, port uint16) Endpoint {
	var e Endpoint
	e.SetV4(addr, port)
	return e
}

// SetV4 makes e V4(addr, port). It writes eight bytes at a time: what is read
// again at once, as by HashEnds, must not lie in pieces.
func (e *Endpoint) SetV4(addr []byte, port uint16) {
	mapped := uint64(binary.LittleEndian.Uint32(addr))<<32 | 0xffff<<16
	binary.LittleEndian.PutUint64(e.Addr[:8], 0)
	binary.LittleEndian.PutUint64(e.Addr[8:], mapped)
	e.Port = port
}

// Known reports whether e names an end.
func (e Endpoint) Known() bool { return e != Endpoint{} }

// Is4 reports whether e's address is of IPv4, or an IPv6 one that stands for it.
func (e *Endpoint) Is4() bool {
	return binary.BigEndian.Uint64(e.Addr[:]) == 0 && binary.BigEndian.Uint32(e.Addr[8:]) == 0xffff
}

// AddrPort returns e as the standard library's type; IPv4-mapped addresses
// come back as IPv4.
func (e Endpoint) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(e.Addr).Unmap(), e.Port)
}

// String formats e as ip:port, IPv6 as [ip]:port; the unknown end is "".
func (e Endpoint) String() string {
	if !e.Known() {
		return ""
	}
	return e.AddrPort().String()
}

// Compare orders endpoints by address, then by port.
func (e Endpoint) Compare(f Endpoint) int {
	if c := e.AddrPort().Addr().Compare(f.AddrPort().Addr()); c != 0 {
		return c
	}
	return cmp.Compare(e.Port, f.Port)
}

// Side is an end of a connection by its role.
type Side uint8

const (
	NoSide Side = iota // nobody, or not known
	Client             // who opened the connection
	Server             // who accepted it
	Both               // both at once, as in a simultaneous close
)

// String gives the contract's word; NoSide is "none".
func (s Side) String() string {
	switch s {
	case Client:
		return "client"
	case Server:
		return "server"
	case Both:
		return "both"
	}
	return "none"
}

// Peer returns the other end of Client or Server, and s itself otherwise.
func (s Side) Peer() Side {
	switch s {
	case Client:
		return Server
	case Server:
		return Client
	}
	return s
}

// HashEnds mixes the two endpoints of a connection, the same for both orders.
// Segment.Hash holds it. (A wyhash-like multiply and fold: two multiplications
// an end, all bits of the result well mixed.)
func HashEnds(a, b *Endpoint) uint64 {
	return fold((hashEnd(a)+hashEnd(b))^0xa0761d6478bd642f, 0xe7037ed1a0b428db)
}

// hashEnd mixes one endpoint.
func hashEnd(e *Endpoint) uint64 {
	hi := binary.LittleEndian.Uint64(e.Addr[:8])
	lo := binary.LittleEndian.Uint64(e.Addr[8:])
	return fold(lo^0x8ebc6af09c88c6e3, hi^uint64(e.Port)*0x9e3779b97f4a7c15^0x589965cc75374cc3)
}

// fold is the upper half of a product xor the lower.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
