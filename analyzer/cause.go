package analyzer

// Cause is why a connection was closed, and by whom. Zero is unknown.
type Cause uint8

const (
	CauseUnknown          Cause = iota // the input does not show it
	CauseRequestTimeout                // the client's timer ran out while a request was outstanding
	CauseRequestCancelled              // the client gave up a request for another reason
	CauseClientIdle                    // the client closed an idle connection
	CauseClientNoReuse                 // the client closed right after a complete response that allowed reuse
	CauseDeclared                      // either side had announced it
	CauseServerIdle                    // the server closed an idle connection
	CauseServerAborted                 // the server closed while a request was outstanding
	CauseIdleRace                      // a request crossed the server's close
	CauseConnectTimeout                // no SYN was ever answered
	CauseConnectRefused                // a RST answered the SYN
	CauseNetworkFailure                // retransmitted until the kernel gave up, or an ICMP error answered the SYN
	CauseNoData                        // closed without a byte of payload
	CauseOpen                          // not closed within the input
	causes
)

var causeWords = [causes]string{"unknown", "request-timeout", "request-cancelled", "client-idle-close",
	"client-no-reuse", "declared-close", "server-idle-close", "server-aborted-request", "idle-race",
	"connect-timeout", "connect-refused", "network-failure", "no-data", "open"}

// String gives the contract's word.
func (c Cause) String() string { return causeWords[min(c, causes-1)] }

// CauseWords are the contract's words, in the order of its table: unknown comes
// last.
func CauseWords() []string {
	return append(append([]string(nil), causeWords[1:]...), causeWords[0])
}

// codes are what proxies and clients call the same event, for people who come
// from their logs. (HAProxy configuration manual, section 8.5 "Session state
// at disconnection"; Envoy access log RESPONSE_FLAGS; nginx status 499; AWS
// ALB troubleshooting, HTTP 460.)
func (c Cause) codes() string {
	switch c {
	case CauseRequestTimeout, CauseRequestCancelled:
		return "nginx 499, HAProxy CH/CD, Envoy DC, ALB 460"
	case CauseServerAborted:
		return "nginx 502, HAProxy SD, Envoy UC, ALB 502"
	case CauseIdleRace:
		return "nginx 502, HAProxy SD, Envoy UC, Go \"http: server closed idle connection\""
	case CauseConnectTimeout:
		return "nginx 504, HAProxy sC, Envoy UF, Go \"dial tcp: i/o timeout\""
	case CauseConnectRefused:
		return "nginx 502, HAProxy SC, Envoy UF, Go \"connect: connection refused\""
	}
	return ""
}
