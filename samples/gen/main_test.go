package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for _, test := range []struct{ args, magic, says string }{
		{"-conns 30", "\xd4\xc3\xb2\xa1", "30 connections, 300 requests"},
		{"-kind short -conns 30 -format pcapng", "\n\r\r\n", "30 connections, 30 requests, 0 timed out"},
		{"-kind strace -size 20000", "", "processes"},
		{"-kind strace-short -size 20000", "", " 0 timed out"},
	} {
		path := filepath.Join(t.TempDir(), "out")
		var stdout, stderr, none bytes.Buffer
		args := strings.Fields(test.args)
		if err := run(args, &stdout, &stderr); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(stdout.String(), test.magic) || stdout.Len() < 5000 || !strings.Contains(stderr.String(), test.says) {
			t.Errorf("%s: %d bytes, says %q", test.args, stdout.Len(), stderr.String())
		}
		if err := run(append(args, "-o", path), &none, &stderr); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, stdout.Bytes()) || none.Len() > 0 {
			t.Errorf("%s: the file differs from standard output (%v)", test.args, err)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range []string{"-kind nothing", "-format nothing", "-conns x", "extra", "-o /does/not/exist"} {
		var stdout, stderr bytes.Buffer
		if err := run(strings.Fields(args), &stdout, &stderr); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
}
