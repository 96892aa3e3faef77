package strace

import (
	"sort"
	"time"

	"finwait/analyzer/event"
)

// add takes over the counts of a stretch that begins behind line base.
func (t *tally) add(u *tally, base uint32) {
	first := func(line *uint32, count, more int64, at uint32) {
		if count == 0 && more > 0 {
			*line = at + base
		}
	}
	first(&t.foreignAt, t.foreign, u.foreign, u.foreignAt)
	if t.foreign == 0 {
		t.foreignText = u.foreignText
	}
	first(&t.orphanAt, t.orphans, u.orphans, u.orphanAt)
	first(&t.partialAt, t.partialLine, u.partialLine, u.partialAt)
	t.foreign += u.foreign
	t.orphans += u.orphans
	t.partialLine += u.partialLine
	t.unfinished += u.unfinished
	t.resumedSpace += u.resumedSpace
	t.resumedTight += u.resumedTight
	t.oldArrow += u.oldArrow
	t.newArrow += u.newArrow
	t.pids += u.pids
	t.durations += u.durations
	t.beside += u.beside
	t.addresses += u.addresses
	t.cutStrings += u.cutStrings
	t.cutAt = max(t.cutAt, u.cutAt)
	t.second += u.second
	t.fine += u.fine
	t.calls += u.calls
	t.wrapperTimes += u.wrapperTimes
}

// Trace returns what the log turned out to be, after the last Next.
func (r *Reader) Trace() event.Trace {
	t := &r.tally
	tr := event.Trace{
		Lines: int64(r.lines), Foreign: t.foreign, Tail: t.tailCut, Wrapper: r.form.wrapper,
		Follow: t.unfinished > 0 || len(r.tids) > 1, Durations: t.durations > 0,
		Paths: t.beside > 0, Addresses: t.addresses > 0, Cut: t.cutAt, Separate: r.opts.PID != 0,
		Attached: r.counts[r.names.find([]byte("execve"))] == 0,
	}
	switch r.clock {
	case timedAbsolute:
		tr.Clock = event.ClockAbsolute
		if t.wrapperTimes > 0 {
			tr.Clock = event.ClockWrapper
		}
	case timedDay:
		tr.Clock = event.ClockDay
	case timedDelta:
		tr.Clock = event.ClockRelative
	}
	if tr.Clock != event.ClockNone {
		tr.Resolution = time.Microsecond
		if t.fine == 0 && tr.Clock != event.ClockRelative {
			tr.Resolution = time.Second
		}
	}
	if tr.Resolution > 0 && tr.Resolution < time.Second {
		tr.Rate = r.rate
	}
	r.dating(&tr)
	for i, n := range r.counts[:len(systems)] {
		if n > 0 {
			tr.Calls = append(tr.Calls, event.CallCount{Name: systems[i].name, Count: n})
		}
	}
	sort.Slice(tr.Calls, func(i, j int) bool { return tr.Calls[i].Name < tr.Calls[j].Name })
	return tr
}

// dating tells which versions of strace write such lines. Version 5.0 dropped
// the space behind "resumed>" where arguments follow.
func (r *Reader) dating(tr *event.Trace) {
	t := &r.tally
	switch {
	case t.resumedTight > 0:
		tr.Since = "5.0"
	case t.resumedSpace > 0:
		tr.Until = "4.26"
	}
}
