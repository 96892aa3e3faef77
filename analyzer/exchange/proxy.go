package exchange

import "bytes"

// proxySignature starts version 2 of the PROXY protocol.
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

// proxyHeader recognises the header that load balancers put before a client's
// first byte (HAProxy, doc/proxy-protocol.txt): a line of at most 107 bytes, or
// a signature with a length. It returns the header's length.
func proxyHeader(b []byte) (n int, m match) {
	const line = "PROXY "
	if k := min(len(b), len(line)); string(b[:k]) == line[:k] {
		i := bytes.IndexByte(b, '\n')
		switch {
		case i >= 0 && i < 107:
			return i + 1, matchProxy
		case i >= 0 || len(b) >= 107:
			return 0, matchNone
		}
		return 0, matchMaybe
	}
	k := min(len(b), len(proxySignature))
	switch {
	case string(b[:k]) != proxySignature[:k]:
		return 0, matchNone
	case len(b) < 16:
		return 0, matchMaybe
	}
	n = 16 + int(b[14])<<8 + int(b[15])
	if len(b) < n {
		return 0, matchMaybe
	}
	return n, matchProxy
}
