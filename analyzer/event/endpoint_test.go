package event

import (
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

func end(s string) Endpoint { return EndpointOf(netip.MustParseAddrPort(s)) }

func TestEndpointString(t *testing.T) {
	for _, c := range []struct {
		end  Endpoint
		text string
		is4  bool
	}{
		{Endpoint{}, "", false},
		{end("10.9.0.1:45242"), "10.9.0.1:45242", true},
		{end("[::ffff:10.9.0.1]:80"), "10.9.0.1:80", true},
		{V4([]byte{10, 9, 0, 1, 99}, 80), "10.9.0.1:80", true},
		{end("0.0.0.0:0"), "0.0.0.0:0", true},
		{end("[::1]:443"), "[::1]:443", false},
		{end("[2001:db8::2]:0"), "[2001:db8::2]:0", false},
		{Endpoint{Port: 80}, "[::]:80", false},
	} {
		if got := c.end.String(); got != c.text {
			t.Errorf("%v is written %q, want %q", c.end, got, c.text)
		}
		if got := c.end.Is4(); got != c.is4 {
			t.Errorf("%s is of IPv4: %v", c.text, got)
		}
		if got := c.end.Known(); got != (c.text != "") {
			t.Errorf("%q is known: %v", c.text, got)
		}
		if c.end.Known() && EndpointOf(c.end.AddrPort()) != c.end {
			t.Errorf("%s becomes another end by way of netip", c.text)
		}
	}
}

// TestEndpointCompare sorts IPv4 before IPv6, addresses by number, then ports.
func TestEndpointCompare(t *testing.T) {
	var want []Endpoint
	for _, s := range []string{"9.0.0.1:80", "10.0.0.1:80", "10.0.0.1:8080", "10.0.0.2:1", "[::1]:1", "[2001:db8::2]:443", "[2001:db8::10]:443"} {
		want = append(want, end(s))
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Endpoint.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("sorted: %v, want %v", got, want)
	}
	for _, x := range want {
		if x.Compare(x) != 0 {
			t.Errorf("%v differs from itself", x)
		}
	}
}

func TestSide(t *testing.T) {
	for _, c := range []struct {
		side, peer Side
		word       string
	}{{NoSide, NoSide, "none"}, {Client, Server, "client"}, {Server, Client, "server"}, {Both, Both, "both"}} {
		if got := c.side.Peer(); got != c.peer {
			t.Errorf("the peer of %v is %v, want %v", c.side, got, c.peer)
		}
		if got := c.side.String(); got != c.word {
			t.Errorf("%d is written %q, want %q", c.side, got, c.word)
		}
	}
}

// randomEnd is an end as captures have them: addresses and ports that lie close
// together.
func randomEnd(r *rand.Rand) Endpoint {
	if r.IntN(4) == 0 {
		e := end("[2001:db8::]:443")
		e.Addr[15] = byte(r.Uint32())
		e.Port = uint16(r.Uint32())
		return e
	}
	return V4([]byte{10, 0, byte(r.IntN(4)), byte(r.Uint32())}, uint16(r.Uint32()))
}

// TestHashEnds: both directions of a connection hash alike, and what differs in
// an address, in a port, or in which address has which port hashes differently.
func TestHashEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		a, b := randomEnd(r), randomEnd(r)
		h := HashEnds(&a, &b)
		if back := HashEnds(&b, &a); back != h {
			t.Fatalf("%v and %v hash to %x one way and to %x the other", a, b, h, back)
		}
		c, d := a, b
		c.Port, d.Port = b.Port, a.Port
		if h == HashEnds(&c, &d) && a.Port != b.Port && a.Addr != b.Addr {
			t.Errorf("%v and %v hash as with their ports changed round", a, b)
		}
		c = a
		c.Addr[15] ^= 1
		if h == HashEnds(&c, &b) {
			t.Errorf("%v and %v hash alike", a, c)
		}
	}
}

// TestHashSpread: of connections between one client and one server, which only a
// port tells apart, every bit of the hash is set in about half. Tables and shards
// take some of the bits only.
func TestHashSpread(t *testing.T) {
	const n = 1 << 14
	server := end("10.0.0.2:80")
	var set [64]int
	all := map[uint64]bool{}
	for port := range n {
		client := end("10.0.0.1:0")
		client.Port = uint16(port)
		h := HashEnds(&client, &server)
		all[h] = true
		for ; h != 0; h &= h - 1 {
			set[bits.TrailingZeros64(h)]++
		}
	}
	if len(all) != n {
		t.Errorf("%d connections have %d hashes", n, len(all))
	}
	for bit, k := range set {
		if k < n*45/100 || k > n*55/100 { // 12 standard deviations
			t.Errorf("bit %d is set in %d of %d", bit, k, n)
		}
	}
}
