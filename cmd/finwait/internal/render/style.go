package render

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// style is how the parts of a text look, named for what they mean. The sixteen
// colours of the terminal's own theme are used, since only they are sure to be
// readable on its background.
type style struct {
	title    lipgloss.Style // headings
	quiet    lipgloss.Style // labels, units, what may be skipped
	bad      lipgloss.Style // numbers that make the incident
	warn     lipgloss.Style
	good     lipgloss.Style
	strong   lipgloss.Style
	chart    lipgloss.Style
	ellipsis string
	unicode  bool
}

// newStyle pins the colour profile, because a renderer left to itself asks the
// environment (CLICOLOR_FORCE colours even a file).
func newStyle(o Options) style {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetHasDarkBackground(true)
	r.SetColorProfile(termenv.Ascii)
	if o.Color {
		r.SetColorProfile(termenv.ANSI)
	}
	s := style{
		title:    r.NewStyle().Bold(true),
		quiet:    r.NewStyle().Faint(true),
		bad:      r.NewStyle().Foreground(lipgloss.Color("1")).Bold(true),
		warn:     r.NewStyle().Foreground(lipgloss.Color("3")),
		good:     r.NewStyle().Foreground(lipgloss.Color("2")),
		strong:   r.NewStyle().Bold(true),
		chart:    r.NewStyle().Foreground(lipgloss.Color("6")),
		ellipsis: "...",
		unicode:  o.Unicode,
	}
	if o.Unicode {
		s.ellipsis = "…"
	}
	return s
}
