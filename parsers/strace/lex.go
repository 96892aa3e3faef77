package strace

import "bytes"

// cursor walks over the arguments of a call.
type cursor struct {
	b []byte
	i int
}

// space skips spaces.
func (c *cursor) space() {
	for c.i < len(c.b) && c.b[c.i] == ' ' {
		c.i++
	}
}

// label skips the name of an argument, as strace -N prints it ("fd=").
func (c *cursor) label() {
	c.space()
	i := c.i
	for i < len(c.b) && isWord(c.b[i]) {
		i++
	}
	if i > c.i && i+1 < len(c.b) && c.b[i] == '=' && !isDigit(c.b[c.i]) {
		c.i = i + 1
	}
}

// number reads an integer argument: decimal, 0x or 0 octal, with a sign.
func (c *cursor) number() (int64, bool) {
	c.label()
	n, used := number(c.b[c.i:])
	if used == 0 {
		return 0, false
	}
	c.i += used
	return n, true
}

// number reads the integer at the beginning of b and says how long it is.
// Values beyond 64 bits stay at the largest.
func number(b []byte) (int64, int) {
	i, neg := 0, false
	if i < len(b) && b[i] == '-' {
		i, neg = 1, true
	}
	start := i
	var n uint64
	if i+2 < len(b) && b[i] == '0' && b[i+1] == 'x' && hexValue(b[i+2]) >= 0 {
		for i += 2; i < len(b) && hexValue(b[i]) >= 0; i++ {
			n = n<<4 | uint64(hexValue(b[i]))
		}
	} else {
		for ; i < len(b) && isDigit(b[i]); i++ {
			if n < 1<<59 {
				n = n*10 + uint64(b[i]-'0')
			}
		}
	}
	if i == start {
		return 0, 0
	}
	if neg {
		return -int64(n), i
	}
	return int64(n), i
}

// next moves behind the next comma of the same depth, and reports whether
// there was one.
func (c *cursor) next() bool {
	depth := 0
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case '"':
			c.i = stringEnd(c.b, c.i)
			continue
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth == 0 {
				return false
			}
			depth--
		case '<':
			if c.i > 0 && isWord(c.b[c.i-1]) {
				c.i = infoEnd(c.b, c.i)
				continue
			}
		case ',':
			if depth == 0 {
				c.i++
				c.space()
				return true
			}
		}
		c.i++
	}
	return false
}

// arg moves to argument n, counted from 0, from the first.
func (c *cursor) arg(n int) bool {
	c.i = 0
	for ; n > 0; n-- {
		if !c.next() {
			return false
		}
	}
	return true
}

// word is an argument that strace prints by name, or, with -e raw, by number.
type word struct {
	text   []byte // from the argument on
	number int64
	raw    bool // number is valid
}

// word reads the argument at the cursor, which goes no further than its label.
func (c *cursor) word() word {
	c.label()
	n, used := number(c.rest())
	return word{c.rest(), n, used > 0}
}

// starts reports whether the argument's name starts with a text.
func (w word) starts(text string) bool {
	return len(w.text) >= len(text) && string(w.text[:len(text)]) == text
}

// is reports whether the argument is a name, whose number is n.
func (w word) is(name string, n int64) bool { return w.starts(name) || w.raw && w.number == n }

// rest is what lies ahead of the cursor.
func (c *cursor) rest() []byte { return c.b[c.i:] }

// stringEnd returns the index behind the string that begins with the quote at
// b[i]; behind the end when it is not closed.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		i += n
		slashes := 0
		for j := i - 1; j >= 0 && b[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
	return len(b)
}

// infoEnd returns the index behind what strace prints beside a descriptor in
// angle brackets at b[i]. It may nest once and holds "->" between addresses;
// angle brackets of paths are printed as octal escapes.
func infoEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '<':
			depth++
		case '>':
			if b[i-1] == '-' {
				continue
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			i = stringEnd(b, i) - 1
		}
	}
	return len(b)
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isWord(c byte) bool {
	return c|0x20-'a' <= 'z'-'a' || isDigit(c) || c == '_'
}

func hexValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20-'a' <= 'f'-'a':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// unquote appends the bytes of a C string to dst, until its closing quote or
// until dst has limit bytes. It returns dst, the index behind the string in b,
// and whether strace cut the string ("..." behind the quote). b begins behind
// the opening quote.
func unquote(dst, b []byte, limit int) (out []byte, used int, cut bool) {
	i := 0
	for i < len(b) {
		c := b[i]
		if c == '"' {
			cut = bytes.HasPrefix(b[i+1:], []byte("..."))
			return dst, i + 1, cut
		}
		if len(dst) >= limit {
			end := stringEnd(b, i-1)
			return dst, end, true
		}
		if c != '\\' || i+1 >= len(b) {
			dst = append(dst, c)
			i++
			continue
		}
		v, n := escape(b[i+1:])
		dst = append(dst, v)
		i += 1 + n
	}
	return dst, len(b), true
}

// escape decodes what follows a backslash and says how long it is.
func escape(b []byte) (byte, int) {
	switch b[0] {
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'v':
		return '\v', 1
	case 'f':
		return '\f', 1
	case 'a':
		return '\a', 1
	case 'b':
		return '\b', 1
	case 'e':
		return 0x1b, 1
	case 'x':
		v, i := 0, 1
		for ; i < len(b) && i < 3 && hexValue(b[i]) >= 0; i++ {
			v = v<<4 | hexValue(b[i])
		}
		return byte(v), i
	}
	if b[0]-'0' > 7 {
		return b[0], 1
	}
	v, i := 0, 0
	for ; i < len(b) && i < 3 && b[i]-'0' <= 7; i++ {
		v = v<<3 | int(b[i]-'0')
	}
	return byte(v), i
}
