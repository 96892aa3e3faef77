package analyzer

import (
	"maps"
	"slices"
	"time"

	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// timelineBuckets is how many columns a timeline aims at, and timelinePeers
// how many servers get lines of their own.
const (
	timelineBuckets = 60
	timelinePeers   = 5
)

// bucketWidths are the widths of a timeline's columns.
var bucketWidths = [...]time.Duration{1e6, 2e6, 5e6, 10e6, 20e6, 50e6, 100e6, 200e6, 500e6, 1e9, 2e9, 5e9, 10e9,
	15e9, 30e9, 60e9, 120e9, 300e9, 600e9, 900e9, 1800e9, 3600e9, 7200e9, 4 * 3600e9, 24 * 3600e9}

// timeline counts the clients' sockets by state over time: over all servers,
// then for those with most churn.
func (b *builder) timeline() Timeline {
	t := Timeline{Start: b.stamp(b.start), Series: []Series{}}
	if b.span <= 0 {
		return t
	}
	width := bucketWidths[len(bucketWidths)-1]
	for _, w := range bucketWidths {
		if b.span <= w*timelineBuckets {
			width = w
			break
		}
	}
	n := min(int(b.span/width)+1, 10*timelineBuckets)
	t.BucketS = width.Seconds()
	add := func(peer string, s *sums) {
		for _, line := range [...]struct {
			side, state string
			spans       *stat.Spans
		}{
			{"client", "OPEN", &s.openSpans}, {"client", "FIN-WAIT-2", &s.fw2Spans},
			{"server", "CLOSE-WAIT", &s.cwSpans}, {"client", "TIME-WAIT", &s.timeWaitSpans},
		} {
			if line.spans.Len() > 0 {
				t.Series = append(t.Series, Series{peer, line.side, line.state, line.spans.Series(int64(b.start), int64(width), n)})
			}
		}
		t.Series = append(t.Series, Series{peer, "client", "NEW", s.openSpans.Begun(int64(b.start), int64(width), n)})
	}
	add("", &b.all)
	if len(b.peers) > 1 {
		for _, end := range b.topPeers() {
			add(serverRow(end), &b.peers[end].sums)
		}
	}
	return t
}

// topPeers are the servers with most churn.
func (b *builder) topPeers() []event.Endpoint {
	ends := slices.SortedFunc(maps.Keys(b.peers), event.Endpoint.Compare)
	slices.SortStableFunc(ends, func(x, y event.Endpoint) int { return b.peers[y].churned - b.peers[x].churned })
	return ends[:min(len(ends), timelinePeers)]
}
