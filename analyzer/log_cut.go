package analyzer

import (
	"finwait/analyzer/event"
	"finwait/analyzer/socket"
)

// logCut cuts a log to the time window, as captures are cut: what was open
// before it is found in the middle, and what comes behind it is not read. The
// calls before it tell only what the descriptors are.
type logCut struct {
	opts      *Options
	restarted func() // called when the window begins

	window window
	ready  bool // window is set
	inside bool // the window has begun
	before bool // calls before the window were left out
	behind bool // calls behind it were
}

// uncutError says why a log cannot be cut to the time window. Nothing of the log
// counts then.
type uncutError string

func (e uncutError) Error() string { return string(e) }

// read gives the calls of a log that lie in the window to log. It returns
// io.EOF at the log's end, an uncutError, or what went wrong in reading.
func (k *logCut) read(src CallSource, log *socket.Log) error {
	k.window = window{event.NoTime, event.NoTime}
	cuts := k.opts.From.Set || k.opts.To.Set
	var b event.CallBatch
	for {
		err := src.Next(&b)
		if err != nil {
			if k.before && !k.inside {
				k.restart(log)
			}
			return err
		}
		if !cuts {
			log.Add(&b)
			continue
		}
		if !k.ready {
			if err := k.start(src); err != nil {
				return err
			}
		}
		k.add(&b, log)
	}
}

// start places the window. A log without times has no place for one, and one
// without dates only for one that counts from its first line.
func (k *logCut) start(src CallSource) error {
	in := src.Inputs()[0]
	trace := src.Trace()
	absolute := k.opts.From.Set && !k.opts.From.Relative || k.opts.To.Set && !k.opts.To.Relative
	switch {
	case trace.Clock == event.ClockNone:
		return uncutError(in.Path + ": its lines carry no times, so --from and --to cannot cut it; leave them out, or record with -ttt")
	case trace.Undated() && absolute:
		return uncutError(in.Path + ": its times have no date, so --from and --to can only count from its first line, as in --from 90s; or record with -ttt")
	case !in.Start.Known():
		return nil // no call had a time so far
	}
	k.window, k.ready = k.opts.window(in.Start), true
	return nil
}

// add takes a run of calls.
func (k *logCut) add(b *event.CallBatch, log *socket.Log) {
	for i := range b.Calls {
		c := &b.Calls[i]
		t := c.At
		if c.Phase != event.PhaseWhole && c.Phase != event.PhaseEnter && c.End.Known() {
			t = c.End
		}
		switch {
		case k.window.late(t):
			k.behind = true
			continue
		case k.window.early(t):
			k.before = true
		case k.before && !k.inside && t.Known():
			k.restart(log)
		}
		log.Call(c)
	}
}

// holds reports whether some of an input lies in the window.
func (k *logCut) holds(in event.Input) bool {
	return !k.window.late(in.Start) && !k.window.early(in.End)
}

// restart begins the window.
func (k *logCut) restart(log *socket.Log) {
	k.inside = true
	log.Restart()
	k.restarted()
}
