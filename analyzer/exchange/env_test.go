package exchange

import (
	"testing"

	"finwait/analyzer/event"
)

// TestUnfinishedHeads: heads that never end take bounded memory together; past
// the bound a connection is judged by turns, and says so.
func TestUnfinishedHeads(t *testing.T) {
	for name, start := range map[string]string{
		"http":     "GET /a HTTP/1.1\r\nHost: a\r\n",
		"http2":    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x03\x00\x01\x00\x00\x00\x00\x01\x82",
		"tls":      "\x16\x03\x01\x03\x00\x01\x00\x02\xfc\x03\x03",
		"proxy":    "PROXY TCP4 1.2.3.4",
		"response": "",
	} {
		env := &Env{Names: NewNames()}
		list := make([]Tracker, 2*maxLent/firstGrant)
		capped := 0
		for i := range list {
			tr := &list[i]
			tr.Init(env, uint32(i), 80)
			at := event.Moment{Time: event.Time(i), Frame: uint32(i + 1)}
			if name == "response" {
				tr.Data(event.Client, len(benchRequest), []byte(benchRequest), at)
				tr.Data(event.Server, 20, []byte("HTTP/1.1 200 OK\r\nDat"), at)
			} else {
				tr.Data(event.Client, len(start), []byte(start), at)
			}
			if env.lent > maxLent+firstGrant {
				t.Fatalf("%s: %d bytes are lent", name, env.lent)
			}
		}
		for i := range list {
			var s Summary
			list[i].Finish(&s)
			capped += b2i(s.Capped)
			list[i].Drop()
		}
		if name == "http" && capped != len(list)/2 {
			t.Errorf("%s: %d of %d were capped", name, capped, len(list))
		}
		if env.lent != 0 {
			t.Errorf("%s: %d bytes are lent to nobody", name, env.lent)
		}
	}
}
