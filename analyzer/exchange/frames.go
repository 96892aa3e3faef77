package exchange

import (
	"golang.org/x/net/http2/hpack"

	"finwait/analyzer/event"
)

// Frame types and flags of HTTP/2 (RFC 9113, section 6).
const (
	frameData         = 0
	frameHeaders      = 1
	framePriority     = 2
	frameReset        = 3
	frameSettings     = 4
	framePush         = 5
	framePing         = 6
	frameGoAway       = 7
	frameWindow       = 8
	frameContinuation = 9

	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// maxTable bounds a HPACK table; the default of RFC 9113 is 4096.
const maxTable = 1 << 16

// frames is one direction of HTTP/2.
type frames struct {
	decoder *hpack.Decoder
	header  [9]byte
	have    uint8
	small   [8]byte // the start of a RST_STREAM's or GOAWAY's payload
	smallN  uint8
	lost    bool   // out of step: bytes were missing
	blind   bool   // header blocks were missing: their table is not known any more
	preface uint8  // bytes of the client's preface still to come
	block   uint32 // the stream whose header block is being collected; 0 none
	ends    bool   // the block ends its stream
	push    bool   // the block is a PUSH_PROMISE's
	start   event.Moment
	begin   int64
}

func (f *frames) kind() byte       { return f.header[3] }
func (f *frames) flag(b byte) bool { return f.header[4]&b != 0 }
func (f *frames) length() int64 {
	return int64(f.header[0])<<16 | int64(f.header[1])<<8 | int64(f.header[2])
}
func (f *frames) stream() uint32 {
	b := f.header[5:9]
	return uint32(b[0]&0x7f)<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// unpad removes padding and priority from the payload of a HEADERS frame.
func unpad(b []byte, f *frames) []byte {
	pad, from := 0, 0
	if f.flag(flagPadded) && len(b) > 0 {
		pad, from = int(b[0]), 1
	}
	if f.flag(flagPriority) {
		from += 5
	}
	if from+pad > len(b) {
		return b[:0]
	}
	n := copy(b, b[from:len(b)-pad])
	return b[:n]
}

// validFrames reports whether b starts with a frame header, and, when b is long
// enough, with another one behind its payload.
func validFrames(side event.Side, b []byte) bool {
	for range 2 {
		if len(b) < 9 {
			return len(b) == 0
		}
		var f frames
		copy(f.header[:], b)
		if !f.valid(side) {
			return false
		}
		if int64(len(b)) < 9+f.length() {
			return true
		}
		b = b[9+f.length():]
	}
	return true
}

// valid reports whether a frame header is one that RFC 9113 allows side to send.
func (f *frames) valid(side event.Side) bool {
	n, id := f.length(), f.stream()
	if f.header[5]&0x80 != 0 || n > 1<<14 {
		return false
	}
	switch f.kind() {
	case frameSettings:
		return id == 0 && n%6 == 0
	case framePing:
		return id == 0 && n == 8
	case frameGoAway:
		return id == 0 && n >= 8
	case frameWindow:
		return n == 4
	case frameReset:
		return id != 0 && n == 4
	case framePriority:
		return id != 0 && n == 5
	case frameData, frameHeaders, frameContinuation:
		return id != 0 && (side == event.Server || id&1 == 1)
	}
	return false
}
