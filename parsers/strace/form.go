package strace

import "finwait/analyzer/event"

// form is what the beginning of a log tells about how its lines are wrapped.
type form struct {
	wrapped     bool   // lines must be unwrapped first
	sequential  bool   // lines are joined across stretches, so they are read one after the other
	wrapper     string // for people
	wrapperTime bool   // the wrapper stamps the lines, strace does not
}

func detect(b []byte, n *names) form { return form{} }

func (s *scanner) unwrap(b []byte) ([]byte, bool) { return b, true }

// continued prepares for the next stretch where one scanner reads them all:
// what waits keeps waiting, with its position counted from the new beginning.
func (s *scanner) continued() {
	for _, h := range s.pending {
		h.line -= s.lines
		if h.timed == timedDelta && h.at.Known() {
			h.at -= event.Time(s.sum)
		}
	}
	s.held.line -= s.lines
	if s.held.prefix.timed == timedDelta && s.held.at.Known() {
		s.held.at -= event.Time(s.sum)
	}
	s.out.Reset()
	s.lines, s.sum = 0, 0
	s.counts = [256]int64{}
	s.tally = tally{}
	s.halves = s.halves[:0]
}
