package analyzer

import (
	"finwait/analyzer/event"
	"finwait/analyzer/stat"
)

// ReportSchema names the version of the JSON form of Report.
const ReportSchema = "finwait.report/v1"

// Report is everything that finwait concluded from its inputs. It is finished
// and sorted: the same input gives the same bytes. Every format is rendered
// from it, and its JSON form is the contract with other programs.
type Report struct {
	Schema    string     `json:"schema"`
	Tool      Tool       `json:"tool"`
	Inputs    []Input    `json:"inputs"`
	Span      Span       `json:"span"`
	Settings  Settings   `json:"settings"`
	Slices    Slices     `json:"slices"`
	Verdict   string     `json:"verdict"` // two or three sentences for a person
	Quality   []Quality  `json:"quality"`
	Totals    Totals     `json:"totals"`
	HalfClose HalfCloses `json:"half_close"`
	Timers    []Timer    `json:"timers"`
	WhatIf    []WhatIf   `json:"what_if"`
	// Rows of servers, endpoints and clients come with most churn first. Past
	// some thousands, the rest is one last row whose name is "other".
	Peers     []Peer        `json:"peers"`     // by churn, then timeouts, then connections
	Endpoints []EndpointRow `json:"endpoints"` // by churn, then timeouts, then requests
	Clients   []ClientRow   `json:"clients"`   // by churn
	Timeline  Timeline      `json:"timeline"`
	Findings  []Finding     `json:"findings"`            // by severity, then count
	Processes []Process     `json:"processes,omitempty"` // from strace logs: how each process waits
	Clocks    []Clock       `json:"clocks,omitempty"`    // offsets between inputs that describe the same connections
}

// Tool names the program that wrote the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Stamp is a time as the contract writes it: RFC 3339 with nanoseconds in UTC, or null.
type Stamp event.Time

// Input is one input as the report names it.
type Input struct {
	Path      string   `json:"path"`
	Kind      string   `json:"kind"`
	Bytes     int64    `json:"bytes"`
	Packets   int64    `json:"packets"`
	Lines     int64    `json:"lines"`
	Start     Stamp    `json:"start"`
	End       Stamp    `json:"end"`
	LinkTypes []string `json:"link_types"`
	Snaplen   *int     `json:"snaplen"`
	Host      *string  `json:"host"`
}

// Span is the time that the inputs cover together.
type Span struct {
	Start     Stamp    `json:"start"`
	End       Stamp    `json:"end"`
	DurationS *float64 `json:"duration_s"`
}

// Settings are what the user said about the analysis and the report depends on.
type Settings struct {
	TimeoutsS   []float64 `json:"timeouts_s"` // --timeout; empty when they were found in the input
	FinTimeoutS float64   `json:"fin_timeout_s"`
	TimeWaitS   float64   `json:"time_wait_s"`
	From        string    `json:"from,omitempty"`   // --from as it was typed
	To          string    `json:"to,omitempty"`     // --to as it was typed
	Filter      string    `json:"filter,omitempty"` // -f
}

// Slices are equal stretches of time in which rows count events, so that a
// comparison can tell how much events cluster. The first and the last one may
// reach beyond the span.
type Slices struct {
	Start  Stamp   `json:"start"`
	WidthS float64 `json:"width_s"` // 0 when the inputs have no clock
	Count  int     `json:"count"`
}

// Counts are the events of one row by Slices; a list without any event is nil.
// Requests and what became of them are counted when they were sent, closes when
// they happened. Those of a client are spread evenly over its connections' lives.
type Counts struct {
	Requests  []int `json:"requests,omitempty"`
	TimedOut  []int `json:"timed_out,omitempty"`
	Cancelled []int `json:"cancelled,omitempty"`
	Aborted   []int `json:"aborted,omitempty"`
	Churned   []int `json:"churned,omitempty"`
	Opened    []int `json:"opened,omitempty"`
}

// Quality is one thing that limits what the inputs show: damage, drops,
// truncation, duplicates, clock steps, one-sided connections.
type Quality struct {
	ID     string `json:"id"`
	Count  int64  `json:"count"`
	Text   string `json:"text"`
	Where  string `json:"where"`
	Damage bool   `json:"damage"` // the input is broken, not merely limited
}

// Causes counts connections by cause; causes that did not occur are absent.
type Causes map[string]int

// Totals are sums over all connections.
type Totals struct {
	Connections           int              `json:"connections"`
	Opened                int              `json:"opened"` // whose beginning was seen
	Closed                int              `json:"closed"`
	Requests              int              `json:"requests"`
	Answered              int              `json:"answered"`
	TimedOut              int              `json:"timed_out"`
	Cancelled             int              `json:"cancelled"`
	Aborted               int              `json:"aborted"`
	Churned               int              `json:"churned"`
	LateResponses         int              `json:"late_responses"`  // answers that nobody read
	WastedServerS         *float64         `json:"wasted_server_s"` // late response minus close, added up; null when none came
	Retries               int              `json:"retries"`         // timed-out requests sent again on the connection that replaced theirs
	RequestsPerConnection *float64         `json:"requests_per_connection"`
	ReuseRatio            *float64         `json:"reuse_ratio"` // share of requests that found a connection already open
	Causes                Causes           `json:"causes"`
	ChurnedBy             Causes           `json:"churned_by"` // the churned ones by cause
	Vantage               Causes           `json:"vantage"`    // connections by where the capture stood: client, server, middle; those that do not show it are absent
	Response              Quantiles        `json:"response"`
	Counts                *Counts          `json:"counts,omitempty"`
	CausesOver            map[string][]int `json:"causes_over,omitempty"`  // closes by cause, by Slices
	ChurnedOver           map[string][]int `json:"churned_over,omitempty"` // churned ones by cause, by Slices
}

// Quantiles summarises a distribution of durations in seconds. With censored
// values they are Kaplan-Meier estimates; one that the data cannot give is nil.
type Quantiles struct {
	Count    int      `json:"count"`
	Censored int      `json:"censored"` // of Count: known only to be longer
	P50      *float64 `json:"p50_s"`
	P90      *float64 `json:"p90_s"`
	P99      *float64 `json:"p99_s"`
	Max      *float64 `json:"max_s"`
	// Dist is the whole distribution in bounded form, for comparisons of
	// saved reports; nil where nothing was observed.
	Dist *stat.Dist `json:"dist,omitempty"`
	// Cluster says how much durations of the same time resemble each other;
	// nil where there are too few to tell.
	Cluster *Cluster `json:"cluster,omitempty"`
}

// Cluster is how much slow and fast times alternate: two durations of the same
// burst say less than two of different hours.
type Cluster struct {
	Effect float64 `json:"effect"` // by how much it inflates the variance of a mean (Kish's design effect); 1: not at all
	DF     float64 `json:"df"`     // degrees of freedom of this estimate
}

// HalfCloses are the half-closes that each side began.
type HalfCloses struct {
	Client HalfClose `json:"client"`
	Server HalfClose `json:"server"`
}

// HalfClose sums up the half-closes that one side began.
type HalfClose struct {
	Count     int            `json:"count"`
	Censored  int            `json:"censored"`
	FinWait1  Quantiles      `json:"fin_wait_1"`
	FinWait2  Quantiles      `json:"fin_wait_2"`
	GaveUp    Quantiles      `json:"gave_up"`    // from FIN to the end, where a client gave up a request: there the server was still at work
	Other     Quantiles      `json:"other"`      // FIN-WAIT-2 of all the others
	CloseWait Quantiles      `json:"close_wait"` // of the other side
	Peak      Peak           `json:"peak"`       // most FIN-WAIT-2 sockets at once
	EndedBy   map[string]int `json:"ended_by"`
}

// Peak is the largest number of something at once.
type Peak struct {
	Count Measured `json:"count"`
	At    Stamp    `json:"at"`
}

// Timer is a client timer that was found, or given with --timeout.
type Timer struct {
	ValueS  float64  `json:"value_s"`
	SpreadS float64  `json:"spread_s"` // interquartile range of the waits; 0 for one
	Basis   string   `json:"basis"`    // connect-start | request-start | request-end | last-byte | configured
	Count   int      `json:"count"`    // closes that it explains
	Client  string   `json:"client"`   // address; "", null in JSON, when only all clients together show it
	Servers []string `json:"servers"`
	Meaning string   `json:"meaning"` // in words, with the settings that make such a timer
}

// WhatIf says how many timeouts a longer timeout would have saved.
type WhatIf struct {
	Server     string  `json:"server"`
	Endpoint   string  `json:"endpoint"`
	TimeoutS   float64 `json:"timeout_s"`
	SavedShare float64 `json:"saved_share"` // of the timeouts seen, by the survival curve
	Low        float64 `json:"low"`         // 95 % confidence
	High       float64 `json:"high"`
}

// Peer is a server, ip:port, as its clients met it.
type Peer struct {
	Server                string    `json:"server"`
	ServerName            *string   `json:"server_name"`
	Connections           int       `json:"connections"`
	Opened                int       `json:"opened"`
	Requests              int       `json:"requests"`
	RequestsPerConnection *float64  `json:"requests_per_connection"`
	Answered              int       `json:"answered"`
	TimedOut              int       `json:"timed_out"`
	Cancelled             int       `json:"cancelled"`
	Aborted               int       `json:"aborted"`
	Churned               int       `json:"churned"`
	ChurnPerMinute        *float64  `json:"churn_per_minute"`
	ConnectionsPerMinute  *float64  `json:"connections_per_minute"`
	Causes                Causes    `json:"causes"`
	FinWait2              Quantiles `json:"fin_wait_2"` // of its clients' sockets
	GaveUp                Quantiles `json:"gave_up"`    // from FIN to the end, where a client gave up a request
	Other                 Quantiles `json:"other"`      // FIN-WAIT-2 of all its clients' other half-closes
	CloseWait             Quantiles `json:"close_wait"` // of its own
	FinWait2Peak          Measured  `json:"fin_wait_2_peak"`
	TimeWaitPeak          Measured  `json:"time_wait_peak"`   // sockets of its clients
	InFlightPeak          Measured  `json:"in_flight_peak"`   // most requests outstanding at once: the idle pool that would have sufficed
	ConcurrencyPeak       Measured  `json:"concurrency_peak"` // most connections open at once
	HandshakeS            *float64  `json:"handshake_s"`      // time spent in handshakes, added up
	WastedServerS         *float64  `json:"wasted_server_s"`
	Retries               int       `json:"retries"`
	Response              Quantiles `json:"response"`
	Lifetime              Quantiles `json:"lifetime"`
	Reuse                 []Bin     `json:"reuse"` // requests per connection as a distribution
	Counts                *Counts   `json:"counts,omitempty"`
}

// Bin is one bar of a histogram: connections that carried Min to Max requests.
type Bin struct {
	Min   int `json:"min"`
	Max   int `json:"max"`
	Count int `json:"count"`
}

// EndpointRow is one endpoint of one server.
type EndpointRow struct {
	Server            string    `json:"server"`
	Endpoint          string    `json:"endpoint"`
	Requests          int       `json:"requests"`
	Answered          int       `json:"answered"`
	TimedOut          int       `json:"timed_out"`
	Cancelled         int       `json:"cancelled"`
	Aborted           int       `json:"aborted"`
	ConnectionsClosed int       `json:"connections_closed"` // whose closing request it was
	Churned           int       `json:"churned"`
	Causes            Causes    `json:"causes"`
	Response          Quantiles `json:"response"`      // from request to the end of its answer; timeouts censored at the close
	LateResponse      Quantiles `json:"late_response"` // from request to the late answer
	GaveUp            Quantiles `json:"gave_up"`       // from FIN to the end, where a client gave up a request
	WastedServerS     *float64  `json:"wasted_server_s"`
	Retries           int       `json:"retries"`
	Counts            *Counts   `json:"counts,omitempty"`
}

// ClientRow is one client address over all its servers.
type ClientRow struct {
	Client                string    `json:"client"`
	Connections           int       `json:"connections"`
	Opened                int       `json:"opened"`
	Requests              int       `json:"requests"`
	RequestsPerConnection *float64  `json:"requests_per_connection"`
	Answered              int       `json:"answered"`
	TimedOut              int       `json:"timed_out"`
	Cancelled             int       `json:"cancelled"`
	Aborted               int       `json:"aborted"`
	Churned               int       `json:"churned"`
	ChurnPerMinute        *float64  `json:"churn_per_minute"`
	ConnectionsPerMinute  *float64  `json:"connections_per_minute"`
	Causes                Causes    `json:"causes"`
	FinWait2              Quantiles `json:"fin_wait_2"`
	GaveUp                Quantiles `json:"gave_up"` // from FIN to the end, where a client gave up a request
	Other                 Quantiles `json:"other"`   // FIN-WAIT-2 of all its clients' other half-closes
	FinWait2Peak          Measured  `json:"fin_wait_2_peak"`
	TimeWaitPeak          Measured  `json:"time_wait_peak"`
	PortsShare            *float64  `json:"ports_share"` // largest share of the ephemeral range (28,232 ports to one server) held at once
	Response              Quantiles `json:"response"`
	Lifetime              Quantiles `json:"lifetime"`
	Counts                *Counts   `json:"counts,omitempty"`
}

// Timeline counts sockets by state over time.
type Timeline struct {
	Start   Stamp    `json:"start"`
	BucketS float64  `json:"bucket_s"` // 0 when the inputs have no clock
	Series  []Series `json:"series"`
}

// Series is one line of the timeline. A value is the number of sockets in the
// state at the end of the bucket; for "NEW" and "CLOSED", events within it.
type Series struct {
	Peer   string `json:"peer"` // server ip:port; "" for all
	Side   string `json:"side"` // client | server: whose sockets
	State  string `json:"state"`
	Values []int  `json:"values"`
}

// Severity orders findings.
const (
	SeverityHigh   = "high"
	SeverityMedium = "medium"
	SeverityLow    = "low"
	SeverityInfo   = "info"
)

// Finding is one conclusion in words, with its evidence and what to do.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Title    string `json:"title"`    // one line
	Text     string `json:"text"`     // the evidence, with numbers
	Advice   string `json:"advice"`   // what to do, and who
	Disproof string `json:"disproof"` // what would prove it wrong
	Server   string `json:"server"`
	Endpoint string `json:"endpoint"`
	Count    int    `json:"count"`
	Streams  []int  `json:"streams"` // the first ones, at most 20
	Filter   string `json:"filter"`  // for Wireshark; "", null in JSON, when no capture shows it
}

// Process says how one traced process waited for its sockets.
type Process struct {
	PID         int      `json:"pid"`
	Comm        *string  `json:"comm"`
	Runtime     *string  `json:"runtime"`   // go | python | node | java | nginx | curl | ...; null when it cannot be told
	Mechanism   string   `json:"mechanism"` // kernel | poll | epoll | user-space | none
	Sockets     int      `json:"sockets"`
	KernelTimed int      `json:"kernel_timed"` // sockets with SO_RCVTIMEO, SO_SNDTIMEO or TCP_USER_TIMEOUT
	Text        string   `json:"text"`
	Evidence    []string `json:"evidence"` // "client.strace:1234: epoll_pwait(...) = 0"
	// LongCalls are the calls on sockets that took longest, longest first, at
	// most three; none where the log shows no durations.
	LongCalls []LongCall `json:"long_calls"`
	Leaks     int        `json:"leaks"` // connections that the peer closed and the process never did
}

// LongCall is a call on a socket that held its thread up.
type LongCall struct {
	Call  string  `json:"call"` // in strace's words: "read(7)"
	TookS float64 `json:"took_s"`
	Line  string  `json:"line"` // "client.strace:1234"
}

// Clock is the estimated offset of one input's clock against the first one's.
type Clock struct {
	Input   string  `json:"input"`
	Against string  `json:"against"`
	OffsetS float64 `json:"offset_s"` // add to Input's times
	SpreadS float64 `json:"spread_s"`
	Count   int     `json:"count"` // connections it was estimated from
	Text    string  `json:"text"`
}
