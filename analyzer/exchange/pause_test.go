package exchange

import (
	"testing"
	"time"

	"finwait/analyzer/event"
)

// TestPause: the longest silence inside what the server sent after the client's
// last byte, whatever its protocol.
func TestPause(t *testing.T) {
	const (
		client = event.Client
		server = event.Server
		head   = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		chunk  = "2\r\nab\r\n"
	)
	type part struct {
		ms   int64
		side event.Side
		text string
	}
	for _, c := range []struct {
		name  string
		parts []part
		want  int64 // ms
	}{
		{"before the response", []part{{0, client, "GET / HTTP/1.1\r\n\r\n"}, {900, server, head}}, 0},
		{"inside it", []part{{0, client, "GET / HTTP/1.1\r\n\r\n"}, {50, server, head}, {250, server, chunk}, {600, server, chunk}, {700, server, chunk}}, 350},
		{"inside the one before", []part{{0, client, "GET / HTTP/1.1\r\n\r\n"}, {50, server, head}, {650, server, chunk + "0\r\n\r\n"},
			{700, client, "GET / HTTP/1.1\r\n\r\n"}, {800, server, head}, {900, server, chunk}}, 100},
		{"of unknown bytes", []part{{0, client, "\x01\x02\x03"}, {10, server, "\x04"}, {210, server, "\x05"}}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tr Tracker
			tr.Init(&Env{Names: NewNames()}, 0, 80)
			for i, p := range c.parts {
				tr.Data(p.side, len(p.text), []byte(p.text), event.Moment{Time: event.Time(p.ms * 1e6), Frame: uint32(i + 1)})
			}
			var s Summary
			tr.Finish(&s)
			if s.Pause != time.Duration(c.want)*time.Millisecond {
				t.Errorf("got %v, want %d ms", s.Pause, c.want)
			}
		})
	}
}
