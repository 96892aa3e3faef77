package redact

import (
	"net/netip"
	"regexp"
	"strings"
)

// Text replaces what is known in a sentence, word by word, and addresses, URLs
// and paths whether known or not.
func (r *Redactor) Text(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		at := strings.IndexAny(s, " \t\n")
		if at == 0 {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if at < 0 {
			at = len(s)
		}
		b.WriteString(r.punctuated(s[:at]))
		s = s[at:]
	}
	return b.String()
}

// punctuated replaces a word between its punctuation.
func (r *Redactor) punctuated(s string) string {
	word := strings.TrimLeft(s, `("'<`)
	lead := s[:len(s)-len(word)]
	if strings.HasPrefix(word, "[") && !strings.Contains(word, "]:") {
		lead, word = lead+"[", word[1:]
	}
	bare := strings.TrimRight(word, `)"'>,;.:!?`)
	tail := word[len(bare):]
	return lead + r.word(bare) + tail
}

// word replaces one word.
func (r *Redactor) word(s string) string {
	if s == "" {
		return ""
	}
	if name, ok := r.files[s]; ok {
		return name
	}
	if name, ok := r.programs[s]; ok {
		return name
	}
	if _, ok := r.names[strings.ToLower(s)]; ok {
		return r.Name(s)
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return r.Address(s)
	}
	if ip, err := netip.ParseAddr(s); err == nil && (ip.Is4() || strings.Count(s, ":") >= 2) {
		return r.Address(s)
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		host, target, _ := strings.Cut(rest, "/")
		if target != "" {
			target = r.Path("/" + target)
		}
		return scheme + "://" + r.Name(host) + target
	}
	if strings.HasPrefix(s, "/") && len(s) > 1 {
		return r.Path(s)
	}
	if before, after, ok := strings.Cut(s, ":"); ok { // FILE:LINE, NAME:PORT
		if name, known := r.files[before]; known {
			return name + ":" + after
		}
		if _, known := r.names[strings.ToLower(before)]; known {
			return r.Name(before) + ":" + after
		}
	}
	return r.joined(s)
}

// joined replaces addresses inside a word, as in 7<TCP:[10.0.0.1:80->10.0.0.2:90]>.
func (r *Redactor) joined(s string) string {
	return addressIn.ReplaceAllStringFunc(s, func(ip string) string {
		if _, err := netip.ParseAddr(ip); err != nil {
			return ip
		}
		return r.Address(ip)
	})
}

// addressIn finds what may be an IPv4 address.
var addressIn = regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)

// quoted finds a string as strace prints it.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"(?:\.\.\.)?`)

// Payload is Text for a line that quotes payload: what is between quotes goes.
func (r *Redactor) Payload(s string) string {
	return r.Text(quoted.ReplaceAllString(s, `"..."`))
}
