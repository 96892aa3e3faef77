// Package syscalls writes big, seeded strace logs of made-up programs of
// several runtimes, of which the truth is known: for benchmarks, and to try
// the reading of logs whose calls are mostly split in two halves.
//
// Every process runs a script of calls with their durations; the calls of all
// threads are merged by time, and a call that another line interrupts is
// printed in halves, as strace -f -ttt -o FILE does.
//
// Limitations: times are rounder and programs more regular than real ones; no
// process forks, and no descriptor passes between processes.
package syscalls

import (
	"bufio"
	"container/heap"
	"io"
	"math/rand/v2"
)

// Config says what to write. The zero value of a field is its default.
type Config struct {
	Bytes   int64  // about how long the log becomes; default 10 MB
	Seed    uint64 // of everything random
	AtOnce  int    // processes that run at a time; the more, the more calls are split; default 80
	Servers int    // addresses that the programs talk to; default 40
	Short   bool   // every connection carries one request, and none times out
}

// Totals is the truth about what was written.
type Totals struct {
	Bytes       int64
	Lines       int64
	Halves      int64 // lines that end in <unfinished ...>
	Processes   int
	Connections int // that programs made
	Timeouts    int // that they closed because a request timed out
}

// start is when every log begins, in microseconds since the epoch.
const start = int64(1795384781) * 1e6

// WriteStrace writes a log to w.
func WriteStrace(w io.Writer, c Config) (Totals, error) {
	if c.Bytes == 0 {
		c.Bytes = 10 << 20
	}
	if c.AtOnce == 0 {
		c.AtOnce = 80
	}
	if c.Servers == 0 {
		c.Servers = 40
	}
	g := &generator{
		out: bufio.NewWriterSize(w, 1<<20), rnd: rand.New(rand.NewPCG(c.Seed, 0x5eed)), config: c,
		now: start, pid: 1000, port: 20000,
	}
	for range c.AtOnce {
		g.launch()
	}
	g.run()
	return g.total, g.out.Flush()
}

// call is one system call of a script.
type call struct {
	wait int64  // microseconds of computing before it
	took int64  // microseconds in the kernel
	name string // with its opening bracket: "read("
	head string // the arguments that are printed when it begins
	rest string // what is printed when it ends: the other arguments, bracket and result
}

// thread runs a script.
type thread struct {
	tid    int
	script []call
	at     int   // index of the next call, or of the one being made
	inside bool  // in the kernel
	when   int64 // of its next event
	proc   *process
}

// process is a program that runs.
type process struct {
	threads int
	monitor *thread // waits for clone3; nil without one
	over    bool    // exit_group was called
}

// generator is the state of one log.
type generator struct {
	out    *bufio.Writer
	rnd    *rand.Rand
	config Config
	total  Totals
	now    int64
	pid    int
	port   int
	queue  threads
	line   []byte
}

// run prints events in the order of time until the log is long enough, and
// then lets the processes that run come to their ends.
func (g *generator) run() {
	for len(g.queue) > 0 {
		t := g.queue[0]
		g.now = max(g.now, t.when)
		if !g.step(t) {
			heap.Pop(&g.queue)
			if t.proc.threads--; t.proc.threads == 0 && g.total.Bytes < g.config.Bytes {
				g.launch()
			}
			continue
		}
		heap.Fix(&g.queue, 0)
	}
}

// step prints the next event of a thread, and reports whether there is more.
func (g *generator) step(t *thread) bool {
	if t.at == len(t.script) || t.proc.over && !t.inside {
		g.print(t, "+++ exited with 0 +++", "", "")
		return false
	}
	c := &t.script[t.at]
	if !t.inside {
		end := g.now + c.took
		if g.next(t) > end {
			g.print(t, c.name, c.head, c.rest)
			g.leave(t, end)
			return true
		}
		g.print(t, c.name, c.head, " <unfinished ...>")
		g.total.Halves++
		t.inside, t.when = true, end
		return true
	}
	g.print(t, "<... ", c.name[:len(c.name)-1], " resumed>"+c.rest)
	t.inside = false
	g.leave(t, g.now)
	return true
}

// next returns when the first event of another thread is.
func (g *generator) next(t *thread) int64 {
	first := int64(1) << 62
	for i := 1; i < min(3, len(g.queue)); i++ {
		first = min(first, g.queue[i].when)
	}
	return first
}

// leave moves a thread on behind a call that ended at end.
func (g *generator) leave(t *thread, end int64) {
	switch m := t.proc.monitor; t.script[t.at].name {
	case "clone3(":
		m.when = end + 50
		heap.Push(&g.queue, m)
	case "exit_group(":
		t.proc.over = true
	}
	t.at++
	t.when = end
	if t.at < len(t.script) {
		t.when += t.script[t.at].wait
	}
}

// print writes a line.
func (g *generator) print(t *thread, a, b, c string) {
	p := g.line[:0]
	p = number(p, t.tid)
	for len(p) < 5 {
		p = append(p, ' ')
	}
	p = append(p, ' ')
	p = number(p, int(g.now/1e6))
	p = append(p, '.')
	micro := g.now % 1e6
	for d := int64(1e5); d > 0; d /= 10 {
		p = append(p, byte('0'+micro/d%10))
	}
	p = append(p, ' ')
	p = append(append(append(p, a...), b...), c...)
	p = append(p, '\n')
	g.line = p
	g.total.Bytes += int64(len(p))
	g.total.Lines++
	g.out.Write(p) // the error stays with the writer until Flush
}

func number(p []byte, n int) []byte {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return append(p, digits[i:]...)
		}
	}
}

// threads is a heap by time, then by number.
type threads []*thread

func (h threads) Len() int { return len(h) }
func (h threads) Less(i, j int) bool {
	if h[i].when != h[j].when {
		return h[i].when < h[j].when
	}
	return h[i].tid < h[j].tid
}
func (h threads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *threads) Push(x any)   { *h = append(*h, x.(*thread)) }
func (h *threads) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}
