package conn

// TimeCut corrects the record r of c, of which only a window of time was looked
// at. That its packets there are all of one end shows no one-sided capture,
// unless that end acknowledged bytes that the other one must have sent
// meanwhile. An upload whose acknowledgements were not captured goes unnoticed.
func (c *Conn) TimeCut(r *Record) {
	if r.Handshake == HandshakeMidStream && !c.a.unseen(&c.b) && !c.b.unseen(&c.a) {
		r.Marks &^= MarkOneSided
	}
}

// unseen reports whether h sent bytes that its peer acknowledged, while no
// packet of h was seen.
func (h *half) unseen(peer *half) bool {
	return h.packets == 0 && h.begun && peer.acks && peer.ack.Sub(h.base) > 1
}
