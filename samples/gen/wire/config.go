package wire

import (
	"fmt"
	"time"
)

// Kind is what the traffic looks like.
type Kind string

const (
	Keepalive Kind = "keepalive" // connections that carry many requests; some end in a client timeout
	Short     Kind = "short"     // one request a connection, many open at once
)

// Format is the file format.
type Format string

const (
	Pcap   Format = "pcap"   // microseconds, little-endian
	Pcapng Format = "pcapng" // one section, one interface, nanoseconds
)

// Config says what to write. Zero fields take the defaults of the kind, given
// as keepalive/short.
type Config struct {
	Kind         Kind          // default keepalive
	Format       Format        // default pcap
	Conns        int           // connections; 20,000 / 200,000
	Requests     int           // requests on each; 10 / 1
	Concurrent   int           // connections open at once; 500 / 5,000
	Bytes        int           // mean size of a response body; 2,750 / 500
	TimeoutShare float64       // connections whose last request meets the client's timeout; 0.05 / 0; negative: none
	Timeout      time.Duration // the client's timeout; 500 ms
	Slow         Slow          // an endpoint that is slower than the others; zero: none
	Seed         uint64        // of everything random
	Checksums    bool          // compute TCP checksums; without, they are zero as under offloading
	Start        time.Time     // of the first packet; 2026-01-01 00:00:00 UTC
}

// Slow is one endpoint of one server, of which some requests meet the client's
// timeout.
type Slow struct {
	Server   int     // 1 to 4; 0: none
	Endpoint int     // 1 to 4, as the package lists them
	Share    float64 // of its requests
}

// ParseSlow reads SERVER/ENDPOINT=SHARE.
func ParseSlow(text string) (Slow, error) {
	var s Slow
	if n, err := fmt.Sscanf(text, "%d/%d=%g", &s.Server, &s.Endpoint, &s.Share); n != 3 || err != nil ||
		s.Server < 1 || s.Server > 4 || s.Endpoint < 1 || s.Endpoint > 4 || !(s.Share > 0 && s.Share <= 1) {
		return Slow{}, fmt.Errorf("%q: must be SERVER/ENDPOINT=SHARE, such as 2/3=0.1", text)
	}
	return s, nil
}

// defaults fills the zero fields.
func (c Config) defaults() (Config, error) {
	d := Config{Conns: 20000, Requests: 10, Concurrent: 500, Bytes: 2750, TimeoutShare: 0.05}
	switch c.Kind {
	case Short:
		d = Config{Conns: 200000, Requests: 1, Concurrent: 5000, Bytes: 500}
	case Keepalive, "":
		c.Kind = Keepalive
	default:
		return c, fmt.Errorf("kind %q: must be keepalive or short", c.Kind)
	}
	switch c.Format {
	case Pcap, Pcapng:
	case "":
		c.Format = Pcap
	default:
		return c, fmt.Errorf("format %q: must be pcap or pcapng", c.Format)
	}
	c.Conns = or(c.Conns, d.Conns)
	c.Requests = or(c.Requests, d.Requests)
	c.Concurrent = min(or(c.Concurrent, d.Concurrent), c.Conns)
	c.Bytes = or(c.Bytes, d.Bytes)
	c.TimeoutShare = or(c.TimeoutShare, d.TimeoutShare)
	c.Timeout = or(c.Timeout, 500*time.Millisecond)
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if c.Conns < 0 || c.Requests < 0 || c.Concurrent < 0 || c.Bytes < 0 || c.Timeout < 0 {
		return c, fmt.Errorf("negative numbers make no traffic")
	}
	return c, nil
}

// or returns a unless it is zero.
func or[T comparable](a, b T) T {
	var zero T
	if a == zero {
		return b
	}
	return a
}

// Total is the truth about what was written.
type Total struct {
	Packets  int64
	Bytes    int64 // of the file
	Conns    int
	Requests int // sent, those that timed out included
	TimedOut int // requests, and so connections, that the client gave up
	Span     time.Duration
}
