package strace

import "io"

// feeder cuts its source into stretches of whole lines.
type feeder struct {
	src  io.Reader
	size int
	rest []byte // the beginning of the next stretch
	err  error
}

// next appends the next stretch to b. At the end of the source, or with its
// error, err is set; the stretch then holds what is left.
func (f *feeder) next(b []byte) []byte {
	b = append(b, f.rest...)
	f.rest = f.rest[:0]
	if cap(b) < f.size {
		b = append(make([]byte, 0, f.size), b...)
	}
	for len(b) < f.size && f.err == nil {
		var n int
		n, f.err = f.src.Read(b[len(b):f.size])
		b = b[:len(b)+n]
	}
	if f.err != nil {
		return b
	}
	if i := lastNewline(b); i >= 0 {
		f.rest = append(f.rest, b[i+1:]...)
		return b[:i+1]
	}
	return f.long(b)
}

func lastNewline(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '\n' {
			return i
		}
	}
	return -1
}

// long reads on to the end of a line that fills a whole stretch, and keeps its
// beginning and its end.
func (f *feeder) long(b []byte) []byte {
	tail := append([]byte(nil), b[len(b)-min(len(b), longLine):]...)
	b = b[:min(len(b), longLine)]
	buf := make([]byte, f.size)
	for f.err == nil {
		var n int
		n, f.err = f.src.Read(buf)
		got := buf[:n]
		for i, c := range got {
			if c == '\n' {
				tail = append(tail, got[:i+1]...)
				f.rest = append(f.rest, got[i+1:]...)
				return append(b, tail[max(0, len(tail)-longLine):]...)
			}
		}
		tail = append(tail, got...)
		tail = append(tail[:0], tail[max(0, len(tail)-longLine):]...)
	}
	return append(b, tail...)
}
