package exchange

import "testing"

// TestChosenALPN: what the size of EncryptedExtensions tells of the protocol
// that was chosen from those that the client offered.
func TestChosenALPN(t *testing.T) {
	const aes = 0x1301 // 17 bytes of a record are its type and its tag
	for _, c := range []struct {
		name    string
		offered []string
		size    int
		want    string // "" not told
		h2      bool
		unsure  bool
	}{
		{"the first of two", []string{"h2", "http/1.1"}, 17 + 6 + 7 + 2, "h2", true, false},
		{"the second of two", []string{"h2", "http/1.1"}, 17 + 6 + 7 + 8, "http/1.1", false, false},
		{"the second, and the name acknowledged", []string{"h2", "http/1.1"}, 17 + 6 + 11 + 8, "http/1.1", false, false},
		{"h2 offered last", []string{"http/1.1", "h2"}, 17 + 6 + 7 + 2, "h2", true, false},
		{"none of two", []string{"h2", "http/1.1"}, 17 + 6, "", false, false},
		{"none, and the name acknowledged", []string{"h2", "http/1.1"}, 17 + 6 + 4, "", false, false},
		{"something else besides", []string{"h2", "http/1.1"}, 17 + 6 + 40, "", false, true},
		{"something else, and h2 not offered", []string{"http/1.1"}, 17 + 6 + 40, "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tr Tracker
			tr.Init(&Env{Names: NewNames()}, 0, 443)
			tr.tls = tr.env.tls.take()
			tr.tls.cipher = aes
			for i, p := range c.offered {
				tr.tls.offered[i] = tr.env.Names.ID([]byte(p))
			}
			tr.chosenALPN(c.size)
			if got := tr.env.Names.String(tr.alpn); got != c.want || tr.tls.h2 != c.h2 || tr.unsure != c.unsure {
				t.Errorf("got %q, h2 %v, unsure %v; want %q, %v, %v", got, tr.tls.h2, tr.unsure, c.want, c.h2, c.unsure)
			}
		})
	}
}
