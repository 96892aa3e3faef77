package exchange

import (
	"fmt"
	"maps"
	"reflect"
	"testing"
)

func TestEndpoint(t *testing.T) {
	for _, c := range []struct{ target, want string }{
		{"/", "/"},
		{"", ""},
		{"*", "*"},
		{"/slow", "/slow"},
		{"/api/v1/item/35499?delay=3058&size=2294", "/api/v1/item/{id}"},
		{"/api/v1/user/27891/orders?delay=3081", "/api/v1/user/{id}/orders"},
		{"/a#frag/1", "/a"},
		{"/page/7", "/page/{id}"},
		{"/x/550e8400-e29b-41d4-a716-446655440000", "/x/{id}"},
		{"/x/%7B550e8400-e29b-41d4-a716-446655440000%7D/y", "/x/{id}/y"},
		{"/blob/d41d8cd98f00b204e9800998ecf8427e", "/blob/{id}"},
		{"/commit/deadbee", "/commit/deadbee"},
		{"/commit/deadbee1", "/commit/{id}"},
		{"/log/2026-11-22", "/log/{id}"},
		{"/log/2026-11-22T10:00:00Z", "/log/{id}"},
		{"/log/20261122", "/log/{id}"},
		{"/img/123.png", "/img/{id}.png"},
		{"/js/app.d41d8cd98f00b204.js", "/js/{id}.js"},
		{"/js/app.js", "/js/app.js"},
		{"/user/joe@example.com/mail", "/user/{id}/mail"},
		{"/user/joe%40example.com", "/user/{id}"},
		{"/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "/t/{id}"},
		{"/t/AbCdEfGhIjKlMnOpQrStUvWx", "/t/{id}"},
		{"/sku/SKU12345", "/sku/{id}"},
		{"/c/cus_9s6XKzkNRiz8i3", "/c/{id}"},
		{"/order-123", "/{id}"},
		{"/step-2", "/step-2"},
		{"/oauth2/token", "/oauth2/token"},
		{"/v1.2/x", "/v1.2/x"},
		{"/2.0/x", "/2.0/x"},
		{"/base64/utf8/sha256", "/base64/utf8/sha256"},
		{"/a;jsessionid=1234ABCD/b", "/a/b"},
		{"//a//b/", "//a//b/"},
		{"/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/..."},
		{"/10.0.0.1", "/{id}"},
		{"/content-security-policy-report-endpoint", "/content-security-policy-report-endpoint"},
	} {
		_, path := splitTarget([]byte("GET"), []byte(c.target))
		if got := string(appendEndpoint(nil, []byte("GET"), path)); got != "GET "+c.want {
			t.Errorf("%s: got %q, want %q", c.target, got, "GET "+c.want)
		}
	}
}

func TestSplitTarget(t *testing.T) {
	for _, c := range []struct{ method, target, host, path string }{
		{"GET", "/a?b", "", "/a?b"},
		{"GET", "http://h/a", "h", "/a"},
		{"GET", "http://h:1?q", "h:1", ""},
		{"GET", "https://h", "h", "/"},
		{"CONNECT", "h:443", "h:443", "h:443"},
		{"OPTIONS", "*", "", "*"},
	} {
		host, path := splitTarget([]byte(c.method), []byte(c.target))
		if string(host) != c.host || string(path) != c.path {
			t.Errorf("%s %s: got %q and %q", c.method, c.target, host, path)
		}
	}
}

func TestMerge(t *testing.T) {
	counts := map[string]int{"GET /users/me": 500, "GET /users/me/posts": 90, "GET /users/{id}": 3, "PING": 4, "GET /": 1}
	want := map[string]string{}
	for i := range 80 {
		name := string(rune('a'+i%26)) + string(rune('a'+i/26)) + "-x"
		counts["GET /users/"+name] = 2
		counts["GET /users/"+name+"/posts"] = 1
		counts["GET /static/"+name+".css"] = 1
		want["GET /users/"+name] = "GET /users/{id}"
		want["GET /users/"+name+"/posts"] = "GET /users/{id}/posts"
		want["GET /static/"+name+".css"] = "GET /static/{id}.css"
		counts["GET /rpc/"+name] = 100   // many, but each is used a lot
		counts["PUT /users/"+name] = 400 // another method is another place
	}
	for i := range 50 { // not more than the threshold
		counts[fmt.Sprint("GET /few/", string(rune('a'+i)))] = 1
	}
	if got := Merge(counts); !maps.Equal(got, want) {
		for k, v := range got {
			if want[k] != v {
				t.Errorf("%s became %s", k, v)
			}
		}
		t.Errorf("%d endpoints were renamed, not %d", len(got), len(want))
	}
}

func TestNames(t *testing.T) {
	n := NewNames()
	a, b := n.ID([]byte("a")), n.ID([]byte("b"))
	if a == b || a != n.ID([]byte("a")) || n.String(b) != "b" || n.ID(nil) != 0 || n.String(99) != "" || n.Len() != 3 {
		t.Error("names are not kept apart")
	}
	n.bytes = maxNameBytes
	if n.ID([]byte("c")) != 0 || n.Refused() != 1 || n.ID([]byte("a")) != a {
		t.Error("a full Names takes a new string")
	}
}

func TestSniff(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Hint
	}{
		{"", HintNone},
		{"G", HintNone},
		{"GET /", HintRequest},
		{"BREW /pot HTCPCP/1.0\r\n", HintNone},
		{"BREW /pot HTTP/1.1\r\n", HintRequest},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HintRequest},
		{"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", HintRequest},
		{"HTTP/1.1 200 OK\r\n", HintResponse},
		{"\x16\x03\x01\x02\x00\x01", HintRequest},
		{"\x16\x03\x03\x00\x7a\x02", HintResponse},
		{"\x17\x03\x03\x00\x7a\x02", HintNone},
		{"*2\r\n$3\r\nget\r\n$1\r\na\r\n", HintRequest},
		{"*2\r\n$3\r\nfoo\r\n$1\r\na\r\n", HintNone},
		{"+PONG\r\n", HintResponse},
		{"SSH-2.0-x", HintResponse},
		{"220 mail ESMTP\r\n", HintResponse},
		{"\x4a\x00\x00\x00\x0a8.0.32\x00\x08\x00\x00\x00abcdefgh", HintResponse},
		{"\x00\x00\x00\x08\x04\xd2\x16\x2f", HintRequest},
		{"\x00\x01\x02\x03", HintNone},
	} {
		if got := Sniff([]byte(c.in)); got != c.want {
			t.Errorf("%q: got %d, want %d", c.in, got, c.want)
		}
	}
}

func TestHeadCut(t *testing.T) {
	whole := "POST /a/b HTTP/1.1\r\nHost: x.example\r\nContent-Length: 5\r\n\r\n"
	for n := 1; n < len(whole); n++ {
		var h head
		if h.read([]byte(whole[:n]), true) != 0 {
			t.Fatalf("%q is a whole head", whole[:n])
		}
		if !h.readCut([]byte(whole[:n]), true) {
			t.Fatalf("%q is no head", whole[:n])
		}
		if cut := n < len("POST /a/b "); h.cut != cut || !cut && string(h.target) != "/a/b" {
			t.Errorf("%q: target %q, cut %v", whole[:n], h.target, h.cut)
		}
	}
	var h head
	if n := h.read([]byte(whole), true); n != len(whole) || h.length != 5 || !reflect.DeepEqual(h.host, []byte("x.example")) {
		t.Errorf("read %d bytes: %+v", n, h)
	}
}

// TestPlainSegment checks that segments which are plain are not variable: every
// one of up to six bytes of each kind.
func TestPlainSegment(t *testing.T) {
	const kinds = "af09-_"
	taken := 0
	for n := 1; n <= 6; n++ {
		for k := range pow(len(kinds), n) {
			s := make([]byte, n)
			for i := range s {
				s[i] = kinds[k%len(kinds)]
				k /= len(kinds)
			}
			length, plain := segment(s)
			if length != n {
				t.Fatalf("%s: length %d", s, length)
			}
			if plain {
				taken++
				if got := string(appendSegment(nil, s)); got != string(s) {
					t.Fatalf("%s is plain, but folds to %s", s, got)
				}
			}
		}
	}
	if taken < 1000 {
		t.Errorf("only %d plain segments", taken)
	}
}

func pow(x, n int) int {
	p := 1
	for range n {
		p *= x
	}
	return p
}
