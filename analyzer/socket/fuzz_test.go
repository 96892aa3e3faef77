package socket_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
	"finwait/parsers/strace"
)

// FuzzFollow follows whatever a log says: it must come to an end, and what it
// says of a connection must agree with itself.
func FuzzFollow(f *testing.F) {
	logs, err := filepath.Glob("../../parsers/strace/testdata/*.strace")
	if err != nil || len(logs) == 0 {
		f.Fatal("no samples: ", err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text[:min(len(text), 4000)]))
		f.Add(string(text[max(0, len(text)-4000):]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		res, _ := follow(t, strace.NewReader(strings.NewReader(text), strace.Options{Jobs: 1}))
		agree(t, &res)
	})
}

// FuzzRestart forgets what a log said at some line, and follows the rest.
func FuzzRestart(f *testing.F) {
	logs, err := filepath.Glob("../../parsers/strace/testdata/*.strace")
	if err != nil || len(logs) == 0 {
		f.Fatal("no samples: ", err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text[:min(len(text), 4000)]), uint16(20))
		f.Add(string(text[max(0, len(text)-4000):]), uint16(10))
	}
	f.Fuzz(func(t *testing.T, text string, at uint16) {
		r := strace.NewReader(strings.NewReader(text), strace.Options{Jobs: 1})
		log := socket.New(&exchange.Env{Names: exchange.NewNames()}, 0)
		var b event.CallBatch
		for n := 0; r.Next(&b) == nil; {
			for i := range b.Calls {
				if n++; n == int(at) {
					log.Restart()
				}
				log.Call(&b.Calls[i])
			}
		}
		trace := r.Trace()
		res := log.Finish(&trace)
		agree(t, &res)
	})
}

// agree checks that what a result says of its connections agrees with itself.
func agree(t *testing.T, res *socket.Result) {
	for i := range res.Len() {
		c := new(socket.Conn)
		res.Conn(i, c, true)
		r := &c.Record
		switch {
		case c.Verdict.Cause == "" || c.Verdict.Because == "" || c.Verdict.Confidence == "":
			t.Errorf("connection %d has no verdict: %+v", i, c.Verdict)
		case r.Outstanding && r.Phase == conn.PhaseNone:
			t.Errorf("connection %d waits in no phase", i)
		case r.Answered > r.Sent:
			t.Errorf("connection %d: %d of %d requests answered", i, r.Answered, r.Sent)
		}
		for k := 1; k < len(c.Verdict.Lines); k++ {
			if c.Verdict.Lines[k] <= c.Verdict.Lines[k-1] {
				t.Errorf("connection %d: lines %v do not rise", i, c.Verdict.Lines)
			}
		}
	}
}
