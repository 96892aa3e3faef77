package strace

import (
	"bytes"

	"finwait/analyzer/event"
)

// form is what the beginning of a log tells about how its lines are wrapped.
type form struct {
	wrapped    bool    // lines must be unwrapped first
	sequential bool    // lines are joined across stretches, so they are read one after the other
	wrapper    string  // for people
	shapes     []shell // from the outside to the inside
	ansi       bool    // terminal escapes (colours)
	html       bool    // entities and tags
	typography bool    // curly quotes, ellipses
	single     bool    // the file holds the calls of one thread, one after the other (-ff)
	closes     bool    // the sample shows close calls
	full       bool    // every line is handed on: files are to be put in order
	clock      timed   // the best clock of the sample
	width      int     // lines were cut at this column and go on in the next; 0 no
}

// sampleLines is how many lines decide about the form.
const sampleLines = 2000

// detect tells the form from the first stretch of a log.
func detect(b []byte, n *names) form {
	var f form
	f.ansi = bytes.Contains(b, []byte("\x1b["))
	f.html = bytes.Contains(b, []byte("&lt;")) || bytes.Contains(b, []byte("&quot;")) || bytes.Contains(b, []byte("&gt;"))
	f.typography = bytes.Contains(b, []byte("\u2026")) || bytes.Contains(b, []byte("\u201c"))
	f.closes = bytes.Contains(b, []byte("close("))
	lines := f.sample(b)
	if countUp(lines) {
		f.shapes = append(f.shapes, shellNumber)
		f.wrapper = shellNames[shellNumber]
		lines = strip(lines, shellNumber)
	}
	for range 3 {
		best, most := shellNone, f.fits(lines, shellNone, n)
		bare := most
		for sh := shellNone + 1; sh < shellCount; sh++ {
			if sh >= shellWord && (bare*10 > len(lines) || len(lines) < 10) {
				break // it would take the threads' numbers for names
			}
			if k := f.fits(lines, sh, n); k > most {
				best, most = sh, k
			}
		}
		if best == shellNone {
			break
		}
		f.shapes = append(f.shapes, best)
		f.sequential = f.sequential || best == shellJSON || best == shellCRI
		if f.wrapper == "" {
			f.wrapper = shellNames[best]
		}
		lines = strip(lines, best)
	}
	for _, line := range lines {
		var p prefix
		if p.scan(line); p.timed != timedNone && f.clock != timedAbsolute && f.clock != timedDay {
			f.clock = p.timed
		}
	}
	f.width = wrapWidth(lines, n)
	if f.width > 0 {
		f.sequential = true
		if f.wrapper == "" {
			f.wrapper = "hard line breaks"
		}
	}
	f.wrapped = len(f.shapes) > 0 || f.ansi || f.html || f.typography || f.width > 0
	return f
}

// sample returns the first lines, without terminal escapes.
func (f *form) sample(b []byte) [][]byte {
	var lines [][]byte
	for len(b) > 0 && len(lines) < sampleLines {
		line := b
		i := bytes.IndexByte(b, '\n')
		if i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if f.ansi {
			line = plain(nil, line)
		}
		if f.html || f.typography {
			line = f.normalize(nil, line)
		}
		lines = append(lines, line)
	}
	return lines
}

// fits counts the lines that are strace's inside a shape.
func (f *form) fits(lines [][]byte, sh shell, n *names) int {
	count := 0
	for _, line := range lines {
		if inner, _, ok := sh.open(nil, line); ok && looksRight(inner, n) {
			count++
		}
	}
	return count
}

// strip opens all lines that have the shape.
func strip(lines [][]byte, sh shell) [][]byte {
	out := make([][]byte, len(lines))
	for i, line := range lines {
		out[i] = line
		if inner, _, ok := sh.open(nil, line); ok {
			out[i] = inner
		}
	}
	return out
}

// looksRight reports whether a line is strace's beyond doubt.
func looksRight(b []byte, n *names) bool {
	var p prefix
	i, ok := p.scan(b)
	if !ok || i >= len(b) {
		return false
	}
	b = b[i:]
	switch b[0] {
	case '<':
		return bytes.HasPrefix(b, []byte("<... ")) && bytes.Contains(b, []byte(" resumed>"))
	case '+':
		return bytes.HasPrefix(b, []byte("+++ ")) && bytes.HasSuffix(b, []byte(" +++"))
	case '-':
		return bytes.HasPrefix(b, []byte("--- SIG"))
	}
	j := 0
	for j < len(b) && isWord(b[j]) {
		j++
	}
	if j == 0 || j == len(b) || b[j] != '(' || isDigit(b[0]) {
		return false
	}
	return n.find(b[:j]) != 0 || ending(b[j+1:]) != tailNone
}

// wrapWidth tells whether lines were cut at a column, as a copy from a
// terminal is: several lines of the greatest length, most of which are not
// followed by a line of strace's.
func wrapWidth(lines [][]byte, n *names) int {
	width, count, open := 0, 0, 0
	for _, line := range lines {
		width = max(width, len(line))
	}
	if width < 40 || width > 400 {
		return 0
	}
	for i, line := range lines[:len(lines)-1] {
		if len(line) == width {
			count++
			if !looksRight(lines[i+1], n) {
				open++
			}
		}
	}
	if count < 3 || count*50 < len(lines) || open*4 < count*3 {
		return 0
	}
	return width
}

// continued prepares for the next stretch where one scanner reads them all:
// what waits keeps waiting, with its position counted from the new beginning.
func (s *scanner) continued() {
	s.pending.each(func(h *half) {
		h.line -= s.lines
		if h.timed == timedDelta && h.at.Known() {
			h.at -= event.Time(s.sum)
		}
	})
	s.held.line -= s.lines
	if s.held.prefix.timed == timedDelta && s.held.at.Known() {
		s.held.at -= event.Time(s.sum)
	}
	s.out.Reset()
	s.lines, s.sum, s.ending = 0, 0, 0
	s.counts = [256]int64{}
	s.tally = tally{}
	s.halves = s.halves[:0]
}
