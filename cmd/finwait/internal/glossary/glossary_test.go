package glossary_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"finwait/analyzer"
	"finwait/cmd/finwait/internal/glossary"
)

// TestCoverage proves that what the output may say is explained: causes, and
// the findings that the analyzer's source names.
func TestCoverage(t *testing.T) {
	words := map[string]glossary.Kind{}
	for _, w := range analyzer.CauseWords() {
		words[w] = glossary.Cause
	}
	source, err := os.ReadFile("../../../../analyzer/findings.go")
	if err != nil {
		t.Fatal(err)
	}
	logs, err := os.ReadFile("../../../../analyzer/findings_log.go")
	if err != nil {
		t.Fatal(err)
	}
	source = append(source, logs...)
	ids := regexp.MustCompile(`(?:Finding\{ID: |conn\.Cause\w+, |Cause\w+, )"([a-z0-9-]+)"`).FindAllSubmatch(source, -1)
	if len(ids) < 15 {
		t.Fatalf("only %d findings in the analyzer's source; has its form changed?", len(ids))
	}
	for _, id := range ids {
		words[string(id[1])] = glossary.Finding
	}
	source, err = os.ReadFile("../../../../analyzer/flowjson.go")
	if err != nil {
		t.Fatal(err)
	}
	notes := regexp.MustCompile(`\{conn\.Mark\w+, "([a-z-]+)"\}`).FindAllSubmatch(source, -1)
	if len(notes) < 10 {
		t.Fatalf("only %d notes in the analyzer's source; has its form changed?", len(notes))
	}
	for _, n := range notes {
		words[string(n[1])] = glossary.Note
	}
	for w, kind := range words {
		found := false
		for _, e := range glossary.Lookup(w) {
			found = found || e.Word == w && e.Kind == kind
		}
		if !found {
			t.Errorf("%q is not explained as a %s", w, kind)
		}
	}
}

// TestEntries proves that every entry is complete, and that what it refers to
// exists.
func TestEntries(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range glossary.Entries() {
		if e.Word == "" || e.Short == "" || e.Means == "" {
			t.Errorf("%+v is not complete", e)
		}
		if seen[e.Word] {
			t.Errorf("%q is explained twice", e.Word)
		}
		seen[e.Word] = true
		for _, w := range append(e.Aliases, e.See...) {
			if glossary.Lookup(w) == nil {
				t.Errorf("%q: %q leads nowhere", e.Word, w)
			}
		}
		if strings.HasSuffix(e.Short, ".") || !strings.HasSuffix(e.Means, ".") {
			t.Errorf("%q: the short line has no full stop, the meaning ends with one", e.Word)
		}
	}
	if len(seen) < 80 {
		t.Errorf("%d entries", len(seen))
	}
}

func TestLookup(t *testing.T) {
	for _, c := range [][2]string{
		{"fin_wait_2", "FIN-WAIT-2"}, {"Time Wait", "TIME-WAIT"}, {"cD", "cD"}, {"CD", "CD"}, {"nginx 499", "499"},
		{"Request-Timeout", "request-timeout"}, {"nonsense", ""}, {"", ""},
	} {
		got := ""
		if e := glossary.Lookup(c[0]); len(e) > 0 {
			got = e[0].Word
		}
		if got != c[1] {
			t.Errorf("Lookup(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}
