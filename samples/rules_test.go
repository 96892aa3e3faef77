package samples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"finwait/analyzer"
)

// The rules that hold for any input, checked on what finwait printed by code
// that shares nothing with the analyzer's: rows by themselves here, what they
// add up to in sums_test.go, moments in peaks_test.go.

// inspector collects what breaks a rule.
type inspector struct {
	report map[string]any
	flows  []map[string]any
	frames int // of all inputs
	lines  int
	inTime bool // the packets are in the order of their times
	wrong  []string
}

func (in *inspector) fail(format string, args ...any) {
	if len(in.wrong) < 20 {
		in.wrong = append(in.wrong, fmt.Sprintf(format, args...))
	}
}

// inspect applies all rules. inTime says that the packets are in the order of
// their times.
func inspect(o *outcome, inTime bool) (wrong []string, err error) {
	in := &inspector{inTime: inTime}
	if err := json.Unmarshal(o.report, &in.report); err != nil {
		return nil, err
	}
	for _, row := range o.rows {
		var f map[string]any
		if err := json.Unmarshal(row, &f); err != nil {
			return nil, err
		}
		in.flows = append(in.flows, f)
	}
	for _, x := range list(in.report, "inputs") {
		in.frames += int(num(x, "packets"))
		in.lines = max(in.lines, int(num(x, "lines")))
	}
	in.roundTrip(o)
	in.numbers("report", in.report)
	in.keys()
	for i, f := range in.flows {
		in.flow(i, f)
	}
	in.replacements()
	in.order()
	in.sums()
	in.peaks()
	in.curves()
	return in.wrong, nil
}

func num(v any, path string) float64 {
	n, _ := at(v, path).(float64)
	return n
}

func str(v any, path string) string {
	s, _ := at(v, path).(string)
	return s
}

func list(v any, path string) []any {
	l, _ := at(v, path).([]any)
	return l
}

// TestRules applies the rules to all samples.
func TestRules(t *testing.T) {
	each(t, func(t *testing.T, s *sample) {
		demand(t, s.outcome(t), true)
	})
}

// demand fails the test where a rule is broken.
func demand(t testing.TB, o *outcome, inTime bool) {
	t.Helper()
	wrong, err := inspect(o, inTime)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

// roundTrip: what was printed reads back as what printed it.
func (in *inspector) roundTrip(o *outcome) {
	var r analyzer.Report
	if err := json.Unmarshal(o.report, &r); err != nil {
		in.fail("the report does not read back: %v", err)
	}
	if again, err := json.MarshalIndent(&r, "", " "); err != nil || !sameText(again, o.report) {
		in.fail("the report reads back as another one: %v\n%s", err, diff(string(o.report), string(again)))
	}
	for i, row := range o.rows {
		var f analyzer.Flow
		if err := json.Unmarshal(row, &f); err != nil {
			in.fail("row %d does not read back: %v", i, err)
		}
		if again, err := json.Marshal(&f); err != nil || !sameText(again, row) {
			in.fail("row %d reads back as another one: %v\n%s", i, err, diff(string(row), string(again)))
		}
	}
}

// sameText compares JSON. Bytes that are no UTF-8 are escaped the first time,
// and written as they are the second.
func sameText(a, b []byte) bool {
	return bytes.Equal(a, bytes.ReplaceAll(b, []byte(`\ufffd`), []byte("\ufffd")))
}

// numbers: durations are finite and not negative, shares lie between 0 and 1,
// counts are whole.
func (in *inspector) numbers(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			in.numbers(path+"."+k, x)
		}
	case []any:
		for i, x := range v {
			in.numbers(fmt.Sprintf("%s[%d]", path, i), x)
		}
	case float64:
		name := path[strings.LastIndexByte(path, '.')+1:]
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			in.fail("%s is %v", path, v)
		case v < 0 && name != "offset_s":
			in.fail("%s is negative: %v", path, v)
		case (strings.HasSuffix(name, "_share") || name == "reuse_ratio" || name == "low" || name == "high") && v > 1:
			in.fail("%s is a share of %v", path, v)
		}
	}
}

// keys: the fields that the contract names are there.
func (in *inspector) keys() {
	for _, path := range strings.Fields(reportFields) {
		in.present("report", in.report, path)
	}
	for i, f := range in.flows {
		for _, path := range strings.Fields(flowFields) {
			in.present(fmt.Sprint("row ", i), f, path)
		}
	}
}

// present follows a path of fields; [] is every row of a list. What is null has
// no fields.
func (in *inspector) present(where string, v any, path string) {
	name, rest, more := strings.Cut(path, ".")
	name, each := strings.CutSuffix(name, "[]")
	m, ok := v.(map[string]any)
	x, has := m[name]
	if v != nil && (!ok || !has) {
		in.fail("%s has no %s", where, name)
		return
	}
	rows := []any{x}
	if each {
		if rows, ok = x.([]any); !ok {
			in.fail("%s: %s is no list", where, name)
		}
	}
	for _, row := range rows {
		if more && row != nil {
			in.present(where+"."+name, row, rest)
		}
	}
}

// flowFields and reportFields are the contract's.
const (
	flowFields = `stream source input client server server_name role_basis vantage process.pid process.tid process.fd
		process.comm opened closed first_frame last_frame packets.client packets.server bytes.client bytes.server
		retransmissions.client retransmissions.server missing_bytes.client missing_bytes.server handshake.state
		handshake.syn_retries handshake.rtt_s protocol requests.sent requests.answered requests.timed_out
		requests.cancelled requests.aborted requests.open close.cause close.initiator close.how close.at close.frame
		close.confidence close.because close.request.method close.request.host close.request.path
		close.request.endpoint close.request.sent close.request.frame close.request.waited_s close.request.phase
		close.request.stall close.timer.value_s close.timer.basis close.timer.count half_close.by
		half_close.fin_wait_1_s half_close.fin_wait_2_s half_close.close_wait_s half_close.last_ack_s
		half_close.total_s half_close.ended_by half_close.kind half_close.censored late_response.after_request_s
		late_response.after_close_s late_response.frame time_wait.by time_wait.from replaced_by notes`
	reportFields = `schema tool.name tool.version inputs[].path inputs[].kind inputs[].bytes inputs[].packets
		inputs[].lines inputs[].start inputs[].end inputs[].link_types inputs[].snaplen inputs[].host span.start
		span.end span.duration_s quality[].id quality[].count quality[].text quality[].where totals.connections
		totals.opened totals.closed totals.requests totals.answered totals.timed_out totals.cancelled
		totals.aborted totals.requests_per_connection totals.reuse_ratio totals.causes half_close.client.count
		half_close.client.censored half_close.client.fin_wait_1.p50_s half_close.client.fin_wait_2.p90_s
		half_close.client.close_wait.p99_s half_close.client.peak.count half_close.client.peak.at
		half_close.client.ended_by half_close.server.count timers[].value_s timers[].spread_s timers[].basis
		timers[].count timers[].client timers[].servers timers[].meaning what_if[].server what_if[].endpoint
		what_if[].timeout_s what_if[].saved_share what_if[].low what_if[].high peers[].server peers[].server_name
		peers[].connections peers[].requests peers[].requests_per_connection peers[].timed_out peers[].churned
		peers[].churn_per_minute peers[].causes peers[].fin_wait_2.max_s peers[].fin_wait_2_peak
		peers[].time_wait_peak peers[].response.count peers[].lifetime.censored endpoints[].server
		endpoints[].endpoint endpoints[].requests endpoints[].timed_out endpoints[].connections_closed
		endpoints[].churned endpoints[].causes endpoints[].response.p50_s endpoints[].late_response.p50_s
		clients[].client clients[].connections clients[].churned clients[].causes timeline.start
		timeline.bucket_s timeline.series[].peer timeline.series[].side timeline.series[].state
		timeline.series[].values findings[].id findings[].severity findings[].title findings[].text
		findings[].advice findings[].server findings[].endpoint findings[].count findings[].streams
		findings[].filter`
)

// words are the values that the contract allows; "-" stands for null.
var words = map[string]string{
	"source":     "capture strace both",
	"role_basis": "syn syn-ack payload port popularity connect accept",
	"vantage":    "client server middle -",
	"close.cause": `request-timeout request-cancelled client-idle-close client-no-reuse declared-close
		server-idle-close server-aborted-request idle-race connect-timeout connect-refused network-failure
		no-data open unknown`,
	"close.initiator":     "client server both none",
	"close.how":           "fin rst none",
	"close.confidence":    "high medium low",
	"close.request.phase": "connect tls-handshake sending-request awaiting-headers reading-body",
	"close.request.stall": "server network window trickle -",
	"close.timer.basis":   "connect-start request-start request-end last-byte configured",
	"half_close.by":       "client server both",
	"half_close.ended_by": "peer-fin peer-reset late-data-reset orphan-expired capture-end simultaneous",
	"half_close.kind":     "orphan held -",
	"handshake.state":     "complete unanswered refused mid-stream",
}

// flow: one row by itself.
func (in *inspector) flow(i int, f map[string]any) {
	at1 := func(what string, args ...any) {
		in.fail("row %d (%v %s -> %s): %s", i, f["stream"], f["client"], f["server"], fmt.Sprintf(what, args...))
	}
	in.numbers(fmt.Sprintf("row %d", i), f)
	for path, allowed := range words {
		parent, _, nested := strings.Cut(path, ".")
		if nested && (f[parent] == nil || strings.Count(path, ".") == 2 && at(f, path[:strings.LastIndexByte(path, '.')]) == nil) {
			continue
		}
		w, ok := at(f, path).(string)
		if !ok && at(f, path) == nil {
			w = "-"
		}
		if !slices.Contains(strings.Fields(allowed), w) {
			at1("%s is %q", path, w)
		}
	}
	q := f["requests"]
	if sum := num(q, "answered") + num(q, "timed_out") + num(q, "cancelled") + num(q, "aborted") + num(q, "open"); sum > num(q, "sent") {
		at1("%v requests sent, but %v accounted for", num(q, "sent"), sum)
	} else if sum < num(q, "sent") && num(f, "missing_bytes.client")+num(f, "missing_bytes.server") == 0 && len(list(f, "notes")) == 0 {
		at1("%v requests sent, %v accounted for, and nothing is missing", num(q, "sent"), sum)
	}
	in.flowClose(f, at1)
	in.places(f, at1)
	in.half(f, at1)
}

// flowClose: the parts of the verdict agree with each other.
func (in *inspector) flowClose(f map[string]any, at1 func(string, ...any)) {
	c := f["close"]
	cause, how := str(c, "cause"), str(c, "how")
	if str(c, "because") == "" {
		at1("no reason")
	}
	if cause == "open" && (f["closed"] != nil || how != "none" || str(c, "initiator") != "none") {
		at1("open, but closed %v by %v (%s)", f["closed"], at(c, "initiator"), how)
	}
	if f["source"] != "strace" && in.inTime && (how == "none") != (at(c, "at") == nil) && cause != "connect-refused" {
		at1("closed by %s at %v", how, at(c, "at"))
	}
	if q := at(c, "request"); cause == "request-timeout" && q == nil || cause == "client-idle-close" && q != nil {
		at1("%s, and the outstanding request is %v", cause, q)
	}
	if at(c, "timer") != nil && cause != "request-timeout" {
		at1("a timer for %s", cause)
	}
	if late := at(f, "late_response"); late != nil && (how == "none" || at(c, "request") == nil) {
		at1("a late response without a close, or a request")
	}
}

var frameWord = regexp.MustCompile(`frame (\d+)$`)

// places: every frame exists, within the connection.
func (in *inspector) places(f map[string]any, at1 func(string, ...any)) {
	first, last := num(f, "first_frame"), num(f, "last_frame")
	most := float64(max(in.frames, in.lines))
	if f["source"] == "strace" {
		most = float64(in.lines)
	}
	if first < 1 || last < first && in.lines == 0 || last > most { // lines count in each file of strace -ff
		at1("frames %v to %v of %v", first, last, most)
	}
	within := func(what string, n float64) {
		if n < first || n > last {
			at1("%s is frame %v, outside %v to %v", what, n, first, last)
		}
	}
	for _, path := range []string{"close.frame", "close.request.frame", "late_response.frame"} {
		if x, ok := at(f, path).(float64); ok && f["source"] != "strace" && (x != 0 || path != "close.request.frame") {
			within(path, x)
		}
	}
	for _, e := range list(f, "close.evidence") {
		expired := strings.HasPrefix(e.(string), "orphan-expired") // shown by the SYN of the next connection
		if m := frameWord.FindStringSubmatch(e.(string)); m != nil && f["source"] != "strace" && !expired {
			n, _ := strconv.ParseFloat(m[1], 64)
			within(e.(string), n)
		}
	}
	if n := num(f, "packets.client") + num(f, "packets.server"); f["source"] != "strace" && n > last-first+1 {
		at1("%v packets in frames %v to %v", n, first, last)
	}
}

// half: the parts of a half-close add up.
func (in *inspector) half(f map[string]any, at1 func(string, ...any)) {
	h := f["half_close"]
	if h == nil {
		return
	}
	by, ended := str(h, "by"), str(h, "ended_by")
	if by != str(f, "close.initiator") && str(f, "close.initiator") != "both" && str(f, "close.initiator") != "none" {
		at1("half-closed by %s, closed by %s", by, str(f, "close.initiator"))
	}
	if str(f, "close.how") == "rst" {
		at1("a half-close after a RST")
	}
	if (ended == "capture-end") != (at(h, "censored") == true) {
		at1("half-close ended by %s, censored %v", ended, at(h, "censored"))
	}
	total, known := at(h, "total_s").(float64)
	wait, waited := at(h, "close_wait_s").(float64)
	first, measured := at(h, "fin_wait_1_s").(float64)
	if known && waited && measured && math.Abs(first+wait-total) > 1e-8 {
		at1("FIN-WAIT-1 %v and CLOSE-WAIT %v make %v", first, wait, total)
	}
	if known && first > total+1e-9 {
		at1("FIN-WAIT-1 of %v in %v", first, total)
	}
	if two := num(h, "fin_wait_2_s"); waited && two > wait+1e-9 {
		at1("FIN-WAIT-2 of %v outlasts CLOSE-WAIT of %v", two, wait)
	}
}

// replacements: each new connection replaces one older one, of the same client
// and server.
func (in *inspector) replacements() {
	byStream := map[float64]map[string]any{}
	for _, f := range in.flows {
		if s, ok := f["stream"].(float64); ok && str(f, "source") != "strace" {
			byStream[s] = f
		}
	}
	used := map[float64]bool{}
	for _, f := range in.flows {
		n, ok := f["replaced_by"].(float64)
		if !ok || f["source"] == "strace" || in.views() > 1 {
			continue
		}
		g := byStream[n]
		switch {
		case g == nil:
			in.fail("stream %v is replaced by %v, which is not there", f["stream"], n)
		case used[n]:
			in.fail("stream %v replaces two", n)
		case n == f["stream"], n < f["stream"].(float64) && in.inTime:
			in.fail("stream %v is replaced by itself or the older %v", f["stream"], n)
		case address(f) != address(g) || f["server"] != g["server"]:
			in.fail("stream %v is replaced by %v of %v to %v", f["stream"], n, g["client"], g["server"])
		case f["close"].(map[string]any)["cause"] == "open":
			in.fail("stream %v is open and replaced", f["stream"])
		}
		used[n] = true
	}
}

// views is how many captures number their connections by themselves, at least.
func (in *inspector) views() int {
	seen, n := map[any]bool{}, 1
	for _, f := range in.flows {
		if s := f["stream"]; s != nil && seen[s] {
			n = 2
		}
		seen[f["stream"]] = true
	}
	return n
}

// address is a client without its port.
func address(f map[string]any) string {
	c := str(f, "client")
	return strings.Trim(c[:max(0, strings.LastIndexByte(c, ':'))], "[]")
}

// order: lists are sorted as their comments say.
func (in *inspector) order() {
	descending := func(what string, keys ...string) {
		rows := list(in.report, what)
		for i := 1; i < len(rows); i++ {
			for _, k := range keys {
				a, b := num(rows[i-1], k), num(rows[i], k)
				if a < b {
					in.fail("%s[%d] has more %s than the row before", what, i, k)
				}
				if a != b {
					break
				}
			}
		}
	}
	descending("peers", "churned", "timed_out", "connections")
	descending("endpoints", "churned", "timed_out", "requests")
	descending("clients", "churned", "timed_out", "connections")
	descending("timers", "count")
	rank := func(x any) int { return slices.Index([]string{"high", "medium", "low", "info"}, str(x, "severity")) }
	rows := list(in.report, "findings")
	for i, x := range rows {
		if i > 0 && (rank(rows[i-1]) > rank(x) || rank(rows[i-1]) == rank(x) && num(rows[i-1], "count") < num(x, "count")) {
			in.fail("findings[%d] comes before what is graver", i-1)
		}
		in.finding(i, x)
	}
	last := -1.0
	for i, f := range in.flows {
		if s, ok := f["stream"].(float64); ok && in.views() == 1 {
			if s <= last {
				in.fail("row %d: stream %v after %v", i, s, last)
			}
			last = s
		}
	}
}

// finding: its streams exist, are sorted, and are what its filter names.
func (in *inspector) finding(i int, x any) {
	streams := list(x, "streams")
	var names []string
	for _, s := range streams {
		names = append(names, fmt.Sprint(s))
	}
	if float64(len(streams)) > num(x, "count") || len(streams) > 20 {
		in.fail("findings[%d] counts %v and names %d streams", i, num(x, "count"), len(streams))
	}
	if want := "tcp.stream in {" + strings.Join(names, ", ") + "}"; len(names) > 0 && str(x, "filter") != want {
		in.fail("findings[%d] has the filter %q for %v", i, str(x, "filter"), names)
	}
	for k := 1; k < len(streams) && in.views() == 1; k++ {
		if streams[k].(float64) <= streams[k-1].(float64) {
			in.fail("findings[%d] names streams out of order: %v", i, streams)
		}
	}
}

// moment is a time of a row in nanoseconds; false when it is null.
func moment(v any, path string) (int64, bool) {
	t, err := time.Parse(time.RFC3339Nano, str(v, path))
	return t.UnixNano(), err == nil
}

// span is a duration of a row in nanoseconds.
func span(v any, path string) (int64, bool) {
	d, ok := at(v, path).(float64)
	return int64(math.Round(d * 1e9)), ok
}
