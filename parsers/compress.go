package parsers

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory of a zstd stream; zstd --long=27 needs as much.
const maxWindow = 128 << 20

// uncompress returns a reader of the bytes inside r's compression, which is
// told by the magic number. Several members or frames after each other are one
// stream, as gzip -d and zstd -d read them.
func (s *Source) uncompress(r *bufio.Reader) (*bufio.Reader, error) {
	magic, _ := r.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		s.Compression = "gzip"
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("damaged gzip header: %w", err)
		}
		s.close = append(s.close, z.Close)
		return bufio.NewReaderSize(z, headSize), nil
	case zstdMagic(magic):
		s.Compression = "zstd"
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(4*maxWindow), zstd.WithDecoderConcurrency(2))
		if err != nil {
			return nil, fmt.Errorf("damaged zstd header: %w", err)
		}
		s.close = append(s.close, func() error { z.Close(); return nil })
		return bufio.NewReaderSize(z, headSize), nil
	}
	return r, nil
}

// zstdMagic recognises a zstd frame or a skippable frame (RFC 8878, section
// 3.1), with which pzstd output may start.
func zstdMagic(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	return bytes.Equal(b, []byte("\x28\xb5\x2f\xfd")) || b[0]&0xf0 == 0x50 && bytes.Equal(b[1:], []byte("\x2a\x4d\x18"))
}
