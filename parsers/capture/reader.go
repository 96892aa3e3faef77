package capture

import (
	"fmt"
	"io"
	"strings"

	"finwait/analyzer/event"
)

// Options say how to read a capture. The zero value reads everything.
type Options struct {
	Path       string  // what problems call the file; "-" for standard input
	Input      uint16  // Segment.Input, the number of this input
	FirstFrame uint32  // number of the first frame; 0 means 1. Rotated files go on counting
	Filter     *Filter // frames that it does not match are counted and left out; nil: none
}

// Reader reads one capture file. It is used by one goroutine, except for
// Offset.
type Reader struct {
	opts   Options
	stream stream
	scan   scanner
	dec    decoder
	err    error // what Next returns from now on
	start  event.Time
	end    event.Time
}

// NewReader reads the file header from r, which must be uncompressed. An error
// says why it is no capture.
func NewReader(r io.Reader, opts Options) (*Reader, error) {
	rd := &Reader{opts: opts, start: event.NoTime, end: event.NoTime}
	rd.stream.src = r
	head := make([]byte, 28)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("%s: %w", opts.Path, err)
	}
	rd.stream.offset.Add(int64(n))
	used, err := rd.scan.start(head[:n])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opts.Path, err)
	}
	rd.stream.base = int64(used)
	rd.stream.carry = append(rd.stream.carry, head[used:n]...)
	rd.scan.probs.path = opts.Path
	rd.scan.frame = max(opts.FirstFrame, 1) - 1
	rd.dec.probs, rd.dec.input = &rd.scan.probs, opts.Input
	return rd, nil
}

// Next empties b and fills it with the segments of the next 256 KiB of the
// file; there may be none. The batch then owns all memory that its segments
// point into. At the end of the capture the error is io.EOF; any other error is
// a failure to read, or of the filter.
func (r *Reader) Next(b *event.Batch) error {
	b.Reset()
	if r.err != nil {
		return r.err
	}
	data, err := r.stream.fill(b.Data)
	b.Data = data
	r.dec.out = b
	if err != nil {
		r.err = fmt.Errorf("%s: %w (byte %d)", r.opts.Path, err, r.stream.offset.Load())
	}
	used, ferr := r.block(data)
	if ferr != nil {
		r.err = fmt.Errorf("%s: %w", r.opts.Path, ferr)
		return r.err
	}
	r.stream.keep(data, used)
	b.Names = append(b.Names, r.scan.names...)
	r.scan.names = r.scan.names[:0]
	if r.stream.eof && len(r.stream.carry) == 0 {
		r.finish()
		r.err = io.EOF
	}
	if len(b.Segments) == 0 && len(b.Names) == 0 {
		return r.err
	}
	return nil
}

// block decodes the frames of a block and returns how many bytes it used.
func (r *Reader) block(data []byte) (int, error) {
	var rec record
	used := 0
	for used < len(data) {
		used += r.plain(data[used:])
		pos := r.stream.base + int64(used)
		n, st := r.record(data[used:], pos, &rec)
		used += n
		switch st {
		case statusFrame:
			if err := r.frame(&rec, pos); err != nil {
				return used, err
			}
		case statusMore:
			return used, nil
		}
	}
	return used, nil
}

// record looks at the record at the start of buf, which lies at offset pos of
// the stream.
func (r *Reader) record(buf []byte, pos int64, rec *record) (int, status) {
	n, st := r.scan.next(buf, pos, r.stream.eof, rec)
	if st == statusMore && r.stream.eof {
		var m int
		m, st = r.scan.end(buf[n:], pos+int64(n))
		n += m
	}
	return n, st
}

// frame decodes a frame that the filter lets through.
func (r *Reader) frame(rec *record, pos int64) error {
	if rec.time != event.NoTime && len(rec.data) > 0 { // a record of zeros has no time
		if rec.time < r.start || r.start == event.NoTime {
			r.start = rec.time
		}
		r.end = max(r.end, rec.time)
	}
	if rec.link == nil {
		return nil
	}
	if f := r.opts.Filter; f != nil {
		if ok, err := f.match(rec); !ok {
			return err
		}
	}
	r.dec.decode(rec, r.scan.frame, pos)
	return nil
}

// finish counts what only the end of the file tells.
func (r *Reader) finish() {
	r.dec.frags.flush(&r.scan.probs)
	if n := r.scan.summary().drops; n > 0 {
		r.scan.probs.add(troubleDrops, n, -1, 0)
	}
}

// Problems returns what was wrong so far, sorted by ID.
func (r *Reader) Problems() []event.Problem { return r.scan.probs.sorted() }

// Offset is how many bytes of the (uncompressed) stream have been read. It may
// be called from any goroutine.
func (r *Reader) Offset() int64 { return r.stream.offset.Load() }

// Frames is the number of the last frame, from which a rotated file that
// follows goes on.
func (r *Reader) Frames() uint32 { return r.scan.frame }

// Input describes the file as far as it has been read.
func (r *Reader) Input() event.Input {
	in := event.Input{
		Path:      r.opts.Path,
		Kind:      "pcap",
		Bytes:     r.Offset(),
		Packets:   int64(r.scan.frame) - int64(max(r.opts.FirstFrame, 1)-1),
		Start:     r.start,
		End:       r.end,
		LinkTypes: r.scan.linkNames(),
		Snaplen:   r.scan.summary().snaplen,
		Host:      strings.Join(r.scan.host, ", "),
	}
	if r.scan.ng {
		in.Kind = "pcapng"
	}
	return in
}
