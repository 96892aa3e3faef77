package samples

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"finwait/analyzer"
	"finwait/samples/gen/wire"
)

// TestJobs demands the same bytes whatever the number of goroutines is.
func TestJobs(t *testing.T) {
	each(t, func(t *testing.T, s *sample) {
		files := s.read(t)
		want := s.outcome(t).text() // of one goroutine
		counts := []int{2, 3, 16}
		if strings.Contains(files[0].path, "strace") {
			counts = counts[1:2] // the order of -ff files takes a while to find
		}
		for _, jobs := range counts {
			opts := s.opts
			opts.Jobs = jobs
			if got := s.conclude(t, files, opts).text(); got != want {
				t.Errorf("with %d jobs:\n%s", jobs, diff(want, got))
			}
		}
	})
}

// TestJobsOfMany demands it of so many connections that several goroutines add
// them up, which the samples are too small for.
func TestJobsOfMany(t *testing.T) {
	for _, c := range []wire.Config{
		{Kind: wire.Keepalive, Conns: 7000, Requests: 2, Concurrent: 500, Seed: 1},
		{Kind: wire.Short, Conns: 7000, Concurrent: 500, Seed: 1},
	} {
		data, _ := generate(t, c)
		report := func(jobs int) string {
			text, err := json.MarshalIndent(run(t, data, jobs).Report(), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		want := report(1)
		for _, jobs := range []int{2, 3} {
			if got := report(jobs); got != want {
				t.Errorf("%s with %d jobs:\n%s", c.Kind, jobs, diff(want, got))
			}
		}
	}
}

// TestForms demands the same conclusions from the same packets in another file
// format or compression.
func TestForms(t *testing.T) {
	each(t, func(t *testing.T, s *sample) {
		files := s.read(t)
		if len(files) != 1 || !strings.Contains(files[0].path, ".pcap") || s.name == "truncated-file" {
			t.Skip("for whole single captures")
		}
		plain := unzip(t, files[0].data)
		want := packetsOnly(t, s.outcome(t))
		for name, data := range map[string][]byte{
			"gzip in two members": append(zip(t, plain[:1000]), zip(t, plain[1000:])...), "big-endian": bigEndian(plain),
			"nanoseconds in zstd": zstandard(t, nanoseconds(plain)), "pcapng": pcapng(plain),
		} {
			got := packetsOnly(t, s.conclude(t, []file{{files[0].path, data}}, s.opts))
			if got != want {
				t.Errorf("as %s:\n%s", name, diff(want, got))
			}
		}
	})
}

// packetsOnly is what was concluded, without what describes the file, such as
// the byte where something was cut.
func packetsOnly(t *testing.T, o *outcome) string {
	t.Helper()
	r := *o.result.Report()
	r.Inputs = append([]analyzer.Input(nil), r.Inputs...)
	for i := range r.Inputs {
		r.Inputs[i].Bytes, r.Inputs[i].Kind = 0, ""
	}
	r.Quality = append([]analyzer.Quality(nil), r.Quality...)
	for i := range r.Quality {
		r.Quality[i].Where = ""
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return (&outcome{report: text, rows: o.rows}).text()
}

func unzip(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll(data, nil)
}

var little, big = binary.LittleEndian, binary.BigEndian

// packets calls f with the header and the bytes of every packet of a
// little-endian pcap.
func packets(pcap []byte, f func(head, data []byte)) {
	for p := pcap[24:]; len(p) >= 16; {
		n := 16 + int(little.Uint32(p[8:]))
		f(p[:16], p[16:n])
		p = p[n:]
	}
}

// bigEndian turns the byte order of a pcap's headers.
func bigEndian(pcap []byte) []byte {
	out := big.AppendUint32(nil, little.Uint32(pcap))
	out = big.AppendUint16(out, little.Uint16(pcap[4:]))
	out = big.AppendUint16(out, little.Uint16(pcap[6:]))
	for i := 8; i < 24; i += 4 {
		out = big.AppendUint32(out, little.Uint32(pcap[i:]))
	}
	packets(pcap, func(head, data []byte) {
		for i := 0; i < 16; i += 4 {
			out = big.AppendUint32(out, little.Uint32(head[i:]))
		}
		out = append(out, data...)
	})
	return out
}

// nanoseconds turns a pcap with microseconds into one with nanoseconds.
func nanoseconds(pcap []byte) []byte {
	out := little.AppendUint32(nil, 0xa1b23c4d)
	out = append(out, pcap[4:24]...)
	packets(pcap, func(head, data []byte) {
		out = append(out, head[:4]...)
		out = little.AppendUint32(out, 1000*little.Uint32(head[4:]))
		out = append(append(out, head[8:]...), data...)
	})
	return out
}

// pcapng turns a pcap into a pcapng file with one section and one interface.
func pcapng(pcap []byte) []byte {
	block := func(out []byte, kind uint32, body []byte) []byte {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		out = little.AppendUint32(out, kind)
		out = little.AppendUint32(out, uint32(len(body)+12))
		out = append(out, body...)
		return little.AppendUint32(out, uint32(len(body)+12))
	}
	section := little.AppendUint32(nil, 0x1a2b3c4d)
	section = append(section, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	out := block(nil, 0x0a0d0d0a, section)
	face := little.AppendUint16(nil, uint16(little.Uint32(pcap[20:])))
	face = append(face, 0, 0)
	face = append(face, pcap[16:20]...)
	out = block(out, 1, face)
	packets(pcap, func(head, data []byte) {
		at := uint64(little.Uint32(head))*1e6 + uint64(little.Uint32(head[4:]))
		body := little.AppendUint32(nil, 0)
		body = little.AppendUint32(body, uint32(at>>32))
		body = little.AppendUint32(body, uint32(at))
		body = append(append(body, head[8:]...), data...)
		out = block(out, 6, body)
	})
	return out
}
