package redact_test

import (
	"net/netip"
	"testing"

	"finwait/analyzer"
	"finwait/cmd/finwait/internal/redact"
)

func TestText(t *testing.T) {
	r := redact.New()
	r.Address("10.9.0.1:45242")
	r.Address("10.9.0.2:8080")
	r.Name("Cache-1.svc")
	r.File("incident/client.pcap")
	for _, c := range [][2]string{
		{"", ""},
		{"on cache-1.svc (10.9.0.2:8080).", "on name-1.example (198.18.0.2:8080)."},
		{"10.9.0.1, 10.9.0.3 and ::1", "198.18.0.1, 198.18.0.3 and 2001:db8::1"},
		{"[2001:db8:9::7]:443", "[2001:db8::2]:443"},
		{"GET /api/v1/item/{id}?q=secret, 2.5 s", "GET /p1/p2/p3/{id}?..., 2.5 s"},
		{"at cache-1.svc:8080 or http://cache-1.svc/api", "at name-1.example:8080 or http://name-1.example/p1"},
		{"incident/client.pcap:12", "input-1.pcap:12"},
		{"7<TCP:[10.9.0.1:45242->10.9.0.2:8080]>", "7<TCP:[198.18.0.1:45242->198.18.0.2:8080]>"},
		{"Go's http.Client.Timeout at 10:00:21, 1.2.3", "Go's http.Client.Timeout at 10:00:21, 1.2.3"},
	} {
		if got := r.Text(c[0]); got != c[1] {
			t.Errorf("Text(%q) = %q, want %q", c[0], got, c[1])
		}
	}
	if got, want := r.Payload(`write(7, "GET /a \"x\" HTTP"..., 80)`), `write(7, "...", 80)`; got != want {
		t.Errorf("Payload: %q, want %q", got, want)
	}
}

func TestEndpoint(t *testing.T) {
	r := redact.New()
	for _, c := range [][2]string{
		{"GET /a/{id}/b", "GET /p1/{id}/p2"},
		{"HGETALL", "HGETALL"},
		{"cache-1.svc", "name-1.example"},
		{"10.0.0.1:80", "198.18.0.1:80"},
		{"CONNECT db.internal:5432", "CONNECT name-2.example:5432"},
		{"/svc.Items/Fetch", "/p3/p4"},
		{"", ""},
	} {
		if got := r.Endpoint(c[0]); got != c[1] {
			t.Errorf("Endpoint(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}

// TestFlowShared proves that two connections may share what they point to.
func TestFlowShared(t *testing.T) {
	name := "cache-1.svc"
	a, b := analyzer.Flow{ServerName: &name}, analyzer.Flow{ServerName: &name}
	r := redact.New()
	r.Flow(&a)
	r.Flow(&b)
	if *a.ServerName != "name-1.example" || *b.ServerName != *a.ServerName || name != "cache-1.svc" {
		t.Errorf("got %q, %q, and the original became %q", *a.ServerName, *b.ServerName, name)
	}
}

func TestManyAddresses(t *testing.T) {
	r := redact.New()
	seen := map[string]bool{}
	for i := range 1 << 18 {
		a := analyzer.Flow{Client: netip4(i)}
		r.Flow(&a)
		if seen[a.Client] {
			t.Fatalf("%s stands for two addresses", a.Client)
		}
		seen[a.Client] = true
	}
}

// netip4 is the i-th of many addresses.
func netip4(i int) string {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()
}
