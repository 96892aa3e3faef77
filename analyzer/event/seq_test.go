package event

import (
	"math"
	"testing"
)

// TestSeq counts across the wrap at 2^32.
func TestSeq(t *testing.T) {
	for _, c := range []struct {
		from uint32
		n    uint32
		to   uint32
		sub  int32
	}{
		{0, 0, 0, 0},
		{0, 1, 1, 1},
		{1000, 1460, 2460, 1460},
		{math.MaxUint32, 1, 0, 1},
		{math.MaxUint32 - 9, 20, 10, 20},
		{math.MaxInt32, 1, math.MaxInt32 + 1, 1},
		{5, math.MaxInt32, 5 + math.MaxInt32, math.MaxInt32},
		{math.MaxUint32, math.MaxInt32, math.MaxInt32 - 1, math.MaxInt32},
	} {
		s, e := SeqOf(c.from), SeqOf(c.from).Add(c.n)
		if e.Uint32() != c.to {
			t.Errorf("%d + %d = %d, want %d", c.from, c.n, e.Uint32(), c.to)
		}
		if got := e.Sub(s); got != c.sub {
			t.Errorf("%d - %d = %d, want %d", c.to, c.from, got, c.sub)
		}
		if got := s.Sub(e); got != -c.sub {
			t.Errorf("%d - %d = %d, want %d", c.from, c.to, got, -c.sub)
		}
		if s.Before(e) != (c.n > 0) || e.Before(s) {
			t.Errorf("%d before %d: %v; the other way round: %v", c.from, c.to, s.Before(e), e.Before(s))
		}
	}
}

// TestSeqBackwards: adding what wraps all the way round steps back.
func TestSeqBackwards(t *testing.T) {
	var one uint32 = 1
	if got := SeqOf(0).Add(-one); got.Uint32() != math.MaxUint32 || !got.Before(SeqOf(0)) {
		t.Errorf("one byte before 0 is %d", got.Uint32())
	}
}
