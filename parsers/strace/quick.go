package strace

import (
	"encoding/binary"
	"math/bits"
)

// starts reports whether b begins with s. With a constant s it compiles to a
// comparison of a few words, where bytes.HasPrefix calls a function.
func starts(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

// ends reports whether b ends in s; see starts.
func ends(b []byte, s string) bool { return len(b) >= len(s) && string(b[len(b)-len(s):]) == s }

const (
	lowBits  = 0x0101010101010101 // the lowest bit of each of 8 bytes
	highBits = 0x8080808080808080 // the highest
)

// indexIn8 returns the index of the first byte of w, the lowest one being 0,
// that equals c; 8 when none does. (Hacker's Delight, section 6-1.)
func indexIn8(w uint64, c byte) int {
	x := w ^ lowBits*uint64(c)
	return bits.TrailingZeros64((x-lowBits)&^x&highBits) >> 3
}

// digits8 reads 8 decimal digits at once, the first of them in the lowest byte
// of w, and reports whether they are digits.
func digits8(w uint64) (int64, bool) {
	const threes = 0x3030303030303030
	if w&0xf0f0f0f0f0f0f0f0 != threes || (w+0x0606060606060606)&0xf0f0f0f0f0f0f0f0 != threes {
		return 0, false
	}
	w = (w & 0x0f0f0f0f0f0f0f0f) * (10<<8 + 1) >> 8    // pairs
	w = (w & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16 // fours
	return int64((w & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32), true
}

// micros reads the "6.123456" at b, of which only the six digits behind the
// point count, as nanoseconds.
func micros(b []byte) (int64, bool) {
	w := binary.LittleEndian.Uint64(b)
	if byte(w>>8) != '.' {
		return 0, false
	}
	n, ok := digits8(w&^0xffff | '0'<<8 | '0')
	return n * 1000, ok
}

// quick reads the prefixes that most logs have, at once: a pid or "[pid N]" or
// neither, and then a time with microseconds (-ttt, -tt) or none. It returns
// where the rest begins, and 0 for all other lines, which scan reads.
func (p *prefix) quick(b []byte) int {
	i, n := 0, int32(0)
	if len(b) < 32 {
		return 0
	}
	if b[0] == '[' {
		if !starts(b, "[pid ") {
			return 0
		}
		for i = 5; i < 12 && b[i] == ' '; i++ {
		}
	}
	first := i
	for i < first+8 && isDigit(b[i]) {
		n = n*10 + int32(b[i]-'0')
		i++
	}
	switch {
	case first > 0:
		if i == first || n == 0 || b[i] != ']' || b[i+1] != ' ' {
			return 0
		}
		i++
	case i == 0:
	case i > 7 || b[i] != ' ' || n == 0:
		i, n = 0, 0 // a time, if anything
	}
	for i < 24 && b[i] == ' ' {
		i++
	}
	if i == 0 && b[0] == ' ' || len(b) < i+20 {
		return 0
	}
	kind, raw := timedNone, []byte(nil)
	if isDigit(b[i]) {
		if kind = clockOf(b[i:]); kind == timedNone {
			return 0
		}
		raw = b[i:]
		if i += 18; kind == timedDay {
			i -= 2
		}
	}
	if c := b[i]; c != '<' && c|0x20-'a' > 'z'-'a' && c != '-' && c != '+' {
		return 0
	}
	p.pid, p.timed, p.raw, p.comm = n, kind, raw, nil
	return i
}

// clockOf tells by its separators whether "1795384781.000353 " or
// "21:59:41.514982 " stands at b, which has 20 bytes or more.
func clockOf(b []byte) timed {
	switch {
	case b[10] == '.' && b[17] == ' ' && b[18] != ' ':
		return timedAbsolute
	case b[2] == ':' && b[5] == ':' && b[8] == '.' && b[15] == ' ' && b[16] != ' ':
		return timedDay
	}
	return timedNone
}

// settle reads the time that quick has left unread: most lines do not need it.
// What is no number is no time.
func (p *prefix) settle() {
	b := p.raw
	p.raw = nil
	w := binary.LittleEndian.Uint64(b)
	frac, sec, fine, ok := int64(0), int64(0), false, false
	if p.timed == timedAbsolute {
		frac, fine = micros(b[9:])
		sec, ok = digits8(w)
		sec = sec*100 + int64(b[8]-'0')*10 + int64(b[9]-'0')
		ok = ok && isDigit(b[8]) && isDigit(b[9])
	} else {
		const colons = 0xff<<16 | 0xff<<40
		frac, fine = micros(b[7:])
		sec, ok = digits8(w&^colons | '0'<<16 | '0'<<40) // hh0mm0ss
		sec = sec/1_000_000*3600 + sec/1000%1000*60 + sec%1000
	}
	if !fine || !ok {
		p.timed = timedNone
		return
	}
	p.at = sec*1e9 + frac
}
