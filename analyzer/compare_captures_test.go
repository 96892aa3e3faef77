package analyzer

import (
	"slices"
	"strings"
	"testing"
)

// TestComparable changes one side in one way and expects the doubt.
func TestComparable(t *testing.T) {
	snap := 96
	for _, c := range []struct {
		id     string
		change func(*Report)
	}{
		{"length", func(r *Report) { *r.Span.DurationS *= 2 }},
		{"load", func(r *Report) { r.Totals.Requests *= 2 }},
		{"clock", func(r *Report) { r.Span.DurationS = nil }},
		{"mix", func(r *Report) { r.Endpoints[0].Requests = 0; r.Endpoints[4].Requests *= 20 }},
		{"snaplen", func(r *Report) {
			r.Inputs[0].Snaplen = &snap
			r.Quality = append(r.Quality, Quality{ID: "cut-payload", Count: 100})
		}},
		{"vantage", func(r *Report) { r.Totals.Vantage = Causes{"server": 40} }},
		{"link-types", func(r *Report) { r.Inputs[0].LinkTypes = []string{"SLL2"} }},
		{"sources", func(r *Report) { r.Inputs[0].Kind = "strace" }},
		{"settings", func(r *Report) { r.Settings.FinTimeoutS = 30 }},
		{"window", func(r *Report) { r.Settings.To = "30s" }},
		{"filter", func(r *Report) { r.Settings.Filter = "tcp port 80" }},
		{"losses", func(r *Report) { r.Quality = append(r.Quality, Quality{ID: "one-sided", Count: 50}) }},
		{"losses", func(r *Report) { r.Quality = append(r.Quality, Quality{ID: "kernel-drops", Count: 5000}) }},
	} {
		sides := [2]*Report{calm().report(1), calm().report(1)}
		for _, r := range sides {
			r.Inputs = []Input{{Path: "a.pcap", Kind: "pcap", Packets: 10000, LinkTypes: []string{"EN10MB"}}}
			r.Totals.Vantage = Causes{"client": 40}
			r.Settings = Settings{FinTimeoutS: 60, TimeWaitS: 60}
		}
		if out := Compare(sides[0], sides[1], CompareOptions{}); len(out.Comparable) > 0 {
			t.Fatalf("equal sides are doubted: %+v", out.Comparable)
		}
		c.change(sides[1])
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			out := Compare(sides[order[0]], sides[order[1]], CompareOptions{})
			if !slices.ContainsFunc(out.Comparable, func(d Doubt) bool { return d.ID == c.id }) {
				t.Errorf("%s is not named: %+v", c.id, out.Comparable)
			}
			for _, d := range out.Totals {
				if d.Metric == "response_s" && c.id == "vantage" && !slices.Contains(d.Doubts, c.id) {
					t.Errorf("%s does not weaken %s", c.id, d.Metric)
				}
			}
		}
	}
}

// TestNoLength tells a side without a clock from one in which everything carries
// the same time.
func TestNoLength(t *testing.T) {
	zero := 0.0
	for _, c := range []struct {
		duration *float64
		want     string
	}{
		{nil, "one side has no clock: "},
		{&zero, "one side has no length, as everything in it carries the same time: "},
	} {
		for lacking := range 2 {
			sides := [2]*Report{calm().report(1), calm().report(1)}
			sides[lacking].Span.DurationS = c.duration
			out := Compare(sides[0], sides[1], CompareOptions{})
			i := slices.IndexFunc(out.Comparable, func(d Doubt) bool { return d.ID == "clock" })
			if i < 0 || !strings.HasPrefix(out.Comparable[i].Text, c.want) {
				t.Errorf("side %d: %+v, want %q", lacking, out.Comparable, c.want)
			}
		}
	}
}

// TestCutTimes names what was cut, of which the length is only a part.
func TestCutTimes(t *testing.T) {
	a, b := calm().report(1), calm().report(2)
	a.Settings.From, b.Settings.From, b.Settings.To = "10s", "2026-11-22T10:00:00Z", "1m"
	c := Compare(a, b, CompareOptions{})
	want := "cut to different times (--from, --to): from 10s before, from 2026-11-22T10:00:00Z to 1m after"
	if len(c.Comparable) != 1 || c.Comparable[0].Text != want {
		t.Errorf("%+v, want %q", c.Comparable, want)
	}
}

// TestCutAlike compares sides with the same short snap length: how many payloads
// that cuts varies by chance.
func TestCutAlike(t *testing.T) {
	snap := 256
	a, b := calm().report(1), calm().report(2)
	for i, r := range []*Report{a, b} {
		r.Inputs = []Input{{Path: "a.pcap", Kind: "pcap", Packets: 10000, Snaplen: &snap}}
		r.Quality = []Quality{{ID: "cut-payload", Count: int64(r.Totals.Connections*9/10 - i*r.Totals.Connections/20)}}
	}
	if c := Compare(a, b, CompareOptions{}); len(c.Comparable) > 0 {
		t.Errorf("%+v", c.Comparable)
	}
	long := 65535
	b.Inputs[0].Snaplen = &long
	if c := Compare(a, b, CompareOptions{}); len(c.Comparable) != 1 || c.Comparable[0].ID != "snaplen" {
		t.Errorf("%+v", c.Comparable)
	}
}

// TestSameCapture says of one capture, however short, that it did not change.
func TestSameCapture(t *testing.T) {
	tiny := calm()
	tiny.length = 2e9
	a, b := tiny.report(1), tiny.report(1)
	a.Inputs, b.Inputs = []Input{{Path: "a.pcap"}}, []Input{{Path: "copy.pcap"}}
	c := Compare(a, b, CompareOptions{})
	if c.Verdict != VerdictUnchanged || !strings.Contains(c.Text, "Both sides are the same capture") {
		t.Errorf("verdict %s, text %q", c.Verdict, c.Text)
	}
	if c := Compare(a, tiny.report(2), CompareOptions{}); c.Verdict != VerdictUnsure {
		t.Errorf("two short captures: %s", c.Verdict)
	}
}

// TestChurnOfPools halves the load of a client whose idle pool overflows: that it
// closes fewer connections per request is no change. With the same load it is.
func TestChurnOfPools(t *testing.T) {
	quiet := calm()
	quiet.perMinute /= 2
	overflow := func(r *Report, every int) *Report {
		for i, n := range r.Totals.Counts.Requests {
			r.Totals.Churned += n / every
			r.Totals.Counts.Churned[i] += n / every
			r.Totals.Causes["client-no-reuse"] += n / every
		}
		return r
	}
	pools := func(c *Comparison) *D { return rowOf(c.Totals, "churn_per_1k") }
	c := Compare(overflow(calm().report(1), 7), overflow(quiet.report(2), 20), CompareOptions{})
	if d := pools(c); d.Verdict != VerdictUnchanged || d.JudgedBy != "timeouts_per_1k" || d.Note != loadNote || !slices.Contains(d.Doubts, "load") {
		t.Errorf("half the load: %+v", d)
	}
	if c.Verdict != VerdictUnchanged || !strings.Contains(c.Text, "that follows the load") {
		t.Errorf("half the load: %s, %q", c.Verdict, c.Text)
	}
	c = Compare(overflow(calm().report(1), 7), overflow(calm().report(2), 20), CompareOptions{})
	if d := pools(c); d.Verdict != VerdictImproved || d.JudgedBy != "" {
		t.Errorf("the same load: %+v", d)
	}
}

// TestGrave takes back what one side cannot show: a side without payload
// directions has no timeouts to see.
func TestGrave(t *testing.T) {
	slow := calm()
	slow.timeout = 100 * 1e6
	a, b := slow.report(1), calm().report(2)
	if c := Compare(a, b, CompareOptions{}); c.Verdict != VerdictImproved {
		t.Fatalf("verdict %s", c.Verdict)
	}
	b.Quality = []Quality{{ID: "one-sided", Count: int64(b.Totals.Connections)}}
	c := Compare(a, b, CompareOptions{})
	if hasChange(c) {
		t.Errorf("verdict %s, text %q", c.Verdict, c.Text)
	}
}

// TestMix compares sides of which each endpoint is as before, but the one that
// times out is asked more.
func TestMix(t *testing.T) {
	few, many := calm(), calm()
	few.timeout, many.timeout = 150*1e6, 150*1e6
	few.skew, many.skew = 1, 4
	c := Compare(few.report(1), many.report(2), CompareOptions{})
	if c.Axes.Timeouts != VerdictUnsure {
		t.Errorf("timeouts are %s", c.Axes.Timeouts)
	}
	for _, d := range c.Totals {
		if d.Metric == "timeouts_per_1k" && (*d.P >= alpha || !strings.Contains(d.Note, "another mix")) {
			t.Errorf("p %v, note %q", *d.P, d.Note)
		}
	}
}
