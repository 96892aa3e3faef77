package socket

import (
	"testing"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// TestManyProcesses runs more short-lived processes than get a row.
func TestManyProcesses(t *testing.T) {
	l := New(&exchange.Env{Names: exchange.NewNames()}, 0)
	line := uint32(0)
	call := func(tid int32, c event.Call) {
		line++
		c.TID, c.Line, c.EndLine, c.At, c.End = tid, line, line, event.NoTime, event.NoTime
		l.Call(&c)
	}
	const n = maxRows + 50
	for i := range int32(n) {
		tid := 100 + i
		call(tid, event.Call{Kind: event.CallExec, Data: []byte("/usr/bin/curl")})
		call(tid, event.Call{Kind: event.CallSocket, Flags: event.Stream, Family: event.FamilyInet, Ret: 5})
		call(tid, event.Call{Kind: event.CallConnect, FD: 5, Addr: event.V4([]byte{10, 0, 0, 1}, 80), Family: event.FamilyInet})
		if i > 0 {
			call(tid, event.Call{Kind: event.CallGone}) // the first lives on
		}
	}
	r := l.Finish(&event.Trace{})
	if len(r.Processes) != maxRows+1 || r.Len() != n {
		t.Errorf("%d rows and %d connections, want %d and %d", len(r.Processes), r.Len(), maxRows+1, n)
	}
	if p := r.Processes[0]; p.PID != 100 || p.Runtime != "curl" || p.Connections != 1 {
		t.Errorf("first row %+v", p)
	}
	var told int64
	for _, p := range r.Notes {
		if p.ID == "processes-left-out" {
			told = p.Count
		}
	}
	if told != n-1-maxRows {
		t.Errorf("%d processes left out, want %d", told, n-1-maxRows)
	}
	if r.judge.runtimes[100+n-1] != "curl" {
		t.Error("the runtime of a process without a row is forgotten")
	}
}
