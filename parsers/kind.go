package parsers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Kind is what an input holds. Zero is nothing that can be read.
type Kind uint8

const (
	Unknown Kind = iota
	Pcap         // a pcap capture, any byte order and resolution
	Pcapng       // a pcapng capture
	Report       // a JSON report that finwait saved
	Strace       // text that strace may have written
)

// String gives the contract's word for inputs[].kind.
func (k Kind) String() string {
	switch k {
	case Pcap:
		return "pcap"
	case Pcapng:
		return "pcapng"
	case Report:
		return "report"
	case Strace:
		return "strace"
	}
	return "unknown"
}

// Capture reports whether package capture reads it.
func (k Kind) Capture() bool { return k == Pcap || k == Pcapng }

// detect tells a kind from the first uncompressed bytes. When it is Unknown,
// why says what every format missed.
func detect(head []byte) (k Kind, why string) {
	switch {
	case len(head) == 0:
		return Unknown, "the file is empty"
	case pcapMagic(head):
		return Pcap, ""
	case bytes.HasPrefix(head, []byte("\n\r\r\n")):
		return Pcapng, ""
	case savedReport(head):
		return Report, ""
	}
	if name := foreign(head); name != "" {
		return Unknown, name
	}
	if looksTraced(head) { // with whatever garbage, or as JSON lines of a log shipper
		return Strace, ""
	}
	if at := binaryAt(head); at >= 0 {
		return Unknown, fmt.Sprintf("neither a capture (it starts with % x), nor a saved report (which starts with {), nor an strace log (byte %d is not text)", head[:min(4, len(head))], at)
	}
	if isJSON(head) {
		return Unknown, `JSON, but no report of finwait (no "schema": "finwait.report/..." at its start)`
	}
	return Strace, ""
}

// pcapMagic recognises pcap in either byte order: with microseconds, with
// nanoseconds, and the "modified" format with longer record headers.
func pcapMagic(head []byte) bool {
	for _, magic := range []string{
		"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1",
		"\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1",
		"\xa1\xb2\xcd\x34", "\x34\xcd\xb2\xa1",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// isJSON reports whether head starts as a JSON object.
func isJSON(head []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{")) }

// savedReport reports whether head starts a JSON object whose "schema" is one
// of finwait's. The key is looked for among the first ones only, since reports
// start with it.
func savedReport(head []byte) bool {
	if !isJSON(head) {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(head))
	if _, err := dec.Token(); err != nil {
		return false
	}
	for range 8 {
		key, err := dec.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return false
		}
		if key == "schema" {
			return bytes.HasPrefix(value, []byte(`"finwait.`))
		}
	}
	return false
}

// foreign names formats that are mistaken for captures or logs, and what to do
// with them; "" when it is none of them.
func foreign(head []byte) string {
	for _, f := range []struct{ magic, what string }{
		{"\xfd7zXZ\x00", "xz compression is not read; run xz -d on it first"},
		{"BZh", "bzip2 compression is not read; run bzip2 -d on it first"},
		{"\x04\x22\x4d\x18", "lz4 compression is not read; run lz4 -d on it first"},
		{"PK\x03\x04", "a zip archive is not read; unpack it first"},
		{"7z\xbc\xaf\x27\x1c", "a 7z archive is not read; unpack it first"},
		{"snoop\x00\x00\x00", "a snoop capture; convert it with editcap -F pcapng"},
		{"XCP\x00", "a NetXRay capture; convert it with editcap -F pcapng"},
		{"TRSNIFF data", "a Sniffer capture; convert it with editcap -F pcapng"},
		{"GMBU", "a Network Monitor capture; convert it with editcap -F pcapng"},
		{"RTSS", "a Network Monitor capture; convert it with editcap -F pcapng"},
		{"\x7fELF", "a program, not a capture or a log"},
		{"\xd3\xee\xac\xe1", "a Zstandard skippable frame without data"},
	} {
		if strings.HasPrefix(string(head[:min(16, len(head))]), f.magic) {
			return f.what
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a tar archive is not read; unpack it first"
	}
	return ""
}

// binaryAt returns the offset of the first byte that a log cannot hold, or -1.
// strace escapes what is not printable, but names of files may be any UTF-8,
// and container logs carry escape sequences for colours.
func binaryAt(head []byte) int {
	for i := 0; i < len(head); {
		c := head[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\x1b' && c != '\f' && c != '\b' {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n == 1 && len(head)-i >= utf8.UTFMax {
			return i
		}
		i += n
	}
	return -1
}

// looksTraced reports whether text holds a line that only strace writes: a
// call with its result, or what becomes of a process. A directory's other text
// files are told from logs by it.
func looksTraced(text []byte) bool {
	for line := range bytes.Lines(text) {
		if bytes.Contains(line, []byte(" <unfinished ...>")) || bytes.Contains(line, []byte(" resumed>")) {
			return true
		}
		if bytes.Contains(line, []byte("+++ exited with ")) || bytes.Contains(line, []byte("+++ killed by SIG")) || bytes.Contains(line, []byte("--- SIG")) {
			return true
		}
		call, result, ok := bytes.Cut(line, []byte(") "))
		if ok && bytes.HasPrefix(bytes.TrimLeft(result, " "), []byte("= ")) && bytes.IndexByte(call, '(') > 0 {
			return true
		}
	}
	return false
}
