// Package wire writes big captures of made-up HTTP/1.1 traffic, as a client's
// tcpdump would see it, for benchmarks and for tests that need to know the
// truth. The same [Config] gives the same bytes.
//
// Every connection is a script of packets, built whole when it opens: handshake
// with options, requests and responses in segments of the MTU, acknowledgements,
// timestamps, close. A heap of scripts by the time of their next packet
// interleaves them, and a writer puts them straight into the file's bytes.
//
// Limitations: IPv4 over Ethernet only, no loss, no congestion window; bodies
// repeat a filler text.
package wire
