package conn

import (
	"strings"
	"testing"
	"time"

	"finwait/analyzer/event"
)

// record plays the lines of a script and returns what Finish says.
func record(t *testing.T, text string) (r Record) {
	p := newPlayer(1000)
	var c Conn
	for i, row := range strings.Split(strings.TrimSpace(text), "\n") {
		l, err := parseLine(row)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := p.play(t, &l, i+1, false)
		if !ok {
			continue
		}
		if i == 0 {
			c.Init(&s, newLender(), 0)
		}
		c.Add(&s)
	}
	c.Finish(p.now+event.Time(10*time.Second), &r)
	check(t, &r)
	return r
}

const opening = "> S\n< S.\n> .\n"

// TestLateFIN: the frame of a FIN that passes behind its acknowledgement is the
// evidence, and not that of the acknowledgement.
func TestLateFIN(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		first, half uint32 // frames
	}{
		{"the first", "> P. 100\nlost > F.\n< F.\n+1 > F. seq=-1\n> .", 7, 6},
		{"the first, behind an ACK", "> P. 100\nlost > F.\n< .\n+1 > F. seq=-1\n+500 < F.\n> .", 7, 8},
		{"the second", "> P. 100\n> F.\n< .\nlost < F.\n> .\n+1 < F. seq=-1", 5, 9},
		{"the second, behind a FIN", "> P. 100\nlost < F.\n> F.\n+1 < F. seq=-1\n> .", 7, 6},
		{"repeated", "> P. 100\nlost > F.\n< .\n+250 > F. seq=-1\n+500 < F.\n> .", 6, 8},
	} {
		if r := record(t, opening+c.lines); r.CloseFrame != c.first || r.HalfFrame != c.half || (r.Marks&MarkCloseUnseen != 0) != (c.name == "repeated") {
			t.Errorf("%s: first close in frame %d, half-close ended in %d, unseen %v; want %d and %d",
				c.name, r.CloseFrame, r.HalfFrame, r.Marks&MarkCloseUnseen != 0, c.first, c.half)
		}
	}
}

// TestLateFINRequestUnseen: where only the acknowledgement of the FIN tells of
// the request as well, the FIN's own frame does not make the request's time known.
func TestLateFINRequestUnseen(t *testing.T) {
	const lines = opening + `lost > P. "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
< .
+500 lost > F.
< .
`
	for _, late := range []string{"", "+1 > F. seq=-1\n"} {
		r := record(t, lines+late+"+800 < P. \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\"\n> R")
		if r.Marks&MarkRequestUnseen == 0 || !r.Outstanding || r.RequestStart.Known() {
			t.Errorf("late %q: outstanding %v, sent at %v; want an unknown time", late, r.Outstanding, r.RequestStart)
		}
	}
}
