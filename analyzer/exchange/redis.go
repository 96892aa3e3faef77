package exchange

import (
	"bytes"

	"finwait/analyzer/event"
)

// redisState is what a tracker of Redis needs beyond its halves.
type redisState struct {
	client, server respReader
	command        [24]byte // the command's name, upper case
	length         int      // of the name; may exceed what is kept
	kind           [16]byte // first element of the reply being read
	kindLength     int
	start          event.Moment // first byte of the reply being read
	begin          int64
	pubsub         bool // a SUBSCRIBE was sent: messages come unasked
	stream         bool // a replica: what follows the answer is no reply
	inline         bool // the command being read is a plain line
	secret         bool // its arguments must not be shown
}

// sniffRedis recognises a command: an array of bulk strings, or, on Redis's own
// port, a line of printable text.
func sniffRedis(b []byte, port uint16) match {
	if b[0] != '*' {
		if port != 6379 || !isToken(b[0]) {
			return matchNone
		}
		line, _, whole := bytes.Cut(b, []byte("\n"))
		switch {
		case !printable(line) || len(line) > maxName:
			return matchNone
		case !whole:
			return matchMaybe
		}
		return matchRedis
	}
	i := 1
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	const next = "\r\n$"
	rest := b[i:]
	n := min(len(rest), len(next))
	if i > 10 || i == 1 && len(rest) > 0 || string(rest[:n]) != next[:n] {
		return matchNone
	}
	if n < len(next) {
		return matchMaybe
	}
	return matchRedis
}

// redisData passes over commands and replies.
func (t *Tracker) redisData(side event.Side, b []byte, at event.Moment) {
	h := t.half(side)
	for fresh := true; len(b) > 0 && t.mode == modeRedis; fresh = false {
		n := 0
		switch {
		case h.phase == phaseSeek:
			n = t.redisSeek(side, h, b, at, fresh)
		case side == event.Client:
			n = t.redisCommand(h, b, at)
		default:
			n = t.redisReply(h, b, at)
		}
		h.off += int64(n)
		b = b[n:]
	}
	t.feed(side, b, at)
}

// redisCommand reads a part of a command.
func (t *Tracker) redisCommand(h *half, b []byte, at event.Moment) int {
	s := t.redis
	if !s.inline && !s.client.started() {
		if b[0] == '\r' || b[0] == '\n' {
			return 1
		}
		t.open(h.took(at))
		s.length, s.secret = 0, false
		s.inline = b[0] != '*'
	}
	x := t.q.newest()
	if x != nil {
		x.End = at
	}
	if s.inline {
		return t.inlineCommand(x, b)
	}
	n, ev := s.client.step(b)
	switch ev {
	case respBulk:
		t.redisArgument(x)
	case respDone:
		t.redisEndCommand(x, at)
	case respError:
		t.redisLost(h, true, true)
		return max(n, 1)
	}
	return n
}

// redisArgument keeps the command's name and its first argument.
func (t *Tracker) redisArgument(x *entry) {
	s := t.redis
	switch s.client.args {
	case 1:
		s.name(s.client.first)
	case 2:
		s.argument(x, s.client.first)
	}
}

// name adds bytes to the command's name.
func (s *redisState) name(b []byte) {
	for _, c := range b {
		if s.length < len(s.command) {
			if c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			s.command[s.length] = c
		}
		s.length++
	}
	s.secret = s.is("AUTH")
}

// is reports whether the command's name is word.
func (s *redisState) is(word string) bool {
	return s.length == len(word) && string(s.command[:s.length]) == word
}

// argument adds bytes to the first argument, except to that of AUTH.
func (s *redisState) argument(x *entry, b []byte) {
	if x != nil && !s.secret {
		x.path = append(x.path, b[:min(len(b), maxName-len(x.path))]...)
	}
}

// inlineCommand reads a part of a command that is a plain line.
func (t *Tracker) inlineCommand(x *entry, b []byte) int {
	s := t.redis
	for i, c := range b {
		switch {
		case c == '\n':
			t.redisEndCommand(x, event.Moment{})
			s.client.args = 0
			return i + 1
		case c == ' ' || c == '\t' || c == '\r':
			if s.client.args&1 == 1 {
				s.client.args++ // behind a word: 2 is behind the name, 4 behind the argument
			}
			continue
		}
		s.client.args |= 1
		switch s.client.args {
		case 1:
			s.name(b[i : i+1])
		case 3:
			s.argument(x, b[i:i+1])
		}
	}
	return len(b)
}

// redisEndCommand acts on a complete command.
func (t *Tracker) redisEndCommand(x *entry, at event.Moment) {
	s := t.redis
	words := s.client.args
	s.inline = false
	if s.is("QUIT") && x != nil {
		t.declare(event.Client, x.Start, "QUIT")
	}
	s.stream = s.stream || s.is("PSYNC") || s.is("SYNC")
	subscribes := s.length <= len(s.command) && bytes.HasSuffix(s.command[:s.length], []byte("SUBSCRIBE"))
	s.pubsub = s.pubsub || subscribes
	if x == nil {
		return
	}
	x.Whole = true
	t.redisDescribe(x)
	if subscribes && at.Seen() {
		x.want = uint16(min(max(words-1, 1), 1<<15)) // one answer a channel
	}
}

// redisDescribe names the exchange after what is known of its command.
func (t *Tracker) redisDescribe(x *entry) {
	s := t.redis
	name := s.command[:min(s.length, len(s.command))]
	for i, c := range name {
		if !isToken(c) || i == 0 && (c < 'A' || c > 'Z') {
			return
		}
	}
	x.Method = t.env.Names.ID(name)
	x.Endpoint = x.Method
}

// redisReply reads a part of a reply. Bytes of a reply count at once, unless only
// its kind tells whether it is one.
func (t *Tracker) redisReply(h *half, b []byte, at event.Moment) int {
	s, r := t.redis, &t.redis.server
	if !r.started() {
		t.dropLost()
		if x := t.q.waiting(); x != nil {
			x.flags &^= entryLost
		}
		s.start, s.begin, s.kindLength = h.took(at), h.off, 0
	}
	x := t.q.waiting()
	n, ev := r.step(b)
	if ev == respBulk && r.args == 1 {
		for _, c := range r.first {
			if s.kindLength < len(s.kind) {
				s.kind[s.kindLength] = c
			}
			s.kindLength++
		}
	}
	if ev == respError {
		t.redisLost(h, true, true)
		return max(n, 1)
	}
	unasked := s.pubsub || r.top == '>' || r.line[0] == '>' && r.depth == 0
	if ev != respDone && !unasked || ev == respDone && t.isReply(x) {
		t.respond(x, s.begin, h.off+int64(n), s.start, at)
		if ev == respDone && (x == nil || x.want <= 1) {
			t.complete(x, at)
		} else if ev == respDone {
			x.want--
		}
	}
	if ev == respDone && s.stream {
		t.mode = modeStream
	}
	return n
}

// isReply tells answers from what comes unasked: pushes (RESP3), messages of
// subscribed channels, and confirmations beyond those that were asked for.
func (t *Tracker) isReply(x *entry) bool {
	s := t.redis
	kind := s.kind[:min(s.kindLength, len(s.kind))]
	confirms := s.pubsub && bytes.HasSuffix(kind, []byte("subscribe"))
	switch {
	case confirms:
		return x != nil && x.want > 0
	case s.server.top == '>':
		return false
	case s.pubsub && s.server.top == '*' && bytes.HasSuffix(kind, []byte("message")):
		return false
	}
	return x != nil || t.q.over > 0
}

// redisLost gives up the values' boundaries until a segment starts with one.
func (t *Tracker) redisLost(h *half, turns, missing bool) {
	s := t.redis
	if h == &t.client {
		s.client, s.inline = respReader{}, false
	} else {
		s.server = respReader{}
	}
	h.phase = phaseSeek
	h.flags &^= halfTurns | halfMissing
	if turns {
		h.flags |= halfTurns
	}
	if missing {
		h.flags |= halfMissing | halfQuiet
		t.unsure = true
	}
}

// redisSeek looks at the start of a segment for a command or a reply.
func (t *Tracker) redisSeek(side event.Side, h *half, b []byte, at event.Moment, fresh bool) int {
	x := t.q.waiting()
	found := false
	if side == event.Client {
		turn := h.has(halfTurns) && (x == nil || x.First.Seen())
		found = fresh && (sniffRedis(b, 0) == matchRedis || turn && b[0] == '*')
	} else {
		found = fresh && x != nil && !x.First.Seen() && bytes.IndexByte([]byte("+-:$*_,#!=(%~>"), b[0]) >= 0
	}
	if found {
		t.resync(side, h)
		h.phase = phaseHead
		return 0
	}
	t.unread(side, h, int64(len(b)), at)
	return len(b)
}

// redisSkip passes over n unreadable bytes: exact inside a bulk string.
func (t *Tracker) redisSkip(side event.Side, n int64, at event.Moment, cut bool) {
	h, s := t.half(side), t.redis
	r := &s.server
	if side == event.Client {
		r = &s.client
	}
	if r.bulk > 2 && n <= r.bulk-2 {
		r.bulk -= n
		t.redisSkipped(side, r, h, n, at)
		return
	}
	x := t.q.newest()
	if side == event.Client && x != nil && (r.started() || s.inline) {
		x.Truncated = r.args <= 2
		x.Whole = cut
		t.redisDescribe(x)
	}
	inside := r.started()
	t.redisLost(h, cut, !cut)
	x = t.q.waiting()
	switch {
	case side == event.Client && inside:
		t.part(side, h.off, h.off+n, at, at)
	case side == event.Server && x != nil && (cut || inside || x.First.Seen()):
		x.flags |= entrySoft
		t.respond(x, h.off, h.off+n, at, at)
		if !cut {
			t.losing()
		}
	case side == event.Server && x != nil:
		t.losing()
	case cut:
		t.unread(side, h, n, at)
	}
}

// redisSkipped notes a gap inside a bulk string.
func (t *Tracker) redisSkipped(side event.Side, r *respReader, h *half, n int64, at event.Moment) {
	if x := t.q.newest(); side == event.Client && x != nil {
		x.End = at
		x.Truncated = x.Truncated || r.args == 2
	}
	if side == event.Server && !t.redis.pubsub && r.top != '>' {
		t.respond(t.q.waiting(), h.off, h.off+n, at, at)
	}
}

// redisFinish names a command that was not complete.
func (t *Tracker) redisFinish() {
	s := t.redis
	if x := t.q.newest(); x != nil && (s.inline || s.client.started()) {
		x.Truncated = true
		t.redisDescribe(x)
	}
}
