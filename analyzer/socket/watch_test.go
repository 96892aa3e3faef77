package socket_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
	"finwait/analyzer/socket"
	"finwait/parsers/strace"
)

// TestWatch lists the lines of the calls that are reported of a connection: all
// on its descriptors while it has them, and the cited lines, but none of another
// connection that has the same descriptor before or behind it.
func TestWatch(t *testing.T) {
	log := dial + get + shut + // lines 1 to 4: connection 0
		dial + get + epolled + // 5 to 8: connection 1
		"1 dup(3) = 7\n" + shut + "1 write(8, \"x\", 1) = 1\n" + "1 poll([{fd=7, events=POLLIN}], 1, 300) = 0 (Timeout)\n" + // 9 to 12
		"1 close(7) = 0\n" + dial + shut // 13, and 14 to 16: connection 2
	for i, want := range [][]uint32{{2, 3, 4}, {6, 7, 8, 9, 10, 12, 13}, {15, 16}} {
		l := socket.New(&exchange.Env{Names: exchange.NewNames()}, 0)
		var got []uint32
		l.Watch(i, []socket.LineOf{{Line: 8 * uint32(i%2)}}, func(c *event.Call) { got = append(got, c.EndLine) })
		r := strace.NewReader(strings.NewReader(log), strace.Options{})
		var b event.CallBatch
		for r.Next(&b) == nil {
			l.Add(&b)
		}
		if !slices.Equal(got, want) {
			t.Errorf("connection %d: lines %v, want %v", i, fmt.Sprint(got), want)
		}
	}
}
