// Package analyzer concludes from the segments of captures and the system calls
// of strace logs why connections were closed, what that cost, and what to do.
//
// # The way through
//
//  1. A [Source] fills batches of segments; [Analyzer.Capture] hands each
//     segment to one of a few shards, by its 4-tuple (analyzer.go, turns.go,
//     shard.go).
//  2. A shard finds the segment's connection (table.go) and lets it take the
//     segment: package conn follows the states of both ends, package exchange
//     the requests in the bytes.
//  3. A connection that is over is packed into a record of some 150 bytes.
//     Records hold facts only.
//  4. An strace log becomes records too: [Analyzer.Log], package socket.
//  5. [Analyzer.Finish] puts the records in order, numbers them as Wireshark
//     does, and joins what several inputs show of one connection (twins.go for
//     captures of both hosts, join.go for logs).
//  6. One look at all records (survey.go) finds the client timers behind closes
//     (timers.go), cancels that a proxy passes on (departed.go), and which
//     connection replaced which (churn.go).
//  7. The rules (verdict.go) give every connection its cause: an ordered list,
//     the first that holds decides. They are cheap, and asked again whenever a
//     verdict is needed.
//  8. A second look adds everything up (build.go, aggregate.go, merge.go) for
//     the [Report], whose findings (findings.go) say what it means.
//
// Steps 2 to 4 and 8 run on several cores; nothing depends on how many.
//
//	connection 7: request at 0.00 s, client FIN at 0.50 s, late answer at 1.40 s
//	40 other closes of this client waited 0.50 s
//	=> request-timeout, timer 0.5 s, FIN-WAIT-2 for 0.9 s, stalled by the server
//
// # Words
//
// A request is outstanding from its first byte to the last byte of its
// response. A response that passes after its client's close is late: nobody
// read it. A half-close lasts from the first FIN to the peer's FIN or a RST. A
// connection churned when it ended and its client had to open another one to
// the same server because of it. A timer is a waiting time at which many closes
// of one client coincide.
//
// # Limitations
//
// A capture shows when segments passed its point, not what programs meant. A
// cancel that happens to fall on a timer's value counts as a timeout; a client
// that waits with a random part in its timer seems to cancel. A FIN cannot
// overtake bytes that wait to be sent, so the end of a stalled upload tells of no
// timer. In TLS without keys, where a response ends is not seen. What was cut,
// lost or encrypted is named in Report.Quality, and verdicts that need it are
// unknown.
package analyzer
