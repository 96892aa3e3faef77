package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// streams are where a command reads and writes. Tests give their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	// Without this a closed pipe kills the process in the middle of its work,
	// and a file given with -o would stay half made.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run executes one command line and returns the exit status.
func run(args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	return report(s.err, root.Execute())
}

// newRoot builds the command tree. The root is the same as analyze, so that the
// shortest command line gives the verdict.
func newRoot(s streams) *cobra.Command {
	root := newAnalyze(s)
	root.Use = "finwait INPUT..."
	root.Short = "who closed which connection, why, and how long the other end kept its half open"
	root.Long = `Finwait reads packet captures and strace logs after an incident. It finds the
client closes that follow request timeouts, how long half-closed connections
lingered, and which servers and endpoints cost new connections.

"finwait INPUT..." is the same as "finwait analyze INPUT...". INPUT is a file, a
directory, or - for standard input: pcap, pcapng, an strace log, or a saved JSON
report, plain or compressed with gzip or zstd. What it is, is told from its
content.`
	root.Version = versionText()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate("{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}\n\n{{end}}{{.UsageString}}")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp(root))
	root.AddCommand(newAnalyze(s), newFlows(s), newShow(s), newDiff(s), newExtract(s), newExplain(s), newCompletion(s), newVersion(s))
	return root
}

// usageTemplate lists a command's usage, its subcommands, examples and flags.
const usageTemplate = `Usage:
  {{.UseLine}}
{{- if .HasAvailableSubCommands}}

Commands:
{{- range .Commands}}{{if or .IsAvailableCommand (eq .Name "help")}}
  {{rpad .Name 12}}{{.Short}}{{end}}{{end}}
{{- end}}
{{- if .HasExample}}

Examples:
{{.Example}}
{{- end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 79 | trimTrailingWhitespaces}}
{{- end}}
`
