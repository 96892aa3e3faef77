package exchange

import (
	"testing"
	"unsafe"

	"finwait/analyzer/event"
)

const (
	benchRequest  = "GET /api/v1/item/35499?delay=3058&size=2294 HTTP/1.1\r\nHost: cache-1.svc:8080\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n"
	benchResponse = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 23:55:00 GMT\r\nContent-Length: 20\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n01234567890123456789"
)

// benchExchanges plays one request and its answer over and over.
func benchExchanges(b *testing.B, port uint16, request, response string) {
	names := NewNames()
	var tr Tracker
	tr.Init(&Env{Names: names}, 1, port)
	req, resp := []byte(request), []byte(response)
	at := event.Moment{Time: 1, Frame: 1}
	b.ReportAllocs()
	for b.Loop() {
		tr.Data(event.Client, len(req), req, at)
		tr.Data(event.Server, len(resp), resp, at)
	}
	if tr.answered+1 < tr.sent || tr.sent < uint32(b.N) {
		b.Fatalf("%d of %d answered", tr.answered, tr.sent)
	}
}

func BenchmarkHTTP1(b *testing.B) { benchExchanges(b, 80, benchRequest, benchResponse) }
func BenchmarkTurns(b *testing.B) { benchExchanges(b, 9, "\x00\x01\x02\x03", "\x04\x05\x06") }
func BenchmarkRedis(b *testing.B) {
	benchExchanges(b, 6379, "*2\r\n$3\r\nGET\r\n$10\r\nuser:12345\r\n", "$5\r\nhello\r\n")
}
func BenchmarkTLS(b *testing.B) {
	benchExchanges(b, 443, "\x17\x03\x03\x00\x05hello", "\x17\x03\x03\x00\x06world!")
}

// BenchmarkBody passes over a body of full segments.
func BenchmarkBody(b *testing.B) {
	var tr Tracker
	tr.Init(&Env{Names: NewNames()}, 1, 80)
	at := event.Moment{Time: 1, Frame: 1}
	req, head := []byte(benchRequest), []byte("HTTP/1.1 200 OK\r\nContent-Length: 900000000000000\r\n\r\n")
	tr.Data(event.Client, len(req), req, at)
	tr.Data(event.Server, len(head), head, at)
	seg := make([]byte, 1448)
	b.ReportAllocs()
	b.SetBytes(1448)
	for b.Loop() {
		tr.Data(event.Server, len(seg), seg, at)
	}
}

// BenchmarkConnection opens, uses and finishes a pooled tracker.
func BenchmarkConnection(b *testing.B) {
	env := &Env{Names: NewNames()}
	var tr Tracker
	var s Summary
	at := event.Moment{Time: 1, Frame: 1}
	req, resp := []byte(benchRequest), []byte(benchResponse)
	b.ReportAllocs()
	for b.Loop() {
		tr.Init(env, 1, 80)
		tr.Data(event.Client, len(req), req, at)
		tr.Data(event.Server, len(resp), resp, at)
		tr.Shut(event.Client, at, -1)
		tr.Finish(&s)
	}
}

// BenchmarkNames asks for what most connections ask for: a method, a host and an
// endpoint that others asked for, too.
func BenchmarkNames(b *testing.B) {
	names := NewNames()
	texts := [...][]byte{[]byte("GET"), []byte("cache-1.svc:8080"), []byte("GET /api/v1/item/{id}")}
	b.ReportAllocs()
	for b.Loop() {
		for _, t := range texts {
			names.ID(t)
		}
	}
}

// TestTrackerSize keeps what an open connection costs in sight.
func TestTrackerSize(t *testing.T) {
	if n := unsafe.Sizeof(Tracker{}); n > 640 { // a size that Go allocates without waste
		t.Errorf("a Tracker has %d bytes", n)
	}
	t.Logf("Tracker %d, Exchange %d, half %d, tlsState %d, redisState %d", unsafe.Sizeof(Tracker{}), unsafe.Sizeof(Exchange{}),
		unsafe.Sizeof(half{}), unsafe.Sizeof(tlsState{}), unsafe.Sizeof(redisState{}))
}

func TestNoAllocation(t *testing.T) {
	env := &Env{Names: NewNames()}
	var tr Tracker
	var s Summary
	at := event.Moment{Time: 1, Frame: 1}
	req, resp := []byte(benchRequest), []byte(benchResponse)
	run := func() {
		tr.Init(env, 1, 80)
		for i := range 4 {
			tr.Data(event.Client, len(req)-i, req[:len(req)-i], at)
			tr.Data(event.Client, i, req[len(req)-i:], at)
			tr.Data(event.Server, len(resp), resp, at)
		}
		tr.Finish(&s)
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations in a run over known names", n)
	}
}
