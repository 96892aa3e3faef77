package strace

import (
	"bytes"
	"time"
)

// shell is what a log's shipper or a copy put around each line.
type shell uint8

const (
	shellNone    shell = iota
	shellJSON          // docker's json-file: {"log":"...\n","stream":"stderr","time":"..."}
	shellCRI           // containerd, cri-o: TIME stderr F line
	shellPod           // kubectl logs --prefix: [pod/NAME/CONTAINER] line
	shellStamp         // docker logs -t, kubectl logs --timestamps: TIME line
	shellCompose       // docker compose logs: name-1  | line
	shellSyslog        // syslog, journalctl: Nov 22 21:59:58 host strace[4242]: line
	shellGrep          // grep -n, grep -H: 12:line, file:12:line
	shellQuote         // Markdown: > line
	shellNumber        // cat -n, nl, less -N: "    12  line"
	shellField         // logfmt: ... msg="line" ...
	shellWord          // name line
	shellWords         // name other-name line
	shellCount
)

// shellNames are for people.
var shellNames = [shellCount]string{
	"", "JSON", "CRI", "kubectl", "time stamps", "docker compose", "syslog", "grep -n", "quotation", "line numbers", "logfmt", "a word", "words",
}

// open returns what is inside a line of the shape, and the shape's own time in
// nanoseconds since the epoch, 0 without one. dst is memory for shapes that
// must be decoded.
func (sh shell) open(dst, b []byte) (inner []byte, at int64, ok bool) {
	switch sh {
	case shellNone:
		return b, 0, true
	case shellJSON:
		return openJSON(dst, b)
	case shellCRI:
		return openCRI(b)
	case shellPod:
		if !bytes.HasPrefix(b, []byte("[pod/")) {
			return b, 0, false
		}
		i := bytes.Index(b, []byte("] "))
		if i < 0 {
			return b, 0, false
		}
		return stamped(b[i+2:])
	case shellStamp:
		at, n := stamp(b)
		if n == 0 || n >= len(b) || b[n] != ' ' {
			return b, 0, false
		}
		return b[n+1:], at, true
	case shellCompose:
		return openCompose(b)
	case shellSyslog:
		return openSyslog(b)
	case shellGrep:
		return openGrep(b)
	case shellQuote:
		if !bytes.HasPrefix(b, []byte(">")) {
			return b, 0, false
		}
		return bytes.TrimPrefix(b[1:], []byte(" ")), 0, true
	case shellNumber:
		n, at := lineNumber(b)
		return b[at:], 0, n > 0
	case shellField:
		return openField(dst, b)
	case shellWord:
		return skipWord(b)
	case shellWords:
		inner, _, ok := skipWord(b)
		if !ok {
			return b, 0, false
		}
		return skipWord(inner)
	}
	return b, 0, false
}

// lineNumber reads the number that cat -n and its kin put before a line, and
// says where the line begins. It returns 0 when there is none.
func lineNumber(b []byte) (n, at int64) {
	i := int64(0)
	for i < int64(len(b)) && b[i] == ' ' {
		i++
	}
	n, used := number(b[i:])
	i += int64(used)
	if used == 0 || n <= 0 || i >= int64(len(b)) || b[i] != ' ' && b[i] != '\t' {
		return 0, 0
	}
	for i++; i < int64(len(b)) && b[i] == ' '; i++ {
	}
	return n, i
}

// countUp reports whether lines carry numbers that count them, as most of
// them show.
func countUp(lines [][]byte) bool {
	right, last := 0, int64(0)
	for _, line := range lines {
		n, _ := lineNumber(line)
		if n > 0 && n == last+1 {
			right++
		}
		last = n
	}
	return right > 10 && right*10 >= len(lines)*9
}

// openField reads the text of a message that logfmt quotes.
func openField(dst, b []byte) ([]byte, int64, bool) {
	for _, key := range [...]string{"msg=\"", "message=\"", "log=\""} {
		if i := bytes.Index(b, []byte(key)); i == 0 || i > 0 && b[i-1] == ' ' {
			text, _ := unescapeJSON(dst, b[i+len(key):])
			return bytes.TrimSuffix(text, []byte("\n")), 0, true
		}
	}
	return b, 0, false
}

// skipWord takes away a name and the spaces behind it, as multiplexers of logs
// (stern, kubetail) print before each line.
func skipWord(b []byte) ([]byte, int64, bool) {
	i := bytes.IndexByte(b[:min(len(b), 200)], ' ')
	if i <= 0 || bytes.ContainsAny(b[:i], "(\"") {
		return b, 0, false
	}
	return stamped(bytes.TrimLeft(b[i:], " "))
}

// stamp reads a time such as 2026-11-22T21:59:58.900000789Z at the beginning
// of b. It returns its length, 0 when there is none.
func stamp(b []byte) (int64, int) {
	if len(b) < 20 || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != ' ' || !isDigit(b[0]) {
		return 0, 0
	}
	n := bytes.IndexByte(b[11:min(len(b), 48)], ' ')
	if n < 0 {
		n = min(len(b), 48) - 11
	}
	n += 11
	t, err := time.Parse(time.RFC3339Nano, string(b[:n]))
	if err != nil {
		if t, err = time.Parse("2006-01-02T15:04:05.999999999-0700", string(b[:n])); err != nil {
			return 0, 0
		}
	}
	return t.UnixNano(), n
}

// openCRI reads "TIME stderr F line". A piece (P instead of F) keeps its mark:
// the scanner joins pieces.
func openCRI(b []byte) ([]byte, int64, bool) {
	at, n := stamp(b)
	if n == 0 {
		return b, 0, false
	}
	rest := b[n:]
	for _, stream := range [...]string{" stderr ", " stdout "} {
		if bytes.HasPrefix(rest, []byte(stream)) && len(rest) > len(stream)+1 && rest[len(stream)+1] == ' ' {
			return rest[len(stream)+2:], at, rest[len(stream)] == 'F' || rest[len(stream)] == 'P'
		}
	}
	return b, 0, false
}

// partialCRI reports whether a CRI line is a piece that the next goes on with.
func partialCRI(b []byte) bool {
	i := bytes.Index(b[:min(len(b), 64)], []byte(" std"))
	return i >= 0 && bytes.HasPrefix(b[min(len(b), i+8):], []byte("P "))
}

// openCompose reads "name-1  | line".
func openCompose(b []byte) ([]byte, int64, bool) {
	i := 0
	for i < len(b) && (isWord(b[i]) || b[i] == '-' || b[i] == '.') {
		i++
	}
	j := i
	for j < len(b) && b[j] == ' ' {
		j++
	}
	if i == 0 || j == i || j >= len(b) || b[j] != '|' {
		return b, 0, false
	}
	return stamped(bytes.TrimPrefix(b[j+1:], []byte(" ")))
}

// stamped takes away the time that shippers put behind a name when asked to.
func stamped(b []byte) ([]byte, int64, bool) {
	if at, n := stamp(b); n > 0 {
		return bytes.TrimPrefix(b[n:], []byte(" ")), at, true
	}
	return b, 0, true
}

// openSyslog reads "Nov 22 21:59:58 host strace[4242]: line", and the same
// behind an ISO time. The number in brackets is the shipper's or strace's, not
// the traced thread's. The date lacks a year, so the time is not used.
func openSyslog(b []byte) ([]byte, int64, bool) {
	at, n := stamp(b)
	if n == 0 {
		if len(b) < 16 || b[3] != ' ' || b[6] != ' ' || b[9] != ':' || b[12] != ':' || !isWord(b[0]) || isDigit(b[0]) {
			return b, 0, false
		}
		n = 15
		if b[n] == '.' {
			for n++; n < len(b) && isDigit(b[n]); n++ {
			}
		}
	}
	rest := b[n:]
	i := bytes.Index(rest, []byte(": "))
	if i < 0 || i > 200 || bytes.Count(rest[:i], []byte(" ")) != 2 {
		return b, 0, false
	}
	return rest[i+2:], at, true
}

// openGrep reads "12:line", "12-line" of context, "file:12:line" and
// "file:line". A time of day is none of them.
func openGrep(b []byte) ([]byte, int64, bool) {
	var p prefix
	i := 0
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	if i > 0 && i < len(b) && (b[i] == ':' || b[i] == '-') {
		if _, ok := p.number(b); ok {
			return b, 0, false
		}
		return b[i+1:], 0, true
	}
	i = bytes.IndexByte(b[:min(len(b), 256)], ':')
	if i <= 0 || bytes.ContainsAny(b[:i], " (\"[<") {
		return b, 0, false
	}
	rest := b[i+1:]
	if inner, _, ok := openGrep(rest); ok && len(rest) > 0 && isDigit(rest[0]) {
		return inner, 0, true
	}
	return rest, 0, true
}

// valueOf finds where the text of the first of the keys that an object of JSON
// has begins; 0 when it has none with a text.
func valueOf(b []byte, keys ...string) int {
	for _, key := range keys {
		for at := 0; ; {
			i := bytes.Index(b[at:], []byte(key))
			if i < 0 {
				break
			}
			i += at
			at = i + len(key)
			rest := b[at:]
			if i == 0 || b[i-1] != '"' || !starts(rest, "\"") {
				continue
			}
			rest = bytes.TrimLeft(rest[1:], " ")
			if rest, ok := bytes.CutPrefix(rest, []byte(":")); ok {
				if rest = bytes.TrimLeft(rest, " "); starts(rest, "\"") {
					return len(b) - len(rest) + 1
				}
			}
		}
	}
	return 0
}

// openJSON reads the line inside the JSON of docker, or of another shipper, into
// dst. A line without the line feed at its end is a piece; it keeps none, and the
// scanner joins it.
func openJSON(dst, b []byte) ([]byte, int64, bool) {
	if len(b) < 10 || b[0] != '{' {
		return b, 0, false
	}
	start := valueOf(b, "log", "message", "msg", "MESSAGE", "textPayload", "line")
	if start == 0 {
		return b, 0, false
	}
	text, _ := unescapeJSON(dst, b[start:])
	var at int64
	if i := valueOf(b, "time", "@timestamp", "timestamp", "ts"); i > 0 {
		if end := bytes.IndexByte(b[i:], '"'); end > 0 {
			at, _ = stamp(append(append([]byte(nil), b[i:i+end]...), ' '))
		}
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")), at, true
}

// partialJSON reports whether a line of docker's JSON is a piece.
func partialJSON(b []byte) bool {
	i := bytes.Index(b, []byte(`"log":"`)) // only docker cuts lines
	return i >= 0 && !bytes.Contains(b[i:], []byte(`\n","`)) && !bytes.Contains(b[i:], []byte(`\n"}`))
}

// unescapeJSON appends the text of a JSON string to dst and says how long it
// is, with its quote.
func unescapeJSON(dst, b []byte) ([]byte, int) {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return dst, i + 1
		case c != '\\' || i+1 >= len(b):
			dst = append(dst, c)
		default:
			i++
			switch b[i] {
			case 'n':
				dst = append(dst, '\n')
			case 'r':
				dst = append(dst, '\r')
			case 't':
				dst = append(dst, '\t')
			case 'u':
				v := 0
				for k := 1; k <= 4 && i+k < len(b) && hexValue(b[i+k]) >= 0; k++ {
					v = v<<4 | hexValue(b[i+k])
				}
				i = min(i+4, len(b)-1)
				dst = append(dst, string(rune(v))...)
			default:
				dst = append(dst, b[i])
			}
		}
	}
	return dst, len(b)
}

// plain appends b without terminal escapes (ECMA-48 control sequences) to dst.
func plain(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, 0x1b)
		if i < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		b = b[i+1:]
		if len(b) == 0 || b[0] != '[' {
			continue
		}
		j := 1
		for j < len(b) && (b[j] < 0x40 || b[j] > 0x7e) {
			j++
		}
		b = b[min(len(b), j+1):]
	}
}

// replacements undo what HTML and typography do to a line. Angle brackets that
// are not entities are tags where entities are used at all.
var replacements = [...]struct{ from, to string }{
	{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", `"`}, {"&#34;", `"`}, {"&#39;", "'"}, {"&apos;", "'"}, {"&nbsp;", " "}, {"&amp;", "&"},
	{"\u2026", "..."}, {"\u201c", `"`}, {"\u201d", `"`}, {"\u201e", `"`}, {"\u201f", `"`}, {"\u2033", `"`},
	{"\u2018", "'"}, {"\u2019", "'"}, {"\u2013", "-"}, {"\u2014", "--"}, {"\u2192", "->"}, {"\u21d2", "=>"}, {"\u00a0", " "},
}

// normalize appends b to dst as it was before HTML or typography changed it.
func (f *form) normalize(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		c := b[i]
		if c == '<' && f.html {
			if end := bytes.IndexByte(b[i:], '>'); end > 0 && end < 200 {
				i += end + 1
				continue
			}
		}
		if c != '&' && c < 0x80 {
			dst = append(dst, c)
			i++
			continue
		}
		done := false
		for _, r := range replacements {
			if bytes.HasPrefix(b[i:], []byte(r.from)) {
				dst = append(dst, r.to...)
				i += len(r.from)
				done = true
				break
			}
		}
		if !done {
			dst = append(dst, c)
			i++
		}
	}
	return dst
}
