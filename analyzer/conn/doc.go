// Package conn follows one TCP connection from its segments: the RFC 9293
// states of both ends, who closed first and how, how long the other end kept
// its half open, and, through package exchange, which request was outstanding
// at that moment.
//
// [Conn.Add] takes one segment at a time; both directions go through the same
// steps with the ends swapped. [Conn.Finish] freezes what was seen as a
// [Record], which holds facts only: why the connection was closed is concluded
// by package analyzer, over all records.
//
//	client > S            client SYN-SENT
//	server > S.           server SYN-RECEIVED
//	client > .            both ESTABLISHED
//	client > P. 120       a request is outstanding
//	client > F.           0.5 s later: initiator client, FIN-WAIT-1
//	server > .            client FIN-WAIT-2, server CLOSE-WAIT
//	server > P. 90        a late response
//	client > R            ended by late-data-reset, no TIME-WAIT
//
// Limitations: states are those that the capture point can know; what an end
// did between its last packet and the capture's end is not seen. A window
// scale that was negotiated before the capture began is unknown, so only
// windows of zero are judged.
package conn
