package glossary

// timing are the words for timers, stalls, phases and the ends of half-closes.
func timing() []Entry {
	return []Entry{
		{Word: "connect-start", Kind: Basis, Short: "the timer runs from the first SYN",
			Means: "The waiting times agree when they are taken from the first SYN: a limit on connecting (Go's Dialer.Timeout, curl --connect-timeout), or on the whole exchange when the connection was new."},
		{Word: "request-start", Kind: Basis, Short: "the timer runs from the request's first byte",
			Means: "The waiting times agree when they are taken from the first byte of the request: a limit on the whole exchange, such as Go's http.Client.Timeout, a context deadline, or curl --max-time."},
		{Word: "request-end", Kind: Basis, Short: "the timer runs from the request's last byte",
			Means: "The waiting times agree from the last byte of the request on: a limit on the wait for the answer, such as Go's ResponseHeaderTimeout or nginx's proxy_read_timeout before the first byte."},
		{Word: "last-byte", Kind: Basis, Short: "the timer runs from the last byte in either direction",
			Means: "The waiting times agree from the last byte on, which starts the timer anew: a read timeout of a socket, such as that of Python requests, nginx between two reads, or Redis clients."},
		{Word: "configured", Kind: Basis, Short: "the timer was given with --timeout", Means: "The timer was given on the command line and fits the close."},

		{Word: "server", Kind: Stall, Short: "the request was acknowledged and the server said nothing",
			Means: "The server's kernel had the whole request and its program did not answer in time. The network is not to blame."},
		{Word: "network", Kind: Stall, Short: "the request or the response was being sent again",
			Means: "Packets were lost: the request was never acknowledged, or the one or the other was being retransmitted while the timer ran.",
			Do:    "Look for loss between the hosts before blaming the handler."},
		{Word: "window", Kind: Stall, Short: "a receive window was zero", Means: "One side told the other to stop sending: its program did not read."},
		{Word: "trickle", Kind: Stall, Short: "bytes came, too slowly", Means: "The response was on its way, but did not end before the timer."},

		{Word: "connect", Kind: Phase, Short: "waiting for the handshake", Means: "The connection was not established yet."},
		{Word: "tls-handshake", Kind: Phase, Short: "waiting for TLS", Means: "The TLS handshake that the request waited for was not finished."},
		{Word: "sending-request", Kind: Phase, Short: "the request was not sent completely", Means: "The client closed before it had sent the whole request."},
		{Word: "awaiting-headers", Kind: Phase, Short: "the request was sent, nothing had come back",
			Means: "Not a byte of the response had come. Go says \"Client.Timeout exceeded while awaiting headers\"."},
		{Word: "reading-body", Kind: Phase, Short: "the response had begun", Means: "A part of the response had come. Go says \"Client.Timeout or context cancellation while reading body\"."},

		{Word: "peer-fin", Kind: Ending, Short: "the other end closed, too", Means: "The half-close ended in the regular way."},
		{Word: "peer-reset", Kind: Ending, Short: "the other end reset", Means: "The other end ended the connection with a RST."},
		{Word: "late-data-reset", Kind: Ending, Short: "late data met a socket that was gone",
			Means: "The other end went on sending to an end that had called close(). The kernel answered with a RST, and no TIME-WAIT follows. It is the usual end after a request timeout: the late response is the late data."},
		{Word: "orphan-expired", Kind: Ending, Short: "the kernel dropped the socket after tcp_fin_timeout",
			Means: "Nothing came for tcp_fin_timeout (60 s by default), so Linux forgot the socket. The other end does not learn of it and stays in CLOSE-WAIT: fin_wait_2_s and close_wait_s differ then."},
		{Word: "capture-end", Kind: Ending, Short: "the input ended first", Means: "The half-close was still going on when the input ended. Its durations are lower bounds (censored)."},
		{Word: "simultaneous", Kind: Ending, Short: "both FINs crossed", Means: "Both ends closed at once."},
	}
}
