package glossary

// states are the connection states of RFC 9293, section 3.3.2.
func states() []Entry {
	return []Entry{
		{Word: "LISTEN", Kind: State, Short: "a server waits for connections", Means: "The socket of a server that waits for connections. No packet shows it."},
		{Word: "SYN-SENT", Kind: State, Short: "the client has sent its SYN and waits",
			Means: "The client asked for a connection and waits for the answer. Linux repeats the SYN after 1, 3, 7, 15, ... seconds.", See: []string{"connect-timeout"}},
		{Word: "SYN-RECEIVED", Kind: State, Aliases: []string{"SYN-RECV"}, Short: "the server has answered the SYN and waits for the last acknowledgement",
			Means: "Half of the handshake is done."},
		{Word: "ESTABLISHED", Kind: State, Aliases: []string{"ESTAB"}, Short: "data may flow both ways", Means: "The connection is open."},
		{Word: "FIN-WAIT-1", Kind: State, Short: "closed first; the FIN is not acknowledged yet",
			Means: "This end has sent its FIN and waits for the other kernel's acknowledgement: a round trip, or up to 40 ms more when the other side delays acknowledgements.",
			Do:    "If it lasts longer, packets are lost, or the peer is gone."},
		{Word: "FIN-WAIT-2", Kind: State, Aliases: []string{"fw2", "finwait2", "fin_wait_2_s"}, Short: "closed first; waits for the other end to close, too",
			Means:   "This end's FIN was acknowledged by the other kernel, but the other program has not closed its side. After close() nobody owns the socket any more (it has no process), and Linux keeps it for tcp_fin_timeout, 60 s by default; after shutdown() it stays as long as the program wants.",
			Usually: "A client gave up a request and the server's handler is still running: FIN-WAIT-2 lasts as long as the handler. Or a server that leaks sockets in CLOSE-WAIT.",
			Do:      "Do not tune the kernel: the number of sockets is the timeout rate times the time that handlers go on. Find the slow endpoint, or raise the client's timeout.",
			See:     []string{"CLOSE-WAIT", "request-timeout", "late"}},
		{Word: "CLOSE-WAIT", Kind: State, Aliases: []string{"closewait"}, Short: "the other end closed; this end's program has not yet",
			Means:   "The kernel has received the other side's FIN and waits for its own program to close.",
			Usually: "A handler that still works for a client that has left, or a program that never closes: then the number only grows.",
			Do:      "Let handlers watch for the client's departure. For a leak, find who holds the descriptor (ss -tanp state close-wait)."},
		{Word: "CLOSING", Kind: State, Short: "both ends closed at once; the FIN is not acknowledged yet", Means: "Both FINs crossed on the wire."},
		{Word: "LAST-ACK", Kind: State, Short: "closed second; the FIN is not acknowledged yet", Means: "The passive side has closed, too, and waits for the acknowledgement of its FIN."},
		{Word: "TIME-WAIT", Kind: State, Aliases: []string{"timewait", "tw"}, Short: "closed first; both FINs are exchanged, late packets are waited for",
			Means:   "The side that closed first remembers the connection, 60 s on Linux, so that a late packet is not taken for a new connection's. It costs little memory, but it holds a port: a client has 28,232 of them for one server by default.",
			Usually: "Many short connections.",
			Do:      "Reuse connections. tcp_tw_reuse=1 is safe on clients (with timestamps); tcp_tw_recycle broke NAT and is gone since Linux 4.12."},
		{Word: "CLOSED", Kind: State, Short: "no connection", Means: "There is no connection, or no more."},
	}
}
