package parsers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"finwait/analyzer/event"
	"finwait/parsers/capture"
)

// headSize is how much of an input is looked at to tell what it is: enough for
// the first lines of a log and the first blocks of a capture.
const headSize = 64 << 10

// Stdin is the path that means standard input.
const Stdin = "-"

// Source is one opened input. It reads the uncompressed bytes; damage to a
// compressed file ends them and is a problem, not an error.
type Source struct {
	Path        string // as given; "-" for standard input
	Kind        Kind
	Compression string // "gzip", "zstd" or "" for none
	Size        int64  // bytes of the file as it is stored; 0 when not known

	in       *bufio.Reader // uncompressed
	raw      *counter
	close    []func() error
	problems []event.Problem
	read     int64 // uncompressed bytes handed out
}

// counter counts the bytes read from a file.
type counter struct {
	io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Open opens path, or stdin when path is "-", and tells what it holds. The
// error is one line for the user: the path, and what is wrong.
func Open(path string, stdin io.Reader) (*Source, error) {
	s := &Source{Path: path, raw: &counter{Reader: stdin}}
	if path != Stdin {
		f, err := openFile(path)
		if err != nil {
			return nil, err
		}
		s.raw.Reader = f
		s.close = append(s.close, f.Close)
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			s.Size = st.Size()
		}
	}
	if err := s.start(); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// openFile opens a file that is not a directory, with an error that starts
// with its path.
func openFile(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err == nil && st.IsDir() {
		return nil, fmt.Errorf("%s: is a directory", path)
	}
	f, err := os.Open(path)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return nil, fmt.Errorf("%s: %w", path, pe.Err)
	}
	return f, err
}

// start looks through the compression at the first bytes.
func (s *Source) start() error {
	// No larger than the first look needs: a larger read goes past the buffer.
	in, err := s.uncompress(bufio.NewReaderSize(s.raw, headSize))
	if err != nil {
		return err
	}
	s.in = in
	head, err := s.in.Peek(headSize)
	if err != nil && err != io.EOF && len(head) == 0 {
		return err
	}
	kind, why := detect(head)
	if kind == Unknown {
		return errors.New(why)
	}
	s.Kind = kind
	return nil
}

// Read reads uncompressed bytes.
func (s *Source) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	s.read += int64(n)
	if err == nil || err == io.EOF {
		return n, err
	}
	if s.Compression == "" || isIO(err) {
		return n, err
	}
	s.problems = append(s.problems, event.Problem{
		ID:     "damaged-compression",
		Count:  1,
		Text:   "the " + s.Compression + " data is damaged or cut: what follows is missing, what came before may be wrong (" + err.Error() + ")",
		Where:  fmt.Sprintf("%s: byte %d, %d uncompressed", s.Path, s.Offset(), s.read),
		Damage: true,
	})
	return n, io.EOF
}

// isIO tells a failure of the disk from damaged data.
func isIO(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe)
}

// Head returns the first uncompressed bytes, up to 64 KiB, without reading
// them. It is valid before the first Read only.
func (s *Source) Head() []byte {
	head, _ := s.in.Peek(headSize)
	return head
}

// Offset is how many bytes of the file as stored have been read, out of Size.
// It may be called from any goroutine.
func (s *Source) Offset() int64 { return s.raw.n.Load() }

// Problems returns what was wrong with the compression so far.
func (s *Source) Problems() []event.Problem { return slices.Clone(s.problems) }

// Close closes the file; standard input stays open.
func (s *Source) Close() error {
	var err error
	for _, c := range slices.Backward(s.close) {
		err = errors.Join(err, c())
	}
	s.close = nil
	return err
}

// Expand replaces each directory in paths by its files that finwait reads,
// sorted by name. Hidden files and directories inside are left out. A
// directory without a usable file is an error.
func Expand(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		st, err := os.Stat(path)
		if path == Stdin || err != nil || !st.IsDir() {
			out = append(out, path) // Open has the words for what is missing
			continue
		}
		files, err := usable(path)
		if err != nil {
			return nil, err
		}
		out = append(out, files...)
	}
	return out, nil
}

// usable lists the files of a directory that can be read.
func usable(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, errors.Unwrap(err))
	}
	var out []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		st, err := os.Stat(path)
		if strings.HasPrefix(e.Name(), ".") || err != nil || !st.Mode().IsRegular() {
			continue
		}
		if wanted(path) {
			out = append(out, path)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no capture, strace log or saved report in this directory (%d files)", dir, len(entries))
	}
	return out, nil
}

// wanted reports whether a file of a directory is an input. A text file must
// look like an strace log, since directories hold notes, too.
func wanted(path string) bool {
	s, err := Open(path, nil)
	if err != nil {
		return false
	}
	defer s.Close()
	return s.Kind != Strace || looksTraced(s.Head())
}

// tailSize is how much of the end of a capture is looked at for its last
// packet.
const tailSize = 512 << 10

// Extent tells when a capture starts and, for uncompressed files, when it ends,
// without reading it. It is valid before the first Read only.
func (s *Source) Extent() capture.Extent {
	if !s.Kind.Capture() {
		return capture.ExtentOf(nil, nil)
	}
	f, ok := s.raw.Reader.(*os.File)
	if !ok || s.Compression != "" || s.Size == 0 {
		return capture.ExtentOf(s.Head(), nil)
	}
	tail := make([]byte, min(s.Size, tailSize))
	n, err := f.ReadAt(tail, s.Size-int64(len(tail)))
	if err != nil && err != io.EOF {
		n = 0
	}
	return capture.ExtentOf(s.Head(), tail[:n])
}
