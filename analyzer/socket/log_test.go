package socket_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
	"finwait/parsers/strace"
)

var update = flag.Bool("update", false, "rewrite the expected results")

// source is a log that can be read.
type source interface {
	Next(*event.CallBatch) error
	Trace() event.Trace
}

// follow reads a whole log.
func follow(t testing.TB, src source) (socket.Result, *exchange.Names) {
	t.Helper()
	names := exchange.NewNames()
	l := socket.New(&exchange.Env{Names: names}, 0)
	var b event.CallBatch
	for {
		err := src.Next(&b)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Add(&b)
	}
	tr := src.Trace()
	return l.Finish(&tr), names
}

// show writes a connection in one line.
func show(c *socket.Conn, names *exchange.Names) string {
	r, e := &c.Record, &c.Evidence
	var w strings.Builder
	fmt.Fprintf(&w, "%s > %s %s %s %s by %s", r.Client, r.Server, r.Basis, c.Verdict.Cause, c.Verdict.Confidence, r.Initiator)
	fmt.Fprintf(&w, ", requests %d/%d", r.Answered, r.Sent)
	if r.Outstanding {
		fmt.Fprintf(&w, ", %s %q", r.Phase, names.String(r.Endpoint))
	}
	fmt.Fprintf(&w, ", lines %v, fd %d", c.Verdict.Lines, e.FD)
	if c.Verdict.TIDs != nil {
		fmt.Fprintf(&w, ", threads %v", c.Verdict.TIDs)
	}
	return w.String()
}

// TestSamples follows every log of the parser's samples, and compares with what
// was written beside it.
func TestSamples(t *testing.T) {
	const dir = "../../parsers/strace/testdata"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !entry.IsDir() && filepath.Ext(path) != ".strace" || entry.Name() == "fuzz" {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			res, names := follow(t, open(t, path))
			var w strings.Builder
			for i := range res.Len() {
				var c socket.Conn
				res.Conn(i, &c, true)
				fmt.Fprintln(&w, show(&c, names))
			}
			for i := range res.Processes {
				p := &res.Processes[i]
				fmt.Fprintf(&w, "process %d %s (%s): %d sockets, %d connections, %s\n", p.PID, p.Runtime, p.RuntimeWhy, p.Sockets, p.Connections, p.Waiting())
			}
			for _, n := range res.Notes {
				fmt.Fprintf(&w, "note %s %d %s\n", n.ID, n.Count, n.Where)
			}
			compare(t, path+".want", w.String())
		})
	}
}

// open opens a log, or a folder of strace -ff's files.
func open(t *testing.T, path string) source {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(path, "*.[0-9]*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		return strace.NewReader(file(t, path), strace.Options{Path: path})
	}
	var parts []strace.Part
	for _, f := range files {
		parts = append(parts, strace.Part{Reader: file(t, f), Path: f, PID: strace.PartPID(f)})
	}
	return strace.Merge(parts, strace.Options{})
}

func file(t *testing.T, path string) io.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// compare compares with an expected result, or rewrites it.
func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			t.Errorf("line %d:\n got  %s\n want %s", i+1, x, y)
		}
	}
}
