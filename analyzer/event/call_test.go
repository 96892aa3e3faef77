package event

import "testing"

func TestErrno(t *testing.T) {
	for e, want := range map[Errno]string{
		EPERM: "EPERM", EINTR: "EINTR", EIO: "EIO", EBADF: "EBADF", EAGAIN: "EAGAIN", EPIPE: "EPIPE", ENOTSOCK: "ENOTSOCK",
		EAFNOSUPPORT: "EAFNOSUPPORT", EADDRINUSE: "EADDRINUSE", EADDRNOTAVAIL: "EADDRNOTAVAIL", ENETUNREACH: "ENETUNREACH",
		ECONNABORTED: "ECONNABORTED", ECONNRESET: "ECONNRESET", EISCONN: "EISCONN", ENOTCONN: "ENOTCONN", ETIMEDOUT: "ETIMEDOUT",
		ECONNREFUSED: "ECONNREFUSED", EHOSTUNREACH: "EHOSTUNREACH", EALREADY: "EALREADY", EINPROGRESS: "EINPROGRESS",
		ERESTART: "an error", ErrnoOther: "an error", 0: "an error",
	} {
		if got := e.String(); got != want {
			t.Errorf("error %d is called %q, want %q", uint16(e), got, want)
		}
	}
}

// TestOption: every option that matters has a name of its own.
func TestOption(t *testing.T) {
	names := map[string]Option{}
	for o := OptionOther; o <= OptionError; o++ {
		name := o.String()
		if other, twice := names[name]; twice || (name == "") != (o == OptionOther) {
			t.Errorf("option %d is called %q, as is %d", uint8(o), name, uint8(other))
		}
		names[name] = o
	}
	if o := names["TCP_USER_TIMEOUT"]; o != OptionUserTimeout {
		t.Errorf("TCP_USER_TIMEOUT is option %d", uint8(o))
	}
}

func TestFailed(t *testing.T) {
	for _, c := range []struct {
		call Call
		want bool
	}{
		{Call{}, false},
		{Call{Errno: EAGAIN}, true},
		{Call{Errno: ErrnoOther}, true},
		{Call{Flags: FailedUnknown}, false}, // "= ?" is not known to have failed
	} {
		if got := c.call.Failed(); got != c.want {
			t.Errorf("%+v failed: %v, want %v", c.call, got, c.want)
		}
	}
}

// TestTrace asks a trace what it can tell.
func TestTrace(t *testing.T) {
	for clock, undated := range map[Clock]bool{ClockNone: false, ClockAbsolute: false, ClockDay: true, ClockRelative: true, ClockWrapper: false} {
		tr := Trace{Clock: clock}
		if got := tr.Undated(); got != undated {
			t.Errorf("clock %d is undated: %v, want %v", clock, got, undated)
		}
	}
	tr := Trace{Calls: []CallCount{{"accept4", 2}, {"connect", 7}, {"other", 100}, {"read", 30}}}
	for _, c := range []struct {
		names []string
		want  int64
	}{
		{nil, 0},
		{[]string{"connect"}, 7},
		{[]string{"read", "recvfrom", "accept4"}, 32},
		{[]string{"write"}, 0},
		{[]string{"rea"}, 0},
	} {
		if got := tr.Traced(c.names...); got != c.want {
			t.Errorf("%d calls of %q, want %d", got, c.names, c.want)
		}
	}
}

// TestReset empties batches but keeps their memory, which readers fill again.
func TestReset(t *testing.T) {
	calls := CallBatch{Calls: make([]Call, 3, 8), Data: make([]byte, 5, 16), FDs: make([]int32, 2, 4)}
	calls.Reset()
	if len(calls.Calls)+len(calls.Data)+len(calls.FDs) != 0 || cap(calls.Calls) != 8 || cap(calls.Data) != 16 || cap(calls.FDs) != 4 {
		t.Errorf("calls after Reset: %d/%d, %d/%d, %d/%d", len(calls.Calls), cap(calls.Calls), len(calls.Data), cap(calls.Data), len(calls.FDs), cap(calls.FDs))
	}
	segs := Batch{Segments: make([]Segment, 3, 8), Names: make([]Name, 1, 2), Data: make([]byte, 5, 16)}
	segs.Reset()
	if len(segs.Segments)+len(segs.Names)+len(segs.Data) != 0 || cap(segs.Segments) != 8 || cap(segs.Names) != 2 || cap(segs.Data) != 16 {
		t.Errorf("segments after Reset: %d/%d, %d/%d, %d/%d", len(segs.Segments), cap(segs.Segments), len(segs.Names), cap(segs.Names), len(segs.Data), cap(segs.Data))
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		f, all Flags
		want   bool
	}{{FIN | ACK, FIN, true}, {FIN | ACK, FIN | ACK, true}, {FIN, FIN | ACK, false}, {0, SYN, false}, {RST, 0, true}} {
		if got := c.f.Has(c.all); got != c.want {
			t.Errorf("%08b has all of %08b: %v", c.f, c.all, got)
		}
	}
}
