// Package redact replaces what names people and machines in results: addresses,
// host names, paths and words of payload. The same original always becomes the
// same stand-in, so that a redacted report can still be followed.
//
//	10.9.0.2:8080                  198.18.0.2:8080
//	cache-1.svc                    name-1.example
//	GET /api/v1/item/{id}          GET /p1/p2/p3/{id}
//	incident/client.pcap           input-1.pcap
//
// Ports, methods, times, sizes and the structure of paths stay.
//
// Limitations: in free text a host name is recognised only when it also stands
// in a field of its own; addresses and paths always are.
package redact

import (
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// Redactor gives stand-ins, numbered in the order in which originals are met.
// The zero value is not usable; see New.
type Redactor struct {
	addresses map[netip.Addr]string
	four, six int // addresses met of each family
	names     map[string]string
	segments  map[string]string // of paths
	files     map[string]string
	programs  map[string]string
	filters   map[string]string
}

// New returns a Redactor that has met nothing.
func New() *Redactor {
	return &Redactor{
		addresses: map[netip.Addr]string{}, names: map[string]string{},
		segments: map[string]string{}, files: map[string]string{}, programs: map[string]string{}, filters: map[string]string{},
	}
}

// Address replaces the address of ip, ip:port or [ip]:port and keeps the port.
// Anything else comes back as Name makes it.
func (r *Redactor) Address(s string) string {
	if s == "" {
		return ""
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		ip := r.ip(ap.Addr())
		if strings.Contains(ip, ":") {
			ip = "[" + ip + "]"
		}
		return ip + ":" + strconv.Itoa(int(ap.Port()))
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return r.ip(ip)
	}
	return r.Name(s)
}

// ip takes IPv4 stand-ins from 198.18.0.0/15, which is set aside for
// benchmarks (RFC 2544, appendix C.2.2), and then from 240.0.0.0/4, and IPv6
// ones from the documentation prefix 2001:db8::/32 (RFC 3849).
func (r *Redactor) ip(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if s, ok := r.addresses[ip]; ok {
		return s
	}
	var s string
	if ip.Is4() {
		r.four++
		base := uint32(198)<<24 | 18<<16
		if r.four >= 1<<17 {
			base = 240 << 24
		}
		n := base + uint32(r.four)
		s = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
	} else {
		r.six++
		s = fmt.Sprintf("2001:db8::%x:%x", r.six>>16, r.six&0xffff)
		if ip, err := netip.ParseAddr(s); err == nil {
			s = ip.String()
		}
	}
	r.addresses[ip] = s
	return s
}

// Name replaces a host name; an address, or a port behind the name, is handled
// as Address does.
func (r *Redactor) Name(s string) string {
	if s == "" {
		return ""
	}
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return r.Address(strings.Trim(s, "[]"))
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return r.Address(s)
	}
	if host, port, ok := cutPort(s); ok {
		return r.Name(host) + ":" + port
	}
	return standIn(r.names, strings.ToLower(s), "name-%d.example")
}

// cutPort cuts a port off a host name.
func cutPort(s string) (host, port string, ok bool) {
	at := strings.LastIndexByte(s, ':')
	if at <= 0 {
		return "", "", false
	}
	if _, err := strconv.ParseUint(s[at+1:], 10, 16); err != nil {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

// standIn finds or makes the replacement of an original.
func standIn(known map[string]string, original, format string) string {
	s, ok := known[original]
	if !ok {
		s = fmt.Sprintf(format, len(known)+1)
		known[original] = s
	}
	return s
}

// Path replaces the segments of a path; those in braces stand for variable
// parts already and stay. A query is dropped.
func (r *Redactor) Path(s string) string {
	s, query, _ := strings.Cut(s, "?")
	parts := strings.Split(s, "/")
	for i, p := range parts {
		if p != "" && !(strings.HasPrefix(p, "{") && strings.HasSuffix(p, "}")) {
			parts[i] = standIn(r.segments, p, "p%d")
		}
	}
	s = strings.Join(parts, "/")
	if query != "" {
		s += "?..."
	}
	return s
}

// Endpoint replaces what an endpoint names and keeps its method or command.
func (r *Redactor) Endpoint(s string) string {
	method, target, ok := strings.Cut(s, " ")
	switch {
	case ok && strings.HasPrefix(target, "/"):
		return method + " " + r.Path(target)
	case ok:
		return method + " " + r.Name(target)
	case s == "" || s == strings.ToUpper(s) && !strings.ContainsAny(s, ".:"):
		return s // a command such as GET, or a name without letters
	case strings.HasPrefix(s, "/"):
		return r.Path(s)
	}
	return r.Address(s)
}

// File replaces the name of an input and keeps the endings that say what it is.
func (r *Redactor) File(s string) string {
	if s == "" || s == "-" {
		return s
	}
	ending := ""
	for rest := path.Base(s); ; rest = strings.TrimSuffix(rest, path.Ext(rest)) {
		switch e := path.Ext(rest); e {
		case ".pcap", ".pcapng", ".cap", ".gz", ".zst", ".strace", ".log", ".txt", ".json":
			ending = e + ending
			continue
		}
		break
	}
	name, ok := r.files[s]
	if !ok {
		name = "input-" + strconv.Itoa(len(r.files)+1) + ending
		r.files[s] = name
	}
	return name
}

// Program replaces the name of a process.
func (r *Redactor) Program(s string) string {
	if s == "" {
		return ""
	}
	return standIn(r.programs, s, "program-%d")
}
