package exchange

import "finwait/analyzer/event"

// Finish gives what is left to the sink and fills s, once. s.Outstanding and
// s.Previous point into t and are valid until the next Init.
func (t *Tracker) Finish(s *Summary) {
	if t.mode == modeDetect {
		t.decide(event.Client, t.client.last.at)
		t.decide(event.Server, t.server.last.at)
	}
	switch t.mode {
	case modeHTTP1:
		t.http1Finish()
	case modeTLS:
		t.tlsFinish()
	case modeRedis:
		t.redisFinish()
	}
	t.endSoft()
	*s = Summary{
		Protocol: t.protocol, ServerName: t.name, ALPN: t.alpn, Declared: t.declared,
		ClientLast: t.client.last.at, ServerLast: t.server.last.at, Pause: t.pause,
		Resynced: t.resynced, Capped: t.capped, HeadCut: t.headCut,
	}
	if h := &t.client; h.phase == phaseSeek && h.has(halfQuiet) {
		t.lost++ // the last thing that the client sent, or a part of it
		s.EndLost = true
	}
	if t.prev != nil {
		s.PreviousPath = t.kept.path
	}
	t.finishQueue(s)
	if t.tls != nil {
		s.ClientNotify, s.ServerNotify = t.tls.client.notify, t.tls.server.notify
		if s.Outstanding == nil && t.tls.waiting() {
			s.Outstanding = &t.tls.handshake
		}
	}
	if t.mode == modeWebSocket {
		t.websocketFinish(s)
	}
	if x := s.Outstanding; x != nil {
		s.Late, s.LateEnd, s.LateWhole = x.Late, x.LateEnd, x.LateWhole
	}
	s.Previous = t.prev
	s.Sent, s.Answered, s.Reset, s.Aborted, s.Lost = t.sent, t.answered, t.reset, t.aborted, t.lost
	s.Unsure = t.unsure
	t.client.drop(t.env)
	t.server.drop(t.env)
}

// finishQueue counts the exchanges that are left, and finds the oldest that waits.
func (t *Tracker) finishQueue(s *Summary) {
	for i := range t.q.n {
		t.finishEntry(s, t.q.at(i))
	}
	if x := t.q.newest(); x != nil && x.has(entryLost) {
		s.EndLost = true
	}
	s.Open += t.q.over
	if t.h2 == nil {
		return
	}
	for i := range t.h2.streams {
		t.finishEntry(s, &t.h2.streams[i].entry)
		s.EndLost = s.EndLost || t.h2.streams[i].has(entryLost)
	}
}

func (t *Tracker) finishEntry(s *Summary, x *entry) {
	if x.has(entrySoft) && x.Late.Seen() {
		x.LateWhole = t.server.shut // its close is the only end there is
	}
	if !x.delivered() && !x.has(entryLost) {
		s.Open++
		if s.Outstanding == nil {
			s.Unseen = x.has(entryUnseen)
			x.Path = t.env.Names.ID(x.path)
			s.Outstanding = &x.Exchange
		}
	}
	t.count(x)
	if t.prev == &x.Exchange {
		if s.PreviousPath = nil; t.unsure {
			s.PreviousPath = x.path
		}
	}
}
