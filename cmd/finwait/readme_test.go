package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// TestReadme runs the commands of README.md's console blocks and compares what
// they print. With -update it writes what they print.
func TestReadme(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "finwait"), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(root, "README.md")
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	inside, commands := false, 0
	for line := range strings.Lines(string(old)) {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = strings.TrimSpace(line) == "```console"
			b.WriteString(line)
		case !inside:
			b.WriteString(line)
		case strings.HasPrefix(line, "$ "):
			b.WriteString(line)
			cmd := exec.Command(bash, "-c", strings.TrimPrefix(line, "$ "))
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "COLUMNS=80", "NO_COLOR=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s%v", line, err)
			}
			b.Write(out)
			commands++
		}
	}
	if commands == 0 {
		t.Fatal("README.md has no console block")
	}
	if got := b.String(); *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != string(old) {
		t.Errorf("%s", diff.Diff("README.md", old, "as run", []byte(got)))
	}
}

// TestReadmeCommands proves that the first code block is the two commands: one
// that reads a sample, one that runs the tests.
func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```sh\n")
	block, _, ok := strings.Cut(rest, "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if !ok || len(lines) != 2 || lines[1] != "go test ./..." {
		t.Fatalf("the first code block must be two commands, is %q", block)
	}
	_, run, _ := strings.Cut(lines[0], "go run ./cmd/finwait ")
	if _, err := os.Stat(filepath.Join(root, run)); err != nil {
		t.Errorf("the first command reads %q: %v", run, err)
	}
}
