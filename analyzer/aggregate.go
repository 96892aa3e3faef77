package analyzer

import (
	"slices"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// sums is what connections add up to, for all of them or for one peer,
// endpoint or client.
type sums struct {
	connections, opened, closed             int
	requests, answered, timedOut, cancelled int
	aborted, churned, late, retries         int
	missed                                  int // closed by the client right after a response, and then replaced
	causes                                  [causes]int
	handshakes                              time.Duration
	wasted                                  time.Duration // late response minus close
	response, lateResponse, lifetime        stat.Dist
	finWait2, closeWait, gaveUp, other      stat.Dist
	times                                   times
	row                                     uint32 // its number among those of its kind, for presence
	reuse                                   [reuseBins]int
	streams                                 [causes][]int32 // the first flows of each cause
}

// reuseBins are the bars of the histogram of requests per connection:
// 0, 1, 2, 3-4, 5-8, ... each twice as wide, the last one open.
const reuseBins = 12

// reuseBin is the bar of n requests.
func reuseBin(n int) int {
	if n < 3 {
		return n
	}
	b := 3
	for m := 4; m < n && b < reuseBins-1; m *= 2 {
		b++
	}
	return b
}

// reuseRange is the requests that bar b counts.
func reuseRange(b int) (lo, hi int) {
	if b < 3 {
		return b, b
	}
	hi = 4 << (b - 3)
	return hi/2 + 1, hi
}

// streamSample is how many flows a finding names.
const streamSample = 20

// counted is what one connection adds to the sums.
type counted struct {
	flow     int32
	f        *facts
	requests FlowRequests
	half     halfClose  // valid with halfOK
	halfOK   bool       // it was half-closed
	churned  bool       // it had to be replaced
	retried  bool       // by one that began with the request that timed out
	placed   bool       // its moments lie in the report's span
	spanEnd  event.Time // of what it occupied, the end of the input while open
}

// add counts one connection.
func (s *sums) add(c *counted) {
	f := c.f
	s.connections++
	if f.Marks&conn.MarkMidStream == 0 {
		s.opened++
	}
	if f.cause != CauseOpen {
		s.closed++
	}
	s.causes[f.cause]++
	s.remember(f.cause, c.flow)
	s.requests += c.requests.Sent
	s.timedOut += c.requests.TimedOut
	s.cancelled += c.requests.Cancelled
	s.aborted += c.requests.Aborted
	s.answered += c.requests.Answered
	s.churned += b2i(c.churned)
	s.missed += b2i(c.churned && f.cause == CauseClientNoReuse)
	s.retries += b2i(c.retried)
	s.handshakes += f.RTT
	s.reuse[reuseBin(c.requests.Sent)]++
	if f.late() && !f.reacted() {
		s.late++
		if d, ok := conn.Duration(f.CloseAt, f.Late); ok {
			s.wasted += d
		}
	}
}

// remember keeps the flow if it is one of the first with its cause.
func (s *sums) remember(c Cause, flow int32) {
	list := s.streams[c]
	if len(list) == streamSample && flow > list[len(list)-1] {
		return
	}
	k, _ := slices.BinarySearch(list, flow)
	list = slices.Insert(list, k, flow)
	s.streams[c] = list[:min(len(list), streamSample)]
}

// lasted counts how long things lasted, for a server's row or a client's: that
// of an endpoint tells of requests.
func (s *sums) lasted(c *counted) {
	f := c.f
	if d, ok := conn.Duration(f.Opened, f.CloseAt); ok && f.FirstBy != event.NoSide {
		s.lifetime.Add(d)
	} else if d, ok := conn.Duration(f.Opened, c.spanEnd); ok && f.cause == CauseOpen {
		s.lifetime.AddCensored(d)
	}
	if c.halfOK && c.half.by == event.Client {
		observe(&s.finWait2, c.half.finWait2)
	}
}

// observe adds a span to a distribution.
func observe(d *stat.Dist, s span) {
	switch {
	case !s.known:
	case s.censored:
		d.AddCensored(s.d)
	default:
		d.Add(s.d)
	}
}

// requestsOf counts the requests of a connection by outcome, given its verdict.
func requestsOf(f *facts) FlowRequests {
	q := FlowRequests{Sent: int(f.Sent), Answered: int(f.Answered), TimedOut: int(f.Reset), Aborted: int(f.Aborted)}
	if f.Outstanding && f.Phase != conn.PhaseTLSHandshake {
		switch f.cause {
		case CauseRequestTimeout:
			q.TimedOut += int(f.Open)
			return q
		case CauseRequestCancelled:
			q.Cancelled += int(f.Open)
			return q
		case CauseServerAborted, CauseIdleRace, CauseNetworkFailure:
			q.Aborted += int(f.Open)
			return q
		case CauseClientNoReuse: // what the client wanted of the answer had come
			q.Answered += int(f.Open)
			return q
		}
	}
	q.Open = int(f.Open)
	return q
}

// quantiles summarises a distribution.
func quantiles(d *stat.Dist) Quantiles {
	q := Quantiles{Count: d.Count(), Censored: d.Censored()}
	if q.Count == 0 {
		return q
	}
	q.Dist = d
	curve := d.Curve()
	at := func(p float64) *float64 {
		v, ok := curve.Quantile(p)
		if !ok {
			return nil
		}
		return secondsOf(v)
	}
	q.P50, q.P90, q.P99 = at(0.5), at(0.9), at(0.99)
	if v, ok := d.Max(); ok {
		q.Max = secondsOf(v)
	}
	return q
}

// secondsOf is a duration as JSON has it.
func secondsOf(d time.Duration) *float64 {
	v := float64(d) / 1e9
	return &v
}

// secondsIf is secondsOf, nil for what is not known.
func secondsIf(s span) *float64 {
	if !s.known {
		return nil
	}
	return secondsOf(s.d)
}

// rate is n per minute; nil without a clock.
func rate(n int, d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	v := float64(n) / d.Minutes()
	return &v
}

// ratio is a/b; nil when b is 0.
func ratio(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	v := float64(a) / float64(b)
	return &v
}

// words are the causes that occurred.
func words(c *[causes]int) Causes {
	m := Causes{}
	for i, n := range c {
		if n > 0 {
			m[Cause(i).String()] = n
		}
	}
	return m
}

// survival adds a request that the client gave up to the endpoint's response
// times: a late answer tells how long it took, else it is censored at the close.
// at is when the request was sent; NoTime where that has no place in the report.
func (b *builder) survival(p *peerSums, c *sums, e *endpointSums, f *facts, at event.Time) {
	if !f.Outstanding || f.FirstBy != event.Client || f.Phase == conn.PhaseTLSHandshake || f.HalfKind == conn.HalfHeld ||
		f.Marks&conn.MarkRequestUnseen != 0 {
		return
	}
	if d, ok := conn.Duration(f.RequestStart, f.Late); ok && f.Phase != conn.PhaseReadingBody && !f.reacted() {
		for _, s := range [...]*sums{&e.sums, &p.sums, c} {
			s.response.Add(d)
			s.lateResponse.Add(d)
			s.times.response.addDuration(at, int64(d))
		}
		return
	}
	if d, ok := conn.Duration(f.RequestStart, f.CloseAt); ok && f.Marks&conn.MarkCloseUnseen == 0 {
		for _, s := range [...]*sums{&e.sums, &p.sums, c} {
			s.response.AddCensored(d)
			s.times.response.addDuration(at, int64(d))
		}
	}
}
