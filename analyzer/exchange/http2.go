package exchange

import (
	"golang.org/x/net/http2/hpack"

	"finwait/analyzer/event"
)

// maxStreams bounds the streams of a connection that are tracked at once. Servers
// commonly allow 100 to 250.
const maxStreams = 256

// stream is one request of HTTP/2.
type stream struct {
	entry
	id uint32
}

// h2State is what a tracker of HTTP/2 needs beyond its halves.
type h2State struct {
	client, server frames
	streams        []stream // in order of their start; ended ones until the client's next request
	newest         uint32   // the highest stream of the client
	fields         fields
}

// fields is what matters of a header block.
type fields struct {
	method, path, host []byte
	status             uint16
}

// newH2 starts HTTP/2. upgraded: the connection was upgraded from HTTP/1.1.
func newH2() *h2State {
	s := &h2State{}
	for _, f := range []*frames{&s.client, &s.server} {
		f.decoder = hpack.NewDecoder(4096, s.field)
		f.decoder.SetAllowedMaxDynamicTableSize(maxTable)
		f.decoder.SetMaxStringLength(maxBuffer)
	}
	s.client.preface = uint8(len(preface))
	return s
}

// field keeps the pseudo-header fields (RFC 9113, section 8.3) and Host.
func (s *h2State) field(f hpack.HeaderField) {
	w := &s.fields
	switch f.Name {
	case ":method":
		w.method = append(w.method[:0], f.Value...)
	case ":path":
		w.path = append(w.path[:0], f.Value...)
	case ":authority":
		w.host = append(w.host[:0], f.Value...)
	case "host":
		if len(w.host) == 0 {
			w.host = append(w.host[:0], f.Value...)
		}
	case ":status":
		n, ok := parseLength([]byte(f.Value))
		if ok && n >= 100 && n <= 999 {
			w.status = uint16(n)
		}
	}
}

func (s *h2State) frames(side event.Side) *frames {
	if side == event.Server {
		return &s.server
	}
	return &s.client
}

// find returns the open stream with that number, or nil.
func (s *h2State) find(id uint32) *entry {
	for i := range s.streams {
		if x := &s.streams[i]; x.id == id && !x.has(entryComplete) {
			return &x.entry
		}
	}
	return nil
}

// http2 passes over the frames in b.
func (t *Tracker) http2(side event.Side, b []byte, at event.Moment) {
	h, f := t.half(side), t.h2.frames(side)
	for fresh := true; len(b) > 0; fresh = false {
		if f.preface > 0 {
			n := min(len(b), int(f.preface))
			f.preface -= uint8(n)
			h.off += int64(n)
			b = b[n:]
			continue
		}
		if f.lost && !t.frameSeek(side, f, b, fresh) {
			h.off += int64(len(b))
			return
		}
		if f.have < 9 {
			if f.have == 0 {
				f.start, f.begin = h.took(at), h.off
			}
			n := copy(f.header[f.have:], b)
			f.have += uint8(n)
			h.off += int64(n)
			b = b[n:]
			if f.have < 9 {
				return
			}
			t.frameStart(side, h, f)
		}
		n := h.skipLeft(b)
		t.frameBytes(h, f, b[:n])
		h.off += int64(n)
		b = b[n:]
		t.framePart(side, h, f, at)
	}
}

// frameStart acts on a complete frame header.
func (t *Tracker) frameStart(side event.Side, h *half, f *frames) {
	h.left, f.smallN = f.length(), 0
	if f.kind() != frameHeaders && f.kind() != framePush {
		return
	}
	h.drop(t.env)
	f.block, f.ends, f.push = f.stream(), f.flag(flagEndStream), f.kind() == framePush
	if id := f.block; side == event.Client && id > t.h2.newest && id&1 == 1 {
		t.h2.newest = id
		t.openStream(id, f.start)
	}
}

// openStream starts a request. Ended ones leave: the client has gone on.
func (t *Tracker) openStream(id uint32, at event.Moment) {
	s := t.h2
	t.emitStreams()
	t.sent++
	if len(s.streams) >= maxStreams {
		t.capped, t.unsure = true, true
		t.lost++
		return
	}
	x := stream{id: id}
	x.Start, x.End, x.Keep = at, at, true
	s.streams = append(s.streams, x)
}

// emitStreams gives the ended streams to the sink.
func (t *Tracker) emitStreams() {
	s := t.h2
	kept := s.streams[:0]
	for i := range s.streams {
		if x := &s.streams[i]; x.has(entryComplete) {
			t.leave(&x.entry)
		} else {
			kept = append(kept, *x)
		}
	}
	clear(s.streams[len(kept):])
	s.streams = kept
}

// frameBytes keeps the payload bytes that matter.
func (t *Tracker) frameBytes(h *half, f *frames, b []byte) {
	switch f.kind() {
	case frameReset, frameGoAway:
		f.smallN += uint8(copy(f.small[f.smallN:], b))
	case frameHeaders, framePush, frameContinuation:
		if f.block == 0 || f.blind {
			return
		}
		if !t.env.room(h, len(b)) {
			t.capped = true
			t.goBlind(h, f)
			return
		}
		h.collect(t.env, b)
	}
}

// goBlind gives up header compression: one lost block makes all later ones of
// that direction unreadable.
func (t *Tracker) goBlind(h *half, f *frames) {
	f.blind, t.unsure = true, true
	h.drop(t.env)
}

// framePart notes progress of the current frame, up to h.off.
func (t *Tracker) framePart(side event.Side, h *half, f *frames, at event.Moment) {
	k := f.kind()
	if x := t.h2.find(f.stream()); x != nil && (k == frameData || k == frameHeaders || k == frameContinuation) {
		if side == event.Server {
			t.respond(x, f.begin, h.off, f.start, at)
		} else {
			x.End = at
		}
	}
	if h.left > 0 {
		return
	}
	f.have = 0
	switch k {
	case frameData:
		if f.flag(flagEndStream) {
			t.endStream(side, f.stream(), at)
		}
	case frameHeaders, framePush, frameContinuation:
		if k == frameHeaders && !f.blind {
			h.buf = unpad(h.buf, f)
		}
		if f.flag(flagEndHeaders) {
			t.headerBlock(side, h, f, at)
		}
	case frameReset:
		t.resetStream(side, f.stream(), at)
	case frameGoAway:
		t.goAway(side, f, at)
	}
}

// headerBlock reads a complete header block.
func (t *Tracker) headerBlock(side event.Side, h *half, f *frames, at event.Moment) {
	s := t.h2
	b := h.buf
	if f.push {
		b = b[min(4, len(b)):] // the promised stream
	}
	s.fields = fields{method: s.fields.method[:0], path: s.fields.path[:0], host: s.fields.host[:0]}
	if !f.blind {
		_, err := f.decoder.Write(b)
		if err != nil || f.decoder.Close() != nil {
			t.goBlind(h, f)
		}
	}
	h.drop(t.env)
	id, ends, push := f.block, f.ends, f.push
	f.block = 0
	x := s.find(id)
	if x == nil || push {
		return
	}
	if side == event.Client {
		t.describeStream(x)
	} else if w := &s.fields; w.status >= 100 && w.status < 200 {
		t.interim(x, at)
	} else if w.status != 0 && x.Status == 0 {
		x.Status = w.status
	}
	if ends {
		t.endStream(side, id, at)
	}
}

// describeStream takes method, host, path and endpoint of a request.
func (t *Tracker) describeStream(x *entry) {
	w := &t.h2.fields
	if len(w.method) == 0 {
		return // trailers, or a block that cannot be read
	}
	t.setTarget(x, w.method, w.host, w.path)
}

// endStream ends side's half of a stream.
func (t *Tracker) endStream(side event.Side, id uint32, at event.Moment) {
	x := t.h2.find(id)
	if x == nil {
		return
	}
	if side == event.Client {
		x.Whole = true
		return
	}
	x.flags &^= entryLost
	t.end(x, at)
}

// resetStream ends an open stream that either side gives up (RFC 9113, section 6.4).
func (t *Tracker) resetStream(side event.Side, id uint32, at event.Moment) {
	x := t.h2.find(id)
	if x == nil {
		return
	}
	if side == event.Server && t.client.shut {
		return
	}
	x.Ended = at
	if side == event.Client {
		x.Outcome = OutcomeReset
	} else {
		x.Outcome = OutcomeAborted
	}
	x.flags |= entryComplete
	t.emitStreams()
}

// goAway notes the announcement of the connection's end. A server's names the
// last stream that it will answer (RFC 9113, section 6.8).
func (t *Tracker) goAway(side event.Side, f *frames, at event.Moment) {
	t.declare(side, at, "GOAWAY")
	if side == event.Client || f.smallN < 4 || t.client.shut {
		return
	}
	b := f.small
	last := uint32(b[0]&0x7f)<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	for i := range t.h2.streams {
		if x := &t.h2.streams[i]; x.id > last && !x.has(entryComplete) {
			x.Outcome, x.Ended = OutcomeAborted, at
			x.flags |= entryComplete
		}
	}
	t.emitStreams()
}

// http2Skip passes over n unreadable bytes: exact inside a frame.
func (t *Tracker) http2Skip(side event.Side, n int64, at event.Moment) {
	h, f := t.half(side), t.h2.frames(side)
	k := f.kind()
	block := f.have == 9 && (k == frameHeaders || k == framePush || k == frameContinuation)
	if block {
		t.cutBlock(side, h, f)
	}
	if f.have == 9 && n <= h.left {
		h.left -= n
		h.off += n
		t.framePart(side, h, f, at)
		h.off -= n
		return
	}
	f.lost, f.have, f.preface, h.left, f.block = true, 0, 0, 0, 0
	t.goBlind(h, f)
	if side == event.Server && !t.behind() {
		for i := range t.h2.streams {
			if x := &t.h2.streams[i]; !x.has(entryComplete) {
				x.flags |= entryLost
			}
		}
	}
}

// cutBlock takes what the start of a header block says before it is given up.
func (t *Tracker) cutBlock(side event.Side, h *half, f *frames) {
	if f.blind {
		return
	}
	s := t.h2
	s.fields = fields{method: s.fields.method[:0], path: s.fields.path[:0], host: s.fields.host[:0]}
	if f.kind() == frameHeaders && !f.flag(flagPadded) {
		_, _ = f.decoder.Write(unpad(h.buf, f))
		if x := s.find(f.block); x != nil && side == event.Client {
			t.describeStream(x)
		}
	}
	t.goBlind(h, f)
}

// frameSeek reports whether a segment starts with a frame.
func (t *Tracker) frameSeek(side event.Side, f *frames, b []byte, fresh bool) bool {
	if !fresh || !validFrames(side, b) {
		return false
	}
	f.lost = false
	t.resynced++
	return true
}
