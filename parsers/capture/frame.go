package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"finwait/analyzer/event"
)

// Frame is one frame as a capture holds it.
type Frame struct {
	Number   uint32      // as Segment.Frame
	Time     event.Time  // NoTime when the file has none
	LinkType uint16      // LINKTYPE_ value
	Wire     int         // length on the wire
	Notes    event.Notes // Incoming or Outgoing, when the file says so
	Data     []byte      // captured bytes, valid until the next frame is read
}

// FrameReader reads the frames of a capture without looking into them, for
// copying some of them.
type FrameReader struct {
	r     *Reader
	block []byte
	used  int
	done  bool
}

// NewFrameReader reads the file header from r, as NewReader does.
func NewFrameReader(r io.Reader, opts Options) (*FrameReader, error) {
	rd, err := NewReader(r, opts)
	if err != nil {
		return nil, err
	}
	return &FrameReader{r: rd}, nil
}

// Next fills f with the next frame that the filter lets through. At the end of
// the capture the error is io.EOF.
func (fr *FrameReader) Next(f *Frame) error {
	var rec record
	for {
		st, err := fr.advance(&rec)
		if err != nil {
			return err
		}
		if st != statusFrame || rec.link == nil {
			continue
		}
		if filter := fr.r.opts.Filter; filter != nil {
			if ok, err := filter.match(&rec); err != nil {
				return fmt.Errorf("%s: %w", fr.r.opts.Path, err)
			} else if !ok {
				continue
			}
		}
		*f = Frame{Number: fr.r.scan.frame, Time: rec.time, LinkType: rec.link.dlt, Wire: rec.wire, Notes: rec.notes, Data: rec.data}
		return nil
	}
}

// advance looks at the next record, in the next block if need be.
func (fr *FrameReader) advance(rec *record) (status, error) {
	if fr.used < len(fr.block) {
		n, st := fr.r.record(fr.block[fr.used:], fr.r.stream.base+int64(fr.used), rec)
		fr.used += n
		if st != statusMore {
			return st, nil
		}
	}
	if fr.done {
		return statusMore, io.EOF
	}
	if fr.block != nil {
		fr.r.stream.keep(fr.block, fr.used)
	}
	fr.used = 0
	var err error
	fr.block, err = fr.r.stream.fill(fr.block)
	if err != nil {
		return statusMore, fmt.Errorf("%s: %w (byte %d)", fr.r.opts.Path, err, fr.r.Offset())
	}
	fr.done = fr.r.stream.eof
	return statusMore, nil
}

// Frames is the number of the last frame read.
func (fr *FrameReader) Frames() uint32 { return fr.r.Frames() }

// Writer writes a pcapng capture with nanoseconds.
type Writer struct {
	w      *bufio.Writer
	ifaces map[uint16]uint32 // by link type
	block  []byte
}

// NewWriter writes the header of a capture to w. The program's name goes into
// it.
func NewWriter(w io.Writer, program string) (*Writer, error) {
	const optUserApplication = 4
	wr := &Writer{w: bufio.NewWriterSize(w, 256<<10), ifaces: map[uint16]uint32{}}
	le := binary.LittleEndian
	body := le.AppendUint32(nil, byteOrderMagic)
	body = append(body, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	body = appendOption(body, optUserApplication, program)
	return wr, wr.write(blockSection, append(body, 0, 0, 0, 0))
}

// Write appends a frame with a comment that Wireshark shows; "" none. A frame
// without a time gets the year 1970.
func (w *Writer) Write(f *Frame, comment string) error {
	const optComment = 1
	id, err := w.iface(f.LinkType)
	if err != nil {
		return err
	}
	var at uint64
	if f.Time > 0 {
		at = uint64(f.Time)
	}
	le := binary.LittleEndian
	b := le.AppendUint32(w.block[:0], id)
	b = le.AppendUint32(le.AppendUint32(b, uint32(at>>32)), uint32(at))
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(f.Data))), uint32(f.Wire))
	b = pad(append(b, f.Data...))
	n := len(b)
	if comment != "" {
		b = appendOption(b, optComment, comment)
	}
	if way := uint32(f.Notes & (event.Incoming | event.Outgoing) / event.Incoming); way != 0 {
		b = le.AppendUint32(append(b, optPacketFlags, 0, 4, 0), way)
	}
	if len(b) > n {
		b = append(b, 0, 0, 0, 0)
	}
	w.block = b
	return w.write(blockPacket, b)
}

// iface returns the interface of a link type, described on first use.
func (w *Writer) iface(linkType uint16) (uint32, error) {
	if id, ok := w.ifaces[linkType]; ok {
		return id, nil
	}
	id := uint32(len(w.ifaces))
	w.ifaces[linkType] = id
	body := binary.LittleEndian.AppendUint16(nil, linkType)
	body = append(body, 0, 0, 0, 0, 0, 0)
	body = append(body, optIfaceResolution, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0)
	return id, w.write(blockInterface, body)
}

// write writes a block around a body of whole words.
func (w *Writer) write(kind uint32, body []byte) error {
	le := binary.LittleEndian
	n := uint32(minBlock + len(body))
	var head [8]byte
	le.PutUint32(head[:], kind)
	le.PutUint32(head[4:], n)
	w.w.Write(head[:])
	w.w.Write(body)
	le.PutUint32(head[:], n)
	_, err := w.w.Write(head[:4]) // a bufio.Writer keeps its first error
	return err
}

// Close writes out what is buffered.
func (w *Writer) Close() error { return w.w.Flush() }

// appendOption appends a text option, cut to what its length field holds.
func appendOption(b []byte, code uint16, text string) []byte {
	text = text[:min(len(text), 0xfff0)]
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	return pad(append(b, text...))
}

// pad fills b to whole words.
func pad(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }
