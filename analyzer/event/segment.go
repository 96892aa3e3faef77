package event

// Flags are the control bits of a TCP header (RFC 9293, section 3.1).
type Flags uint8

const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Has reports whether all bits of f2 are set.
func (f Flags) Has(f2 Flags) bool { return f&f2 == f2 }

// SegmentKind tells what a Segment was on the wire. Zero is a TCP segment.
type SegmentKind uint8

const (
	SegmentTCP         SegmentKind = iota
	SegmentUnreachable             // an ICMP or ICMPv6 error that quotes a TCP header: Src, Dst and Seq are the quoted ones
)

// Notes are facts about one segment that the analyzer may need.
type Notes uint16

const (
	HasTimestamps Notes = 1 << iota // TSVal and TSEcr are valid (RFC 7323)
	HasWindowScale
	CutByCapture // the capture holds fewer bytes than the packet had
	BadOptions   // the option list could not be read to its end
	EndUnknown   // where it ends is not known: its header reaches beyond the end, or it is the first fragment of a datagram that is not whole
	NoLength     // the IP header had no usable length (offloading); Len is what was captured
	DuplicateSACK
	IPv6
	Incoming // the capture says that the capturing host received it (Linux cooked packet type, pcapng epb_flags)
	Outgoing // the capture says that the capturing host sent it
)

// Segment is one TCP segment as it passed the capture point, or an ICMP error
// about one. It is a plain value; only Payload points anywhere.
type Segment struct {
	Time  Time
	Hash  uint64 // of the connection's two endpoints; the same for both directions
	Flags Flags
	Scale uint8 // window scale of a SYN, when HasWindowScale
	TTL   uint8 // TTL or hop limit
	Kind  SegmentKind
	Frame uint32 // 1-based over all frames of the stream of inputs
	Scope uint32 // where it was seen: hash of interface, VLANs and tunnels; equal for all packets of a plain capture

	Src, Dst Endpoint
	Seq, Ack Seq
	TSVal    uint32
	TSEcr    uint32
	Len      uint32 // payload bytes on the wire, of which Payload may hold fewer
	Window   uint16 // as in the header, not scaled
	IPID     uint16 // IPv4 identification; 0 for IPv6
	Code     uint16 // ICMP: type<<8 | code
	Notes    Notes
	Input    uint16 // which input, from 0

	// Payload is the captured part of the payload. It belongs to the Batch
	// and is valid until the batch is filled again.
	Payload []byte
}

// Batch is a run of segments in the order of the input, with the bytes they
// point into. The reader that fills it owns nothing afterwards: a batch may be
// handed on while the next one is being filled.
type Batch struct {
	Segments []Segment
	Names    []Name // host names that DNS answers in the capture gave to addresses
	Data     []byte // what the payloads point into
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.Segments = b.Segments[:0]
	b.Names = b.Names[:0]
	b.Data = b.Data[:0]
}

// Name is an address that a DNS answer gave for a host name. The port of Addr is 0.
type Name struct {
	Addr Endpoint
	Host string
}
