package strace

import "bytes"

// unwrap returns a line as strace wrote it, and false while its pieces are
// being collected.
func (s *scanner) unwrap(b []byte) ([]byte, bool) {
	f := s.form
	if f.ansi && bytes.IndexByte(b, 0x1b) >= 0 {
		s.clean = plain(s.clean[:0], b)
		b = s.clean
	}
	piece := false
	for _, sh := range f.shapes {
		inner, at, ok := sh.open(s.inner[:0], b)
		if !ok {
			continue
		}
		switch sh {
		case shellJSON:
			piece = partialJSON(b)
			s.inner = inner
		case shellField:
			s.inner = inner
		case shellCRI:
			piece = partialCRI(b)
		}
		if b = inner; at != 0 {
			s.wrapper = at
		}
	}
	if f.html || f.typography {
		s.normal = f.normalize(s.normal[:0], b)
		b = s.normal
	}
	if f.sequential {
		return s.join(b, piece)
	}
	return b, true
}

// join puts the pieces of a line together: what a shipper cut, and what a
// terminal's edge cut.
func (s *scanner) join(b []byte, piece bool) ([]byte, bool) {
	if piece {
		if len(s.partial) < 4*maxHalf {
			s.partial = append(s.partial, b...)
		}
		return nil, false
	}
	if len(s.partial) > 0 {
		s.joined = append(append(s.joined[:0], s.partial...), b...)
		s.partial = s.partial[:0]
		b = s.joined
	}
	if s.form.width == 0 {
		return b, true
	}
	return s.edge(b)
}

// edge joins lines that a terminal's edge cut. A line of full width waits for
// the next, which goes on with it unless it is a line of its own.
func (s *scanner) edge(b []byte) ([]byte, bool) {
	full := len(b) == s.form.width
	if len(s.cut) == 0 {
		if full {
			s.cut = append(s.cut[:0], b...)
			return nil, false
		}
		return b, true
	}
	if looksRight(b, s.names) || len(b) == 0 {
		s.joined = append(s.joined[:0], s.cut...)
		s.cut = s.cut[:0]
		s.line(s.joined)
		if full {
			s.cut = append(s.cut, b...)
			return nil, false
		}
		return b, true
	}
	s.cut = append(s.cut, b...)
	if full && len(s.cut) < 4*maxHalf {
		return nil, false
	}
	s.joined = append(s.joined[:0], s.cut...)
	s.cut = s.cut[:0]
	return s.joined, true
}

// flush reads what still waits for a next line at the end of the log.
func (s *scanner) flush() {
	for _, text := range [...]*[]byte{&s.partial, &s.cut} {
		if len(*text) > 0 {
			s.joined = append(s.joined[:0], *text...)
			*text = (*text)[:0]
			s.line(s.joined)
		}
	}
}
