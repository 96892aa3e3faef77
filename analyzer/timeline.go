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
	width, _ := b.buckets()
	t.BucketS = width.Seconds()
	t.add("", func(s state) (*stat.Meter, *stat.Line) { return &b.courses[s].all, b.courses[s].line })
	if len(b.peers) > 1 {
		for _, end := range b.topPeers() {
			row := b.peers[end].row
			t.add(serverRow(end), func(s state) (*stat.Meter, *stat.Line) {
				return &b.courses[s].peers[row], b.courses[s].lines[row]
			})
		}
	}
	return t
}

// add adds the lines of one server, or of all. Those of states that nobody was
// in are left out.
func (t *Timeline) add(peer string, course func(state) (*stat.Meter, *stat.Line)) {
	for _, x := range [...]struct {
		side, word string
		state      state
	}{
		{"client", "OPEN", stateOpen}, {"client", "FIN-WAIT-2", stateFinWait2},
		{"server", "CLOSE-WAIT", stateCloseWait}, {"client", "TIME-WAIT", stateTimeWait},
	} {
		if m, line := course(x.state); m.Peak > 0 {
			t.Series = append(t.Series, Series{peer, x.side, x.word, line.Most})
		}
	}
	_, line := course(stateOpen)
	t.Series = append(t.Series, Series{peer, "client", "NEW", line.Begun})
}

// buckets are the columns of the timeline.
func (b *builder) buckets() (width time.Duration, n int) {
	width = bucketWidths[len(bucketWidths)-1]
	for _, w := range bucketWidths {
		if b.span <= w*timelineBuckets {
			width = w
			break
		}
	}
	return width, min(int(b.span/width)+1, 10*timelineBuckets)
}

// draw prepares the lines of a state: over all servers, and for the top ones.
func (b *builder) draw(c *course, top []event.Endpoint) {
	if b.span <= 0 {
		return
	}
	width, n := b.buckets()
	c.line, c.lines = stat.NewLine(int64(b.start), int64(width), n), make([]*stat.Line, len(b.peers))
	for _, end := range top {
		c.lines[b.peers[end].row] = stat.NewLine(int64(b.start), int64(width), n)
	}
}

// topPeers are the servers with most churn.
func (b *builder) topPeers() []event.Endpoint {
	ends := slices.SortedFunc(maps.Keys(b.peers), event.Endpoint.Compare)
	slices.SortStableFunc(ends, func(x, y event.Endpoint) int { return b.peers[y].churned - b.peers[x].churned })
	return ends[:min(len(ends), timelinePeers)]
}
