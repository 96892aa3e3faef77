package samples

import (
	"testing"

	"finwait/analyzer"
)

// TestCompare: the same load with a longer timeout is better, the other way
// round worse, and against itself the same.
func TestCompare(t *testing.T) {
	reports := map[string]*analyzer.Report{}
	for _, s := range all(t) {
		reports[s.name] = s.outcome(t).result.Report()
	}
	const short, long = "before-longer-timeout", "after-longer-timeout"
	for _, c := range []struct{ before, after, want string }{
		{short, long, "improved"}, {long, short, "regressed"}, {short, short, "unchanged"},
	} {
		got := analyzer.Compare(reports[c.before], reports[c.after], analyzer.CompareOptions{})
		if got.Verdict != c.want {
			t.Errorf("%s -> %s: %s (%s), want %s", c.before, c.after, got.Verdict, got.Text, c.want)
		}
	}
}
