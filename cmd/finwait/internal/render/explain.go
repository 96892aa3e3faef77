package render

import (
	"io"
	"strings"

	"finwait/cmd/finwait/internal/glossary"
)

// Explain writes what words mean.
func Explain(w io.Writer, entries []glossary.Entry, o Options) error {
	p := &page{s: newStyle(o), width: min(o.width(), 100)}
	for i := range entries {
		if i > 0 {
			p.line()
		}
		p.entry(&entries[i])
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// entry writes one word.
func (p *page) entry(e *glossary.Entry) {
	p.line(p.s.title.Render(e.Word), "  ", p.s.quiet.Render(string(e.Kind)))
	p.line()
	const label = 9
	p.labelled(2, "", 0, e.Means)
	p.labelled(2, "usually", label, e.Usually)
	if len(e.Verbatim) > 0 {
		p.line()
		for _, l := range e.Verbatim {
			p.line("  ", l)
		}
		p.line()
	}
	p.labelled(2, "do", label, e.Do)
	if len(e.See) > 0 {
		p.labelled(2, "see", label, strings.Join(e.See, ", "))
	}
}

// Words writes all words with a line each, by kind.
func Words(w io.Writer, entries []glossary.Entry, o Options) error {
	p := &page{s: newStyle(o), width: o.width()}
	for i := 0; i < len(entries); {
		last := i
		for last < len(entries) && entries[last].Kind == entries[i].Kind {
			last++
		}
		if i > 0 {
			p.line()
		}
		p.words(entries[i:last])
		i = last
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// words writes the words of one kind.
func (p *page) words(entries []glossary.Entry) {
	width := 0
	for i := range entries {
		width = max(width, cells(entries[i].Word))
	}
	p.line(p.s.title.Render(string(entries[0].Kind)))
	for i := range entries {
		for k, l := range wrap(entries[i].Short, p.width-width-4) {
			word := entries[i].Word
			if k > 0 {
				word = ""
			}
			p.line("  ", p.s.strong.Render(pad(word, width)), "  ", l)
		}
	}
}
