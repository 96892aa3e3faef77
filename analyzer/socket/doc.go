// Package socket turns system calls into connections: it keeps the descriptor
// tables of every process in a log, follows each TCP socket from connect or
// accept to its last close, and says for each the same as a capture would:
// a [conn.Record], with the requests that the calls' payloads show. What only
// a log shows (which process, which wait expired, what the kernel was told to
// wait for) is the record's [Evidence], and from both comes a [Verdict].
//
//	socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
//	connect(3, {... sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}, 16) = 0
//	write(3, "GET /slow HTTP/1.1\r\n"..., 90) = 90
//	poll([{fd=3, events=POLLIN}], 1, 300)    = 0 (Timeout)
//	close(3)                                 = 0
//
// is one connection to 10.0.0.1:80 that the client closed with GET /slow
// outstanding, because a poll on it expired after 300 ms: request-timeout.
//
// Who shares a descriptor table is exact where the log shows the clone calls.
// A thread that appears without one shares the table of the first thread of
// the log, until a call contradicts it: a new descriptor whose number is still
// open there, in a log that shows closes.
//
// Limitations: work given to io_uring is not seen. A response whose headers
// strace cut has no length, so whether it was complete is told by what the
// program did next. Where a log lacks both clone calls and contradictions,
// processes that were attached together look like one.
package socket
