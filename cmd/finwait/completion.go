package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newCompletion builds the command completion.
func newCompletion(s streams) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "print the completion script for bash, zsh, fish or powershell",
		Long: `Prints a script that completes commands, flags and words.

  bash:        source <(finwait completion bash)
  zsh:         finwait completion zsh > "${fpath[1]}/_finwait"
  fish:        finwait completion fish > ~/.config/fish/completions/finwait.fish
  powershell:  finwait completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch strings.Join(args, " ") {
			case "bash":
				return root.GenBashCompletionV2(s.out, true)
			case "zsh":
				return root.GenZshCompletion(s.out)
			case "fish":
				return root.GenFishCompletion(s.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(s.out)
			}
			return usagef("give one shell: %s", strings.Join(shells, ", "))
		},
	}
}
