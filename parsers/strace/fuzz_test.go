package strace

import (
	"io"
	"strings"
	"testing"

	"finwait/analyzer/event"
)

// FuzzLine reads one line with everything that can stand before and after it.
func FuzzLine(f *testing.F) {
	for _, text := range samples(f) {
		for i, line := range strings.Split(text, "\n") {
			if i%97 == 0 {
				f.Add(line)
			}
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		calls, r := readAll(t, line, Options{})
		for i := range calls {
			if c := &calls[i]; c.Line == 0 || c.EndLine < c.Line || int64(len(c.Data)) > max(c.Size, 256) {
				t.Errorf("a call that cannot be: %s (lines %d to %d)", show(c), c.Line, c.EndLine)
			}
		}
		if in := r.Input(); in.Bytes != int64(len(line)) {
			t.Errorf("read %d of %d bytes", in.Bytes, len(line))
		}
	})
}

// FuzzLog reads whole logs: in one stretch and in small ones they must give the
// same number of calls unless a wrapper is guessed from the first stretch.
func FuzzLog(f *testing.F) {
	for _, text := range samples(f) {
		f.Add(text[:min(len(text), 3000)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, _ := readAll(t, text, Options{Jobs: 1})
		b, _ := readAll(t, text, Options{Jobs: 3})
		if len(a) != len(b) {
			t.Errorf("%d calls with one worker, %d with three", len(a), len(b))
		}
		readAll(t, text, Options{stretch: 64})
	})
}

// FuzzParts reads two files of strace -ff.
func FuzzParts(f *testing.F) {
	f.Add("     0.000000 execve(\"./a\", [\"./a\"], 0x7ff) = 0\n     0.000100 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD} => {parent_tid=[2]}, 88) = 2\n", "     0.000050 close(3) = 0\n")
	f.Add("10:00:00 close(3) = 0\n", "10:00:00 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n")
	f.Add("close(3) = 0\n", "futex(0x1, FUTEX_WAIT_PRIVATE, 0, NULL) = 0\n")
	f.Fuzz(func(t *testing.T, one, two string) {
		m := Merge([]Part{{strings.NewReader(one), "t.1", 1}, {strings.NewReader(two), "t.2", 2}}, Options{})
		var b event.CallBatch
		for range 10_000 {
			if err := m.Next(&b); err == io.EOF {
				m.Problems()
				m.Trace()
				return
			}
		}
		t.Error("the files do not end")
	})
}
