package strace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"finwait/analyzer/event"
)

// samples are the logs of testdata that are one file.
func samples(t testing.TB) map[string]string {
	t.Helper()
	list, err := filepath.Glob("testdata/*.strace")
	if err != nil || len(list) == 0 {
		t.Fatal("no samples: ", err)
	}
	logs := map[string]string{}
	for _, path := range list {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		logs[filepath.Base(path)] = string(text)
	}
	return logs
}

func list(calls []event.Call) []string {
	out := make([]string, 0, len(calls))
	for i := range calls {
		out = append(out, fmt.Sprintf("%d-%d %s", calls[i].Line, calls[i].EndLine, show(&calls[i])))
	}
	return out
}

// TestStretches reads every sample in stretches of several sizes and with
// several workers: what lies in two stretches must come out the same.
func TestStretches(t *testing.T) {
	for name, text := range samples(t) {
		whole, r := readAll(t, text, Options{})
		want, problems := list(whole), fmt.Sprint(r.Problems())
		for _, size := range []int{700, 4096, 64 << 10} {
			for _, jobs := range []int{1, 4} {
				calls, r := readAll(t, text, Options{stretch: size, Jobs: jobs})
				if got := list(calls); strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("%s in stretches of %d bytes: %s", name, size, firstDifference(got, want))
				}
				if got := fmt.Sprint(r.Problems()); got != problems {
					t.Errorf("%s in stretches of %d bytes: problems %s, want %s", name, size, got, problems)
				}
			}
		}
	}
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("call %d is\n %s, want\n %s", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d calls, want %d", len(got), len(want))
}

// TestPieces reads a log through readers that return little at a time, and one
// that fails in the middle.
func TestPieces(t *testing.T) {
	text := samples(t)["sockets.strace"]
	want, _ := readAll(t, text, Options{})
	for _, src := range []io.Reader{iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
		r := NewReader(src, Options{})
		var b event.CallBatch
		n := -1 // the first says that the log shows closes
		for r.Next(&b) == nil {
			n += len(b.Calls)
		}
		if n != len(want) {
			t.Errorf("%d calls, want %d", n, len(want))
		}
	}
	broken := errors.New("disk on fire")
	r := NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), Options{})
	var b event.CallBatch
	var err error
	for err == nil {
		err = r.Next(&b)
	}
	if !errors.Is(err, broken) {
		t.Errorf("the reader ended with %v, want the source's error", err)
	}
}

// TestCutAnywhere reads a log that ends at every byte of its last lines.
func TestCutAnywhere(t *testing.T) {
	text := samples(t)["go-terminal.strace"]
	whole, _ := readAll(t, text, Options{})
	for n := len(text) - 1200; n < len(text); n++ {
		calls, r := readAll(t, text[:n], Options{})
		if len(calls) > len(whole)+1 || len(calls) < len(whole)-60 {
			t.Fatalf("cut at byte %d: %d calls of %d", n, len(calls), len(whole))
		}
		if in := r.Input(); in.Bytes != int64(n) {
			t.Fatalf("cut at byte %d: %d bytes read", n, in.Bytes)
		}
	}
}

// TestLongLine reads a line that is much longer than a stretch.
func TestLongLine(t *testing.T) {
	log := "1 close(3) = 0\n1 write(7, \"GET /a HTTP/1.1\\r\\n" + strings.Repeat("x", 20<<20) + "\", 20971520) = 20971520\n1 close(7) = 0\n"
	calls, _ := readAll(t, log, Options{})
	if len(calls) != 3 || calls[1].Size != 20971520 || !strings.HasPrefix(string(calls[1].Data), "GET /a") || calls[2].FD != 7 || calls[2].Line != 3 {
		t.Fatalf("got %d calls: %.200q", len(calls), list(calls))
	}
}

// TestGarbage counts what is not strace's, and keeps the rest.
func TestGarbage(t *testing.T) {
	log := "\x00\xff\x00garbage\nclose(3) = 0\nhello world\n\nclose(4) = 0\n<html>\nclose(5\n"
	calls, r := readAll(t, log, Options{Path: "x"})
	if len(calls) != 3 {
		t.Errorf("calls: %q", list(calls))
	}
	want := `[{cut-lines 1 calls whose line ends before their result x: line 7 false} {foreign-lines 3 lines that strace did not write, such as "\x00\xff\x00garbage" x: line 1 false}]`
	if got := fmt.Sprint(r.Problems()); got != want {
		t.Errorf("problems\n got  %s\n want %s", got, want)
	}
	if _, r := readAll(t, strings.Repeat("\x01\x02\x03 no log at all\n", 1000), Options{}); len(r.Trace().Calls) != 0 {
		t.Errorf("a file that is no log has calls: %v", r.Trace().Calls)
	}
}

// TestTrace tells the options of a log from its text.
func TestTrace(t *testing.T) {
	for name, want := range map[string]string{
		"sockets.strace":  "clock=0 resolution=0s follow=true durations=false addresses=false cut=32 since=5.0",
		"python.strace":   "clock=2 resolution=1µs follow=false durations=true addresses=true cut=128 since=",
		"curl.strace":     "clock=3 resolution=1µs follow=false durations=false addresses=false cut=32 since=",
		"attached.strace": "clock=2 resolution=1µs follow=true durations=false addresses=false cut=32 since=5.0",
	} {
		_, r := readAll(t, samples(t)[name], Options{})
		tr := r.Trace()
		got := fmt.Sprintf("clock=%d resolution=%v follow=%v durations=%v addresses=%v cut=%d since=%s",
			tr.Clock, tr.Resolution, tr.Follow, tr.Durations, tr.Addresses, tr.Cut, tr.Since)
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// BenchmarkRead reads a sample over and over.
func BenchmarkRead(b *testing.B) {
	text := samples(b)["go-terminal.strace"]
	text = strings.Repeat(text, 1+(8<<20)/len(text))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r := NewReader(strings.NewReader(text), Options{})
		var batch event.CallBatch
		for r.Next(&batch) == nil {
		}
	}
}
