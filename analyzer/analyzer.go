package analyzer

import (
	"io"
	"time"

	"finwait/analyzer/event"
)

// Options are what the user may say about an analysis. The zero value is usable.
type Options struct {
	Timeouts   []time.Duration // client timeouts that are known to be configured
	FinTimeout time.Duration   // tcp_fin_timeout of the closing side; 0 is 60 s
	TimeWait   time.Duration   // how long a socket stays in TIME-WAIT; 0 is 60 s
	From, To   Bound           // the time window; zero values are open
	Jobs       int             // goroutines that follow connections; 0 or 1 is one goroutine for everything
	Version    string          // of the program, for the report
}

// Bound is an end of the time window: absolute, or relative to the first
// packet. The zero value is no bound.
type Bound struct {
	At       event.Time // absolute, when Set and not Relative
	After    time.Duration
	Set      bool
	Relative bool
}

// time is the bound for an input that starts at start.
func (b Bound) time(start event.Time) event.Time {
	if b.Relative {
		return start.Add(b.After)
	}
	return b.At
}

// defaults fills in what was left zero.
func (o Options) defaults() Options {
	if o.FinTimeout == 0 {
		o.FinTimeout = 60 * time.Second
	}
	if o.TimeWait == 0 {
		o.TimeWait = 60 * time.Second
	}
	o.Jobs = max(1, o.Jobs)
	return o
}

// Source is a capture that is being read.
type Source interface {
	// Next fills the batch with the segments that follow, or returns io.EOF.
	Next(*event.Batch) error
	// Input says what was read so far.
	Input() event.Input
	// Problems are what could not be read, so far.
	Problems() []event.Problem
}

// Analyzer takes inputs and concludes. Feed it with Capture, then call Finish
// once. It is not safe for concurrent use.
type Analyzer struct {
	opts     Options
	views    []*view
	inputs   []event.Input
	problems []event.Problem
}

// New returns an analyzer without any input.
func New(opts Options) *Analyzer { return &Analyzer{opts: opts.defaults()} }

// view is what one host, or one capture point, saw: one stream of segments.
type view struct {
	shards     [shards]*shard
	start, end event.Time                // of the segments in the time window; NoTime before the first
	hosts      map[event.Endpoint]string // names that DNS answers gave
	clock      clock
	window     window
	before     bool    // segments before the window were left out
	behind     bool    // segments behind it were
	undated    bool    // times are right up to an unknown offset, as in a log without dates
	input      uint16  // of the first segment
	log        *logged // what an strace log came to; nil for captures
	answers    bool    // a segment other than a client's SYN was seen
}

// NewView begins the stream of another host or capture point and returns its
// number. Rotated files of one host belong to one view.
func (a *Analyzer) NewView() int {
	no := event.NoTime
	v := &view{start: no, end: no, hosts: map[event.Endpoint]string{}, input: uint16(len(a.inputs)),
		clock: clock{first: no, last: no, prev: no}}
	for i := range v.shards {
		v.shards[i] = newShard()
		v.shards[i].windowed = a.opts.From.Set || a.opts.To.Set
	}
	a.views = append(a.views, v)
	return len(a.views) - 1
}

// Capture reads src to its end into a view. The error is that of reading;
// what was read before it counts.
func (a *Analyzer) Capture(viewNumber int, src Source) error {
	v := a.views[viewNumber]
	var err error
	if a.opts.Jobs == 1 {
		err = a.sequential(v, src)
	} else {
		err = a.parallel(v, src)
	}
	a.inputs = append(a.inputs, src.Input())
	a.problems = append(a.problems, src.Problems()...)
	return err
}

// sequential reads and follows in one goroutine.
func (a *Analyzer) sequential(v *view, src Source) error {
	var j job
	for {
		err := src.Next(&j.batch)
		if err != nil && err != io.EOF {
			return err
		}
		v.observe(&j, &a.opts)
		for k := range v.shards {
			v.shards[k].follow(&j, k)
		}
		if err == io.EOF {
			return nil
		}
	}
}

// observe takes the times and names of a job's batch, and tells which of its
// segments are of each shard. It is one pass, for the segments of a batch do
// not fit the nearest cache.
func (v *view) observe(j *job, opts *Options) {
	b := &j.batch
	for k := range j.parts {
		j.parts[k] = j.parts[k][:0]
	}
	for i := range b.Segments {
		s := &b.Segments[i]
		v.clock.read(s, b.Segments[i+1:])
		if !v.start.Known() {
			v.window = opts.window(v.clock.first)
		}
		v.answers = v.answers || s.Flags != event.SYN
		switch t := s.Time; {
		case v.window.early(t):
			v.before = true
			continue
		case v.window.late(t):
			v.behind = true
			continue
		case t.Known() && !v.start.Known():
			v.start, v.end = t, t
		default:
			v.end = max(v.end, t)
		}
		k := shardOf(s.Hash)
		j.parts[k] = append(j.parts[k], uint16(i))
	}
	j.end = v.end
	for _, n := range b.Names {
		if len(v.hosts) < maxHosts {
			v.hosts[n.Addr] = n.Host
		}
	}
}

// maxHosts bounds the names that are remembered.
const maxHosts = 1 << 16
