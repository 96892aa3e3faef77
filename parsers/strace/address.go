package strace

import (
	"bytes"
	"net/netip"

	"finwait/analyzer/event"
)

// sockaddr reads the address structure in b, of which strace knows many forms:
// by name, by number (-X raw, -X verbose), with hex strings (-xx), and with
// IPv6 fields in either order. It returns FamilyUnknown for a pointer.
func sockaddr(b []byte) (event.Endpoint, event.Family) {
	i := bytes.Index(b, []byte("sa_family="))
	if i < 0 {
		return event.Endpoint{}, event.FamilyUnknown
	}
	b = b[i+len("sa_family="):]
	if end := bytes.IndexByte(b, '}'); end >= 0 {
		b = b[:end]
	}
	switch family(b) {
	case familyInet:
		port, ok := portOf(b, "sin_port=")
		addr, found := addrOf(b, "sin_addr=", 4)
		if !ok || !found {
			return event.Endpoint{}, event.FamilyInet
		}
		return event.EndpointOf(netip.AddrPortFrom(addr, port)), event.FamilyInet
	case familyInet6:
		port, ok := portOf(b, "sin6_port=")
		addr, found := addrOf(b, "sin6_addr=", 16)
		if !found {
			addr, found = textAddr(b, "inet_pton(")
		}
		if !ok || !found {
			return event.Endpoint{}, event.FamilyInet
		}
		return event.EndpointOf(netip.AddrPortFrom(addr.Unmap(), port)), event.FamilyInet
	case familyNone:
		return event.Endpoint{}, event.FamilyNone
	}
	return event.Endpoint{}, event.FamilyOther
}

// Address families by their Linux numbers; any other is no internet family.
const (
	familyNone  = 0
	familyInet  = 2
	familyInet6 = 10
	familyUnix  = 1
)

// family reads an address family by name or number at the beginning of b.
// PF_INET is how strace before 4.11 prints it for socket().
func family(b []byte) int {
	for _, f := range [...]struct {
		name string
		n    int
	}{{"AF_INET6", familyInet6}, {"PF_INET6", familyInet6}, {"AF_INET", familyInet}, {"PF_INET", familyInet}, {"AF_UNSPEC", familyNone}} {
		if bytes.HasPrefix(b, []byte(f.name)) && (len(b) == len(f.name) || !isWord(b[len(f.name)])) {
			return f.n
		}
	}
	if n, used := number(b); used > 0 {
		return int(n)
	}
	return familyUnix
}

// portOf reads a port: htons(80), or two bytes in network order as a string.
func portOf(b []byte, field string) (uint16, bool) {
	i := bytes.Index(b, []byte(field))
	if i < 0 {
		return 0, false
	}
	b = b[i+len(field):]
	if len(b) > 0 && b[0] == '"' {
		var raw [2]byte
		out, _, _ := unquote(raw[:0], b[1:], len(raw))
		if len(out) < 2 {
			return 0, false
		}
		return uint16(out[0])<<8 | uint16(out[1]), true
	}
	b = bytes.TrimPrefix(b, []byte("htons("))
	n, used := number(b)
	return uint16(n), used > 0
}

// addrOf reads an address: inet_addr("10.0.0.1"), or size bytes as a string.
func addrOf(b []byte, field string, size int) (netip.Addr, bool) {
	i := bytes.Index(b, []byte(field))
	if i < 0 {
		return netip.Addr{}, false
	}
	b = b[i+len(field):]
	if len(b) > 0 && b[0] == '"' {
		var raw [16]byte
		out, _, _ := unquote(raw[:0], b[1:], size)
		if len(out) != size {
			return netip.Addr{}, false
		}
		return netip.AddrFromSlice(out)
	}
	if bytes.HasPrefix(b, []byte("htonl(INADDR_")) {
		addr := netip.AddrFrom4([4]byte{})
		if bytes.HasPrefix(b[13:], []byte("LOOPBACK")) {
			addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		return addr, true
	}
	return textAddr(b, "inet_addr(")
}

// textAddr reads the first string behind start that is an address.
func textAddr(b []byte, start string) (netip.Addr, bool) {
	i := bytes.Index(b, []byte(start))
	if i < 0 {
		return netip.Addr{}, false
	}
	b = b[i+len(start):]
	i = bytes.IndexByte(b, '"')
	if i < 0 {
		return netip.Addr{}, false
	}
	var buf [64]byte
	text, _, _ := unquote(buf[:0], b[i+1:], len(buf))
	addr, err := netip.ParseAddr(string(text))
	return addr, err == nil
}

// beside reads what -y or -yy print beside a descriptor, without the angle
// brackets, into c.
//
//	TCP:[10.0.0.1:45242->10.0.0.2:80]   connected
//	TCP:[526022]                        not connected, gone, or of another network namespace
//	socket:[526022]                     -y
//	/etc/passwd
func beside(b []byte, c *event.Call) {
	colon := bytes.IndexByte(b, ':')
	if colon < 0 || colon+1 >= len(b) || b[colon+1] != '[' {
		c.What = event.DescriptorOther
		return
	}
	inner := bytes.TrimSuffix(b[colon+2:], []byte("]"))
	switch string(b[:colon]) {
	case "TCP", "TCPv6", "MPTCP", "MPTCPv6":
		c.What = event.DescriptorTCP
	case "socket":
		c.What = event.DescriptorSocket
	case "anon_inode":
		if string(inner) == "timerfd" {
			return // its reads tell that a timer ran out
		}
		fallthrough
	default:
		c.What = event.DescriptorOther
		return
	}
	if n, used := number(inner); used == len(inner) {
		c.Inode = uint64(n)
		return
	}
	arrow := bytes.Index(inner, []byte("->"))
	if arrow < 0 {
		c.Local = endpoint(inner)
		return
	}
	c.Local, c.Remote = endpoint(inner[:arrow]), endpoint(inner[arrow+2:])
}

// endpoint reads "10.0.0.1:80" or "[::1]:80"; the zero endpoint when b is neither.
func endpoint(b []byte) event.Endpoint {
	ap, err := netip.ParseAddrPort(string(b))
	if err != nil {
		return event.Endpoint{}
	}
	return event.EndpointOf(netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port()))
}
