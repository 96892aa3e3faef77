package exchange

// Touch reads a word of every cache line of t; see conn.Conn.Touch.
func (t *Tracker) Touch() uint64 {
	x := &t.q.inline[0]
	return uint64(t.sent) + uint64(t.client.off) + uint64(t.client.start.Frame) + uint64(t.server.last.at.Frame) +
		uint64(t.q.ended) + uint64(x.Method) + uint64(x.First.Frame) + uint64(x.LateEnd.Frame) + uint64(t.read) +
		uint64(t.back.end) + uint64(t.name)
}
