package render_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"finwait/analyzer"
	"finwait/analyzer/event"
	"finwait/cmd/finwait/internal/render"
)

var update = flag.Bool("update", false, "rewrite the expected outputs")

// golden compares got with a file of testdata, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s", diff.Diff(name, want, "got", got))
	}
}

// saved reads a report of testdata.
func saved(t *testing.T, path string) (*analyzer.Report, []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := render.ReadReport(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return r, data
}

// views are the ways that a report is looked at.
var views = []struct {
	suffix string
	format string
	o      render.Options
}{
	{"80.txt", "text", render.Options{Width: 80}},
	{"80.utf8.txt", "text", render.Options{Width: 80, Unicode: true}},
	{"160.utf8.txt", "text", render.Options{Width: 160, Unicode: true}},
	{"color.txt", "text", render.Options{Width: 100, Unicode: true, Color: true}},
	{"md", "markdown", render.Options{}},
}

func TestReport(t *testing.T) {
	paths, err := filepath.Glob("testdata/report/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no saved reports", err)
	}
	for _, path := range paths {
		for _, v := range views {
			name := "report/" + strings.TrimSuffix(filepath.Base(path), ".json") + "." + v.suffix
			t.Run(name, func(t *testing.T) {
				t.Setenv("CLICOLOR_FORCE", "1") // must change nothing
				r, _ := saved(t, path)
				var b bytes.Buffer
				if err := render.Report(&b, r, v.format, v.o); err != nil {
					t.Fatal(err)
				}
				golden(t, name, b.Bytes())
			})
		}
	}
}

// TestWidth proves that no line of text is wider than asked for, whatever the
// width, except filters and commands, which must not be broken.
func TestWidth(t *testing.T) {
	paths, _ := filepath.Glob("testdata/report/*.json")
	for _, path := range paths {
		r, _ := saved(t, path)
		for width := render.MinWidth; width <= render.MaxWidth; width += 7 {
			var b bytes.Buffer
			if err := render.Report(&b, r, "text", render.Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(b.String(), "\n") {
				if len(line) > width && !strings.Contains(line, "tcp.stream") && !strings.Contains(line, "finwait explain") {
					t.Errorf("%s at %d: %d columns: %q", path, width, len(line), line)
				}
			}
		}
	}
}

// TestPlain proves that a pipe gets ASCII, whatever the names in the input are.
func TestPlain(t *testing.T) {
	r, _ := saved(t, "testdata/report/incident.json")
	r.Peers[0].Server = "\x1b[31mevil\x07\n\u202e"
	r.Endpoints[0].Endpoint = "GET /\x1b]0;title\x07"
	for _, format := range []string{"text", "markdown"} {
		var b bytes.Buffer
		if err := render.Report(&b, r, format, render.Options{}); err != nil {
			t.Fatal(err)
		}
		for i, c := range b.Bytes() {
			if c != '\n' && (c < ' ' || c > '~') {
				t.Fatalf("%s: byte %#x at %d: %q", format, c, i, b.String()[max(0, i-40):i+1])
			}
		}
	}
}

func TestReadReportIdentity(t *testing.T) {
	paths, _ := filepath.Glob("testdata/report/*.json")
	for _, path := range paths {
		r, want := saved(t, path)
		var b bytes.Buffer
		if err := render.Report(&b, r, "json", render.Options{}); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%s", diff.Diff(path, want, "again", b.Bytes()))
		}
	}
}

func TestReadReportRefuses(t *testing.T) {
	for _, text := range []string{"", "{", `{"schema":"finwait.report/v9"}`, "[]", `{"schema":"finwait.diff/v1"}`} {
		if _, err := render.ReadReport(strings.NewReader(text)); err == nil {
			t.Errorf("%q: no error", text)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error of several lines: %v", text, err)
		}
	}
}

// flowsOf reads saved connections.
func flowsOf(t *testing.T, path string) render.EachFlow {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return func(take func(*analyzer.Flow) error) error {
		d := json.NewDecoder(bytes.NewReader(data))
		for d.More() {
			var f analyzer.Flow
			if err := d.Decode(&f); err != nil {
				return err
			}
			if err := take(&f); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestFlows(t *testing.T) {
	each := flowsOf(t, "testdata/flows/client.ndjson")
	for _, v := range []struct {
		name, format string
		o            render.Options
	}{
		{"client.80.txt", "table", render.Options{Width: 80}},
		{"client.160.utf8.txt", "table", render.Options{Width: 160, Unicode: true}},
		{"client.csv", "csv", render.Options{}},
		{"client.ndjson", "ndjson", render.Options{}},
	} {
		t.Run(v.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := render.Flows(&b, each, v.format, v.o); err != nil {
				t.Fatal(err)
			}
			golden(t, "flows/"+v.name, b.Bytes())
		})
	}
}

// TestFlowsCSV proves that rows have as many fields as the heading, whatever is
// null.
func TestFlowsCSV(t *testing.T) {
	empty := func(take func(*analyzer.Flow) error) error {
		return take(&analyzer.Flow{Opened: analyzer.Stamp(event.NoTime)})
	}
	for _, each := range []render.EachFlow{empty, flowsOf(t, "testdata/flows/client.ndjson")} {
		var b bytes.Buffer
		if err := render.Flows(&b, each, "csv", render.Options{}); err != nil {
			t.Fatal(err)
		}
		if _, err := csv.NewReader(&b).ReadAll(); err != nil {
			t.Error(err)
		}
	}
}

func TestLadder(t *testing.T) {
	paths, _ := filepath.Glob("testdata/ladder/*.json")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var l analyzer.Ladder
		if err := json.Unmarshal(data, &l); err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			suffix, format string
			o              render.Options
		}{
			{"json", "json", render.Options{}},
			{"80.txt", "text", render.Options{Width: 80}},
			{"160.utf8.txt", "text", render.Options{Width: 160, Unicode: true}},
		} {
			name := strings.TrimSuffix(filepath.Base(path), "json") + v.suffix
			t.Run(name, func(t *testing.T) {
				var b bytes.Buffer
				if err := render.Ladder(&b, &l, v.format, v.o); err != nil {
					t.Fatal(err)
				}
				golden(t, "ladder/"+name, b.Bytes())
			})
		}
	}
}
