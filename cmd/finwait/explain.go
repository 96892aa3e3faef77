package main

import (
	"strings"

	"github.com/spf13/cobra"

	"finwait/cmd/finwait/internal/glossary"
	"finwait/cmd/finwait/internal/render"
)

// newExplain builds the command explain.
func newExplain(s streams) *cobra.Command {
	color := "auto"
	cmd := &cobra.Command{
		Use:   "explain [WORD]",
		Short: "what a word of the output means, what usually makes it, what to do",
		Long: `Explains a cause, a TCP state, a finding, a column, or a word that another system
uses for the same event: nginx 499, HAProxy cD, Envoy DC, ALB 460, Go's error
texts. Without a word it lists all of them.

"finwait explain capture" prints the commands to record the next incident with.`,
		Example: `  finwait explain request-timeout
  finwait explain 499
  finwait explain capture`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return glossary.Words(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().StringVar(&color, "color", color, "`WHEN` to use colours: auto, always, never")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if err := (&outputFlags{color: color, format: "text"}).check([]string{"text"}); err != nil {
			return err
		}
		return explain(strings.Join(args, " "), screen(s.out, color), s)
	}
	return cmd
}

// explain writes the entries of a word, or the list of all words.
func explain(word string, o render.Options, s streams) error {
	if word == "" {
		return render.Words(s.out, glossary.Entries(), o)
	}
	entries := glossary.Lookup(word)
	if entries == nil {
		if near := nearest(word, glossary.Words()); near != "" {
			return usagef("%q is not explained; did you mean %s? finwait explain lists all words", word, near)
		}
		return usagef("%q is not explained; finwait explain lists all words", word)
	}
	return render.Explain(s.out, entries, o)
}
