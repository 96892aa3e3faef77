package capture

import (
	"errors"
	"io"
	"sync/atomic"
)

// blockSize is how many bytes one read of the stream asks for. Large enough
// that the cost of a system call does not show, small enough that several
// blocks and the segments found in them stay in the processor's caches
// (BenchmarkReader; 128 KiB to 512 KiB measure alike, 1 MiB is slower).
const blockSize = 256 << 10

// stream hands out the bytes of a capture in blocks that end anywhere, and
// carries the rest of each block over to the next.
type stream struct {
	src    io.Reader
	carry  []byte // bytes that the last block could not use
	base   int64  // offset in the stream of the block's first byte
	skip   int64  // bytes still to be thrown away before the next block
	eof    bool   // src is at its end
	offset atomic.Int64
}

// fill makes block the next block: the carried bytes and then up to blockSize
// new ones. It reuses the memory of block. An error is src's.
func (s *stream) fill(block []byte) ([]byte, error) {
	if err := s.drop(); err != nil {
		return block[:0], err
	}
	kept := len(s.carry)
	if cap(block) < kept+blockSize {
		// A little more, so that the carried piece of a record does
		// not make every later block grow again.
		block = make([]byte, 0, kept+blockSize+blockSize/16)
	}
	block = append(block[:0], s.carry...)
	s.carry = s.carry[:0]
	n, err := io.ReadFull(s.src, block[kept:kept+blockSize])
	s.offset.Add(int64(n))
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		s.eof, err = true, nil
	}
	return block[:kept+n], err
}

// drop throws away the bytes that skip asks for.
func (s *stream) drop() error {
	if s.skip == 0 || s.eof {
		return nil
	}
	n, err := io.CopyN(io.Discard, s.src, s.skip)
	s.offset.Add(n)
	s.base += n
	s.skip -= n
	if err == io.EOF {
		s.eof, err = true, nil
	}
	return err
}

// keep ends a block of which used bytes were consumed. used may lie beyond the
// block: the bytes between are then skipped.
func (s *stream) keep(block []byte, used int) {
	if used > len(block) {
		s.skip = int64(used - len(block))
		used = len(block)
	}
	s.base += int64(used)
	s.carry = append(s.carry[:0], block[used:]...)
}
