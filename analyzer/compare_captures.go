package analyzer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// How different the sides may be before it is said.
const (
	unlikeLength = 1.25 // ratio of the spans
	unlikeLoad   = 1.25 // ratio of the requests per minute
	unlikeMix    = 0.10 // share of the requests that would have to go elsewhere
	unlikeShare  = 0.20 // difference of shares of connections
	lossy        = 0.02 // share of the connections or packets that a loss touches
)

// sameCapture reports whether both sides are the same data, however named: then
// nothing changed, however little there is of it.
func (c *comparer) sameCapture() bool {
	if c.a.r.Totals.Connections == 0 || c.a.r.Span.Start != c.b.r.Span.Start {
		return false
	}
	bare := func(r *Report) []byte {
		x := *r
		x.Tool, x.Inputs, x.Quality, x.Settings = Tool{}, nil, nil, Settings{}
		text, err := json.Marshal(&x)
		if err != nil {
			return nil
		}
		return text
	}
	a := bare(c.a.r)
	return a != nil && bytes.Equal(a, bare(c.b.r))
}

// timed are the metrics that are durations.
func timed(more ...string) []string {
	return append([]string{"response_s", "half_close_s", "fin_wait_2_s", "fin_wait_2_other_s", "close_wait_s", "server_fin_wait_2_s"}, more...)
}

// compareCaptures names what differs between the sides as captures, and marks
// the rows that it weakens.
func (c *comparer) compareCaptures(out *Comparison) {
	for _, d := range []*Doubt{c.length(), c.loads(), c.mix(out), c.snaplen(), c.vantage(), c.links(), c.sources(), c.settings(), c.window(), c.filter(), c.losses(), c.unusedMap()} {
		if d != nil {
			out.Comparable = append(out.Comparable, *d)
		}
	}
	if out.Comparable == nil {
		out.Comparable = []Doubt{}
	}
	out.each(func(_ string, rows []D) {
		for i := range rows {
			rows[i].doubt(out.Comparable)
		}
	})
	out.groupVerdicts()
}

// doubt marks the row with what weakens it. What one side cannot show at all
// must not look like a change: then the row is unsure.
func (d *D) doubt(all []Doubt) {
	for _, x := range all {
		if !slices.Contains(x.Doubts, d.Metric) && !slices.Contains(x.Doubts, everything) {
			continue
		}
		d.Doubts = append(d.Doubts, x.ID)
		if x.grave && (d.Verdict == VerdictImproved || d.Verdict == VerdictRegressed) {
			d.Verdict, d.Note = VerdictUnsure, "the sides cannot be compared in this: "+x.Text
		}
	}
}

// newDoubt makes a doubt about some metrics.
func newDoubt(id, text string, metrics ...string) *Doubt {
	return &Doubt{ID: id, Text: text, Doubts: append([]string{}, metrics...)}
}

// gravely marks what one side cannot show at all.
func (d *Doubt) gravely(grave bool) *Doubt {
	d.grave = grave
	return d
}

// everything stands for all rows in Doubt.Doubts.
const everything = "all"

func (c *comparer) length() *Doubt {
	a, b := c.a.minutes*60, c.b.minutes*60
	if a == 0 || b == 0 {
		if a == b {
			return nil
		}
		text := "one side has no clock"
		if c.a.r.Span.DurationS != nil && c.b.r.Span.DurationS != nil {
			text = "one side has no length, as everything in it carries the same time"
		}
		return newDoubt("clock", text+": rates per minute and durations cannot be compared", timed("churn_per_minute", "connections_per_minute")...)
	}
	if max(a, b) < unlikeLength*min(a, b) {
		return nil
	}
	return newDoubt("length", fmt.Sprintf("lengths differ: %s before, %s after", secondsText(&a), secondsText(&b)),
		"requests_per_connection", "time_wait_peak", "fin_wait_2_peak")
}

// likeLoads reports whether the requests per minute are about the same on both
// sides, or not known.
func (c *comparer) likeLoads() bool {
	return c.load > 0 && max(c.load, 1/c.load) < unlikeLoad || c.a.minutes == 0 || c.b.minutes == 0 || c.a.r.Totals.Requests == 0
}

func (c *comparer) loads() *Doubt {
	if c.likeLoads() {
		return nil
	}
	a, b := float64(c.a.r.Totals.Requests)/c.a.minutes, float64(c.b.r.Totals.Requests)/c.b.minutes
	d := newDoubt("load", fmt.Sprintf("loads differ: %s requests per minute before, %s after; rates are judged per request", number(a), number(b)),
		"churn_per_minute", "connections_per_minute", "fin_wait_2_peak", "time_wait_peak")
	if c.byPools {
		d.Doubts = append(d.Doubts, "churn_per_1k", "requests_per_connection")
	}
	return d
}

// number formats a rate to three digits.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// mix compares what was asked for. Where another mix explains a change of the
// totals, it is not a change: then the verdict becomes unsure.
func (c *comparer) mix(out *Comparison) *Doubt {
	type part struct {
		label string
		a, b  float64
	}
	var parts []part
	var na, nb float64
	expected := 0.0 // timeouts after, if every endpoint had its share of before
	for _, g := range c.endpoints {
		p := part{a: float64(requestsOfAll(g.before)), b: float64(requestsOfAll(g.after))}
		p.label = labels(append(slices.Clone(g.before), g.after...))[0]
		if p.a > 0 {
			expected += p.b * float64(pooled(g.before).timedOut) / p.a
		}
		na, nb = na+p.a, nb+p.b
		parts = append(parts, p)
	}
	if na == 0 || nb == 0 {
		return nil
	}
	moved := 0.0
	for _, p := range parts {
		moved += math.Abs(p.a/na-p.b/nb) / 2
	}
	// Even two samples of one mix differ, by about this much.
	chance := 0.0
	for _, p := range parts {
		q := (p.a + p.b) / (na + nb)
		chance += math.Sqrt(q*(1-q)*(1/na+1/nb)) / 2
	}
	if moved < unlikeMix+chance {
		return nil
	}
	slices.SortStableFunc(parts, func(x, y part) int {
		return cmp.Compare(math.Abs(y.a/na-y.b/nb), math.Abs(x.a/na-x.b/nb))
	})
	p := parts[0]
	text := fmt.Sprintf("request mixes differ: %s was %.0f %% of the requests before and %.0f %% after", p.label, 100*p.a/na, 100*p.b/nb)
	c.standardize(out, expected)
	return newDoubt("mix", text, "timeouts_per_1k", "churn_per_1k", "response_s", "half_close_s", "fin_wait_2_s")
}

// standardize takes back the verdict on the timeouts of the totals when the mix
// of requests explains most of the change: expected is how many there would be
// after, had every endpoint kept its share.
func (c *comparer) standardize(out *Comparison, expected float64) {
	seen := float64(c.b.r.Totals.TimedOut)
	for i := range out.Totals {
		d := &out.Totals[i]
		if d.Metric != "timeouts_per_1k" || d.Verdict != VerdictImproved && d.Verdict != VerdictRegressed || d.Before == nil || *d.Before == 0 {
			continue
		}
		crude, own := math.Log((*d.After+0.5)/(*d.Before+0.5)), math.Log((seen+0.5)/(expected+0.5))
		if crude*own <= 0 || math.Abs(own) < math.Abs(crude)/2 {
			d.Verdict = VerdictUnsure
			d.Note = "most of this change comes from another mix of requests"
		}
	}
}

func requestsOfAll(list []*subject) int {
	n := 0
	for _, x := range list {
		n += x.requests
	}
	return n
}

func (c *comparer) snaplen() *Doubt {
	a, b := snaplenOf(c.a.r), snaplenOf(c.b.r)
	cutA, cutB := c.a.share("cut-payload"), c.b.share("cut-payload")
	if math.Abs(cutA-cutB) < lossy || a == b && max(cutA, cutB) < (1+unlikeShare)*min(cutA, cutB) {
		return nil // the same length cuts what is long enough
	}
	return newDoubt("snaplen", fmt.Sprintf("one side has cut payloads (snap length %s before, %s after), so its requests are less certain", a, b),
		"timeouts_per_1k", "cancels_per_1k", "aborts_per_1k", "churn_per_1k", "response_s", "requests_per_connection").gravely(true)
}

func snaplenOf(r *Report) string {
	var words []string
	for _, in := range r.Inputs {
		w := "unknown"
		if in.Snaplen != nil {
			w = fmt.Sprint(*in.Snaplen)
		}
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

// share is how many of the connections a note on quality touches.
func (s *side) share(id string) float64 {
	n := 0.0
	for _, q := range s.r.Quality {
		if q.ID == id {
			n += float64(q.Count)
		}
	}
	return n / float64(max(1, s.r.Totals.Connections))
}

func (c *comparer) vantage() *Doubt {
	a, b := c.a.r.Totals.Vantage, c.b.r.Totals.Vantage
	na, nb := a["client"]+a["server"]+a["middle"], b["client"]+b["server"]+b["middle"]
	if na < 5 || nb < 5 {
		return nil
	}
	share := func(m Causes, n int, word string) float64 { return float64(m[word]) / float64(n) }
	if math.Abs(share(a, na, "client")-share(b, nb, "client")) < 0.5 && math.Abs(share(a, na, "server")-share(b, nb, "server")) < 0.5 {
		return nil
	}
	return newDoubt("vantage", fmt.Sprintf("the captures stood at different places: %s before, %s after; durations include the way there and back", most(a), most(b)), timed()...)
}

// most is the most frequent word.
func most(m Causes) string {
	best := ""
	for _, w := range []string{"client", "server", "middle"} {
		if best == "" || m[w] > m[best] {
			best = w
		}
	}
	return best
}

func (c *comparer) links() *Doubt {
	words := func(r *Report) []string {
		var out []string
		for _, in := range r.Inputs {
			for _, l := range in.LinkTypes {
				if !slices.Contains(out, l) {
					out = append(out, l)
				}
			}
		}
		slices.Sort(out)
		return out
	}
	a, b := words(c.a.r), words(c.b.r)
	if len(a) == 0 || len(b) == 0 || slices.Equal(a, b) {
		return nil
	}
	return newDoubt("link-types", fmt.Sprintf("link types differ: %s before, %s after; another interface sees other connections",
		strings.Join(a, ", "), strings.Join(b, ", ")), "churn_per_minute", "connections_per_minute")
}

func (c *comparer) sources() *Doubt {
	words := func(r *Report) []string {
		var out []string
		for _, in := range r.Inputs {
			w := "capture"
			if strings.Contains(in.Kind, "strace") {
				w = "strace"
			}
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
		slices.Sort(out)
		return out
	}
	a, b := words(c.a.r), words(c.b.r)
	if slices.Equal(a, b) {
		return nil
	}
	return newDoubt("sources", fmt.Sprintf("sources differ: %s before, %s after; a system call log times calls, not packets, and shows no half-closes",
		strings.Join(a, " and "), strings.Join(b, " and ")), timed("fin_wait_2_peak", "time_wait_peak")...)
}

func (c *comparer) settings() *Doubt {
	a, b := c.a.r.Settings, c.b.r.Settings
	if a.FinTimeoutS == b.FinTimeoutS && a.TimeWaitS == b.TimeWaitS || a.TimeWaitS == 0 || b.TimeWaitS == 0 {
		return nil
	}
	return newDoubt("settings", "the sides were analyzed with different --fin-timeout or --time-wait", "fin_wait_2_s", "fin_wait_2_other_s", "fin_wait_2_peak", "time_wait_peak")
}

// window names --from and --to where they differ. Absolute times of two days do
// so by their nature; what matters then is the length, which has its own doubt.
func (c *comparer) window() *Doubt {
	words := func(s *Settings) string {
		switch {
		case s.From == "" && s.To == "":
			return "all of it"
		case s.To == "":
			return "from " + s.From
		case s.From == "":
			return "to " + s.To
		}
		return "from " + s.From + " to " + s.To
	}
	a, b := words(&c.a.r.Settings), words(&c.b.r.Settings)
	if a == b {
		return nil
	}
	return newDoubt("window", fmt.Sprintf("cut to different times (--from, --to): %s before, %s after", a, b),
		"requests_per_connection", "connections_per_minute")
}

func (c *comparer) filter() *Doubt {
	a, b := c.a.r.Settings.Filter, c.b.r.Settings.Filter
	if a == b {
		return nil
	}
	return newDoubt("filter", fmt.Sprintf("filtered differently (-f): %s before, %s after", cmp.Or(a, "nothing"), cmp.Or(b, "nothing")), everything)
}

// losses names what one side lacks more of than the other.
func (c *comparer) losses() *Doubt {
	var parts []string
	grave := false
	for _, l := range [...]struct{ id, text string }{
		{"mid-stream", "connections that had begun before the input"},
		{"one-sided", "connections with one direction only"},
		{"flags-only", "connections without payload packets"},
		{"requests-unsure", "connections with guessed request boundaries"},
		{"resynced", "connections with a lost message boundary"},
	} {
		a, b := c.a.share(l.id), c.b.share(l.id)
		limit := lossy
		if l.id == "mid-stream" || l.id == "requests-unsure" {
			limit = unlikeShare
		}
		if math.Abs(a-b) >= limit {
			parts = append(parts, fmt.Sprintf("%s: %.0f %% before, %.0f %% after", l.text, 100*a, 100*b))
			grave = grave || l.id == "one-sided" || l.id == "flags-only"
		}
	}
	a, b := c.a.damaged(), c.b.damaged()
	if a != b {
		parts = append(parts, "only the side "+map[bool]string{true: "before", false: "after"}[a]+" is damaged or has lost packets")
	}
	if parts == nil {
		return nil
	}
	return newDoubt("losses", "the sides lack different things: "+strings.Join(parts, "; "), everything).gravely(grave)
}

// damaged reports whether packets of the side were lost or damaged in a number that counts.
func (s *side) damaged() bool {
	packets := int64(0)
	for _, in := range s.r.Inputs {
		packets += in.Packets + in.Lines
	}
	for _, q := range s.r.Quality {
		if (q.Damage || strings.Contains(q.ID, "drop")) && float64(q.Count) >= lossy*float64(packets) {
			return true
		}
	}
	return s.share("missing-bytes") > 0
}

func (c *comparer) unusedMap() *Doubt {
	if len(c.unused) == 0 {
		return nil
	}
	return newDoubt("map", "--map names nothing on one of the sides, or what another one took: "+strings.Join(c.unused, ", "))
}
