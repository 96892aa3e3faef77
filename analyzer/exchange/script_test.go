package exchange

import (
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"finwait/analyzer/event"
)

var update = flag.Bool("update", false, "write what the scripts give into testdata")

// A script is a conversation and what the tracker must say about it:
//
//	# name of the behaviour [whole]
//	> "GET / HTTP/1.1\r\n\r\n"      the client's bytes: quoted, hex after x, repeated with *N
//	< "HTTP/1.1 " "200 OK" x0d0a    the server's
//	cut > 500 "GET /a"              a segment of 500 bytes of which the source kept some
//	gap < 100                       missing bytes
//	+500 > "x"                      500 ms after the line before instead of 10
//	close > 120                     the client's FIN, which acknowledges 120 bytes; without
//	                                a number it is unknown how many
//	=>
//	one line an exchange, then the summary
//
// The n-th line of the conversation is frame n; lines are 10 ms apart. A script
// is played as written, byte by byte and in random pieces, always with the same
// result; "whole" in its name exempts it, where what a segment starts with matters.
type script struct {
	name  string
	steps []step
	text  []string // the conversation's lines
	want  string
}

type step struct {
	op    string // data, gap, close
	side  event.Side
	n     int64
	b     []byte
	at    event.Moment
	after time.Duration
}

func readScripts(t testing.TB, file string) (list []script) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s *script
	var clock event.Time
	expect := false
	for i, line := range strings.Split(string(raw), "\n") {
		switch {
		case strings.HasPrefix(line, "# "):
			list = append(list, script{name: line[2:]})
			s, clock, expect = &list[len(list)-1], 0, false
		case line == "=>":
			expect = true
		case strings.TrimSpace(line) == "":
		case expect:
			s.want += line + "\n"
		default:
			s.text = append(s.text, line)
			st, err := parseStep(line)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
			clock += event.Time(st.after)
			st.at = event.Moment{Time: clock, Frame: uint32(len(s.text))}
			s.steps = append(s.steps, st)
		}
	}
	return list
}

func parseStep(line string) (st step, err error) {
	f := strings.Fields(line)
	st.op, st.after = "data", 10*time.Millisecond
	if strings.HasPrefix(f[0], "+") {
		ms, err := strconv.ParseFloat(f[0], 64)
		if err != nil {
			return st, err
		}
		st.after = time.Duration(ms * float64(time.Millisecond))
		f = f[1:]
	}
	switch f[0] {
	case "gap", "close", "cut":
		st.op, f = f[0], f[1:]
	}
	switch f[0] {
	case ">":
		st.side = event.Client
	case "<":
		st.side = event.Server
	default:
		return st, fmt.Errorf("no direction in %q", line)
	}
	rest := strings.TrimSpace(line[strings.IndexAny(line, "<>")+1:])
	st.n = -1
	if st.op != "data" && rest != "" {
		num, after, _ := strings.Cut(rest, " ")
		if st.n, err = strconv.ParseInt(num, 10, 64); err != nil {
			return st, err
		}
		rest = after
	}
	st.b, err = parseBytes(rest)
	if st.op == "data" {
		st.n = int64(len(st.b))
	}
	if st.op == "cut" {
		st.op = "data"
	}
	return st, err
}

func parseBytes(s string) (b []byte, err error) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var part []byte
		if s[0] == '"' {
			q, err := strconv.QuotedPrefix(s)
			if err != nil {
				return nil, err
			}
			text, _ := strconv.Unquote(q)
			part, s = []byte(text), s[len(q):]
		} else {
			word, rest, _ := strings.Cut(s, " ")
			h, n, _ := strings.Cut(word, "*")
			if part, err = hex.DecodeString(strings.TrimPrefix(h, "x")); err != nil {
				return nil, err
			}
			s = rest
			if n != "" {
				s = "*" + n + " " + rest
			}
		}
		if strings.HasPrefix(s, "*") {
			num, rest, _ := strings.Cut(s[1:], " ")
			n, err := strconv.Atoi(num)
			if err != nil {
				return nil, err
			}
			part, s = []byte(strings.Repeat(string(part), n)), rest
		}
		b = append(b, part...)
	}
	return b, nil
}

// recorder is a sink that prints.
type recorder struct {
	names *Names
	out   strings.Builder
	count int
}

func (r *recorder) Exchange(_ uint32, x *Exchange) {
	r.count++
	fmt.Fprintf(&r.out, "%s\n", r.line(x))
}

func (r *recorder) line(x *Exchange) string {
	var w strings.Builder
	word := func(format string, args ...any) {
		if w.Len() > 0 {
			w.WriteByte(' ')
		}
		fmt.Fprintf(&w, format, args...)
	}
	if x.Endpoint != 0 {
		word("%s", r.names.String(x.Endpoint))
	} else if x.Method != 0 {
		word("%s", r.names.String(x.Method))
	} else {
		word("request")
	}
	word("%s", [...]string{"open", "answered", "reset", "aborted", "discarded"}[x.Outcome])
	for _, m := range []struct {
		name string
		m    event.Moment
	}{{"start", x.Start}, {"end", x.End}, {"continue", x.Continue}, {"first", x.First}, {"last", x.Last}, {"ended", x.Ended}, {"late", x.Late}, {"late-end", x.LateEnd}} {
		if m.m.Seen() {
			word("%s=%d", m.name, m.m.Frame)
		}
	}
	if x.First.Seen() {
		word("at=%d-%d", x.FirstOffset, x.LastOffset)
	}
	if x.Status != 0 {
		word("status=%d", x.Status)
	}
	if x.Host != 0 {
		word("host=%s", r.names.String(x.Host))
	}
	if x.Path != 0 {
		word("path=%s", r.names.String(x.Path))
	}
	for _, f := range []struct {
		name string
		on   bool
	}{{"unfinished", !x.Whole}, {"late-whole", x.LateWhole}, {"truncated", x.Truncated}, {"handshake", x.Handshake}, {"no-keep", !x.Keep}} {
		if f.on {
			word("%s", f.name)
		}
	}
	return w.String()
}

func (r *recorder) summary(s *Summary) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s sent=%d answered=%d open=%d", s.Protocol, s.Sent, s.Answered, s.Open)
	for _, c := range []struct {
		name string
		n    uint32
	}{{"reset", s.Reset}, {"aborted", s.Aborted}, {"lost", s.Lost}, {"resynced", s.Resynced}} {
		if c.n != 0 {
			fmt.Fprintf(&w, " %s=%d", c.name, c.n)
		}
	}
	if s.ServerName != 0 {
		fmt.Fprintf(&w, " name=%s", r.names.String(s.ServerName))
	}
	if s.ALPN != 0 {
		fmt.Fprintf(&w, " alpn=%s", r.names.String(s.ALPN))
	}
	fmt.Fprintf(&w, " client-last=%d server-last=%d", s.ClientLast.Frame, s.ServerLast.Frame)
	if s.ClientNotify.Seen() || s.ServerNotify.Seen() {
		fmt.Fprintf(&w, " notify=%d,%d", s.ClientNotify.Frame, s.ServerNotify.Frame)
	}
	if s.Capped {
		w.WriteString(" capped")
	}
	if s.HeadCut {
		w.WriteString(" head-cut")
	}
	if s.Unseen {
		w.WriteString(" unseen")
	}
	if s.EndLost {
		w.WriteString(" end-lost")
	}
	if s.Unsure {
		w.WriteString(" unsure")
	}
	w.WriteByte('\n')
	if s.Declared.By != event.NoSide {
		fmt.Fprintf(&w, "declared by %s at %d: %s\n", s.Declared.By, s.Declared.At.Frame, s.Declared.Text)
	}
	if s.Previous != nil {
		fmt.Fprintf(&w, "previous %s\n", r.line(s.Previous))
	}
	if s.Outstanding != nil {
		fmt.Fprintf(&w, "outstanding %s\n", r.line(s.Outstanding))
	}
	return w.String()
}

// play runs steps through a tracker. split gives the length of the next piece
// of a run of bytes.
func play(steps []step, port uint16, split func(left int) int) string {
	rec := &recorder{names: NewNames()}
	var tr Tracker
	tr.Init(&Env{Names: rec.names, Sink: rec}, 1, port)
	for _, st := range steps {
		switch st.op {
		case "gap":
			tr.Gap(st.side, st.n, st.at)
		case "close":
			tr.Shut(st.side, st.at, st.n)
		case "data":
			b, n := st.b, st.n
			for int64(len(b)) < n && len(b) > 0 && split(len(b)) < len(b) || int64(len(b)) == n && len(b) > 0 {
				k := min(max(split(len(b)), 1), len(b))
				if k == len(b) && n > int64(k) {
					break
				}
				tr.Data(st.side, k, b[:k], st.at)
				b, n = b[k:], n-int64(k)
			}
			if n > 0 {
				tr.Data(st.side, int(n), b, st.at)
			}
		}
	}
	var s Summary
	tr.Finish(&s)
	return rec.out.String() + rec.summary(&s)
}

func scriptPort(file string) uint16 {
	if strings.Contains(file, "redis") {
		return 6379
	}
	return 80
}

func TestScripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/scripts/*.txt")
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	for _, file := range files {
		list := readScripts(t, file)
		for i := range list {
			s := &list[i]
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+s.name, func(t *testing.T) {
				testScript(t, s, scriptPort(file))
			})
		}
		if *update {
			writeScripts(t, file, list)
		}
	}
}

func testScript(t *testing.T, s *script, port uint16) {
	got := play(s.steps, port, func(n int) int { return n })
	if *update {
		s.want = got
	}
	if got != s.want {
		t.Errorf("as written: got\n%swant\n%s", got, s.want)
	}
	if strings.HasSuffix(s.name, "whole") {
		return
	}
	if one := play(s.steps, port, func(int) int { return 1 }); one != got {
		t.Errorf("byte by byte: got\n%swant\n%s", one, got)
	}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		split := func(n int) int { return 1 + r.IntN(1+r.IntN(max(n, 1))) }
		if some := play(s.steps, port, split); some != got {
			t.Errorf("split with seed %d: got\n%swant\n%s", seed, some, got)
			return
		}
	}
}

func writeScripts(t *testing.T, file string, list []script) {
	var w strings.Builder
	for i, s := range list {
		if i > 0 {
			w.WriteByte('\n')
		}
		fmt.Fprintf(&w, "# %s\n%s\n=>\n%s", s.name, strings.Join(s.text, "\n"), s.want)
	}
	if err := os.WriteFile(file, []byte(w.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}
