package parsers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"finwait/analyzer/event"
	"finwait/parsers/capture"
	"finwait/samples/gen/wire"
)

// generated is a small capture.
func generated(t *testing.T, format wire.Format) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := wire.Write(&buf, wire.Config{Conns: 50, Format: format}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// gzipped compresses the pieces as members of one gzip file.
func gzipped(pieces ...[]byte) []byte {
	var buf bytes.Buffer
	for _, p := range pieces {
		w := gzip.NewWriter(&buf)
		w.Write(p)
		w.Close()
	}
	return buf.Bytes()
}

// zstandard compresses the pieces as frames of one zstd file.
func zstandard(pieces ...[]byte) []byte {
	var buf bytes.Buffer
	for _, p := range pieces {
		w, _ := zstd.NewWriter(&buf)
		w.Write(p)
		w.Close()
	}
	return buf.Bytes()
}

// open opens raw under a name that says nothing.
func open(t *testing.T, raw []byte) (*Source, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input.txt")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, nil)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

const traced = "1234 12:00:00.000001 connect(6, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.2\")}, 16) = 0\n"

func TestOpen(t *testing.T) {
	pcap, pcapng := generated(t, wire.Pcap), generated(t, wire.Pcapng)
	report := []byte(`{"schema": "finwait.report/v1", "tool": {"name": "finwait"}}`)
	half := len(pcap) / 2
	for _, test := range []struct {
		name        string
		raw, want   []byte
		kind        Kind
		compression string
	}{
		{"pcap", pcap, pcap, Pcap, ""},
		{"pcapng", pcapng, pcapng, Pcapng, ""},
		{"gzip", gzipped(pcap), pcap, Pcap, "gzip"},
		{"gzip members", gzipped(pcap[:half], pcap[half:]), pcap, Pcap, "gzip"},
		{"zstd", zstandard(pcapng), pcapng, Pcapng, "zstd"},
		{"zstd frames", zstandard(pcap[:half], pcap[half:]), pcap, Pcap, "zstd"},
		{"zstd skippable frame first", append([]byte("\x50\x2a\x4d\x18\x02\x00\x00\x00ab"), zstandard(pcap)...), pcap, Pcap, "zstd"},
		{"strace", []byte(traced), []byte(traced), Strace, ""},
		{"strace gzip", gzipped([]byte(traced)), []byte(traced), Strace, "gzip"},
		{"strace with garbage", []byte("\x00\x01\n" + traced), []byte("\x00\x01\n" + traced), Strace, ""},
		{"strace in a container log", []byte(`{"log":"1234 close(6) = 0\n","stream":"stderr"}`), nil, Strace, ""},
		{"other text", []byte("hello, world\n"), nil, Strace, ""},
		{"report", report, report, Report, ""},
		{"report with space", append([]byte("\n  "), report...), nil, Report, ""},
		{"report zstd", zstandard(report), report, Report, "zstd"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := open(t, test.raw)
			if err != nil {
				t.Fatal(err)
			}
			if s.Kind != test.kind || s.Compression != test.compression || s.Size != int64(len(test.raw)) {
				t.Errorf("kind %v, compression %q, size %d", s.Kind, s.Compression, s.Size)
			}
			got, err := io.ReadAll(s)
			if err != nil || test.want != nil && !bytes.Equal(got, test.want) {
				t.Errorf("%d bytes, want %d, error %v", len(got), len(test.want), err)
			}
			if s.Offset() != s.Size || len(s.Problems()) != 0 {
				t.Errorf("offset %d of %d, problems %v", s.Offset(), s.Size, s.Problems())
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		raw  []byte
		want string
	}{
		"empty":         {nil, "the file is empty"},
		"xz":            {[]byte("\xfd7zXZ\x00\x00"), "xz compression is not read; run xz -d"},
		"bzip2":         {[]byte("BZh91AY"), "bzip2 compression is not read"},
		"zip":           {[]byte("PK\x03\x04..."), "zip archive"},
		"program":       {[]byte("\x7fELF\x02\x01"), "a program"},
		"snoop":         {[]byte("snoop\x00\x00\x00\x00"), "editcap -F pcapng"},
		"binary":        {[]byte("abc\x00def"), "neither a capture (it starts with 61 62 63 00), nor a saved report (which starts with {), nor an strace log (byte 3 is not text)"},
		"binary gzip":   {gzipped([]byte("abc\x00def")), "byte 3 is not text"},
		"other JSON":    {[]byte(`{"a": 1}`), "no report of finwait"},
		"broken gzip":   {[]byte("\x1f\x8b\x00"), "gzip"},
		"empty gzip":    {gzipped(nil), "the file is empty"},
		"latin-1":       {[]byte("caf\xe9 caf\xe9 "), "byte 3 is not text"},
		"utf-16":        {[]byte("\xff\xfea\x00b\x00"), "byte 0 is not text"},
		"only a header": {[]byte("\x28\xb5\x2f\xfd"), ""},
	} {
		_, err := open(t, test.raw)
		if err == nil || !strings.Contains(err.Error(), "input.txt: ") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	dir := t.TempDir()
	if _, err := Open(dir, nil); err == nil || err.Error() != dir+": is a directory" {
		t.Errorf("directory: %v", err)
	}
	if _, err := Open(dir+"/x", nil); err == nil || err.Error() != dir+"/x: no such file or directory" {
		t.Errorf("missing file: %v", err)
	}
}

// TestDamagedCompression reads as far as the data goes.
func TestDamagedCompression(t *testing.T) {
	pcap := generated(t, wire.Pcap)
	for name, pack := range map[string]func(...[]byte) []byte{"gzip": gzipped, "zstd": zstandard} {
		whole := pack(pcap)
		flipped := bytes.Clone(whole)
		for i := range 40 {
			flipped[len(flipped)/2+i] ^= 0x55
		}
		for damage, raw := range map[string][]byte{"cut": whole[:len(whole)*2/3], "flipped": flipped} {
			s, err := open(t, raw)
			if err != nil {
				t.Errorf("%s %s: %v", name, damage, err)
				continue
			}
			got, err := io.ReadAll(s)
			ps := s.Problems()
			if err != nil || damage == "cut" && len(got) >= len(pcap) || len(ps) != 1 || ps[0].ID != "damaged-compression" || !ps[0].Damage || ps[0].Where == "" {
				t.Errorf("%s %s: %d bytes, error %v, problems %+v", name, damage, len(got), err, ps)
			}
			if damage == "cut" && (len(got) == 0 || !bytes.HasPrefix(pcap, got)) {
				t.Errorf("%s %s: %d bytes, not the first ones", name, damage, len(got))
			}
		}
	}
}

func TestStdin(t *testing.T) {
	pcap := generated(t, wire.Pcap)
	s, err := Open("-", iotest.HalfReader(bytes.NewReader(gzipped(pcap))))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(s)
	if err != nil || !bytes.Equal(got, pcap) || s.Kind != Pcap || s.Size != 0 {
		t.Errorf("%d bytes, kind %v, size %d, error %v", len(got), s.Kind, s.Size, err)
	}
	_, err = Open("-", iotest.ErrReader(errors.New("gone")))
	if err == nil || err.Error() != "-: gone" {
		t.Errorf("error %v", err)
	}
}

func TestExtent(t *testing.T) {
	for _, format := range []wire.Format{wire.Pcap, wire.Pcapng} {
		raw := generated(t, format)
		r, err := capture.NewReader(bytes.NewReader(raw), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for b := new(event.Batch); err == nil; err = r.Next(b) {
		}
		in := r.Input()
		s, err := open(t, raw)
		if err != nil {
			t.Fatal(err)
		}
		if e := s.Extent(); e.First != in.Start || e.Last != in.End {
			t.Errorf("%s: %v to %v, want %v to %v", format, e.First, e.Last, in.Start, in.End)
		}
		if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: the glance changed what is read", format)
		}
		s, err = open(t, gzipped(raw))
		if err != nil {
			t.Fatal(err)
		}
		if e := s.Extent(); e.First != in.Start || e.Last != event.NoTime {
			t.Errorf("%s gzip: %v to %v", format, e.First, e.Last)
		}
	}
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	pcap := generated(t, wire.Pcap)
	for name, raw := range map[string]string{
		"b.pcap": string(pcap), "a.log": traced, "c.gz": string(gzipped(pcap)),
		"notes.txt": "nothing here\n", "truth.json": "{}", ".hidden.pcap": string(pcap), "empty": "",
		"sub/d.pcap": string(pcap), "none/readme": "hello\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("b.pcap", filepath.Join(dir, "z.pcap")); err != nil {
		t.Fatal(err)
	}
	got, err := Expand([]string{"-", "missing", dir, filepath.Join(dir, "notes.txt")})
	want := fmt.Sprint([]string{"-", "missing", dir + "/a.log", dir + "/b.pcap", dir + "/c.gz", dir + "/z.pcap", dir + "/notes.txt"})
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
	_, err = Expand([]string{filepath.Join(dir, "none")})
	if err == nil || !strings.Contains(err.Error(), "none: no capture, strace log or saved report") {
		t.Errorf("error %v", err)
	}
}

// FuzzOpen opens anything from standard input and reads it to its end.
func FuzzOpen(f *testing.F) {
	f.Add(gzipped([]byte(traced)))
	f.Add(zstandard([]byte(traced)))
	f.Add([]byte(`{"schema": "finwait.report/v1"}`))
	f.Add([]byte("\n\r\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Open("-", bytes.NewReader(raw))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("an error of several lines: %q", err)
			}
			return
		}
		defer s.Close()
		if n, err := io.Copy(io.Discard, io.LimitReader(s, 1<<20)); err != nil || n == 0 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if s.Kind.String() == "unknown" {
			t.Fatal("opened, but unknown")
		}
	})
}
