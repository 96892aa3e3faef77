package analyzer

import (
	"math"
	"math/bits"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// sliceCount is about how many slices of time a report counts events in: it
// has between half of them and all. Comparisons learn from them how much events
// cluster, for which a dozen would do; bursts should be shorter than a slice.
const sliceCount = 32

// sliced counts events, and how long they took, by the time at which they
// happened, in bounded memory: slices are a power of two nanoseconds long,
// counted from the epoch, and become twice as long whenever more than
// 2*sliceCount would be needed. Everything is a whole number, so that the order
// of the events does not matter. The zero value is empty and ready to use.
type sliced struct {
	shift   uint8 // slices are 1<<shift ns long; 0 before the first event
	first   int64 // number of the first slice
	slices  []slice
	squares uint64 // of the logarithms of all durations
}

// slice is what one slice of time counts.
type slice struct {
	n    uint32 // events
	took uint32 // of them, those with a duration
	logs uint64 // sum of the logarithms of the durations, see logOf
}

// sliceShift is the length of slices to begin with: 67 ms.
const sliceShift = 26

// add counts n events at t. An event without a time is left out.
func (s *sliced) add(t event.Time, n int) {
	if n <= 0 {
		return
	}
	if c := s.at(t); c != nil {
		c.n += uint32(n)
	}
}

// addDuration counts an event at t that took d.
func (s *sliced) addDuration(t event.Time, d int64) {
	if c := s.at(t); c != nil {
		v := logOf(d)
		c.n++
		c.took++
		c.logs += v
		s.squares += v * v
	}
}

// logOf is 256 times the logarithm to base 2 of a duration in ns, its fraction
// interpolated. Below 65 us all are alike: there only the machine's own noise differs.
func logOf(d int64) uint64 {
	v := uint64(max(d, 1<<16))
	n := bits.Len64(v) - 1
	return uint64(n)<<8 | v>>(n-8)&0xff
}

// at is the slice that holds t; nil without a time.
func (s *sliced) at(t event.Time) *slice {
	if !t.Known() {
		return nil
	}
	if s.shift == 0 {
		s.shift, s.first = sliceShift, int64(t)>>sliceShift
	}
	k := int64(t) >> s.shift
	if k < s.first || k >= s.first+int64(len(s.slices)) {
		s.cover(k, k)
		k = int64(t) >> s.shift
	}
	return &s.slices[k-s.first]
}

// cover makes room for the slices lo to hi, with longer ones if need be.
func (s *sliced) cover(lo, hi int64) {
	if len(s.slices) > 0 {
		lo, hi = min(lo, s.first), max(hi, s.first+int64(len(s.slices))-1)
	}
	shift := s.shift
	for hi-lo >= 2*sliceCount {
		lo, hi, shift = lo>>1, hi>>1, shift+1
	}
	s.lengthen(shift)
	if len(s.slices) == 0 {
		s.first = lo
	}
	for s.first > lo { // grow downwards
		grown := make([]slice, int(s.first-lo)+len(s.slices))
		copy(grown[s.first-lo:], s.slices)
		s.slices, s.first = grown, lo
	}
	for s.first+int64(len(s.slices)) <= hi {
		s.slices = append(s.slices, slice{})
	}
}

// lengthen makes slices 1<<shift ns long.
func (s *sliced) lengthen(shift uint8) {
	if s.shift == 0 || shift <= s.shift || len(s.slices) == 0 {
		s.shift = max(s.shift, shift)
		return
	}
	k := shift - s.shift
	first := s.first >> k
	last := (s.first + int64(len(s.slices)) - 1) >> k
	out := make([]slice, last-first+1)
	for i, c := range s.slices {
		out[(s.first+int64(i))>>k-first].plus(c)
	}
	s.shift, s.first, s.slices = shift, first, out
}

func (c *slice) plus(o slice) {
	c.n += o.n
	c.took += o.took
	c.logs += o.logs
}

// merge adds what o counted.
func (s *sliced) merge(o *sliced) {
	if len(o.slices) == 0 {
		return
	}
	if s.shift == 0 {
		s.shift, s.first = o.shift, o.first
	}
	for s.shift < o.shift {
		s.lengthen(o.shift)
	}
	lo, hi := o.first>>(s.shift-o.shift), (o.first+int64(len(o.slices))-1)>>(s.shift-o.shift)
	s.cover(lo, hi)
	for i, c := range o.slices {
		s.slices[(o.first+int64(i))>>(s.shift-o.shift)-s.first].plus(c)
	}
	s.squares += o.squares
}

// grid is the slices of a report: the same for all its rows.
type grid struct {
	shift uint8
	first int64
	count int // 0 without a clock
}

// gridOf has slices over [start, end] of which there are at most sliceCount,
// and as a rule more than half as many.
func gridOf(start, end event.Time) grid {
	if !start.Known() || end <= start {
		return grid{}
	}
	g := grid{shift: sliceShift}
	for int64(end)>>g.shift-int64(start)>>g.shift >= sliceCount {
		g.shift++
	}
	g.first = int64(start) >> g.shift
	g.count = int(int64(end)>>g.shift-g.first) + 1
	return g
}

// on gives the counts on a grid; nil when all are 0. Slices are never longer
// than the grid's, as they hold part of its time in twice as many.
func (s *sliced) on(g grid) []int {
	if g.count == 0 || len(s.slices) == 0 {
		return nil
	}
	out := make([]int, g.count)
	any := false
	for i, c := range s.slices {
		k := (s.first+int64(i))<<s.shift>>g.shift - g.first
		out[min(max(k, 0), int64(g.count)-1)] += int(c.n)
		any = any || c.n > 0
	}
	if !any {
		return nil
	}
	return out
}

// design is by how much durations that come in clusters inflate the variance of
// their mean (Kish's design effect): the variance of the slices' sums around
// the common mean, over what independent durations would have. It is taken of
// the logarithms, on the slices of the grid and on longer ones, see
// [stat.LongRun]. df are the degrees of freedom it rests on; 0 where there are
// too few durations to tell.
func (s *sliced) design(g grid) (effect, df float64) {
	if g.count == 0 {
		return 1, 0
	}
	c := sliced{shift: s.shift, first: s.first, slices: s.slices, squares: s.squares}
	var effects, dfs []float64
	for shift := g.shift; shift <= g.shift+3; shift++ {
		c.lengthen(shift)
		e, k := c.inflation()
		if k < 3 {
			break
		}
		effects, dfs = append(effects, e), append(dfs, k-1)
	}
	if len(dfs) == 0 {
		return 1, 0
	}
	return stat.LongRun(effects, dfs, durationPrior)
}

// durationPrior is the prior of stat.LongRun for durations, in simulations of
// half-closes that come in a few bursts.
const durationPrior = 2

// inflation is the design effect over the slices as they are, and how many
// slices of equal size it is worth: a few large ones among many small ones tell
// little more than the large ones.
func (s *sliced) inflation() (effect, clusters float64) {
	var n, sum, squares float64
	for _, c := range s.slices {
		n += float64(c.took)
		squares += float64(c.took) * float64(c.took)
		sum += float64(c.logs)
	}
	if n < 8 {
		return 1, 0
	}
	mean := sum / n
	variance := (float64(s.squares) - sum*mean) / (n - 1)
	between := 0.0
	for _, c := range s.slices {
		d := float64(c.logs) - float64(c.took)*mean
		between += d * d
	}
	clusters = n * n / squares
	if !(variance > 0) || clusters <= 1 {
		return 1, clusters
	}
	return clusters / (clusters - 1) * between / n / variance, clusters
}

// round4 keeps four digits of a ratio.
func round4(v float64) float64 {
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	if v == 0 || math.IsInf(scale, 0) {
		return v
	}
	return math.Round(v*scale) / scale
}

// times are the events of one row by time.
type times struct {
	requests, timedOut, cancelled, aborted, churned, opened sliced
	response, gaveUp, other                                 sliced // with their durations
}

// newTimes counts on slices as long as those of the grid.
func newTimes(g grid) times {
	s := sliced{shift: g.shift}
	return times{s, s, s, s, s, s, s, s, s}
}

// spread counts n events between two times, evenly: their own times are not known.
func (s *sliced) spread(n int, from, to event.Time) {
	if !from.Known() || !to.Known() || n <= 0 {
		return
	}
	parts := min(n, 2*sliceCount)
	for i := range parts {
		at := from + event.Time(float64(to-from)*(float64(i)+0.5)/float64(parts))
		s.add(at, n*(i+1)/parts-n*i/parts)
	}
}

// least is how many events a row needs to have its times reported: with fewer
// a comparison could not tell anything.
const leastTimed = 8

// counts are the events as the report has them; nil for rows with few.
func (t *times) counts(g grid) *Counts {
	c := &Counts{
		Requests: t.requests.on(g), TimedOut: t.timedOut.on(g), Cancelled: t.cancelled.on(g),
		Aborted: t.aborted.on(g), Churned: t.churned.on(g), Opened: t.opened.on(g),
	}
	n := 0
	for _, list := range [...][]int{c.Requests, c.Opened, c.Churned} {
		for _, k := range list {
			n += k
		}
	}
	if n < leastTimed {
		return nil
	}
	return c
}

// addTimes counts when things happened to a connection, in the row of its
// endpoint as well when e is not nil. Requests that were answered are counted
// by their own times elsewhere, except in the row of the client.
func (b *builder) addTimes(c *counted, p *peerSums, cl *sums, e *endpointSums) {
	f := c.f
	rows := [...]*sums{&p.sums, cl, nil}
	if e != nil {
		rows[2] = &e.sums
	}
	for _, s := range rows {
		if s == nil {
			continue
		}
		t := &s.times
		if f.Marks&conn.MarkMidStream == 0 {
			t.opened.add(f.Opened, 1)
		}
		t.churned.add(f.CloseAt, b2i(c.churned))
		t.lost(f)
		if c.halfOK && c.half.by == event.Client {
			if f.gaveUpRequest() {
				t.gaveUp.observe(f.CloseAt, c.half.total)
				observe(&s.gaveUp, c.half.total)
			} else if s != rows[2] { // an endpoint's row does not tell of those
				t.other.observe(f.CloseAt, c.half.finWait2)
				observe(&s.other, c.half.finWait2)
			}
		}
	}
	b.vantage[vantageOf(f.Record)]++
	if f.cause != CauseOpen {
		b.closedOver[f.cause].add(f.CloseAt, 1)
	}
	if c.churned {
		b.churnedBy[f.cause]++
		b.churnedOver[f.cause].add(f.CloseAt, 1)
	}
	cl.times.requests.spread(c.requests.Sent-int(f.Open), f.Opened, c.spanEnd)
	cl.times.timedOut.spread(int(f.Reset), f.Opened, c.spanEnd)
	cl.times.aborted.spread(int(f.Aborted), f.Opened, c.spanEnd)
}

// merge adds the exchanges of one endpoint that were complete before their
// connection closed.
func (t *times) merge(x *endpointStats) {
	for _, s := range [...]*sliced{&x.answeredAt, &x.resetAt, &x.abortedAt} {
		t.requests.merge(s)
	}
	t.response.merge(&x.answeredAt)
	t.timedOut.merge(&x.resetAt)
	t.aborted.merge(&x.abortedAt)
}

// quantilesOver summarises a distribution and how its durations cluster.
func quantilesOver(d *stat.Dist, s *sliced, g grid) Quantiles {
	q := quantiles(d)
	q.Cluster = s.cluster(g)
	return q
}

// halfClosesOver is quantilesOver for half-closes.
func halfClosesOver(d *stat.Dist, s *sliced, g grid) Quantiles {
	q := quantiles(d)
	q.Cluster = s.burstCluster(g)
	return q
}

// cluster is the design effect as the report has it; nil where it cannot be told.
func (s *sliced) cluster(g grid) *Cluster {
	e, k := s.design(g)
	if k == 0 {
		return nil
	}
	return &Cluster{round4(e), round4(k)}
}

// burstCluster is cluster for half-closes. There are few of them, so that how
// much those of one burst resemble each other is hardly known; but bursts show
// in their number. They are taken to share at least resemblance of their
// variance: 89 timeouts in one slow second say little more about the length of
// half-closes than a few do.
func (s *sliced) burstCluster(g grid) *Cluster {
	c := s.cluster(g)
	if c == nil {
		return nil
	}
	var estimates, dfs []float64
	for join := 1; join <= 8; join *= 2 {
		var n, squares, k float64
		list := s.on(g)
		for i := 0; i < len(list); i += join {
			x := 0.0
			for _, v := range list[i:min(i+join, len(list))] {
				x += float64(v)
			}
			n, squares, k = n+x, squares+x*x, k+1
		}
		if k < 4 || n == 0 {
			break
		}
		estimates, dfs = append(estimates, (squares-n*n/k)/(k-1)/(n/k)), append(dfs, k-1)
	}
	dispersion, _ := stat.LongRun(estimates, dfs, durationPrior)
	const resemblance = 0.5
	c.Effect = max(c.Effect, round4(1+(dispersion-1)*resemblance))
	return c
}

// report is the grid as the report has it.
func (g grid) report() Slices {
	if g.count == 0 {
		return Slices{Start: Stamp(event.NoTime)}
	}
	return Slices{Stamp(g.first << g.shift), float64(int64(1)<<g.shift) / 1e9, g.count}
}

// over gives the counts of every cause that occurred.
func over(by *[causes]sliced, g grid) map[string][]int {
	m := map[string][]int{}
	for i := range by {
		if list := by[i].on(g); list != nil {
			m[Cause(i).String()] = list
		}
	}
	return m
}

// settings are the options as the report has them.
func (o Options) settings() Settings {
	s := Settings{TimeoutsS: []float64{}, FinTimeoutS: o.FinTimeout.Seconds(), TimeWaitS: o.TimeWait.Seconds()}
	for _, d := range o.Timeouts {
		s.TimeoutsS = append(s.TimeoutsS, d.Seconds())
	}
	return s
}

// gaveUpRequest reports whether the client closed because it waited no longer.
func (f *facts) gaveUpRequest() bool {
	return f.Outstanding && (f.cause == CauseRequestTimeout || f.cause == CauseRequestCancelled)
}

// lost counts the requests that were outstanding when their connection closed.
// They belong to the time at which they were sent.
func (t *times) lost(f *facts) {
	if !f.Outstanding || f.Phase == conn.PhaseTLSHandshake {
		return
	}
	at := f.RequestStart
	if !at.Known() {
		at = f.CloseAt
	}
	n := int(f.Open)
	t.requests.add(at, n)
	switch f.cause {
	case CauseRequestTimeout:
		t.timedOut.add(at, n)
	case CauseRequestCancelled:
		t.cancelled.add(at, n)
	case CauseServerAborted, CauseIdleRace, CauseNetworkFailure:
		t.aborted.add(at, n)
	}
}

// observe counts a span by time, one that was cut off with the length it had by then.
func (s *sliced) observe(at event.Time, d span) {
	if d.known {
		s.addDuration(at, int64(d.d))
	}
}
