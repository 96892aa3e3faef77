package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"finwait/parsers"
)

// progressDelay is how long reading must have taken before a bar is worth
// looking at.
const progressDelay = time.Second

// progress draws a bar on standard error while inputs are read. A nil progress
// draws nothing.
type progress struct {
	out     *os.File
	total   int64 // bytes of all inputs as stored; 0 unknown
	done    atomic.Int64
	current atomic.Pointer[parsers.Source]
	quit    chan struct{}
	over    sync.WaitGroup
	once    sync.Once
}

// startProgress begins to draw, when standard error is a terminal.
func startProgress(inputs []*input, off bool, s streams) *progress {
	out, ok := s.err.(*os.File)
	if off || !ok || !term.IsTerminal(int(out.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	p := &progress{out: out, quit: make(chan struct{})}
	for _, in := range inputs {
		if in.size == 0 {
			p.total = 0
			break
		}
		p.total += in.size
	}
	p.over.Go(p.draw)
	return p
}

// follow counts the bytes of another input; the one before is complete.
func (p *progress) follow(src *parsers.Source) {
	if p == nil {
		return
	}
	if last := p.current.Swap(src); last != nil {
		p.done.Add(last.Offset())
	}
}

// draw repaints until stop, and leaves an empty line behind.
func (p *progress) draw() {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	start, drawn := time.Now(), false
	for {
		select {
		case <-p.quit:
			if drawn {
				fmt.Fprint(p.out, "\r\x1b[K")
			}
			return
		case <-tick.C:
			if time.Since(start) > progressDelay {
				drawn = true
				fmt.Fprintf(p.out, "\r\x1b[K%s", p.text())
			}
		}
	}
}

// text is the bar as it stands, short enough for a narrow terminal.
func (p *progress) text() string {
	n := p.done.Load()
	if src := p.current.Load(); src != nil {
		n += src.Offset()
	}
	if p.total == 0 {
		return fmt.Sprintf("read %d MB", n>>20)
	}
	const width = 30
	filled := int(min(n, p.total) * width / p.total)
	bar := make([]byte, width)
	for i := range bar {
		bar[i] = ' '
		if i < filled {
			bar[i] = '='
		}
	}
	return fmt.Sprintf("[%s] %d%% of %d MB", bar, min(n, p.total)*100/p.total, p.total>>20)
}

// stop clears the bar.
func (p *progress) stop() {
	if p == nil {
		return
	}
	p.once.Do(func() {
		close(p.quit)
		p.over.Wait()
	})
}
