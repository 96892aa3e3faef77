package conn

import "finwait/analyzer/event"

const (
	// stashPieces and stashBytes bound what one direction keeps behind a
	// hole. They hold a full window of a fast path; beyond them the hole is
	// taken for bytes that the capture lost.
	stashPieces = 64
	stashBytes  = 128 << 10
	// holePatience is how many more segments of the connection may pass
	// after the receiver acknowledged a hole until it counts as lost: a
	// capture on several queues shows an acknowledgement a few frames
	// before the data.
	holePatience = 8
)

// piece is a segment that arrived before the bytes in front of it.
type piece struct {
	seq  event.Seq
	len  uint32
	at   event.Moment
	data []byte // its own copy of the captured payload
}

// stash holds the pieces behind a hole, in order of their sequence numbers.
// Its zero value is empty, and so is a nil one.
type stash struct {
	pieces []piece
	bytes  int
	acked  uint8 // segments seen since the hole was acknowledged
}

// put keeps a copy of a segment. It reports false when the stash is full or
// holds the segment already.
func (s *stash) put(seq event.Seq, n uint32, at event.Moment, payload []byte) (stored, full bool) {
	i := len(s.pieces)
	for i > 0 && seq.Before(s.pieces[i-1].seq) {
		i--
	}
	if i > 0 && s.pieces[i-1].seq == seq && s.pieces[i-1].len >= n {
		return false, false
	}
	if len(s.pieces) >= stashPieces || s.bytes+len(payload) > stashBytes {
		return false, true
	}
	s.pieces = append(s.pieces, piece{})
	copy(s.pieces[i+1:], s.pieces[i:])
	s.pieces[i] = piece{seq, n, at, append([]byte(nil), payload...)}
	s.bytes += len(payload)
	return true, false
}

// pop removes the first piece.
func (s *stash) pop() piece {
	p := s.pieces[0]
	s.bytes -= len(p.data)
	s.pieces = s.pieces[1:]
	if len(s.pieces) == 0 {
		*s = stash{}
	}
	return p
}

func (s *stash) empty() bool { return s == nil || len(s.pieces) == 0 }
