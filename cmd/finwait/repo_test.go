package main

import (
	"bytes"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the repository's top folder.
const root = "../.."

// goFiles lists all Go files of the repository, relative to root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "testdata" || strings.HasPrefix(name, ".") && path != root) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatal("no Go files: ", err)
	}
	return files
}

// imports lists what a file imports.
func imports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, path)
	}
	return list
}

// TestImportDirections walks the imports of all files that are not tests. They
// go one way: cmd -> render -> analyzer, cmd -> parsers -> analyzer/event,
// analyzer -> conn, exchange, socket, stat -> event.
func TestImportDirections(t *testing.T) {
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, path := range imports(t, file) {
			if why := forbidden(file, path); why != "" {
				t.Errorf("%s imports %s: %s", file, path, why)
			}
		}
	}
}

// forbidden says why a file must not import a path; empty when it may.
func forbidden(file, path string) string {
	in := func(dir string) bool { return strings.HasPrefix(file, dir+"/") }
	of := func(prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
	switch {
	case in("analyzer/event") && strings.Contains(path, "/") && (of("finwait") || strings.Contains(path, ".")):
		return "event needs the standard library only"
	case in("analyzer/stat") && of("finwait"):
		return "stat knows nothing of connections"
	case in("analyzer") && slices.Contains([]string{"os", "flag", "os/exec", "net"}, path):
		return "the analyzer knows no files and no terminal"
	case in("analyzer") && (of("finwait/parsers") || of("finwait/cmd") || of("github.com/google/gopacket")):
		return "the analyzer knows events only"
	case in("analyzer/conn") && of("finwait/analyzer/socket"), in("analyzer/exchange") && (of("finwait/analyzer/conn") || of("finwait/analyzer/socket")):
		return "imports among the analyzer's parts go socket -> conn -> exchange -> event"
	case (in("analyzer/conn") || in("analyzer/exchange") || in("analyzer/socket")) && path == "finwait/analyzer":
		return "the parts do not know the whole"
	case in("parsers") && of("finwait") && !of("finwait/parsers") && path != "finwait/analyzer/event":
		return "parsers know nothing of verdicts"
	case of("github.com/charmbracelet/lipgloss") && !in("cmd/finwait/internal/render"):
		return "only render knows lipgloss"
	case of("finwait/parsers") && in("cmd/finwait/internal"):
		return "only the command itself reads inputs"
	case path == "github.com/google/gopacket/pcap" && file != "parsers/capture/filter_libpcap.go":
		return "libpcap is used in one file"
	}
	return ""
}

// TestForbidden proves that the rules catch what they are meant to.
func TestForbidden(t *testing.T) {
	for _, c := range [][2]string{
		{"analyzer/verdict.go", "os"},
		{"analyzer/verdict.go", "finwait/parsers"},
		{"analyzer/event/time.go", "finwait/analyzer"},
		{"analyzer/conn/conn.go", "finwait/analyzer"},
		{"parsers/parsers.go", "finwait/analyzer"},
		{"parsers/capture/tcp.go", "github.com/google/gopacket/pcap"},
		{"cmd/finwait/flows.go", "github.com/charmbracelet/lipgloss"},
	} {
		if forbidden(c[0], c[1]) == "" {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
}

// TestDependencies allows direct dependencies by name.
func TestDependencies(t *testing.T) {
	allowed := []string{
		"github.com/aclements/go-moremath", "github.com/charmbracelet/lipgloss", "github.com/charmbracelet/x/ansi",
		"github.com/google/gopacket", "github.com/klauspost/compress", "github.com/muesli/termenv",
		"github.com/rogpeppe/go-internal", "github.com/spf13/cobra", "github.com/spf13/pflag",
		"golang.org/x/crypto", "golang.org/x/net", "golang.org/x/sys", "golang.org/x/term",
	}
	for _, file := range goFiles(t) {
		for _, path := range imports(t, file) {
			first, _, _ := strings.Cut(path, "/")
			if !strings.Contains(first, ".") {
				continue
			}
			if !slices.ContainsFunc(allowed, func(a string) bool { return path == a || strings.HasPrefix(path, a+"/") }) {
				t.Errorf("%s imports %s, which is not an allowed dependency", file, path)
			}
		}
	}
}

func TestFormat(t *testing.T) {
	for _, file := range goFiles(t) {
		src, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		want, err := format.Source(src)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if !bytes.Equal(src, want) {
			t.Errorf("%s is not formatted; run gofmt -w", file)
		}
	}
}

// TestGo runs the checks of the Go command that need no network once the
// modules are there.
func TestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, args := range [][]string{{"mod", "tidy", "-diff"}, {"vet", "./..."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
