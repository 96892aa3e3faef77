package main

// The voice: every failure is one line on standard error,
//
//	finwait: FILE: what is wrong (where); what to do
//
// in lower case and without a full stop. Results go to standard output;
// progress and warnings go to standard error. Text from inputs is printed
// without its control characters.

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit statuses.
const (
	exitDone    = 0
	exitHolds   = 1 // what --fail-on asks for holds
	exitUsage   = 2
	exitFailure = 3 // no input could be read, or the output not written; under --strict, any damage
)

// usageError is a command line that cannot be obeyed. Its text says why, and
// what would be right.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// holdsError says that a condition of --fail-on holds.
type holdsError struct{ text string }

func (e *holdsError) Error() string { return e.text }

// report prints err, if there is one, and returns the exit status.
func report(w io.Writer, err error) int {
	var usage *usageError
	var holds *holdsError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, syscall.EPIPE):
		return exitDone // the reader has what it wanted
	case errors.As(err, &usage):
		complain(w, "%v", err)
		return exitUsage
	case errors.As(err, &holds):
		complain(w, "%v", err)
		return exitHolds
	}
	complain(w, "%v", err)
	return exitFailure
}

// complain prints one line in the program's name.
func complain(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "finwait: %s\n", oneLine(fmt.Sprintf(format, args...)))
}

// oneLine keeps a message on its line and the terminal safe, whatever a file
// name or an input holds.
func oneLine(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(strings.TrimSpace(text), "\ufffd") {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// flagError says what is wrong with a flag in the program's own words.
func flagError(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &missing):
		return unknownFlag(cmd, missing)
	case errors.As(err, &empty):
		return usagef("%s needs a value; see %s --help", flagName(empty.GetFlag()), cmd.CommandPath())
	case errors.As(err, &invalid):
		return usagef("%s %q: %v", flagName(invalid.GetFlag()), invalid.GetValue(), errors.Unwrap(invalid))
	}
	return usagef("%v; see %s --help", err, cmd.CommandPath())
}

// unknownFlag names the flag that was probably meant.
func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	name := e.GetSpecifiedName()
	if short := e.GetSpecifiedShortnames(); short != "" {
		return usagef("unknown flag -%s; see %s --help", name[:1], cmd.CommandPath())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := nearest(name, names); near != "" {
		return usagef("unknown flag --%s; did you mean --%s?", name, near)
	}
	return usagef("unknown flag --%s; see %s --help", name, cmd.CommandPath())
}

// flagName is a flag as it is typed.
func flagName(f *pflag.Flag) string {
	if len(f.Name) == 1 {
		return "-" + f.Name
	}
	return "--" + f.Name
}

// nearest finds the word that a mistyped one was probably meant to be; empty
// when none is close.
func nearest(word string, words []string) string {
	best, least := "", len(word)/3+1
	for _, w := range words {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d <= least && (best == "" || d < least) {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, change, or swap with
// their neighbour to turn a into b (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
