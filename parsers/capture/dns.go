package capture

import (
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"finwait/analyzer/event"
)

// Bounds of the names kept from DNS answers.
const (
	maxAnswers    = 64      // resource records read of one answer
	maxCacheNames = 1 << 16 // different names that one capture may give
)

// nameCache holds the names already reported, so that a busy resolver's
// repeated answers cost a look-up and no memory.
type nameCache map[event.Name]struct{}

// answers reads a DNS response and reports the addresses it gives to the name
// that was asked for (RFC 1035): also at the end of a chain of aliases, since
// the client asked by the first name.
func (d *decoder) answers(p []byte) {
	const response, errorBits = 0x80, 0x0f
	if len(p) < 12 || p[2]&response == 0 || p[3]&errorBits != 0 || p[6] == 0 && p[7] == 0 {
		return
	}
	var parser dnsmessage.Parser
	if _, err := parser.Start(p); err != nil {
		return
	}
	q, err := parser.Question()
	if err != nil || q.Type != dnsmessage.TypeA && q.Type != dnsmessage.TypeAAAA {
		return
	}
	if parser.SkipAllQuestions() != nil {
		return
	}
	host := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	for range maxAnswers {
		h, err := parser.AnswerHeader()
		if err != nil {
			return // the end, or damage
		}
		switch h.Type {
		case dnsmessage.TypeA:
			if r, err := parser.AResource(); err == nil {
				d.name(event.Name{Addr: event.V4(r.A[:], 0), Host: host})
			}
		case dnsmessage.TypeAAAA:
			if r, err := parser.AAAAResource(); err == nil {
				d.name(event.Name{Addr: event.Endpoint{Addr: r.AAAA}, Host: host})
			}
		default:
			err = parser.SkipAnswer()
		}
		if err != nil {
			return
		}
	}
}

// name reports a name once.
func (d *decoder) name(n event.Name) {
	if n.Host == "" {
		return
	}
	if _, known := d.names[n]; known || len(d.names) >= maxCacheNames {
		return
	}
	if d.names == nil {
		d.names = nameCache{}
	}
	d.names[n] = struct{}{}
	d.out.Names = append(d.out.Names, n)
}
