package event

// Problem is something in an input that could not be read, or that limits what
// can be concluded from it. Equal problems are counted, not repeated.
type Problem struct {
	ID     string // short and stable, such as "cut-file" or "undecoded-link-type"
	Count  int64  // how often; bytes for a cut
	Text   string // one sentence for a person
	Where  string // the first place: "client.pcap: byte 1024 (frame 7)"; may be empty
	Damage bool   // the input is damaged, not merely limited; --strict refuses it
}

// Input says what one input was.
type Input struct {
	Path      string   // as the user gave it; "-" for standard input
	Kind      string   // pcap | pcapng | strace | report
	Bytes     int64    // uncompressed bytes read
	Packets   int64    // frames; 0 for logs
	Lines     int64    // lines; 0 for captures
	Start     Time     // first event; NoTime without one
	End       Time     // last event
	LinkTypes []string // libpcap's names, such as "EN10MB"; sorted
	Snaplen   int      // the largest of the file's interfaces; 0 unknown
	Host      string   // what tells captures of two hosts apart, when the file says it; "" unknown
}
