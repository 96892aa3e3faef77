package conn

import (
	"math/rand/v2"
	"testing"

	"finwait/analyzer/event"
)

func TestStashOrder(t *testing.T) {
	const base = 1<<32 - 500 // wraps on the way
	var s stash
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(10) {
		n := uint32(100)
		if stored, full := s.put(event.SeqOf(base).Add(uint32(i)*n), n, event.Moment{}, make([]byte, n)); !stored || full {
			t.Fatalf("piece %d: stored %v, full %v", i, stored, full)
		}
	}
	if stored, _ := s.put(event.SeqOf(base).Add(300), 100, event.Moment{}, make([]byte, 100)); stored {
		t.Error("a piece was stored twice")
	}
	checkStash(t, &s)
	for i := uint32(0); !s.empty(); i++ {
		if p := s.pop(); p.seq != event.SeqOf(base).Add(100*i) {
			t.Errorf("piece %d begins at %d, want %d", i, p.seq.Uint32(), event.SeqOf(base).Add(100*i).Uint32())
		}
		checkStash(t, &s)
	}
}

func TestStashCaps(t *testing.T) {
	for _, test := range []struct {
		name  string
		size  uint32 // of a piece
		holds int
	}{
		{"pieces", 1, stashPieces},
		{"bytes", 10000, stashBytes / 10000},
		{"one that is too large", stashBytes + 1, 0},
	} {
		var s stash
		n := 0
		for ; ; n++ {
			if _, full := s.put(event.SeqOf(uint32(n)*test.size), test.size, event.Moment{}, make([]byte, test.size)); full {
				break
			}
		}
		if n != test.holds {
			t.Errorf("%s: %d pieces of %d bytes fit, want %d", test.name, n, test.size, test.holds)
		}
		checkStash(t, &s)
	}
}

// TestStashKeepsCopies: the payload belongs to the reader's batch.
func TestStashKeepsCopies(t *testing.T) {
	var s stash
	data := []byte("abc")
	s.put(event.SeqOf(1), 3, event.Moment{}, data)
	data[0] = 'x'
	if got := string(s.pop().data); got != "abc" {
		t.Errorf("the stash holds %q, want %q", got, "abc")
	}
}

// TestHoleIsGivenUp: behind a hole that nobody fills or acknowledges, only so
// much is kept; then the hole counts as missing, and nothing behind it is lost.
func TestHoleIsGivenUp(t *testing.T) {
	for _, size := range []uint32{100, 1448, 60000} {
		p := newPlayer(1<<32 - 5000)
		var c Conn
		frame := 0
		feed := func(text string) {
			l, err := parseLine(text)
			if err != nil {
				t.Fatal(err)
			}
			frame++
			s, _ := p.play(t, &l, frame, false)
			if frame == 1 {
				c.Init(&s, newLender(), 0)
			}
			c.Add(&s)
			checkStash(t, c.a.stash)
		}
		for _, text := range []string{"> S", "< S.", "> ."} {
			feed(text)
		}
		p.next[0] += 1000 // a hole
		const n = 200
		for range n {
			s := p.fresh(&line{flags: event.ACK, data: make([]byte, size)}, 0)
			frame++
			s.Frame, s.Time = uint32(frame), event.Time(frame)*1e6
			p.next[0] += size
			c.Add(&s)
			checkStash(t, c.a.stash)
		}
		var r Record
		c.Finish(event.Time(frame+1)*1e6, &r)
		if r.ClientBytes != int64(n*size) || r.ClientMissing != 1000 {
			t.Errorf("pieces of %d: %d bytes and %d missing, want %d and 1000", size, r.ClientBytes, r.ClientMissing, n*size)
		}
	}
}
