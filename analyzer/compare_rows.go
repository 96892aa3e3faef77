package analyzer

import (
	"math"
	"time"

	"finwait/analyzer/stat"
)

// The rule for verdicts, in numbers.
const (
	alpha        = 0.03  // a corrected p-value below it is no chance; below the usual 0.05, since the longest bursts look like changes
	leastChange  = 0.10  // a smaller relative change does not matter
	leastRate    = 1.0   // nor does a smaller change of a rate, per 1000
	leastTime    = 0.001 // nor of a duration, in s
	muchRatio    = 3.0   // unchanged excludes such a ratio either way, and the ratio seen is less than half as far off
	muchShift    = 0.2   // or such a shift of the probability that a duration is longer, from a half, and the one seen is less than half as large
	muchRate     = 15.0  // or such a difference of rates, per 1000, and the one seen is less than half as large
	doubtful     = 0.05  // a p-value of its own below it asks for more than that
	fewEvents    = 4     // with fewer events of both sides together, nothing can be told
	fewDurations = 4     // nor with fewer durations on either side
	unclocked    = 4.0   // variance that counts are taken to have where their times are not known, against Poisson's
)

// family is a group of tests of which one is a false alarm with a chance of at
// most alpha over the number of families.
type family uint8

const (
	familyAll      family = iota // everything together
	familyHosts                  // servers and clients
	familyEndpoint               // endpoints
	families
)

// comparer is a comparison at work.
type comparer struct {
	a, b      *side
	opts      CompareOptions
	load      float64 // requests per minute after, over those before
	peers     []group
	clients   []group
	endpoints []group
	matches   []Match
	patience  patience
	byPools   bool     // loads differ, and rows of churn were judged by other ones
	same      bool     // both sides are the same data
	factor    float64  // of p-values for the families of tests and the comparisons made
	unused    []string // entries of Map that name nothing
}

// duration compares two distributions. It is false when neither side has any.
func (c *comparer) duration(f family, metric string, a, b *Quantiles) (D, bool) {
	d := D{Metric: metric, Unit: "s", At: "p50", NBefore: a.Count, NAfter: b.Count, family: f, worse: 1, Verdict: VerdictUnsure}
	if a.Count == 0 && b.Count == 0 {
		return d, false
	}
	d.Before, d.After = a.P50, b.P50
	d.Change = relative(d.Before, d.After)
	if a.Dist == nil || b.Dist == nil || min(a.Count, b.Count) < fewDurations {
		return d, true
	}
	t := stat.CompareDurations(a.Dist, b.Dist).Cluster(clusterOf(a, b))
	d.take(t)
	if math.IsNaN(t.P) { // all durations are alike
		d.bounded = min(a.Count, b.Count) >= 20
		return d, true
	}
	longer := t.Effect > 0.5
	if a.Censored+b.Censored > 0 {
		longer = t.Effect < 1
		d.bounded = within(t, muchRatio)
		d.Low, d.High = finite(t.Low-1), finite(t.High-1)
	} else {
		const shrink = 1.645 / 1.96 // from the 95 % interval to that of 90 %
		d.bounded = math.Abs(t.Effect-0.5) < muchShift/2 &&
			t.Effect-shrink*(t.Effect-t.Low) > 0.5-muchShift && t.Effect+shrink*(t.High-t.Effect) < 0.5+muchShift
		d.Low, d.High = finite(t.Low), finite(t.High)
	}
	d.bounded = d.bounded && !farApart(a.P50, b.P50)
	d.show(a, b, longer)
	return d, true
}

// farApart reports whether two medians differ by half of muchRatio, on a
// logarithmic scale, or more. Distributions that cross may do so although
// neither is longer as a whole.
func farApart(a, b *float64) bool {
	if a == nil || b == nil {
		return false
	}
	lo, hi := min(*a, *b), max(*a, *b)
	return hi-lo >= leastTime && hi > lo*math.Sqrt(muchRatio)
}

// quantile is one of a distribution on both sides.
type quantile struct {
	name          string
	before, after *float64
}

// show picks the quantile at which the change shows that the test found: the
// middle, or else one of the tail that enough durations support. None means
// that the change does not matter.
func (d *D) show(a, b *Quantiles, longer bool) {
	n := float64(min(a.Count, b.Count))
	for _, q := range [...]struct {
		name string
		tail float64
		a, b *float64
	}{{"p50", 0.5, a.P50, b.P50}, {"p90", 0.1, a.P90, b.P90}, {"p99", 0.01, a.P99, b.P99}} {
		if q.a == nil || q.b == nil || n*q.tail < 2 {
			continue
		}
		if delta := *q.b - *q.a; math.Abs(delta) >= leastTime && apart(*q.a, *q.b) && delta > 0 == longer {
			d.matters, d.seen = true, quantile{q.name, q.a, q.b}
			return
		}
	}
}

// clusterOf is the inflation of the variance of a difference between two sides
// whose durations cluster, and how many degrees of freedom it rests on.
func clusterOf(a, b *Quantiles) (inflation, df float64) {
	inflation, df = 1, 0
	va, vb := 1.0, 1.0
	if a.Cluster != nil {
		va, df = a.Cluster.Effect, df+a.Cluster.DF
	}
	if b.Cluster != nil {
		vb, df = b.Cluster.Effect, df+b.Cluster.DF
	}
	na, nb := 1/float64(a.Count), 1/float64(b.Count)
	return (va*na + vb*nb) / (na + nb), df
}

// list is one of the lists of counts; nil when there are none.
func (x *subject) list(of func(*Counts) []int) []int {
	if x.counts == nil {
		return nil
	}
	return of(x.counts)
}

// rows compares two subjects in every metric that either of them has.
func (c *comparer) rows(f family, a, b *subject) []D {
	var rows []D
	churn := -1
	requests := func(k *Counts) []int { return k.Requests }
	for _, m := range [...]struct {
		metric string
		count  [2]int
		list   func(*Counts) []int
	}{
		{"timeouts_per_1k", [2]int{a.timedOut, b.timedOut}, func(k *Counts) []int { return k.TimedOut }},
		{"cancels_per_1k", [2]int{a.cancelled, b.cancelled}, func(k *Counts) []int { return k.Cancelled }},
		{"aborts_per_1k", [2]int{a.aborted, b.aborted}, func(k *Counts) []int { return k.Aborted }},
		{"churn_per_1k", [2]int{a.churned, b.churned}, func(k *Counts) []int { return k.Churned }},
	} {
		x := rates{metric: m.metric, unit: "per 1000 requests", worse: 1, events: m.count, exposure: [2]int{a.requests, b.requests}, scale: 1000,
			eventsAt: [2][]int{a.list(m.list), b.list(m.list)}, exposeAt: [2][]int{a.list(requests), b.list(requests)}, clocked: c.clocked(a, b)}
		if m.metric == "churn_per_1k" {
			churn = len(rows)
			if a.requests == 0 || b.requests == 0 { // nothing is known of requests: connections stand in
				opened := func(k *Counts) []int { return k.Opened }
				x.metric, x.unit, x.exposure = "churn_per_1k_connections", "per 1000 connections", [2]int{a.connections, b.connections}
				x.exposeAt = [2][]int{a.list(opened), b.list(opened)}
			}
			if c.pooled(a, b) {
				rows = append(rows, c.byLoad(x, rows))
				continue
			}
		} else if m.metric != "timeouts_per_1k" && m.count == [2]int{} {
			continue
		}
		d := c.rate(f, x)
		if m.metric == "timeouts_per_1k" || m.metric == "churn_per_1k" && a.byTimeouts() && b.byTimeouts() {
			c.patient(&d, a, b, m.count)
		}
		rows = append(rows, d)
	}
	rows = c.times(rows, f, a, b)
	if a.wide && b.wide {
		rows = c.derived(rows, a, b, churn)
	}
	return rows
}

// pooled reports whether the sides' loads differ and much of the churn comes from
// idle pools and idle timers. How often a pool overflows or runs empty, and how
// often a connection idles for too long, depends on the load: with half of it,
// a pool of two turned over 40 % fewer connections per request in one program,
// and idle timers 25 % more in another.
func (c *comparer) pooled(a, b *subject) bool {
	if c.likeLoads() {
		return false
	}
	for _, x := range [...]*subject{a, b} {
		steady := x.causes[CauseDeclared.String()]
		for cause, n := range x.causes {
			if harmful(cause) {
				steady += n
			}
		}
		if float64(x.churned-steady) > unlikeShare*float64(x.churned) {
			return true
		}
	}
	return false
}

// byLoad is the row of churn that the load explains: judged by what else closes
// connections. rows has the requests that failed.
func (c *comparer) byLoad(x rates, rows []D) D {
	leaders := make([]int, len(rows))
	for i := range leaders {
		leaders[i] = i
	}
	d := follower(x.metric, x.unit, per(x.events[0], x.exposure[0], x.scale), per(x.events[1], x.exposure[1], x.scale),
		x.exposure[0], x.exposure[1], x.worse, 0, leaders...)
	d.Note, c.byPools = loadNote, true
	return d
}

// loadNote says why unlike loads keep churn from being judged.
const loadNote = "how often idle pools overflow and idle timers expire depends on the load, which differs"

// clocked reports whether the times of both subjects' events are known.
func (c *comparer) clocked(a, b *subject) bool {
	return c.a.clocked() && c.b.clocked() && a.counts != nil && b.counts != nil
}

// times compares how long things took.
func (c *comparer) times(rows []D, f family, a, b *subject) []D {
	add := func(metric string, x, y *Quantiles) {
		if d, ok := c.duration(f, metric, x, y); ok {
			rows = append(rows, d)
		}
	}
	add("response_s", &a.response, &b.response)
	add("half_close_s", &a.gaveUp, &b.gaveUp)
	if a.wide && b.wide {
		add("fin_wait_2_other_s", &a.other, &b.other)
		add("server_fin_wait_2_s", &a.serverFW, &b.serverFW)
	}
	return rows
}

// derived adds the metrics that length and load change by themselves. They are
// judged by those from which they follow.
func (c *comparer) derived(rows []D, a, b *subject, churn int) []D {
	rate := func(metric string, x, y int) {
		if c.a.minutes > 0 && c.b.minutes > 0 {
			rows = append(rows, follower(metric, "per minute", finite(float64(x)/c.a.minutes), finite(float64(y)/c.b.minutes), x, y, 1, c.load, churn))
		}
	}
	rate("churn_per_minute", a.churned, b.churned)
	rate("connections_per_minute", a.opened, b.opened)
	rows = append(rows, follower("requests_per_connection", "requests", ratio(a.requests, a.connections), ratio(b.requests, b.connections),
		a.connections, b.connections, -1, 0, churn))
	var drivers, lengths []int
	for i := range rows {
		switch rows[i].Metric {
		case "timeouts_per_1k", "cancels_per_1k":
			drivers = append(drivers, i)
		case "half_close_s", "fin_wait_2_other_s":
			drivers, lengths = append(drivers, i), append(lengths, i)
		}
	}
	for _, m := range [...]struct {
		metric string
		a, b   *Quantiles
	}{{"fin_wait_2_s", &a.finWait2, &b.finWait2}, {"close_wait_s", &a.closeWait, &b.closeWait}} {
		if len(lengths) > 0 && m.a.Count+m.b.Count > 0 {
			d := follower(m.metric, "s", m.a.P50, m.b.P50, m.a.Count, m.b.Count, 1, 0, lengths...)
			d.At = "p50"
			rows = append(rows, d)
		}
	}
	x, y := float64(a.finWait2Peak), float64(b.finWait2Peak)
	rows = append(rows, follower("fin_wait_2_peak", "sockets", &x, &y, a.finWait2.Count, b.finWait2.Count, 1, c.load, drivers...))
	u, v := float64(a.timeWaitPeak), float64(b.timeWaitPeak)
	stay := max(c.a.r.Settings.TimeWaitS, c.b.r.Settings.TimeWaitS) / 60
	expected := c.load
	if c.a.minutes > 0 && c.b.minutes > 0 && stay > 0 {
		expected *= min(c.b.minutes, stay) / min(c.a.minutes, stay)
	}
	return append(rows, follower("time_wait_peak", "sockets", &u, &v, a.connections, b.connections, 1, expected, churn))
}

// follower is a row without a test of its own. expected is the ratio of after
// to before if nothing but length and load changed; 0 when that is not known.
func follower(metric, unit string, a, b *float64, na, nb, worse int, expected float64, leaders ...int) D {
	return D{Metric: metric, Unit: unit, Before: a, After: b, Change: relative(a, b), NBefore: na, NAfter: nb, worse: worse,
		share: expected, follows: leaders, Verdict: VerdictUnsure}
}

// correct corrects the p-values of all tests for their number: Holm within each
// family, and Bonferroni over the families and over the comparisons made.
func (c *comparer) correct(rows []*D) {
	var ps [families][]float64
	var of [families][]*D
	used := 0
	for _, d := range rows {
		if d.PRaw != nil {
			if len(ps[d.family]) == 0 {
				used++
			}
			ps[d.family] = append(ps[d.family], *d.PRaw)
			of[d.family] = append(of[d.family], d)
		}
	}
	c.factor = float64(used * c.opts.Comparisons)
	for f := range ps {
		for i, p := range stat.Holm(ps[f]) {
			p = min(1, p*c.factor)
			of[f][i].P = &p
		}
	}
}

// correctWithin puts servers and their endpoints together. The endpoints of a
// server that changed in a metric are corrected among themselves: which of them
// it was is another question than whether any endpoint changed. And a server of
// which an endpoint changed has changed, if its own rate moved the same way.
// (Hierarchical tests: without any change the chance that a server or an
// endpoint passes, and with it of a false alarm at the other, stays what it was.)
func (c *comparer) correctWithin(out *Comparison) {
	for i := range out.Peers {
		p := &out.Peers[i]
		for k := range p.Rows {
			d := &p.Rows[k]
			if d.P == nil {
				continue
			}
			rows := out.endpointRows(p.Server, d.Metric)
			if *d.P < alpha {
				c.correctRows(rows)
				continue
			}
			for _, r := range rows {
				if *r.P < alpha && r.matters && d.matters && (*r.After > *r.Before) == (*d.After > *d.Before) {
					d.P = r.P
				}
			}
		}
	}
}

// endpointRows are the rows of a server's endpoints that were tested for a metric.
func (out *Comparison) endpointRows(server, metric string) (rows []*D) {
	for i := range out.Endpoints {
		e := &out.Endpoints[i]
		if r := rowOf(e.Rows, metric); e.Server == server && r != nil && r.PRaw != nil {
			rows = append(rows, r)
		}
	}
	return rows
}

// correctRows corrects rows for their number, where that is less than what
// they were corrected for.
func (c *comparer) correctRows(rows []*D) {
	ps := make([]float64, len(rows))
	for i, r := range rows {
		ps[i] = *r.PRaw
	}
	for i, p := range stat.Holm(ps) {
		p = min(*rows[i].P, p*c.factor)
		rows[i].P = &p
	}
}

// judge gives the verdicts of one row group.
func judge(rows []D) {
	for i := range rows {
		if v := rows[i].Verdict; len(rows[i].follows) == 0 && v != VerdictNew && v != VerdictGone {
			rows[i].Verdict = rows[i].decide()
		}
	}
	for i := range rows {
		if d := &rows[i]; len(d.follows) > 0 {
			d.Verdict = d.follow(rows)
		}
	}
}

// decide is the verdict of a row that was tested.
func (d *D) decide() string {
	switch {
	case d.P != nil && *d.P < alpha && d.matters:
		if d.At != "" {
			d.At, d.Before, d.After = d.seen.name, d.seen.before, d.seen.after
			d.Change = relative(d.Before, d.After)
		}
		if (*d.After > *d.Before) == (d.worse > 0) {
			return VerdictRegressed
		}
		return VerdictImproved
	case d.P != nil && *d.P < alpha, d.bounded:
		return VerdictUnchanged
	}
	return VerdictUnsure
}

// follow is the verdict of a row that others decide: theirs, when its own
// change goes the same way; otherwise unchanged if length and load explain
// its change, or when those that decide are unchanged, and else unsure.
func (d *D) follow(rows []D) string {
	if d.Before == nil || d.After == nil {
		return VerdictUnsure
	}
	expected := *d.Before
	if d.share > 0 {
		expected *= d.share
	}
	sure := true
	for _, i := range d.follows {
		l := &rows[i]
		d.JudgedBy = l.Metric
		better := d.worse > 0 && *d.After < expected || d.worse < 0 && *d.After > expected
		if apart(expected, *d.After) && (l.Verdict == VerdictImproved && better || l.Verdict == VerdictRegressed && !better) {
			return l.Verdict
		}
		sure = sure && l.Verdict == VerdictUnchanged
	}
	if sure || !apart(expected, *d.After) {
		return VerdictUnchanged
	}
	return VerdictUnsure
}

// secondsText formats a number of seconds for a sentence.
func secondsText(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return seconds(time.Duration(*v * 1e9))
}
