package analyzer

import "cmp"

// DiffSchema names the version of the JSON form of Comparison.
const DiffSchema = "finwait.diff/v1"

// The verdicts of a comparison.
const (
	VerdictImproved  = "improved"
	VerdictRegressed = "regressed"
	VerdictUnchanged = "unchanged"
	VerdictUnsure    = "unsure" // too little data to tell
	VerdictNew       = "new"
	VerdictGone      = "gone"
	VerdictChanged   = "changed" // of a timer: neither better nor worse by itself
)

// Comparison says what changed between two reports. It is finished and sorted.
type Comparison struct {
	Schema     string         `json:"schema"`
	Tool       Tool           `json:"tool"`
	Before     Side           `json:"before"`
	After      Side           `json:"after"`
	Comparable []Doubt        `json:"comparable"` // what differs between the sides; empty when nothing does
	Matches    []Match        `json:"matches"`    // rows that were taken for the same under another address
	Totals     []D            `json:"totals"`
	Causes     []CauseDiff    `json:"causes"`
	Clients    []ClientDiff   `json:"clients"`   // those that changed first
	Peers      []PeerDiff     `json:"peers"`     // those that changed first
	Endpoints  []EndpointDiff `json:"endpoints"` // those that changed first
	Timers     []TimerDiff    `json:"timers"`
	Findings   []FindingDiff  `json:"findings"`
	Axes       Axes           `json:"axes"`
	Verdict    string         `json:"verdict"`
	Text       string         `json:"text"` // a few sentences for a person
	Rule       string         `json:"rule"` // how the verdicts were reached
}

// Side is one side of a comparison.
type Side struct {
	Inputs            []Input  `json:"inputs"`
	Span              Span     `json:"span"`
	Connections       int      `json:"connections"`
	Requests          int      `json:"requests"`
	RequestsPerMinute *float64 `json:"requests_per_minute"`
}

// Axes are what a fix may change, each judged by itself over all connections:
// a server that notices its clients leaving shortens half-closes and changes
// nothing else.
type Axes struct {
	Timeouts  string `json:"timeouts"`
	Churn     string `json:"churn"`
	HalfClose string `json:"half_close"`
	Response  string `json:"response"`
	// SymptomMoved is set when half-closes became shorter while timeouts and
	// churn did not improve.
	SymptomMoved bool `json:"symptom_moved"`
}

// Doubt is one way in which the sides differ as captures, and what that makes
// doubtful: metrics, and rows by their endpoint or address.
type Doubt struct {
	ID     string   `json:"id"`
	Text   string   `json:"text"`
	Doubts []string `json:"doubts"` // "all" stands for every row
	grave  bool     // one side cannot show a change at all
}

// Match says that a row of one side was compared with another one of the
// other side, and on what ground.
type Match struct {
	Kind   string   `json:"kind"`   // peer | endpoint | client
	Before []string `json:"before"` // addresses, or one address and its endpoint
	After  []string `json:"after"`
	By     string   `json:"by"` // map | name | endpoints | port | alone | endpoint
	Text   string   `json:"text"`
}

// D is one metric of one row on both sides.
type D struct {
	Metric  string   `json:"metric"`
	Unit    string   `json:"unit"`
	At      string   `json:"at,omitempty"` // of a distribution: the quantile shown, p50 | p90 | p99
	Before  *float64 `json:"before"`       // nil: that side does not give it
	After   *float64 `json:"after"`
	Change  *float64 `json:"change"` // (after-before)/before; nil when that has no value
	Low     *float64 `json:"low"`    // 95 % interval of the change; nil when there is none. Of a distribution: of the ratio of hazards, or of the probability of a longer value
	High    *float64 `json:"high"`
	P       *float64 `json:"p"`     // corrected for the number of rows; nil when there is no test
	PRaw    *float64 `json:"p_raw"` // of this row alone
	Test    string   `json:"test"`  // which test; "" none
	NBefore int      `json:"n_before"`
	NAfter  int      `json:"n_after"`
	// JudgedBy names the metric of the same row that decided, when this one
	// depends on length and load and cannot be tested itself.
	JudgedBy string   `json:"judged_by,omitempty"`
	Doubts   []string `json:"doubts,omitempty"` // IDs of Comparable that weaken this row
	Note     string   `json:"note,omitempty"`
	// Because says where the change of a row is that contains it, and what is
	// left without; the verdict is then that of what is left.
	Because string `json:"because,omitempty"`
	Verdict string `json:"verdict"`

	family  family
	worse   int      // 1: more is worse; -1: less is worse
	matters bool     // the effect is large enough to matter
	bounded bool     // a change that matters much is excluded
	seen    quantile // where a change of a distribution that matters shows
	follows []int    // indices, in the same rows, of the metrics that judge this one
	share   float64  // of the change, what length and load explain: the ratio expected if nothing changed; 0 none
}

// ClientDiff is one client address.
type ClientDiff struct {
	Client  string `json:"client"`
	Was     string `json:"was,omitempty"` // its address before, when that was another
	Verdict string `json:"verdict"`
	Rows    []D    `json:"rows"`

	of *group
}

// PeerDiff is one server, or several that were taken together.
type PeerDiff struct {
	Server     string  `json:"server"`
	ServerName *string `json:"server_name"`
	Was        string  `json:"was,omitempty"` // its address before, when that was another
	Verdict    string  `json:"verdict"`
	Because    string  `json:"because,omitempty"` // the endpoint that gave it its verdict, when its own rows do not
	Rows       []D     `json:"rows"`
}

// EndpointDiff is one endpoint of one server.
type EndpointDiff struct {
	Server   string `json:"server"`
	Endpoint string `json:"endpoint"`
	Was      string `json:"was,omitempty"` // its server before, when that was another
	Verdict  string `json:"verdict"`
	Rows     []D    `json:"rows"`

	of *group
}

// CauseDiff is one cause over all connections: every close of the harmful ones,
// of the others those that a new connection had to replace.
type CauseDiff struct {
	Cause string `json:"cause"`
	Rows  []D    `json:"rows"`
}

// TimerDiff is a client timer of either side.
type TimerDiff struct {
	BeforeS     *float64 `json:"before_s"` // nil: no close shows it
	AfterS      *float64 `json:"after_s"`
	Client      string   `json:"client"`
	Basis       string   `json:"basis"`
	Count       int      `json:"count"` // closes that it explains, of both sides
	CountBefore int      `json:"count_before"`
	CountAfter  int      `json:"count_after"`
	Verdict     string   `json:"verdict"` // changed | unchanged | new | gone
	Text        string   `json:"text"`
}

// FindingDiff is a finding of either side.
type FindingDiff struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	Server   string `json:"server"`
	Endpoint string `json:"endpoint"`
	Before   int    `json:"before"` // count; 0: the side does not have it
	After    int    `json:"after"`
	Verdict  string `json:"verdict"` // new | gone | unchanged | unsure
}

// CompareOptions are what the user may say about a comparison. The zero value
// is usable.
type CompareOptions struct {
	// Map names what is the same on both sides: an address (with or without
	// its port) or server name before, and what it is called after.
	Map map[string]string
	// Comparisons is how many comparisons are made at once, for which p-values
	// are corrected; 0 is 1.
	Comparisons int
	Version     string // of the program, for the output
}

// Compare says what changed from one report to another. The reports stay as
// they are; all it needs is in their JSON form.
func Compare(before, after *Report, opts CompareOptions) *Comparison {
	c := &comparer{a: newSide(before), b: newSide(after), opts: opts}
	c.opts.Comparisons = cmp.Or(opts.Comparisons, 1)
	c.load = 1
	if c.a.minutes > 0 && c.b.minutes > 0 && before.Totals.Requests > 0 {
		c.load = float64(after.Totals.Requests) / c.b.minutes / (float64(before.Totals.Requests) / c.a.minutes)
	}
	out := &Comparison{Schema: DiffSchema, Tool: Tool{"finwait", opts.Version}, Before: c.a.summary(), After: c.b.summary()}
	c.patience = c.patienceOf()
	c.match()
	c.collect(out)
	c.verdicts(out)
	out.Timers = c.timers()
	c.compareCaptures(out)
	out.Axes = axesOf(out.Totals)
	c.blame(out)
	out.Findings = c.findings(out)
	c.conclude(out)
	return out
}
