package samples

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what finwait concluded last")

// TestGolden compares everything that finwait concludes with what it concluded
// last. Whether that was right is for TestExpect to say.
func TestGolden(t *testing.T) {
	each(t, func(t *testing.T, s *sample) {
		o := s.outcome(t)
		var rows bytes.Buffer
		for _, row := range o.rows {
			rows.Write(reduce(t, row))
			rows.WriteByte('\n')
		}
		golden(t, "testdata/"+s.name+".flows.ndjson", rows.Bytes())
		var report bytes.Buffer
		if err := json.Indent(&report, reduce(t, o.report), "", " "); err != nil {
			t.Fatal(err)
		}
		report.WriteByte('\n')
		golden(t, "testdata/"+s.name+".report.json", report.Bytes())
	})
}

// golden compares got with a file, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err, " (go test ./samples -update writes it)")
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./samples -update rewrites it):\n%s", path, diff(string(want), string(got)))
	}
}

// diff lists the lines of both texts that differ, without those at the start
// and at the end that are equal, each from a little before where it does.
func diff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var text strings.Builder
	shown := 0
	for i := 0; i < max(len(a), len(b)) && shown < 8; i++ {
		x, y := line(a, i), line(b, i)
		if x == y {
			continue
		}
		from := 0
		for from < min(len(x), len(y)) && x[from] == y[from] {
			from++
		}
		from = max(0, from-60)
		fmt.Fprintf(&text, "-%.200s\n+%.200s\n", x[min(from, len(x)):], y[min(from, len(y)):])
		shown++
	}
	return text.String()
}

// line is line i, empty where there is none.
func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// dropped are fields that a person would not read: sketches, counts by slices
// of time, and what follows from the cause alone.
var dropped = map[string]bool{"dist": true, "cluster": true, "counts": true, "causes_over": true,
	"churned_over": true, "slices": true, "codes": true, "version": true}

// reduce leaves out fields of no interest and whatever is null, empty, zero or
// false, puts lists of numbers on one line and rounds to a nanosecond.
func reduce(t testing.TB, data []byte) []byte {
	t.Helper()
	var v any
	decode(t, data, &v)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(simple(v)); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(out.Bytes())
}

// simple is v without what reduce leaves out; nil when nothing is left.
func simple(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return simpleObject(v)
	case []any:
		return simpleList(v)
	case float64:
		if v = math.Round(v*1e9) / 1e9; v != 0 {
			return v
		}
		return nil
	case bool:
		if !v {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

func simpleObject(m map[string]any) any {
	out := map[string]any{}
	for k, x := range m {
		if s := simple(x); s != nil && !dropped[k] {
			out[k] = s
		}
	}
	if peer, ok := m["peer"].(string); len(out) == 0 || ok && peer != "" && m["values"] != nil {
		return nil // of a timeline, the lines over all servers are enough
	}
	return out
}

func simpleList(list []any) any {
	var out []any
	var numbers []string
	for _, x := range list {
		if s := simple(x); s != nil {
			out = append(out, s)
		}
		if _, ok := x.(float64); ok {
			numbers = append(numbers, fmt.Sprint(x))
		}
	}
	switch {
	case len(list) > 0 && len(numbers) == len(list):
		return strings.Join(numbers, " ")
	case len(out) == 0:
		return nil
	}
	return out
}
