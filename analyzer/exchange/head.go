package exchange

import "bytes"

// head is what matters of an HTTP/1.x message head. Slices point into the
// bytes that were read.
type head struct {
	method, target []byte // of a request
	host           []byte
	protocol       []byte // Upgrade
	length         int64  // Content-Length; -1 without one
	status         uint16 // of a response
	minor          byte   // the x of HTTP/1.x
	field          fieldKind
	chunked        bool
	coded          bool // a Transfer-Encoding other than chunked
	close          bool // Connection: close
	keep           bool // Connection: keep-alive
	upgrade        bool // Connection: upgrade
	expect         bool // Expect: 100-continue
	cut            bool // the target was cut
	bad            bool // a length that is no number, or two that differ
}

// fieldKind is a header field that matters for the framing; a folded line
// continues the last one.
type fieldKind uint8

const (
	fieldOther fieldKind = iota
	fieldConnection
	fieldEncoding
)

// read parses the head at the start of b. It returns the length of the head
// with its empty line, 0 when b ends before it, and -1 when the first line is
// no HTTP/1.x. Lines may end in LF alone (RFC 9112, section 2.2).
func (h *head) read(b []byte, request bool) int {
	*h = head{length: -1}
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return 0
	}
	if !h.startLine(chop(b[:i]), request) {
		return -1
	}
	for pos := i + 1; pos < len(b); {
		switch b[pos] {
		case '\n':
			return pos + 1
		case '\r':
			if pos+1 == len(b) {
				return 0
			}
			if b[pos+1] == '\n' {
				return pos + 2
			}
		}
		i = bytes.IndexByte(b[pos:], '\n')
		if i < 0 {
			return 0
		}
		h.line(chop(b[pos : pos+i]))
		pos += i + 1
	}
	return 0
}

// chop removes the CR before a line's LF.
func chop(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

func (h *head) startLine(line []byte, request bool) bool {
	if request {
		return h.requestLine(line)
	}
	return h.statusLine(line)
}

// requestLine parses METHOD SP target SP HTTP/1.x. Spaces inside the target are
// let pass, as servers do.
func (h *head) requestLine(line []byte) bool {
	const version = " HTTP/1."
	n := len(line) - len(version) - 1
	i := bytes.IndexByte(line, ' ')
	if i <= 0 || i > maxMethod || n < i+1 || string(line[n:n+len(version)]) != version {
		return false
	}
	h.method, h.target, h.minor = line[:i], line[i+1:n], line[len(line)-1]-'0'
	return h.minor <= 9
}

func (h *head) statusLine(line []byte) bool {
	if len(line) < len("HTTP/1.1 200") || string(line[:7]) != "HTTP/1." || line[8] != ' ' {
		return false
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return false
		}
		h.status = h.status*10 + uint16(c-'0')
	}
	h.minor = line[7] - '0'
	return h.minor <= 9 && h.status >= 100
}

// line parses a header line, looking only at the few fields that matter.
func (h *head) line(b []byte) {
	if len(b) == 0 {
		return
	}
	switch b[0] | 0x20 {
	case 'c', 'h', 't', 'u', 'e', 'p':
	case ' ', '\t' | 0x20:
		if b[0] == ' ' || b[0] == '\t' {
			h.tokens(b, h.field)
		}
		return
	default:
		h.field = fieldOther
		return
	}
	h.field = fieldOther
	i := bytes.IndexByte(b, ':')
	if i < 0 {
		return
	}
	h.named(trimRight(b[:i]), trim(b[i+1:]))
}

// named takes the value of a field by its name.
func (h *head) named(name, value []byte) {
	switch len(name) {
	case len("host"):
		if isName(name, "host") && h.host == nil {
			h.host = value
		}
	case len("expect"):
		h.expect = h.expect || isName(name, "expect") && isName(value, "100-continue")
	case len("upgrade"):
		if isName(name, "upgrade") {
			h.protocol = value
		}
	case len("connection"), len("proxy-connection"):
		if isName(name, "connection") || isName(name, "proxy-connection") {
			h.field = fieldConnection
			h.tokens(value, fieldConnection)
		}
	case len("content-length"):
		if isName(name, "content-length") {
			h.contentLength(value)
		}
	case len("transfer-encoding"):
		if isName(name, "transfer-encoding") {
			h.field = fieldEncoding
			h.tokens(value, fieldEncoding)
		}
	}
}

// trim removes spaces and tabs around a field's value (RFC 9110, section 5.5).
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return trimRight(b)
}

func trimRight(b []byte) []byte {
	for n := len(b); n > 0 && (b[n-1] == ' ' || b[n-1] == '\t'); n = len(b) {
		b = b[:n-1]
	}
	return b
}

// isName reports whether b is the lower-case ASCII name, in any case.
func isName(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// tokens reads a comma-separated list.
func (h *head) tokens(value []byte, field fieldKind) {
	for field != fieldOther && len(value) > 0 {
		token, rest, _ := bytes.Cut(value, []byte(","))
		value = rest
		token = trim(token)
		if field == fieldEncoding {
			if isName(token, "chunked") {
				h.chunked = true
			} else if len(token) > 0 && !isName(token, "identity") {
				h.coded = true
			}
			continue
		}
		switch {
		case isName(token, "close"):
			h.close = true
		case isName(token, "keep-alive"):
			h.keep = true
		case isName(token, "upgrade"):
			h.upgrade = true
		}
	}
}

// contentLength reads a length; the same one repeated is one (RFC 9112, section 6.3).
func (h *head) contentLength(value []byte) {
	for len(value) > 0 {
		one, rest, _ := bytes.Cut(value, []byte(","))
		value = rest
		n, ok := parseLength(trim(one))
		if !ok || h.length >= 0 && h.length != n {
			h.bad = true
			return
		}
		h.length = n
	}
}

func parseLength(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// persistent reports whether the message allows the connection to be used
// again, and if not, in which words (RFC 9112, section 9.3).
func (h *head) persistent() (bool, string) {
	switch {
	case h.close:
		return false, "Connection: close"
	case h.minor == 0 && !h.keep:
		return false, "HTTP/1.0"
	}
	return true, ""
}

// readCut takes what it can from the start of a head that is not complete. It
// reports whether the start is HTTP/1.x at all.
func (h *head) readCut(b []byte, request bool) bool {
	*h = head{length: -1}
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return h.cutStart(b, request)
	}
	if !h.startLine(chop(b[:i]), request) {
		return false
	}
	for rest := b[i+1:]; ; {
		i = bytes.IndexByte(rest, '\n')
		if i < 0 {
			return true // a cut line says nothing for certain
		}
		h.line(chop(rest[:i]))
		rest = rest[i+1:]
	}
}

// cutStart reads a first line that lacks its end.
func (h *head) cutStart(b []byte, request bool) bool {
	if !request {
		if len(b) >= len("HTTP/1.1 200") {
			return h.statusLine(b)
		}
		return len(b) > 0 && sniffStatus(b) != matchNone
	}
	i := bytes.IndexByte(b, ' ')
	if i < 0 {
		h.cut = true
		return sniffRequest(b) != matchNone
	}
	if i == 0 || i > maxMethod {
		return false
	}
	h.method, h.target, h.minor = b[:i], b[i+1:], 1
	if j := bytes.IndexByte(h.target, ' '); j >= 0 {
		h.target = h.target[:j]
	} else {
		h.cut = true
	}
	return true
}
