package exchange

// respReader passes over RESP values, versions 2 and 3, whose bytes may come in
// any pieces. It keeps what tells commands and kinds of replies apart, not the
// values.
type respReader struct {
	line  [respLine]byte // the start of the current line: type, length or text
	have  uint8
	lines int64            // bytes of the current line
	bulk  int64            // bytes left of a bulk string and its CRLF
	stack [respDepth]int64 // elements left in each open aggregate
	attrs uint16           // which of them are attributes
	depth uint8
	top   byte   // type of the value at the top
	args  int64  // bulk strings begun in this value
	size  int64  // length of the current one
	first []byte // what the last step saw of a bulk string
}

// Bounds of what is read of a value.
const (
	respLine  = 40
	respDepth = 12
	maxBulk   = 1 << 40
)

// respEvent is what a step over RESP bytes has come to.
type respEvent uint8

const (
	respMore  respEvent = iota // inside a value
	respBulk                   // bytes of a bulk string: in first
	respDone                   // a value at the top has ended
	respError                  // this is no RESP
)

// started reports whether the reader is inside a value.
func (r *respReader) started() bool { return r.lines > 0 || r.bulk > 0 || r.depth > 0 }

// step passes over some of b and returns how many bytes, and what happened.
func (r *respReader) step(b []byte) (int, respEvent) {
	if r.bulk > 0 {
		n := int(min(int64(len(b)), r.bulk))
		text := r.bulk - 2 // without CRLF
		r.bulk -= int64(n)
		r.first = b[:max(0, min(int64(n), text))]
		if r.bulk == 0 && len(r.first) == 0 {
			return n, r.element()
		}
		if len(r.first) > 0 && r.bulk < 2 { // end the text first, then its CRLF
			r.bulk = text - int64(len(r.first)) + 2
			return len(r.first), respBulk
		}
		return n, respBulk
	}
	for i, c := range b {
		if c == '\n' && r.lines > 0 {
			return i + 1, r.endLine()
		}
		if int(r.have) < len(r.line) {
			r.line[r.have] = c
			r.have++
		}
		r.lines++
	}
	return len(b), respMore
}

// endLine acts on a complete line. Its text is in line up to have.
func (r *respReader) endLine() respEvent {
	line := r.line[:r.have]
	r.have, r.lines = 0, 0
	if n := len(line); line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) == 0 {
		return respError
	}
	if r.depth == 0 {
		r.top, r.args = line[0], 0
	}
	switch line[0] {
	case '+', '-', ':', ',', '#', '(', '_':
		return r.element()
	case '$', '!', '=':
		n, ok := respLength(line[1:])
		switch {
		case !ok:
			return respError
		case n < 0:
			return r.element()
		}
		r.args++
		r.size, r.bulk = n, n+2
		return respMore
	case '*', '~', '>', '%', '|':
		n, ok := respLength(line[1:])
		if !ok {
			return respError
		}
		return r.aggregate(line[0], n)
	}
	return respError
}

// aggregate opens an array, set, push, map or attribute of n elements or pairs.
func (r *respReader) aggregate(kind byte, n int64) respEvent {
	if kind == '%' || kind == '|' {
		n *= 2
	}
	if n <= 0 {
		if kind == '|' {
			return respMore
		}
		return r.element()
	}
	if int(r.depth) == len(r.stack) {
		return respError
	}
	r.stack[r.depth] = n
	r.attrs &^= 1 << r.depth
	if kind == '|' {
		r.attrs |= 1 << r.depth
	}
	r.depth++
	return respMore
}

// element ends a value: the aggregates that it completes end with it. An
// attribute is no value but comes before one.
func (r *respReader) element() respEvent {
	for r.depth > 0 {
		r.stack[r.depth-1]--
		if r.stack[r.depth-1] > 0 {
			return respMore
		}
		r.depth--
		if r.attrs&(1<<r.depth) != 0 {
			return respMore
		}
	}
	return respDone
}

// respLength reads a length; -1 is RESP2's null.
func respLength(b []byte) (int64, bool) {
	if string(b) == "-1" {
		return -1, true
	}
	n, ok := parseLength(b)
	return n, ok && n <= maxBulk
}
