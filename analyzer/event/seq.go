package event

// Seq is a TCP sequence number (RFC 9293, section 3.4). It wraps at 2^32, so
// it is a struct: < does not compile, and Before is the only order.
type Seq struct{ n uint32 }

// SeqOf returns the sequence number with the value n of the header field.
func SeqOf(n uint32) Seq { return Seq{n} }

// Uint32 returns the value of the header field.
func (s Seq) Uint32() uint32 { return s.n }

// Before reports whether s comes before t. It holds for distances under 2^31.
func (s Seq) Before(t Seq) bool { return int32(s.n-t.n) < 0 }

// Add returns the sequence number n bytes after s.
func (s Seq) Add(n uint32) Seq { return Seq{s.n + n} }

// Sub returns how many bytes s lies after t: negative when it lies before.
func (s Seq) Sub(t Seq) int32 { return int32(s.n - t.n) }
