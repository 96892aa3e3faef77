package exchange

import "bytes"

// body passes over the bytes of a message body and returns how many of b belong
// to it, and whether it ends there.
func (h *half) body(b []byte) (n int, end bool) {
	switch h.phase {
	case phaseClose:
		return len(b), false
	case phaseBody:
		n = h.skipLeft(b)
		return n, h.left == 0
	}
	for n < len(b) && !end {
		switch h.phase {
		case phaseChunk:
			n += h.skipLeft(b[n:])
			if h.left == 0 {
				h.phase = phaseSize
			}
		case phaseSize:
			n += h.chunkSize(b[n:])
		case phaseTrailer:
			var k int
			k, end = h.trailer(b[n:])
			n += k
		default:
			return n, false
		}
	}
	return n, end
}

func (h *half) skipLeft(b []byte) int {
	n := int(min(int64(len(b)), h.left))
	h.left -= int64(n)
	return n
}

// maxChunk bounds a chunk's size, so that sizes cannot overflow.
const maxChunk = 1 << 50

// chunkSize reads a chunk-size line (RFC 9112, section 7.1), whose bytes may come
// one at a time: the digits so far are in h.left. Extensions are passed over.
// The CRLF behind a chunk is read as an empty line before the next size.
func (h *half) chunkSize(b []byte) (n int) {
	for n < len(b) && !h.has(halfCR) {
		c := b[n]
		d, ok := hexDigit(c)
		switch {
		case ok && h.left < maxChunk:
			h.left = h.left<<4 | int64(d)
			h.flags |= halfDigits
		case (c == '\r' || c == '\n') && !h.has(halfDigits): // the end of the chunk before
		case c == '\r' || c == '\n' || c == ';' || c == ' ' || c == '\t':
			h.flags |= halfCR
			continue
		default:
			h.phase = phaseSeek
			h.flags = h.flags&^(halfDigits|halfCR|halfUnpaired) | halfMissing
			return n
		}
		n++
	}
	i := bytes.IndexByte(b[n:], '\n')
	if i < 0 || !h.has(halfCR) {
		return len(b)
	}
	h.flags &^= halfCR | halfDigits
	h.phase = phaseChunk
	if h.left == 0 {
		h.phase = phaseTrailer
	}
	return n + i + 1
}

// trailer passes over trailer lines up to the empty one. h.left counts the
// bytes of the current line.
func (h *half) trailer(b []byte) (n int, end bool) {
	for n < len(b) {
		c := b[n]
		n++
		if c == '\n' {
			if h.left == 0 {
				return n, true
			}
			h.left = 0
		} else if c != '\r' {
			h.left++
		}
	}
	return n, false
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
