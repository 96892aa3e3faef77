package conn

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

var update = flag.Bool("update", false, "write what the scripts give into testdata")

// A script is a connection's segments, the states of both ends behind each, and
// what Finish must say:
//
//	# name of the behaviour
//	> S                     | SYN-SENT ?          the client's SYN; states of client and server
//	< S.                    | . SYN-RECEIVED      "." is: as before
//	+500 > P. 120           | . .                 500 ms after the line before instead of 10
//	--                                            behind it, the ends can be swapped
//	lost < P. 90                                  passed, but the input lacks it
//	+30 < P. 90 seq=-90 ack=1 win=0               numbers relative to what is due; absolute with @
//	again 3 ttl=63                                line 3 once more
//	=>
//	one line a fact; times in ms; packets are those behind "--"; what is known
//	of requests only without "--"
//
// Flags are tcpdump's. The n-th line is frame n. Every script is also played
// with sequence numbers that wrap and, from "--" on, with the ends swapped:
// the facts must be the same, swapped.
type script struct {
	name  string
	lines []line
	want  string // facts
}

// line is one segment.
type line struct {
	text  string // without the states
	want  string // the states
	after time.Duration
	lost  bool
	again int // number of the line that it repeats; 0 none
	fromB bool
	quote bool // an ICMP error quotes it
	swaps bool // behind "--"
	mark  bool // "--" itself
	flags event.Flags
	data  []byte
	keys  map[string]string
}

func readScripts(t testing.TB, file string) (list []script) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s *script
	expect, swaps := false, false
	for i, text := range strings.Split(string(raw), "\n") {
		switch {
		case strings.HasPrefix(text, "# "):
			list = append(list, script{name: text[2:]})
			s, expect, swaps = &list[len(list)-1], false, false
		case text == "=>":
			expect = true
		case strings.TrimSpace(text) == "":
		case expect:
			s.want += text + "\n"
		case text == "--":
			swaps = true
			s.lines = append(s.lines, line{text: text, mark: true})
		default:
			l, err := parseLine(text)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
			l.swaps = swaps
			s.lines = append(s.lines, l)
		}
	}
	return list
}

func parseLine(text string) (l line, err error) {
	segment, states, _ := strings.Cut(text, "|")
	l.text, l.want = strings.TrimSpace(segment), strings.TrimSpace(states)
	l.after, l.keys = 10*time.Millisecond, map[string]string{}
	rest := l.text
	if i := strings.IndexByte(rest, '"'); i >= 0 {
		quoted, err := strconv.QuotedPrefix(rest[i:])
		if err != nil {
			return l, err
		}
		data, _ := strconv.Unquote(quoted)
		l.data = []byte(data)
		rest = rest[:i] + rest[i+len(quoted):]
	}
	for _, f := range strings.Fields(rest) {
		key, value, pair := strings.Cut(f, "=")
		n, isNumber := strconv.Atoi(f)
		switch {
		case f[0] == '+':
			ms, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return l, err
			}
			l.after = time.Duration(ms * float64(time.Millisecond))
		case f == "lost":
			l.lost = true
		case f == "icmp":
			l.quote = true
		case f == "again":
			l.again = -1
		case f == ">":
		case f == "<":
			l.fromB = true
		case pair:
			l.keys[key] = value
		case isNumber == nil && l.again < 0:
			l.again = n
		case isNumber == nil:
			l.data = make([]byte, n)
		default:
			l.flags, err = parseFlags(f)
		}
	}
	return l, err
}

func parseFlags(word string) (f event.Flags, err error) {
	for _, r := range word {
		i := strings.IndexRune("FSRP.U", r)
		if i < 0 {
			return 0, fmt.Errorf("no flag %q in %q", r, word)
		}
		f |= 1 << i
	}
	return f, nil
}

// player turns lines into segments.
type player struct {
	ends [2]event.Endpoint
	isn  [2]uint32
	next [2]uint32 // what each end sends next
	ids  [2]uint16
	now  event.Time
	sent []event.Segment // by line
}

// newPlayer gives the ends ports that tell the roles where no SYN does.
func newPlayer(isn uint32) *player {
	p := &player{isn: [2]uint32{isn, isn + 70}, ids: [2]uint16{100, 200}}
	p.next = p.isn
	p.ends = [2]event.Endpoint{event.V4([]byte{10, 0, 0, 1}, 40000), event.V4([]byte{10, 0, 0, 2}, 80)}
	return p
}

// play returns the segment of a line; ok is false when the input lacks it.
func (p *player) play(t testing.TB, l *line, frame int, swapped bool) (s event.Segment, ok bool) {
	p.now += event.Time(l.after)
	a := 0
	if l.fromB != (swapped && l.swaps) {
		a = 1
	}
	if l.again > 0 {
		s = p.sent[l.again-1]
	} else {
		s = p.fresh(l, a)
	}
	s.Time, s.Frame = p.now, uint32(frame)
	for key, value := range l.keys {
		n, err := strconv.Atoi(strings.TrimPrefix(value, "@"))
		if err != nil {
			t.Fatalf("%s: %v", l.text, err)
		}
		absolute := value[0] == '@'
		switch {
		case key == "seq" && absolute:
			s.Seq = event.SeqOf(p.isn[a]).Add(uint32(n))
		case key == "ack" && absolute:
			s.Ack = event.SeqOf(p.isn[1-a]).Add(uint32(n))
		case key == "seq":
			s.Seq = s.Seq.Add(uint32(n))
		case key == "ack":
			s.Ack = s.Ack.Add(uint32(n))
		case key == "win":
			s.Window = uint16(n)
		case key == "id":
			s.IPID = uint16(n)
		case key == "ttl":
			s.TTL = uint8(n)
		case key == "scope":
			s.Scope = uint32(n)
		case key == "cut":
			s.Payload, s.Notes = s.Payload[:n], s.Notes|event.CutByCapture
		default:
			t.Fatalf("%s: no key %q", l.text, key)
		}
	}
	if l.again == 0 {
		end := s.Seq.Add(s.Len + uint32(s.Flags&event.FIN) + uint32(s.Flags&event.SYN)>>1)
		if s.Flags&event.RST == 0 && event.SeqOf(p.next[a]).Before(end) {
			p.next[a] = end.Uint32()
		}
	}
	for len(p.sent) < frame {
		p.sent = append(p.sent, event.Segment{})
	}
	p.sent[frame-1] = s
	return s, !l.lost
}

// fresh is the segment that is due from end a.
func (p *player) fresh(l *line, a int) event.Segment {
	p.ids[a]++
	s := event.Segment{
		Src: p.ends[a], Dst: p.ends[1-a], Flags: l.flags, Seq: event.SeqOf(p.next[a]),
		Len: uint32(len(l.data)), Payload: l.data, Window: 500, TTL: 64, IPID: p.ids[a],
	}
	if l.flags&event.ACK != 0 {
		s.Ack = event.SeqOf(p.next[1-a])
	}
	if l.quote {
		s.Kind, s.Code = event.SegmentUnreachable, 3<<8|3
	}
	return s
}

// lender lends trackers that tell nobody.
type lender struct{ env exchange.Env }

func newLender() *lender {
	return &lender{exchange.Env{Names: exchange.NewNames(), Sink: deaf{}}}
}

func (l *lender) Take(owner uint32, port uint16) *exchange.Tracker {
	t := new(exchange.Tracker)
	t.Init(&l.env, owner, port)
	return t
}

type deaf struct{}

func (deaf) Exchange(uint32, *exchange.Exchange) {}

// run plays a script. It returns the states behind each line and the facts.
func (sc *script) run(t testing.TB, isn uint32, swapped bool) (states []string, facts string) {
	p := newPlayer(isn)
	var c Conn
	var old [2]State
	var before [2]uint32 // packets of both roles in front of "--"
	fed, frame := 0, 0
	for i := range sc.lines {
		l := &sc.lines[i]
		if l.mark {
			states = append(states, "")
			before = [2]uint32{c.a.packets, c.b.packets}
			continue
		}
		frame++
		s, ok := p.play(t, l, frame, swapped)
		if !ok {
			states = append(states, "")
			continue
		}
		if fed++; fed == 1 {
			c.Init(&s, newLender(), 0)
		}
		if fed > 1 && c.Starts(&s) {
			t.Fatalf("line %q starts another connection", l.text)
		}
		c.Add(&s)
		var now [2]State
		now[0], now[1] = c.States()
		for k := range now {
			if now[k] < old[k] {
				t.Errorf("line %q: state went back from %v to %v", l.text, old[k], now[k])
			}
		}
		word := [2]string{now[0].String(), now[1].String()}
		for k := range now {
			if now[k] == old[k] && fed > 1 {
				word[k] = "."
			}
		}
		old = now
		if swapped && l.swaps {
			word[0], word[1] = word[1], word[0]
		}
		states = append(states, word[0]+" "+word[1])
	}
	var r Record
	c.Finish(p.now+event.Time(10*time.Second), &r)
	check(t, &r)
	r.ClientPackets -= before[0]
	r.ServerPackets -= before[1]
	facts = describe(&r, swapped)
	if !sc.canSwap() {
		facts += requests(&r)
	}
	return states, facts
}

// check states what holds for every record.
func check(t testing.TB, r *Record) {
	if (r.CloseFrame != 0) != (r.How != HowNone) || (r.FirstBy == event.NoSide) != (r.How == HowNone) {
		t.Errorf("close: frame %d by %v how %v", r.CloseFrame, r.FirstBy, r.How)
	}
	for _, at := range [...]event.Time{r.FINAcked, r.HalfEnd, r.PeerFIN, r.TimeWaitAt} {
		if at.Known() && r.How != HowFIN {
			t.Errorf("a half-close without a first FIN: %+v", r)
		}
	}
	if (r.HalfFrame != 0) != (r.EndedBy != EndedByCapture) {
		t.Errorf("half-close ended at frame %d by %v", r.HalfFrame, r.EndedBy)
	}
	if r.LastFrame < r.FirstFrame || r.Last < r.Opened {
		t.Errorf("ends before it begins: %+v", r)
	}
	if r.Copies > r.ClientPackets+r.ServerPackets {
		t.Errorf("%d copies of %d packets", r.Copies, r.ClientPackets+r.ServerPackets)
	}
	var back Record
	back.Unpack(r.Append(nil))
	if back != *r {
		t.Errorf("packed and back:\n got %+v\nwant %+v", back, *r)
	}
}

func TestScripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/scripts/*.txt")
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	for _, file := range files {
		list := readScripts(t, file)
		if *update {
			writeScripts(t, file, list)
		}
		for i := range list {
			t.Run(filepath.Base(file)+"/"+list[i].name, func(t *testing.T) { list[i].test(t) })
		}
	}
}

// test plays a script in all ways.
func (sc *script) test(t *testing.T) {
	const plain, wraps = 1000, 1<<32 - 120
	for _, way := range []struct {
		name    string
		isn     uint32
		swapped bool
	}{{"as written", plain, false}, {"wrapping", wraps, false}, {"swapped", plain, true}, {"swapped and wrapping", wraps, true}} {
		if way.swapped && !sc.canSwap() {
			continue
		}
		states, facts := sc.run(t, way.isn, way.swapped)
		for i := range states {
			if states[i] != sc.lines[i].want {
				t.Errorf("%s: %s\n got %s\nwant %s", way.name, sc.lines[i].text, states[i], sc.lines[i].want)
			}
		}
		if facts != sc.want {
			t.Errorf("%s:\n%s\nwant:\n%s", way.name, facts, sc.want)
		}
	}
}

func (sc *script) canSwap() bool {
	for _, l := range sc.lines {
		if l.mark {
			return true
		}
	}
	return false
}

// writeScripts writes what the scripts give.
func writeScripts(t *testing.T, file string, list []script) {
	var b strings.Builder
	for i := range list {
		sc := &list[i]
		states, facts := sc.run(t, 1000, false)
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s\n", sc.name)
		for k := range sc.lines {
			sc.lines[k].want = states[k]
			if states[k] == "" {
				fmt.Fprintf(&b, "%s\n", sc.lines[k].text)
				continue
			}
			fmt.Fprintf(&b, "%-23s | %s\n", sc.lines[k].text, states[k])
		}
		fmt.Fprintf(&b, "=>\n%s", facts)
		sc.want = facts
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
