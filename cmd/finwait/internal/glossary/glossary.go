// Package glossary says what the words of the output mean, what usually makes
// them appear, and what to do about it.
package glossary

import "strings"

// Kind groups words.
type Kind string

// The kinds, in the order in which lists show them.
const (
	Cause     Kind = "cause of a close"
	State     Kind = "TCP state (RFC 9293)"
	Finding   Kind = "finding"
	Basis     Kind = "basis of a timer"
	Stall     Kind = "stall"
	Phase     Kind = "phase of a request"
	Ending    Kind = "end of a half-close"
	Column    Kind = "column or field"
	Note      Kind = "note of a connection"
	Elsewhere Kind = "word of another system"
	Verdict   Kind = "verdict of a comparison"
	Guide     Kind = "guide"
)

// Kinds lists them in that order.
func Kinds() []Kind {
	return []Kind{Cause, State, Finding, Basis, Stall, Phase, Ending, Column, Note, Elsewhere, Verdict, Guide}
}

// Entry explains one word.
type Entry struct {
	Word    string
	Kind    Kind
	Aliases []string // other words that lead here
	Short   string   // one line, for lists
	Means   string
	Usually string // what makes it; may be empty
	Do      string // what to do; may be empty
	See     []string
	// Verbatim are lines that are printed as they stand, such as commands.
	Verbatim []string
}

// Entries lists all words, by kind.
func Entries() []Entry {
	var all []Entry
	for _, part := range [][]Entry{causes(), states(), findings(), timing(), columns(), notes(), elsewhere(), verdicts(), guides()} {
		all = append(all, part...)
	}
	var sorted []Entry
	for _, k := range Kinds() {
		for _, e := range all {
			if e.Kind == k {
				sorted = append(sorted, e)
			}
		}
	}
	return sorted
}

// Lookup finds the entries for a word: all those whose word it is, else those
// that have it as an alias. Letter case, and blanks or underscores instead of
// hyphens, do not matter, except between words that differ in case only
// (HAProxy's cD and CD).
func Lookup(word string) []Entry {
	var exact, named, aliased []Entry
	key := fold(word)
	for _, e := range Entries() {
		switch {
		case e.Word == word:
			exact = append(exact, e)
		case fold(e.Word) == key:
			named = append(named, e)
		case contains(e.Aliases, key):
			aliased = append(aliased, e)
		}
	}
	switch {
	case exact != nil:
		return exact
	case named != nil:
		return named
	}
	return aliased
}

// Words lists every word and alias.
func Words() []string {
	var all []string
	for _, e := range Entries() {
		all = append(all, e.Word)
		all = append(all, e.Aliases...)
	}
	return all
}

// fold makes spellings of one word equal.
func fold(s string) string {
	return strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(strings.TrimSpace(s)))
}

func contains(words []string, key string) bool {
	for _, w := range words {
		if fold(w) == key {
			return true
		}
	}
	return false
}
