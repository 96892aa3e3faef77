package capture

import (
	"bytes"
	"math"
	"strings"

	"finwait/analyzer/event"
)

// Option codes of pcapng blocks. A code means something else in each block.
const (
	optSectionHardware = 2
	optSectionOS       = 3

	optIfaceMAC        = 6
	optIfaceResolution = 9
	optIfaceOS         = 12
	optIfaceOffset     = 14
	optIfaceHardware   = 15

	optPacketFlags = 2
	optPacketDrops = 4

	optStatsIfDrop = 5
	optStatsOSDrop = 7
)

// options walks the option list of a block.
type options struct {
	rest  []byte
	code  uint16
	value []byte
}

// next moves to the next option. It ends at the end mark and at whatever does
// not fit.
func (o *options) next(s *scanner) bool {
	if len(o.rest) < 4 {
		return false
	}
	n := int(s.u16(o.rest[2:]))
	o.code = s.u16(o.rest)
	if o.code == 0 || 4+n > len(o.rest) {
		return false
	}
	o.value = o.rest[4 : 4+n]
	o.rest = o.rest[min(4+(n+3)&^3, len(o.rest)):]
	return true
}

// section starts a new section: its interfaces are its own.
func (s *scanner) section(body []byte) {
	s.endSection()
	for o := (options{rest: body[16:]}); o.next(s); {
		if o.code == optSectionHardware || o.code == optSectionOS {
			s.hint(string(o.value))
		}
	}
}

// hint notes something that tells the capturing host from others.
func (s *scanner) hint(text string) {
	const most = 8
	text = strings.TrimSpace(strings.ToValidUTF8(strings.TrimRight(text, "\x00"), "?"))
	if text == "" || len(text) > 256 || len(s.host) >= most {
		return
	}
	for _, h := range s.host {
		if h == text {
			return
		}
	}
	s.host = append(s.host, text)
}

// maxInterfaces bounds the interfaces of a section; more are not described.
const maxInterfaces = 1 << 16

// iface adds an interface to the section.
func (s *scanner) iface(body []byte) {
	if len(s.links) >= maxInterfaces {
		return
	}
	l := &link{dlt: s.u16(body), units: 1e6, nano: 1e3}
	if snap := s.u32(body[4:]); snap <= 1<<30 {
		l.snaplen = int(snap)
	}
	if id := len(s.links); id > 0 {
		l.scope = mixScope(0, scopeInterface, uint32(id))
	}
	for o := (options{rest: body[8:]}); o.next(s); {
		switch {
		case o.code == optIfaceResolution && len(o.value) == 1:
			l.units = resolution(o.value[0])
		case o.code == optIfaceOffset && len(o.value) == 8:
			l.offset = int64(s.u64(o.value))
		case o.code == optIfaceOS, o.code == optIfaceHardware:
			s.hint(string(o.value))
		case o.code == optIfaceMAC && len(o.value) == 6:
			s.hint(macString(o.value))
		}
	}
	l.nano = 0
	if l.units != 0 && 1e9%l.units == 0 {
		l.nano = 1e9 / l.units
	}
	s.links = append(s.links, l)
}

// macString formats six bytes as a hardware address.
func macString(b []byte) string {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, 17)
	for i, c := range b {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, hex[c>>4], hex[c&15])
	}
	return string(out)
}

// resolution turns if_tsresol into units a second, 0 when they do not fit 64
// bits.
func resolution(b byte) uint64 {
	n := b & 0x7f
	if b&0x80 != 0 {
		if n > 63 {
			return 0
		}
		return 1 << n
	}
	if n > 19 {
		return 0
	}
	units := uint64(1)
	for range n {
		units *= 10
	}
	return units
}

// statistics reads the drop counters of an interface. They count from the
// start of the capture, so the largest is the last.
func (s *scanner) statistics(body []byte) {
	if len(body) < 12 || uint64(s.u32(body)) >= uint64(len(s.links)) {
		return
	}
	l := s.links[s.u32(body)]
	var sum uint64
	for o := (options{rest: body[12:]}); o.next(s); {
		if (o.code == optStatsIfDrop || o.code == optStatsOSDrop) && len(o.value) == 8 {
			if n := s.u64(o.value); n <= math.MaxInt64/2 { // all ones: not known
				sum += n
			}
		}
	}
	l.drops = max(l.drops, sum)
}

// maxNames bounds the names kept from one name resolution block.
const maxNames = 1 << 16

// resolve reads the records of a name resolution block.
func (s *scanner) resolve(body []byte) {
	for len(body) >= 4 && len(s.names) < maxNames {
		kind, n := s.u16(body), int(s.u16(body[2:]))
		if kind == 0 || 4+n > len(body) {
			return
		}
		value := body[4 : 4+n]
		body = body[min(4+(n+3)&^3, len(body)):]
		var addr event.Endpoint
		switch {
		case kind == 1 && n > 4:
			addr, value = event.V4(value, 0), value[4:]
		case kind == 2 && n > 16:
			copy(addr.Addr[:], value)
			value = value[16:]
		default:
			continue
		}
		if name, _, _ := bytes.Cut(value, []byte{0}); len(name) > 0 {
			s.names = append(s.names, event.Name{Addr: addr, Host: strings.ToValidUTF8(string(name), "?")})
		}
	}
}
