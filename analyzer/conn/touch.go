package conn

// Touch reads a word of every cache line of c and its tracker and returns their
// sum, for the caller to keep. A connection that was left alone while thousands
// of others sent lies in slow memory: its lines come all at once when they are
// asked for together, and one after the other when they are met in what a
// segment or Finish does. With 5,000 connections at once that costs 5 % of the
// whole analysis (BenchmarkTableCold).
func (c *Conn) Touch() uint64 {
	sum := uint64(c.owner) + uint64(c.spoke) + uint64(c.opened.Frame) + uint64(c.halfEnd.Frame) + c.a.touch() + c.b.touch()
	if c.tracker != nil {
		sum += c.tracker.Touch()
	}
	return sum
}

// touch is Touch for a half, of which the sightings fill a line.
func (h *half) touch() uint64 {
	return uint64(h.packets) + h.sightings[0].print + uint64(h.payloads) + uint64(h.rtxGap)
}
