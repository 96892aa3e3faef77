package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/term"

	"finwait/cmd/finwait/internal/render"
)

// sink is where a command's result goes. With -o it is a new file beside the
// old one, which takes its place only when the result is complete.
type sink struct {
	io.Writer
	options render.Options
	file    *os.File // nil: standard output
	target  string   // name that file gets at the end
}

// openSink opens the output before any input is read, so that a mistake is not
// noticed only after minutes of work.
func openSink(f *outputFlags, inputs []string, s streams) (*sink, error) {
	if f.file == "" || f.file == "-" {
		return &sink{Writer: s.out, options: screen(s.out, f.color)}, nil
	}
	target := f.file
	if real, err := filepath.EvalSymlinks(target); err == nil {
		target = real
	}
	st, err := os.Stat(target)
	switch {
	case err == nil && st.IsDir():
		return nil, usagef("%s %s: is a directory", f.name(), f.file)
	case err == nil && !st.Mode().IsRegular(): // a device or a pipe cannot be replaced
		file, err := os.OpenFile(target, os.O_WRONLY, 0)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.file, reason(err))
		}
		return &sink{Writer: file, options: screen(file, f.color), file: file}, nil
	}
	if err := refuseInput(f.name()+" "+f.file, st, inputs); err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o666)
	if st != nil {
		mode = st.Mode().Perm()
	}
	file, err := createBeside(target, mode)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.file, reason(err))
	}
	return &sink{Writer: file, options: screen(file, f.color), file: file, target: target}, nil
}

// name is the option that names the output.
func (f *outputFlags) name() string { return cmp.Or(f.option, "-o") }

// refuseInput protects an input from being overwritten by the result. name is
// the output's, with its option.
func refuseInput(name string, output fs.FileInfo, inputs []string) error {
	for _, in := range inputs {
		if st, err := os.Stat(in); output != nil && err == nil && os.SameFile(st, output) {
			return usagef("%s: is also an input", name)
		}
	}
	return nil
}

// createBeside creates a file of an unused name in the directory of target.
func createBeside(target string, mode fs.FileMode) (*os.File, error) {
	for n := 0; ; n++ {
		name := filepath.Join(filepath.Dir(target), fmt.Sprintf(".%s.%d-%d", filepath.Base(target), os.Getpid(), n))
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
	}
}

// finish puts the complete file in its place.
func (s *sink) finish() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	if err := file.Close(); err != nil {
		return fmt.Errorf("%s: %w", s.target, reason(err))
	}
	if s.target != "" {
		if err := os.Rename(file.Name(), s.target); err != nil {
			return fmt.Errorf("%s: %w", s.target, reason(err))
		}
	}
	s.file = nil
	return nil
}

// discard removes what was begun; after finish it does nothing.
func (s *sink) discard() {
	if s.file == nil {
		return
	}
	s.file.Close()
	if s.target != "" {
		os.Remove(s.file.Name())
	}
}

// reason is the bare cause of a failed file operation; the caller names the file.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

// screen finds out what the reader's end can show.
//
//	width    COLUMNS, else the terminal's, else 80
//	colour   --color; in auto NO_COLOR, then CLICOLOR_FORCE, then whether it is a terminal
//	Unicode  only on a terminal (or with --color always) whose locale is UTF-8
func screen(w io.Writer, color string) render.Options {
	o := render.Options{Width: render.DefaultWidth}
	terminal := false
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		terminal = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			o.Width = width
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		o.Width = n
	}
	dumb := os.Getenv("TERM") == "dumb"
	force := os.Getenv("CLICOLOR_FORCE")
	switch {
	case color == "always":
		o.Color = true
	case color == "never" || os.Getenv("NO_COLOR") != "":
	case force != "" && force != "0":
		o.Color = true
	default:
		o.Color = terminal && !dumb
	}
	o.Unicode = (terminal && !dumb || color == "always") && utf8Locale()
	return o
}

// utf8Locale reports whether the environment asks for UTF-8, by the variables
// in the order that setlocale(3) has.
func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}
