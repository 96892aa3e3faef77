package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finwait/analyzer"
	"finwait/cmd/finwait/internal/render"
)

// comparisons reads a list of comparisons of testdata.
func comparisons(t *testing.T, path string) []*analyzer.Comparison {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []*analyzer.Comparison
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return list
}

func TestDiff(t *testing.T) {
	paths, err := filepath.Glob("testdata/diff/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no comparisons", err)
	}
	for _, path := range paths {
		for _, v := range views {
			name := "diff/" + strings.TrimSuffix(filepath.Base(path), ".json") + "." + v.suffix
			t.Run(name, func(t *testing.T) {
				t.Setenv("CLICOLOR_FORCE", "1") // must change nothing
				var b bytes.Buffer
				if err := render.Diff(&b, comparisons(t, path), v.format, v.o); err != nil {
					t.Fatal(err)
				}
				golden(t, name, b.Bytes())
			})
		}
	}
}

// TestDiffJSON proves that what is written as JSON can be read back whole.
func TestDiffJSON(t *testing.T) {
	list := comparisons(t, "testdata/diff/regressed.json")
	var first, second bytes.Buffer
	if err := render.Diff(&first, list, "json", render.Options{}); err != nil {
		t.Fatal(err)
	}
	var again analyzer.Comparison
	if err := json.Unmarshal(first.Bytes(), &again); err != nil {
		t.Fatal(err)
	}
	if err := render.Diff(&second, []*analyzer.Comparison{&again}, "json", render.Options{}); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("JSON changes on its way")
	}
}

// TestDiffScreens proves that the text stays on two screens of 50 lines and
// within its width, however many rows changed, and prints nothing that moves
// the cursor.
func TestDiffScreens(t *testing.T) {
	list := comparisons(t, "testdata/diff/improved.json")
	c := list[0]
	for i := range 300 {
		row := c.Totals[0]
		e := analyzer.EndpointDiff{Server: "10.0.0.1:80", Endpoint: fmt.Sprintf("GET /\x1b[31m%d/%s", i, strings.Repeat("long/", i%30)), Verdict: row.Verdict, Rows: []analyzer.D{row, row}}
		c.Endpoints = append(c.Endpoints, e)
		c.Peers = append(c.Peers, analyzer.PeerDiff{Server: fmt.Sprintf("[fd00:1111:2222:3333:4444:5555:6666:%d]:8080", i), Verdict: row.Verdict, Rows: []analyzer.D{row}})
		c.Matches = append(c.Matches, analyzer.Match{Text: strings.Repeat("moved ", 20)})
		c.Comparable = append(c.Comparable, analyzer.Doubt{ID: "load", Text: strings.Repeat("unlike ", 30)})
		c.Findings = append(c.Findings, analyzer.FindingDiff{Title: strings.Repeat("finding ", 20), Verdict: analyzer.VerdictNew})
		c.Timers = append(c.Timers, analyzer.TimerDiff{Text: strings.Repeat("timer ", 20), Verdict: analyzer.VerdictChanged})
	}
	for _, width := range []int{60, 80, 100, 160} {
		var b bytes.Buffer
		if err := render.Diff(&b, list, "text", render.Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) > 2*50 {
			t.Errorf("%d columns: %d lines", width, len(lines))
		}
		for _, l := range lines {
			if len(l) > width {
				t.Errorf("%d columns: %d: %q", width, len(l), l)
			}
			if strings.ContainsAny(l, "\x1b\r\x07") {
				t.Errorf("%q", l)
			}
		}
	}
}
