package strace

import (
	"bytes"

	"finwait/analyzer/event"
)

// signal reads "SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=57, ...}".
func (s *scanner) signal(b []byte) {
	at := s.now()
	if i := bytes.IndexByte(b, ' '); i > 0 {
		c := event.Call{Kind: event.CallSignal, Name: s.comm(b[:i]), At: at, Value: signalNumber(b[:i])}
		if j := bytes.Index(b, []byte("si_pid=")); j >= 0 {
			c.Ret, _ = number(b[j+7:])
		}
		if bytes.Contains(b, []byte("SI_TKILL")) {
			c.Flags |= event.SharesThread
		}
		s.tell(c)
	}
}

// signalNumber gives the number of the signals that end processes or tell
// about them; 0 for others.
func signalNumber(b []byte) int64 {
	switch string(b) {
	case "SIGHUP":
		return 1
	case "SIGINT":
		return 2
	case "SIGQUIT":
		return 3
	case "SIGABRT":
		return 6
	case "SIGKILL":
		return 9
	case "SIGSEGV":
		return 11
	case "SIGPIPE":
		return 13
	case "SIGALRM":
		return 14
	case "SIGTERM":
		return 15
	case "SIGCHLD":
		return 17
	case "SIGURG":
		return 23
	}
	return 0
}

// gone reads "exited with 0 +++", "killed by SIGKILL +++" and "superseded by
// execve in pid 2110 +++".
func (s *scanner) gone(b []byte) {
	c := event.Call{Kind: event.CallGone, At: s.now()}
	switch {
	case bytes.HasPrefix(b, []byte("exited with ")):
	case bytes.HasPrefix(b, []byte("killed by ")):
		c.Flags |= event.Killed
		i := 10
		for i < len(b) && isWord(b[i]) {
			i++
		}
		c.Value = signalNumber(b[10:i])
	case bytes.HasPrefix(b, []byte("superseded by execve in pid ")):
		c.Kind = event.CallSuperseded
		c.Ret, _ = number(b[28:])
	default:
		return
	}
	s.tell(c)
	if h := s.pending.get(s.last.pid); h != nil && c.Kind == event.CallGone {
		s.taken(h).done()
	}
}
