package glossary

// notes are the words in the notes of a connection.
func notes() []Entry {
	return []Entry{
		{Word: "mid-stream", Kind: Note, Short: "the connection began before the input", Means: "There was no handshake: the first packets of the connection are missing, and client and server were told apart by other means (see role_basis)."},
		{Word: "one-sided", Kind: Note, Short: "only one direction was captured", Means: "Packets of the other direction are missing altogether: asymmetric routing, or a filter. What the other side did is known from acknowledgements only."},
		{Word: "flags-only", Kind: Note, Short: "only SYN, FIN and RST were captured", Means: "Data had passed, but only the segments that open and close were captured. Who closed and how long half-closes lasted is known; requests are not."},
		{Word: "cut-payload", Kind: Note, Short: "payloads were cut by the snap length", Means: "tcpdump -s kept only the beginning of packets. Request lines may be missing."},
		{Word: "challenge-ack", Kind: Note, Aliases: []string{"challenge ACK"}, Short: "a SYN met an old connection in CLOSE-WAIT", Means: "The client's port was taken again while the server still held the old connection in CLOSE-WAIT; the server answered with an ACK of the old connection (RFC 5961).", See: []string{"port-reused-into-close-wait"}},
		{Word: "port-reused", Kind: Note, Short: "the same addresses and ports had carried another connection", Means: "The client's port came round again within the input."},
		{Word: "requests-unsure", Kind: Note, Short: "where requests begin and end is a guess", Means: "The protocol shows no boundaries: TLS that may be HTTP/2, or a protocol that sends several requests at once."},
		{Word: "capped", Kind: Note, Short: "a limit on buffered bytes was hit", Means: "The connection needed more memory to be followed than one connection may have; the rest was judged by who spoke when."},
		{Word: "roles-turned", Kind: Note, Short: "client and server were told apart late", Means: "Only after all connections had been read was it clear who serves; requests had been read the other way round and are left out."},
		{Word: "probe-alive", Kind: Note, Short: "a keep-alive probe in the half-close was acknowledged", Means: "The closer's socket still lived when the probe came."},
		{Word: "probe-reset", Kind: Note, Short: "a keep-alive probe in the half-close met a reset", Means: "The closer's socket was gone when the probe came.", See: []string{"orphan-expired"}},
		{Word: "resynced", Kind: Note, Short: "bytes were lost and a later message boundary was found", Means: "Requests in the gap are not counted."},
		{Word: "close-unseen", Kind: Note, Short: "the descriptor, or the addresses and ports, were reused, but the close is not in the input", Means: "strace did not trace close (use -e trace=network,desc,process), or the capture lost the FIN or RST.", See: []string{"capture"}},
		{Word: "head-cut", Kind: Note, Short: "the head of a request or response was cut", Means: "The snap length, or lost packets, hide the rest of it: it may have announced the close, and how long its message is cannot be told."},
		{Word: "fin-unseen", Kind: Note, Short: "the first FIN is not in the capture, only its acknowledgement", Means: "The close came before what is shown: up to 200 ms, or by an unknown time where the acknowledgement is missing, too."},
		{Word: "ack-unseen", Kind: Note, Short: "the acknowledgement of the first FIN is not in the capture", Means: "How long FIN-WAIT-1 lasted is not known. FIN-WAIT-2 and CLOSE-WAIT count from where the acknowledgement was due, by the round trip of the handshake. They are too long by what it came later: up to 200 ms, more where the round trip has grown."},
		{Word: "request-unseen", Kind: Note, Short: "the request at the close is not in the capture, only its acknowledgement", Means: "It was sent before what is shown, up to 200 ms. The server sent nothing until the close."},
		{Word: "path-cut", Kind: Note, Short: "the path is only the beginning of the real one", Means: "strace -s or the snap length cut it."},
		{Word: "duplicates", Kind: Note, Short: "frames were captured twice and counted once", Means: "A capture on several interfaces (-i any, a bridge and its port, a tunnel and its inside) or on a mirror port holds packets twice. They are told from retransmissions and counted once."},
	}
}
