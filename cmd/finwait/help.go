package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newHelp builds the command help.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "how a command is used",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd := root
			if len(args) > 0 {
				cmd = commandNamed(root, args[0])
			}
			if cmd == nil {
				return usagef("%q is no command; there is %s (finwait explain %s says what a word means)",
					args[0], strings.Join(commandNames(root), ", "), args[0])
			}
			return cmd.Help()
		},
	}
}

// commandNamed finds a command; nil when there is none.
func commandNamed(root *cobra.Command, name string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

// commandNames lists the commands that help shows.
func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			names = append(names, c.Name())
		}
	}
	return names
}
