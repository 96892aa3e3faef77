package syscalls

import (
	"bytes"
	"testing"
)

func TestSameSeedSameLog(t *testing.T) {
	var a, b, c bytes.Buffer
	config := Config{Bytes: 1 << 20, Seed: 7}
	total, err := WriteStrace(&a, config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := WriteStrace(&b, config); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatalf("the same seed wrote another log (%v)", err)
	}
	config.Seed = 8
	if _, err := WriteStrace(&c, config); err != nil || bytes.Equal(a.Bytes(), c.Bytes()) {
		t.Fatalf("another seed wrote the same log (%v)", err)
	}
	if int64(a.Len()) != total.Bytes || int64(bytes.Count(a.Bytes(), []byte("\n"))) != total.Lines {
		t.Errorf("the totals say %d bytes and %d lines, the log has %d and %d", total.Bytes, total.Lines, a.Len(), bytes.Count(a.Bytes(), []byte("\n")))
	}
	if calls := total.Lines - total.Halves; total.Halves*10 < calls*6 {
		t.Errorf("only %d of %d calls are split", total.Halves, calls)
	}
	if total.Connections == 0 || total.Timeouts == 0 || total.Timeouts > total.Connections {
		t.Errorf("connections %d, timeouts %d", total.Connections, total.Timeouts)
	}
}

func TestShortConnections(t *testing.T) {
	var b bytes.Buffer
	total, err := WriteStrace(&b, Config{Bytes: 1 << 20, Seed: 7, Short: true, AtOnce: 4})
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b.Bytes(), []byte(" close(")); total.Timeouts != 0 || total.Connections < 500 || n != total.Connections {
		t.Errorf("%d connections, %d closes, %d timeouts", total.Connections, n, total.Timeouts)
	}
}
