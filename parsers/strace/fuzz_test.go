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

// FuzzPrefix reads the prefix of a line at once and token by token: both must
// say the same.
func FuzzPrefix(f *testing.F) {
	for _, line := range []string{
		"1363  1795384781.000353 nanosleep({tv_sec=0, tv_nsec=20000}, NULL) = 0", "[pid   585] 21:59:41.514982 close(4) = 0             ",
		"17797 close(4)                          = 0", "17849      0.024876 <... poll resumed>) = 0 (Timeout)",
		"1700000000 read(3, \"\", 1) = 0             ", "18079 1795384782.462302168 close(4)     = 0", "21:59:41.514982 +++ exited with 0 +++          ",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var fast, slow prefix
		n := fast.quick([]byte(line))
		if n == 0 {
			return
		}
		if fast.raw != nil {
			if fast.settle(); fast.timed == timedNone {
				return // a time that is no number: none
			}
		}
		m, ok := slow.scan([]byte(line))
		if ok && (m != n || fast.pid != slow.pid || fast.timed != slow.timed || fast.at != slow.at) {
			t.Errorf("%q: at once %d %+v, token by token %d %+v", line, n, fast, m, slow)
		}
		if !ok && fast.timed != timedNone {
			t.Errorf("%q: a time only at once: %+v", line, fast)
		}
	})
}

// FuzzName finds names by words and by letters.
func FuzzName(f *testing.F) {
	n := newNames()
	for _, s := range systems {
		f.Add(s.name + "(3, 0x7ffc0000, 4096")
	}
	f.Add("mprotect(0x7f71733e0000, 16384")
	f.Fuzz(func(t *testing.T, line string) {
		id, length := n.until([]byte(line), '(')
		if length > 0 && (line[length] != '(' || strings.Contains(line[:length], "(") || id != n.find([]byte(line[:length]))) {
			t.Errorf("%q: %d letters, call %d", line, length, id)
		}
	})
}
