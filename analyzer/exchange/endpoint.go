package exchange

import "bytes"

// splitTarget tells the host and the path of a request target (RFC 9112,
// section 3.2). host is nil in origin form; CONNECT has no path but its host.
func splitTarget(method, target []byte) (host, path []byte) {
	if string(method) == "CONNECT" {
		return target, target
	}
	if len(target) == 0 || target[0] == '/' || target[0] == '*' {
		return nil, target
	}
	_, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok {
		return nil, target
	}
	if i := bytes.IndexAny(rest, "/?"); i >= 0 {
		if rest[i] == '/' {
			return rest[:i], rest[i:]
		}
		return rest[:i], nil
	}
	return rest, []byte("/")
}

// Bounds of an endpoint's name.
const (
	maxSegments = 16  // further ones become "..."
	maxEndpoint = 256 // bytes
)

// variable stands for a segment that names one of many things.
const variable = "{id}"

// appendEndpoint appends "METHOD /path" with the variable segments of the path
// folded, without query and fragment.
func appendEndpoint(dst, method, path []byte) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	if string(method) == "CONNECT" {
		return appendLower(dst, path[:min(len(path), maxEndpoint)])
	}
	for n := 0; len(path) > 0; n++ {
		if path[0] == '/' {
			dst = append(dst, '/')
			path = path[1:]
		}
		i, plain := segment(path)
		if n == maxSegments || len(dst)+i > maxEndpoint {
			return append(dst, "..."...)
		}
		if plain {
			dst = append(dst, path[:i]...)
		} else if isNumber(path[:i]) {
			dst = append(dst, variable...)
		} else {
			dst = appendSegment(dst, path[:i])
		}
		if path = path[i:]; len(path) > 0 && path[0] != '/' {
			break // query or fragment
		}
	}
	return dst
}

// segment returns the length of the path segment at the start of s, and whether
// it is a plain short word that needs no look at its shape: without digits, or
// with some and so short that no rule of isVariable takes it (v1, s3).
func segment(s []byte) (n int, plain bool) {
	const plainMost, digitsMost = 23, 4
	most := plainMost
	for n < len(s) {
		switch c := s[n]; {
		case c >= 'a' && c <= 'z', c == '-', c == '_':
		case c >= '0' && c <= '9' && n > 0 && s[0] >= 'a':
			most = min(most, digitsMost)
		case c == '/', c == '?', c == '#':
			return n, n <= most
		default:
			most = -1
		}
		n++
	}
	return n, n <= most
}

// appendLower appends s with its ASCII letters in lower case.
func appendLower(dst, s []byte) []byte {
	for _, c := range s {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// appendSegment appends one path segment, folded where it is variable. Matrix
// parameters (";jsessionid=...") go. A variable name keeps its extension.
func appendSegment(dst, s []byte) []byte {
	if i := bytes.IndexByte(s, ';'); i >= 0 {
		s = s[:i]
	}
	if i := bytes.LastIndexByte(s, '.'); i > 0 && len(s)-i <= 6 && isExtension(s[i+1:]) && !shapeOf(s).at && isVariable(s[:i]) {
		dst = append(dst, variable...)
		return append(dst, s[i:]...)
	}
	if isVariable(s) {
		return append(dst, variable...)
	}
	return append(dst, s...)
}

func isExtension(s []byte) bool {
	for _, c := range s {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return len(s) > 0
}

// shape counts the kinds of bytes in a path segment.
type shape struct {
	digits, hex, upper, lower, seps, others int // hex: a-f of either case, also counted as letters
	turns                                   int // changes between letters and digits
	at                                      bool
}

func shapeOf(s []byte) (h shape) {
	var last byte // 'd' digit, 'l' letter, else 0
	for i := 0; i < len(s); i++ {
		kind := byte(0)
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			h.digits++
			kind = 'd'
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			kind = 'l'
			if c >= 'a' {
				h.lower++
			} else {
				h.upper++
			}
			if c|0x20 <= 'f' {
				h.hex++
			}
		case c == '-' || c == '_' || c == '.' || c == ':' || c == '~' || c == '=' || c == '+' || c == ',':
			h.seps++
		case c == '@':
			h.at = true
		case c == '%' && i+2 < len(s): // an escaped byte counts as one other
			h.at = h.at || s[i+1] == '4' && s[i+2] == '0'
			h.others++
			i += 2
		default:
			h.others++
		}
		if kind != 0 {
			if last != 0 && kind != last {
				h.turns++
			}
			last = kind
		}
	}
	return h
}

// isNumber reports whether s is all digits: the commonest of variable segments.
func isNumber(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}

// isVariable reports whether a path segment names one of many things: a number,
// a date, a UUID, a hash, an e-mail address, a token. Words that merely hold a
// digit (v1, oauth2, base64, 2.0) are not. It gets short random names without
// digits wrong (they stay), and words like "report2024" (they fold); Merge finds
// the former when there are many.
func isVariable(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	h := shapeOf(s)
	letters := h.upper + h.lower
	switch {
	case h.at:
		return len(s) > 2 && h.others <= 1
	case h.digits == 0:
		return len(s) >= 64 || len(s) >= 24 && h.seps == 0 && h.upper >= 4 && h.lower >= 4
	case letters == 0: // numbers, dates, times; but 1.0 is a version
		return !(h.seps == 1 && h.digits <= 3 && bytes.IndexByte(s, '.') > 0)
	case h.hex == letters && h.digits+letters >= 8 && h.digits > 0:
		return true // hashes, UUIDs
	case isDateTime(h, letters):
		return true
	case h.digits >= 4 && len(s) >= 5:
		return true
	case h.turns >= 4 && len(s) >= 8:
		return true
	case len(s) >= 20 && h.seps <= 2 && (h.turns >= 2 || h.upper >= 2 && h.lower >= 2):
		return true
	}
	return numberAtEnd(s)
}

// isDateTime recognises what is made of digits, separators and few letters, such
// as 2026-11-22T10:00:00Z.
func isDateTime(h shape, letters int) bool {
	return letters <= 2 && h.digits >= 6 && h.digits+letters+h.seps >= 8
}

// numberAtEnd recognises a word, a separator and a number of three digits or
// more: order-123.
func numberAtEnd(s []byte) bool {
	n := len(s)
	for n > 0 && s[n-1] >= '0' && s[n-1] <= '9' {
		n--
	}
	return len(s)-n >= 3 && n > 0 && bytes.IndexByte([]byte("-_:.="), s[n-1]) >= 0
}
