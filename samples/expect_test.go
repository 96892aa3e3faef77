package samples

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An expect file says what finwait must conclude from a sample, written by hand
// from the truth. A line is one of
//
//	input PATH...                       the files; without it, those named as the expect file
//	with fin-timeout 3s                 options as on the command line, and
//	with one-view                       the captures are rotated files of one host
//	totals.connections = 43             a value of the report; [..] picks the row of a list by
//	peers[10.9.0.2:80].timed_out = 3    its server, client, id, endpoint or number
//	timers[0].value_s ~ 0.5             about: within 2 % or 5 ms, counts within 5 % or 1
//	totals.late_responses >= 10         also <=
//	findings has pool-too-small         a list has, or lacks, a row of that id
//	count close.how=rst late_response=null = 4     connections for which all of this holds
//	flow 10.9.0.1:4242 close.how = rst  a value of one connection, by its client's address
//	conn CLIENT SERVER CAUSE INITIATOR TIMER METHOD PATH
//	extra 2                             connections that the truth does not list
//
// The conn lines are the truth's connections in the order of opening; a dash is
// what is not asked.

// check is one line about the report or one connection.
type check struct {
	line       int
	flow       string   // client address; "" the report
	conditions []string // of a count
	path       string
	op, want   string
}

// conn is one connection of the truth.
type conn struct {
	line                    int
	client, server          string
	cause, initiator, timer string
	method, path            string
}

// readExpect reads an expect file.
func readExpect(path string) (*sample, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &sample{name: strings.TrimSuffix(filepath.Base(path), ".expect")}
	for i, line := range strings.Split(string(data), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := s.line(i+1, words); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	if s.inputs == nil {
		if s.inputs, err = inputsOf(s.name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// inputsOf finds the files of the sample with a name.
func inputsOf(name string) ([]string, error) {
	found, err := filepath.Glob(name + ".*")
	if st, serr := os.Stat(name); serr == nil && st.IsDir() {
		return filesOf(name)
	}
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%s: want one file of that name, got %q %v", name, found, err)
	}
	return found, nil
}

// line takes the words of one line.
func (s *sample) line(n int, words []string) (err error) {
	switch words[0] {
	case "input":
		for _, w := range words[1:] {
			files, err := filesOf(w)
			if err != nil {
				return err
			}
			s.inputs = append(s.inputs, files...)
		}
		return nil
	case "with":
		return s.option(words[1:])
	case "extra":
		s.extra, err = strconv.Atoi(words[1])
		return err
	case "conn":
		words = append(words, "", "")
		if len(words) < 8 {
			return fmt.Errorf("conn CLIENT SERVER CAUSE INITIATOR TIMER [METHOD PATH]")
		}
		s.conns = append(s.conns, conn{n, words[1], words[2], words[3], words[4], words[5], words[6], words[7]})
		return nil
	}
	c := check{line: n}
	if words[0] == "flow" {
		c.flow, words = words[1], words[2:]
	}
	if words[0] == "count" {
		c.conditions, words = words[1:len(words)-2], append([]string{"count"}, words[len(words)-2:]...)
	}
	if len(words) < 3 {
		return fmt.Errorf("want PATH OP VALUE")
	}
	c.path, c.op, c.want = words[0], words[1], strings.Join(words[2:], " ")
	s.checks = append(s.checks, c)
	return nil
}

// option takes a "with" line.
func (s *sample) option(words []string) error {
	if words[0] == "one-view" {
		s.oneView = true
		return nil
	}
	d, err := time.ParseDuration(words[1])
	switch words[0] {
	case "fin-timeout":
		s.opts.FinTimeout = d
	case "timeout":
		s.opts.Timeouts = append(s.opts.Timeouts, d)
	default:
		return fmt.Errorf("no option %s", words[0])
	}
	return err
}

// TestExpect compares what finwait concludes with the truth.
func TestExpect(t *testing.T) {
	each(t, func(t *testing.T, s *sample) {
		o := s.outcome(t)
		var report any
		decode(t, o.report, &report)
		flows := make([]any, len(o.rows))
		for i, row := range o.rows {
			decode(t, row, &flows[i])
		}
		for _, c := range s.checks {
			if err := c.hold(report, flows); err != nil {
				t.Errorf("testdata/%s.expect:%d: %v", s.name, c.line, err)
			}
		}
		s.compare(t, flows)
	})
}

func decode(t testing.TB, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// hold says what is wrong; nil when the check holds.
func (c *check) hold(report any, flows []any) error {
	from := report
	switch {
	case c.flow != "":
		from = nil
		for _, f := range flows {
			if at(f, "client") == c.flow {
				from = f
				break
			}
		}
	case c.conditions != nil:
		n := 0
		for _, f := range flows {
			n += c.counts(f)
		}
		from = map[string]any{"count": float64(n)}
	}
	got := at(from, c.path)
	if !compare(got, c.op, c.want) {
		return fmt.Errorf("%s%v is %s, want %s %s", c.path, c.conditions, brief(got), c.op, c.want)
	}
	return nil
}

// brief is a value for a message.
func brief(v any) string {
	text, _ := json.Marshal(v)
	if list, ok := v.([]any); ok {
		var ids []string
		for _, x := range list {
			ids = append(ids, fmt.Sprint(at(x, "id")))
		}
		return fmt.Sprint(ids)
	}
	return string(text)
}

// counts is 1 when all conditions hold for the connection.
func (c *check) counts(flow any) int {
	for _, cond := range c.conditions {
		path, want, _ := strings.Cut(cond, "=")
		if !compare(at(flow, path), "=", want) {
			return 0
		}
	}
	return 1
}

// at follows a path into decoded JSON; nil where it leads nowhere.
func at(v any, path string) any {
	for path != "" && v != nil {
		var step string
		switch i := strings.IndexAny(path, ".["); {
		case path[0] == '[':
			depth := strings.Index(path+".", "].")
			if depth < 0 {
				depth = len(path) - 1
			}
			step, path = path[:depth+1], path[depth+1:]
		case i < 0:
			step, path = path, ""
		default:
			step, path = path[:i], path[i:]
		}
		path = strings.TrimPrefix(path, ".")
		if list, ok := v.([]any); ok {
			v = row(list, strings.Trim(step, "[]"), step)
			continue
		}
		m, _ := v.(map[string]any)
		v = m[step]
	}
	return v
}

// row picks the row of a list by its number or by what names it.
func row(list []any, key, bracketed string) any {
	if n, err := strconv.Atoi(key); err == nil {
		if n < len(list) {
			return list[n]
		}
		return nil
	}
	key = strings.TrimSuffix(strings.TrimPrefix(bracketed, "["), "]")
	for _, x := range list {
		for _, name := range []string{"server", "client", "id", "endpoint", "input"} {
			if at(x, name) == key {
				return x
			}
		}
	}
	return nil
}

// compare applies an operator.
func compare(got any, op, want string) bool {
	if op == "has" || op == "lacks" {
		list, ok := got.([]any)
		for _, x := range list {
			if x == any(want) || at(x, "id") == any(want) {
				return op == "has"
			}
		}
		return ok && op == "lacks"
	}
	number, isNumber := got.(float64)
	w, err := strconv.ParseFloat(want, 64)
	if !isNumber || err != nil {
		return op == "=" && word(got) == want
	}
	switch op {
	case "=":
		return number == w
	case ">=":
		return number >= w
	case "<=":
		return number <= w
	case "~":
		return about(number, w)
	}
	return false
}

// word is a value as a condition writes it. What is absent is null, or 0 where
// a number is wanted.
func word(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// about allows 2 % or 5 ms, and for counts 5 % or 1.
func about(got, want float64) bool {
	if want == math.Trunc(want) && got == math.Trunc(got) {
		return math.Abs(got-want) <= max(1, want/20)
	}
	return math.Abs(got-want) <= max(0.005, want/50)
}

// compare compares the connections with those of the truth: the k-th between
// two addresses with the k-th.
func (s *sample) compare(t *testing.T, flows []any) {
	t.Helper()
	byEnds := map[string][]any{}
	for _, f := range flows {
		k := fmt.Sprint(at(f, "client"), " ", at(f, "server"))
		byEnds[k] = append(byEnds[k], f)
	}
	for _, c := range s.conns {
		k := c.client + " " + c.server
		if len(byEnds[k]) == 0 {
			t.Errorf("testdata/%s.expect:%d: connection %s not found", s.name, c.line, k)
			continue
		}
		for _, wrong := range c.compare(byEnds[k][0]) {
			t.Errorf("testdata/%s.expect:%d: stream %v %s: %s", s.name, c.line, at(byEnds[k][0], "stream"), k, wrong)
		}
		byEnds[k] = byEnds[k][1:]
	}
	if n := len(flows) - len(s.conns); n != s.extra && len(s.conns) > 0 {
		t.Errorf("%d connections more than the truth lists, want %d", n, s.extra)
	}
}

// compare says what is wrong with a connection.
func (c *conn) compare(flow any) (wrong []string) {
	for _, x := range [][2]string{
		{"close.cause", c.cause}, {"close.initiator", c.initiator},
		{"close.request.method", c.method}, {"close.request.path", c.path},
	} {
		if got := word(at(flow, x[0])); x[1] != "-" && x[1] != "" && got != x[1] {
			wrong = append(wrong, fmt.Sprintf("%s is %s, want %s (%v)", x[0], got, x[1], at(flow, "close.because")))
		}
	}
	if c.timer == "-" || c.timer == "" {
		return wrong
	}
	want, err := seconds(c.timer)
	got, ok := at(flow, "close.timer.value_s").(float64)
	if err != nil || !ok || math.Abs(got-want) > max(0.005, want/50) {
		wrong = append(wrong, fmt.Sprintf("the timer is %v, want %s (%v)", at(flow, "close.timer.value_s"), c.timer, at(flow, "close.because")))
	}
	return wrong
}
