package strace

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"testing"
)

// TestWrappers wraps a log as shippers and copies do, and reads the same calls.
func TestWrappers(t *testing.T) {
	text := samples(t)["go-terminal.strace"]
	plain := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	each := func(f func(i int, line string) string) []string {
		out := make([]string, len(plain))
		for i, line := range plain {
			out[i] = f(i, line)
		}
		return out
	}
	stamp := func(i int) string { return fmt.Sprintf("2026-11-22T21:59:%02d.%09dZ", i/1000, i%1000*1000) }
	for name, lines := range map[string][]string{
		"CRLF":      each(func(_ int, l string) string { return l + "\r" }),
		"kubectl":   each(func(i int, l string) string { return "[pod/api-7c9f/debugger-x2x] " + stamp(i) + " " + l }),
		"docker -t": each(func(i int, l string) string { return stamp(i) + " " + l }),
		"compose":   each(func(_ int, l string) string { return "api-1  | " + l }),
		"compose in colour": each(func(_ int, l string) string {
			return "\x1b[36mapi-1  | \x1b[0m" + l
		}),
		"json-file": each(func(i int, l string) string {
			b, err := json.Marshal(map[string]string{"log": l + "\n", "stream": "stderr", "time": stamp(i)})
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}),
		"JSON of a shipper": each(func(i int, l string) string {
			b, err := json.Marshal(map[string]string{"message": l, "host": "a", "@timestamp": stamp(i)})
			if err != nil {
				t.Fatal(err)
			}
			return strings.ReplaceAll(string(b), `":"`, `": "`)
		}),
		"logfmt": each(func(i int, l string) string {
			return fmt.Sprintf("ts=%s level=info msg=%q", stamp(i), l)
		}),
		"cat -n":           each(func(i int, l string) string { return fmt.Sprintf("%6d\t%s", i+1, l) }),
		"less -N":          each(func(i int, l string) string { return fmt.Sprintf("%7d %s", i+1, l) }),
		"kubetail":         each(func(_ int, l string) string { return "[api-7c9f] " + l }),
		"stern":            each(func(_ int, l string) string { return "api-7c9f debugger " + l }),
		"stern with times": each(func(i int, l string) string { return "api-7c9f debugger " + stamp(i) + " " + l }),
		"CRI": each(func(i int, l string) string {
			if len(l) > 90 {
				return stamp(i) + " stderr P " + l[:50] + "\n" + stamp(i) + " stderr F " + l[50:]
			}
			return stamp(i) + " stderr F " + l
		}),
		"journal":     each(func(_ int, l string) string { return "Nov 22 21:59:58 host strace[4242]: " + l }),
		"ISO journal": each(func(_ int, l string) string { return "2026-11-22T21:59:58+0000 host strace[4242]: " + l }),
		"grep -n":     each(func(i int, l string) string { return fmt.Sprintf("%d:%s", i+1, l) }),
		"grep -H -n":  each(func(i int, l string) string { return fmt.Sprintf("client.strace:%d:%s", i+1, l) }),
		"quotation":   each(func(_ int, l string) string { return "> " + l }),
		"Markdown":    append(append([]string{"Here is the log:", "", "```"}, plain...), "```", "Any idea?"),
		"indentation": each(func(_ int, l string) string { return "    " + l }),
		"HTML":        append(append([]string{"<pre><code>"}, each(func(_ int, l string) string { return html.EscapeString(l) })...), "</code></pre>"),
		"typography":  each(func(_ int, l string) string { return curly(l) }),
		"80 columns": each(func(_ int, l string) string {
			var out []string
			for len(l) > 80 {
				out, l = append(out, l[:80]), l[80:]
			}
			return strings.Join(append(out, l), "\n")
		}),
		"output between": each(func(i int, l string) string {
			if i%7 == 0 && strings.HasPrefix(l, "[pid") {
				return "INFO request done\n" + l
			}
			return l
		}),
	} {
		want, _ := readAll(t, text, Options{})
		calls, r := readAll(t, strings.Join(lines, "\n")+"\n", Options{stretch: 8 << 10})
		if len(calls) != len(want) {
			t.Errorf("%s: %d calls, want %d (%v)", name, len(calls), len(want), r.Problems())
			continue
		}
		for i := range calls {
			a, b := calls[i], want[i]
			a.At, a.End, b.At, b.End = 0, 0, 0, 0
			if show(&a) != show(&b) {
				t.Errorf("%s: %s, want %s", name, show(&a), show(&b))
				break
			}
		}
	}
}

// curly does to quotes and dots what a blog does.
func curly(line string) string {
	var w strings.Builder
	open := true
	for _, c := range line {
		switch {
		case c == '"' && open:
			w.WriteString("\u201c")
			open = false
		case c == '"':
			w.WriteString("\u201d")
			open = true
		default:
			w.WriteRune(c)
		}
	}
	return strings.ReplaceAll(w.String(), "...", "\u2026")
}
