package socket_test

import (
	"fmt"
	"strings"
	"testing"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
	"finwait/parsers/strace"
)

// TestSlowdown gives a log in which strace was busy most of the time, and one
// in which it was not.
func TestSlowdown(t *testing.T) {
	for _, c := range []struct {
		step int // microseconds from call to call
		want bool
	}{{40, true}, {400, false}} {
		var b strings.Builder
		at := 0
		line := func(text string) {
			fmt.Fprintf(&b, "1 1790000000.%06d %s\n", at, text)
			at += c.step
		}
		line("socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3")
		line(`connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}, 16) = 0`)
		for range 2000 {
			line("gettid() = 1")
		}
		line("close(3) = 0")
		r := strace.NewReader(strings.NewReader(b.String()), strace.Options{})
		log := socket.New(&exchange.Env{Names: exchange.NewNames()}, 0)
		var batch event.CallBatch
		for r.Next(&batch) == nil {
			log.Add(&batch)
		}
		trace := r.Trace()
		got := false
		for _, n := range log.Finish(&trace).Notes {
			got = got || n.ID == "strace-slows"
		}
		if got != c.want {
			t.Errorf("a call every %d us (%.0f a second): noted %v, want %v", c.step, trace.Rate, got, c.want)
		}
	}
}
