package exchange

import (
	"bytes"

	"finwait/analyzer/event"
)

// match is what the first bytes of a direction are.
type match uint8

const (
	matchNone  match = iota // nothing known
	matchMaybe              // more bytes are needed
	matchHTTP1
	matchHTTP2
	matchTLS
	matchRedis
	matchProxy // a header before the protocol itself
)

// preface starts every HTTP/2 connection with prior knowledge (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// sniff tells the protocol from the first bytes of side's stream, or of a segment.
func sniff(side event.Side, b []byte, port uint16) match {
	if m := sniffTLS(b, side); m != matchNone {
		return m
	}
	if side == event.Server {
		return sniffStatus(b)
	}
	if n := min(len(b), len(preface)); string(b[:n]) == preface[:n] {
		if n < len(preface) {
			return matchMaybe
		}
		return matchHTTP2
	}
	if m := sniffRequest(b); m != matchNone {
		return m
	}
	return sniffRedis(b, port)
}

// likely is sniff's answer when no more bytes will come.
func likely(side event.Side, b []byte) match {
	if len(b) == 0 {
		return matchNone
	}
	if side == event.Client {
		if m := sniffRequest(b); m == matchHTTP1 {
			return m
		}
	} else if len(b) >= len("HTTP/1.") && sniffStatus(b) != matchNone {
		return matchHTTP1
	}
	return matchNone
}

// maxRecord is the longest TLS record: 2^14 bytes of plaintext and what
// TLS 1.2 allows for its protection (RFC 5246, section 6.2.3).
const maxRecord = 1<<14 + 2048

// sniffTLS recognises a record header; a handshake must start with the hello
// of its side.
func sniffTLS(b []byte, side event.Side) match {
	if b[0] < recordCCS || b[0] > recordData {
		return matchNone
	}
	if len(b) > 1 && b[1] != 3 || len(b) > 2 && b[2] > 4 {
		return matchNone
	}
	if len(b) < 6 {
		return matchMaybe
	}
	if n := int(b[3])<<8 | int(b[4]); n == 0 || n > maxRecord {
		return matchNone
	}
	if b[0] == recordHandshake && (side == event.Client && b[5] != helloClient || side == event.Server && b[5] != helloServer) {
		return matchNone
	}
	return matchTLS
}

// sniffStatus recognises the start of a status line of HTTP/1.x.
func sniffStatus(b []byte) match {
	const version = "HTTP/1."
	n := min(len(b), len(version))
	if string(b[:n]) != version[:n] {
		return matchNone
	}
	if len(b) < len("HTTP/1.1 200") {
		return matchMaybe
	}
	if b[7]-'0' > 9 || b[8] != ' ' || b[9]-'1' > 8 {
		return matchNone
	}
	return matchHTTP1
}

// methods are those that need no look at the rest of the line.
var methods = [...]string{"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PROPFIND", "REPORT", "PURGE"}

// maxMethod bounds a method's name; the longest registered one,
// UPDATEREDIRECTREF, has 17 letters.
const maxMethod = 32

// sniffRequest recognises the start of a request line of HTTP/1.x: a well-known
// method and a target that fits, or any token when the line ends in HTTP/1.x.
func sniffRequest(b []byte) match {
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') { // RFC 9112, section 2.2
		b = b[1:]
	}
	i := 0
	for i < len(b) && i <= maxMethod && isToken(b[i]) {
		i++
	}
	if i == len(b) && i <= maxMethod {
		return matchMaybe
	}
	if i == 0 || i > maxMethod || b[i] != ' ' {
		return matchNone
	}
	if i+1 == len(b) {
		return matchMaybe
	}
	if knownRequest(b) {
		return matchHTTP1
	}
	line, _, whole := bytes.Cut(b[i+1:], []byte("\n"))
	switch {
	case !whole && len(line) < 8<<10 && printable(line):
		return matchMaybe
	case whole && bytes.HasPrefix(line[bytes.LastIndexByte(line, ' ')+1:], []byte("HTTP/1.")):
		return matchHTTP1
	}
	return matchNone
}

// knownRequest reports whether b starts a request with a well-known method. In
// the middle of a stream any text and a request behind it may look like one with
// a method of its own.
func knownRequest(b []byte) bool {
	i := bytes.IndexByte(b, ' ')
	if i < 0 || i+1 == len(b) {
		return false
	}
	for _, m := range methods {
		if m == string(b[:i]) && fitsTarget(m, b[i+1]) {
			return true
		}
	}
	return false
}

// fitsTarget reports whether c can start the target of a request: a path, an
// absolute URI, an asterisk, or CONNECT's host.
func fitsTarget(method string, c byte) bool {
	if method == "CONNECT" {
		return isToken(c) || c == '['
	}
	return c == '/' || c == 'h' || c == 'H' || c == '*' && method == "OPTIONS"
}

// isToken reports whether c may stand in a token (RFC 9110, section 5.6.2).
func isToken(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}

// Hint is which side of a connection bytes look like. Zero is HintNone.
type Hint uint8

const (
	HintNone     Hint = iota
	HintRequest       // a client wrote them
	HintResponse      // a server wrote them
)

// greetings are what servers say first, as far as it is certain, and what Redis
// answers most.
var greetings = [...]string{"SSH-", "220 ", "220-", "+OK ", "* OK ", "RFB 00", "+OK\r\n", "+PONG\r\n", "-ERR ", "$-1\r\n", ":1\r\n", ":0\r\n"}

// commands are Redis commands that tell a client: an array of bulk strings
// alone might be a reply.
var commands = [...]string{"GET", "SET", "DEL", "MGET", "MSET", "INCR", "EXPIRE", "EXISTS", "HGET", "HSET", "HGETALL", "HMGET",
	"LPUSH", "RPUSH", "LPOP", "BLPOP", "BRPOP", "LRANGE", "ZADD", "ZRANGE", "SADD", "SMEMBERS", "EVAL", "EVALSHA", "PING", "AUTH",
	"HELLO", "CLIENT", "SELECT", "MULTI", "SUBSCRIBE", "PUBLISH", "SCAN", "SETEX", "TTL", "INFO", "CONFIG", "XREAD", "XADD"}

// Sniff tells from the first bytes of a direction, or of a segment in it, who
// sends them: requests, commands and ClientHellos come from clients; status
// lines, ServerHellos and greetings from servers.
func Sniff(b []byte) Hint {
	if len(b) == 0 {
		return HintNone
	}
	if n, m := proxyHeader(b); m == matchProxy {
		if b = b[n:]; len(b) == 0 {
			return HintRequest
		}
	}
	if sniffRequest(b) == matchHTTP1 || len(b) >= 14 && bytes.HasPrefix([]byte(preface), b[:min(len(b), len(preface))]) {
		return HintRequest
	}
	if sniffStatus(b) == matchHTTP1 {
		return HintResponse
	}
	if len(b) >= 6 && b[0] == recordHandshake {
		if sniffTLS(b, event.Client) == matchTLS {
			return HintRequest
		}
		if sniffTLS(b, event.Server) == matchTLS {
			return HintResponse
		}
	}
	if isCommand(b) || isStartup(b) {
		return HintRequest
	}
	for _, s := range greetings {
		if bytes.HasPrefix(b, []byte(s)) {
			return HintResponse
		}
	}
	if isMySQL(b) {
		return HintResponse
	}
	return HintNone
}

// isCommand reports whether b starts with a common Redis command.
func isCommand(b []byte) bool {
	if b[0] != '*' || sniffRedis(b, 0) != matchRedis {
		return false
	}
	_, b, _ = bytes.Cut(b, []byte("$"))
	_, b, _ = bytes.Cut(b, []byte("\r\n"))
	word, _, whole := bytes.Cut(b, []byte("\r\n"))
	for _, c := range commands {
		if whole && bytes.EqualFold(word, []byte(c)) {
			return true
		}
	}
	return false
}

// isStartup recognises PostgreSQL's StartupMessage of protocol 3.0 and its
// SSLRequest (PostgreSQL manual, "Message Formats").
func isStartup(b []byte) bool {
	if len(b) < 8 || b[0] != 0 || b[1] != 0 {
		return false
	}
	code := string(b[4:8])
	return code == "\x00\x03\x00\x00" || code == "\x04\xd2\x16\x2f" && b[3] == 8
}

// isMySQL recognises the handshake of protocol version 10: packet number 0, the
// version, and a version text that starts with a digit.
func isMySQL(b []byte) bool {
	return len(b) >= 20 && b[2] == 0 && b[3] == 0 && b[4] == 10 && b[5] >= '0' && b[5] <= '9' && int(b[0])|int(b[1])<<8 >= 20
}
