package analyzer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The findings are conclusions over many connections. Each is one method that
// looks at the report and the sums, and returns the finding in words with its
// evidence, what to do, and what would prove it wrong.

// findingRules are all of them. The order only breaks ties: findings are
// sorted by severity and count.
var findingRules = [...]func(*builder, *Report) []Finding{
	(*builder).findTimeouts,
	(*builder).findShortTimer,
	(*builder).findSmallPool,
	(*builder).findUndrained,
	(*builder).findOneShot,
	(*builder).findKeepAliveMismatch,
	(*builder).findForbiddenReuse,
	(*builder).findLeakedCloseWait,
	(*builder).findClientCloseWait,
	(*builder).findDials,
	(*builder).findNetwork,
	(*builder).findWindow,
	(*builder).findPortRange,
	(*builder).findChallengeACK,
	(*builder).findAborts,
	(*builder).findCancels,
	(*builder).findRetries,
	(*builder).findSocketLeaks,
}

// findings applies the rules.
func (b *builder) findings(r *Report) []Finding {
	list := []Finding{}
	for _, rule := range findingRules {
		list = append(list, rule(b, r)...)
	}
	rank := map[string]int{SeverityHigh: 0, SeverityMedium: 1, SeverityLow: 2, SeverityInfo: 3}
	slices.SortStableFunc(list, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(rank[x.Severity], rank[y.Severity]), cmp.Compare(y.Count, x.Count))
	})
	if len(list) == 0 && b.all.connections > 0 {
		list = append(list, b.nothingFound())
	}
	return list
}

// with adds the streams of a finding, and Wireshark's filter for them.
func (b *builder) with(f Finding, flows []int32) Finding {
	f.Streams = []int{}
	words := []string{}
	flows = slices.Clone(flows[:min(len(flows), streamSample)])
	slices.Sort(flows)
	for _, i := range flows {
		if n := b.res.stream(int(i)); n != nil {
			f.Streams = append(f.Streams, *n)
			words = append(words, fmt.Sprint(*n))
		}
	}
	if len(words) > 0 {
		f.Filter = "tcp.stream in {" + strings.Join(words, ", ") + "}"
	}
	return f
}

// significant are the peers for which n is at least three or a tenth of their
// connections, largest first, and no more than a reader takes in.
func (b *builder) significant(r *Report, n func(*Peer) int) []*Peer {
	var list []*Peer
	for i := range r.Peers {
		if k := n(&r.Peers[i]); k >= 3 || k > 0 && k*10 >= r.Peers[i].Connections {
			list = append(list, &r.Peers[i])
		}
	}
	slices.SortStableFunc(list, func(x, y *Peer) int { return cmp.Compare(n(y), n(x)) })
	return list[:min(len(list), 3)]
}

// called is a server by its address, and its name if it has one. A log may show
// no address (strace in another network namespace).
func (p *Peer) called() string {
	if p.Server == "" && p.ServerName != nil {
		return *p.ServerName
	}
	if p.ServerName == nil || strings.HasPrefix(p.Server, *p.ServerName) || *p.ServerName == p.Server {
		return p.Server
	}
	return *p.ServerName + " (" + p.Server + ")"
}

// sumsOf is what the connections of a peer add up to.
func (b *builder) sumsOf(p *Peer) *sums {
	for end, s := range b.peers {
		if end.String() == p.Server {
			return &s.sums
		}
	}
	return &sums{}
}

// flowsOf are the first flows of a peer with a cause.
func (b *builder) flowsOf(p *Peer, c Cause) []int32 { return b.sumsOf(p).streams[c] }

// worst is the endpoint of a peer with the largest n, as a clause; "" when the
// peer has but one or none.
func worst(r *Report, server string, n func(*EndpointRow) int) (string, *EndpointRow) {
	var best *EndpointRow
	for i := range r.Endpoints {
		e := &r.Endpoints[i]
		if e.Server == server && n(e) > 0 && (best == nil || n(e) > n(best)) {
			best = e
		}
	}
	if best == nil {
		return "", nil
	}
	return best.Endpoint, best
}

// short formats seconds for a sentence; "unknown" for nil.
func short(s *float64) string {
	if s == nil {
		return "an unknown time"
	}
	return seconds(time.Duration(*s * 1e9))
}

// plural is "1 timeout", "2 timeouts".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// findTimeouts: requests time out, and the half-closed sockets pile up.
func (b *builder) findTimeouts(r *Report) []Finding {
	var list []Finding
	for _, p := range b.significant(r, func(p *Peer) int { return p.Causes[CauseRequestTimeout.String()] }) {
		n := p.Causes[CauseRequestTimeout.String()]
		name, e := worst(r, p.Server, func(e *EndpointRow) int { return e.Causes[CauseRequestTimeout.String()] })
		text := fmt.Sprintf("%s closed connections to %s because the client's timer ran out.", plural(n, "timeout"), p.called())
		if e != nil {
			text = fmt.Sprintf("%s closed connections to %s because the client's timer ran out, %d of them waiting for %s.",
				plural(n, "timeout"), p.called(), e.Causes[CauseRequestTimeout.String()], name)
		}
		text += lingered(&p.GaveUp, int(p.FinWait2Peak))
		if p.WastedServerS != nil {
			text += fmt.Sprintf(" The server worked %s on answers that nobody read.", short(p.WastedServerS))
		}
		advice := "Make the handler faster or the client's timeout longer (see what-if); let the server watch for its client leaving (Go: r.Context(), nginx: proxy_ignore_client_abort off, HAProxy: abortonclose), which shortens FIN-WAIT-2 but not the churn. Leave tcp_fin_timeout and tcp_tw_* alone: they hide the symptom."
		list = append(list, b.with(Finding{ID: "timeouts-fill-fin-wait-2", Severity: SeverityHigh,
			Title: fmt.Sprintf("Client timeouts close connections to %s", p.called()), Text: text, Advice: advice,
			Disproof: "The client's log shows no timeout errors at these times, or shows that its callers cancelled.",
			Server:   p.Server, Endpoint: name, Count: n}, b.flowsOf(p, CauseRequestTimeout)))
	}
	return list
}

// noticedLimit is how short a half-close shows that the server noticed its client
// leaving, and stopped.
const noticedLimit = 10 * time.Millisecond

// lingered says how long the sockets of abandoned requests stayed half-closed;
// "" when that was not seen.
func lingered(q *Quantiles, peak int) string {
	switch {
	case q.Count == 0 || q.P50 == nil && q.Max == nil:
		return ""
	case q.P50 != nil && *q.P50 < noticedLimit.Seconds():
		return " The server noticed and let go at once, so no sockets piled up in FIN-WAIT-2."
	}
	return fmt.Sprintf(" Their sockets stayed half-closed (FIN-WAIT-2) for %s (median) to %s (longest), until the server's handler returned; up to %d at once.",
		short(q.P50), short(q.Max), peak)
}

// reused reports whether at least a tenth of a peer's connections carried more
// than one request.
func (p *Peer) reused() bool {
	n := 0
	for _, bin := range p.Reuse {
		if bin.Min >= 2 {
			n += bin.Count
		}
	}
	return n*10 >= p.Connections
}

// findShortTimer: a timer is shorter than an endpoint's normal response time.
func (b *builder) findShortTimer(r *Report) []Finding {
	var list []Finding
	for i := range r.Endpoints {
		e := &r.Endpoints[i]
		if e.TimedOut < whatIfLeast || e.Requests == 0 || e.TimedOut*5 < e.Requests || len(list) == 3 {
			continue
		}
		text := fmt.Sprintf("%d of %d requests to %s timed out", e.TimedOut, e.Requests, e.Endpoint)
		if sums := b.endpointOf(e); sums != nil && sums.usualTimer() > 0 {
			text += " at " + seconds(sums.usualTimer())
		}
		if e.Response.P50 != nil && e.Response.P90 != nil {
			text += fmt.Sprintf("; half of its answers take longer than %s, one in ten longer than %s", short(e.Response.P50), short(e.Response.P90))
		}
		advice := "Set the client's timeout from the endpoint's response times, not from habit."
		for _, w := range r.WhatIf {
			if w.Server == e.Server && w.Endpoint == e.Endpoint {
				advice += fmt.Sprintf(" A timeout of %s would have saved %.0f %% (%.0f-%.0f %%) of the timeouts.", short(&w.TimeoutS), 100*w.SavedShare, 100*w.Low, 100*w.High)
			}
		}
		list = append(list, b.with(Finding{ID: "timer-shorter-than-response", Severity: SeverityMedium,
			Title: "The client's timeout is too short for " + e.Endpoint, Text: text + ".", Advice: advice,
			Disproof: "The server was slow only during this capture; compare with a capture of a quiet hour.",
			Server:   e.Server, Endpoint: e.Endpoint, Count: e.TimedOut}, b.endpointFlows(e, CauseRequestTimeout)))
	}
	return list
}

// endpointOf are the sums behind a row.
func (b *builder) endpointOf(e *EndpointRow) *endpointSums {
	for k, s := range b.endpoints {
		if k.endpoint == e.Endpoint && k.server.String() == e.Server {
			return s
		}
	}
	return nil
}

// endpointFlows are the first flows of an endpoint with a cause.
func (b *builder) endpointFlows(e *EndpointRow, c Cause) []int32 {
	if s := b.endpointOf(e); s != nil {
		return s.streams[c]
	}
	return nil
}

// fewMissed is how many connections may have been missed before a pool that is
// too small is more than a suspicion: programs that end close what they have, and
// the next one opens its own.
const fewMissed = 5

// findSmallPool: connections are closed right after their response while
// others are in use, and missed soon after: the idle pool is full.
func (b *builder) findSmallPool(r *Report) []Finding {
	var list []Finding
	for _, p := range b.significant(r, func(p *Peer) int { return p.Causes[CauseClientNoReuse.String()] }) {
		n := p.Causes[CauseClientNoReuse.String()]
		missed := b.sumsOf(p).missed
		if p.ConcurrencyPeak < 3 || n < 3 || missed*2 < n || !p.reused() {
			continue
		}
		severity := SeverityHigh
		if missed < fewMissed {
			severity = SeverityMedium
		}
		list = append(list, b.with(Finding{ID: "pool-too-small", Severity: severity,
			Title: fmt.Sprintf("The idle pool for %s is too small", p.called()),
			Text: fmt.Sprintf("The client closed %s to %s right after a complete response, although the server would have kept them; up to %d were open and at least %d requests in flight at once.",
				plural(n, "connection"), p.called(), p.ConcurrencyPeak, p.InFlightPeak),
			Advice:   fmt.Sprintf("Let the pool keep as many idle connections as are in use at once, here about %d (Go: MaxIdleConnsPerHost, default 2; urllib3: pool_maxsize; Java: http.maxConnections), and use one client object for all requests.", max(p.InFlightPeak, p.ConcurrencyPeak/2)),
			Disproof: "The closes come from short-lived processes (curl, cron jobs) and not from one pool: compare the clients' process ids with an strace.",
			Server:   p.Server, Count: n}, b.flowsOf(p, CauseClientNoReuse)))
	}
	return list
}

// findUndrained: a RST right after a response: the body was closed unread.
func (b *builder) findUndrained(*Report) []Finding {
	flows := b.special["undrained"]
	if len(flows) < 3 {
		return nil
	}
	return []Finding{b.with(Finding{ID: "responses-not-drained", Severity: SeverityMedium,
		Title:    "Response bodies are closed unread",
		Text:     fmt.Sprintf("%s ended with the client's RST right after a response: bytes lay unread in its socket when it closed (Linux then sends a RST instead of a FIN).", plural(len(flows), "connection")),
		Advice:   "Read the body to its end before closing it (Go: io.Copy(io.Discard, resp.Body) before Close; Python: read the response or use it as a context manager after .content).",
		Disproof: "The client sets SO_LINGER to 0, which also sends a RST: an strace shows it.", Count: len(flows)}, flows)}
}

// findOneShot: one request a connection without concurrency.
func (b *builder) findOneShot(r *Report) []Finding {
	var list []Finding
	for _, p := range b.significant(r, func(p *Peer) int { return p.Causes[CauseClientNoReuse.String()] }) {
		n := p.Causes[CauseClientNoReuse.String()]
		if p.reused() || n < 3 || p.RequestsPerConnection == nil || *p.RequestsPerConnection > 1.5 {
			continue
		}
		title, used := "Every request to "+p.called()+" opens its own connection", p.Connections-p.Causes[CauseNoData.String()]
		if n*10 < used*9 {
			title = "Many requests to " + p.called() + " open connections of their own"
		}
		list = append(list, b.with(Finding{ID: "new-client-per-request", Severity: SeverityMedium, Title: title,
			Text: fmt.Sprintf("%d of %s to %s that carried requests were closed by the client right after a response, although the server would have kept them; %s went into handshakes.",
				n, plural(used, "connection"), p.called(), short(p.HandshakeS)),
			Advice:   "Create the HTTP client (or session) once and share it; a program that runs for one request cannot reuse anything, so batch its requests.",
			Disproof: "Different processes made the requests.", Server: p.Server, Count: n}, b.flowsOf(p, CauseClientNoReuse)))
	}
	return list
}

// findKeepAliveMismatch: the server closes idle connections that the client
// would have used again.
func (b *builder) findKeepAliveMismatch(r *Report) []Finding {
	var list []Finding
	idleRace := func(p *Peer) int { return p.Causes[CauseServerIdle.String()] + p.Causes[CauseIdleRace.String()] }
	for _, p := range b.significant(r, idleRace) {
		races := p.Causes[CauseIdleRace.String()]
		severity, title := SeverityLow, fmt.Sprintf("%s closes idle connections before its clients do", p.called())
		if races > 0 {
			severity, title = SeverityHigh, fmt.Sprintf("Requests race with %s closing idle connections", p.called())
		}
		text := fmt.Sprintf("%s closed %s", p.called(), plural(idleRace(p), "idle connection"))
		if p.Lifetime.P50 != nil {
			text += fmt.Sprintf("; half of its connections lived %s or less", short(p.Lifetime.P50))
		}
		text += "."
		if races > 0 {
			text += fmt.Sprintf(" %s crossed such a close on the wire and failed.", plural(races, "request"))
		}
		list = append(list, b.with(Finding{ID: "server-keep-alive-shorter", Severity: severity, Title: title, Text: text,
			Advice:   "Make the server's keep-alive timeout longer than the client's idle timeout (nginx keepalive_timeout, Node server.keepAliveTimeout, Go Server.IdleTimeout; Go client IdleConnTimeout, urllib3 has none), so that the client closes first; retry idempotent requests.",
			Disproof: "The server restarted or was drained at these times.", Server: p.Server, Count: idleRace(p)},
			append(slices.Clone(b.flowsOf(p, CauseIdleRace)), b.flowsOf(p, CauseServerIdle)...)))
	}
	return list
}

// fewConnections is how many connections are too few to matter, unless they
// failed: a health check, a deployment.
const fewConnections = 10

// findForbiddenReuse: one side announces that it will close.
func (b *builder) findForbiddenReuse(r *Report) []Finding {
	var list []Finding
	for _, p := range b.significant(r, func(p *Peer) int { return p.Causes[CauseDeclared.String()] }) {
		n := p.Causes[CauseDeclared.String()]
		if n*10 < p.Connections {
			continue
		}
		severity := SeverityMedium
		if n < fewConnections {
			severity = SeverityLow
		}
		list = append(list, b.with(Finding{ID: "reuse-forbidden", Severity: severity,
			Title:    "Connections to " + p.called() + " are closed because one side said so",
			Text:     fmt.Sprintf("%s of %d ended after a Connection: close, an HTTP/1.0 message or a websocket close frame.", plural(n, "connection"), p.Connections),
			Advice:   "Find who sets it (show --stream N names the side): a proxy speaking HTTP/1.0 to its upstream (nginx: proxy_http_version 1.1 and an empty Connection header), a server that limits requests per connection (nginx keepalive_requests), or a client with keep-alive off.",
			Disproof: "The server was shutting down.", Server: p.Server, Count: n}, b.flowsOf(p, CauseDeclared)))
	}
	return list
}

// findAborts: servers close in the middle of requests.
func (b *builder) findAborts(r *Report) []Finding {
	var list []Finding
	for _, p := range b.significant(r, func(p *Peer) int { return p.Causes[CauseServerAborted.String()] }) {
		n := p.Causes[CauseServerAborted.String()]
		name, _ := worst(r, p.Server, func(e *EndpointRow) int { return e.Aborted })
		list = append(list, b.with(Finding{ID: "server-aborts-requests", Severity: SeverityHigh,
			Title:    p.called() + " closes connections in the middle of requests",
			Text:     fmt.Sprintf("%s were closed or reset by the server before it had answered%s.", plural(n, "connection"), inEndpoint(name)),
			Advice:   "Look at the server's log at these times: a crash, a restart without draining, a worker timeout (gunicorn --timeout, php-fpm request_terminate_timeout), a proxy's own timeout, or a request that it refuses.",
			Disproof: "The server's log shows the responses as sent.", Server: p.Server, Endpoint: name, Count: n}, b.flowsOf(p, CauseServerAborted)))
	}
	return list
}

func inEndpoint(name string) string {
	if name == "" {
		return ""
	}
	return ", most of them " + name
}

// findCancels: callers give up.
func (b *builder) findCancels(r *Report) []Finding {
	queued := b.special["queued"] // nobody knows at what times
	n := b.all.causes[CauseRequestCancelled] - len(queued)
	if n < 3 {
		return nil
	}
	flows := slices.DeleteFunc(slices.Clone(b.all.streams[CauseRequestCancelled]), func(i int32) bool { return slices.Contains(queued, i) })
	return []Finding{b.with(Finding{ID: "requests-cancelled", Severity: SeverityLow, Title: "Clients give up requests without a timer",
		Text:     fmt.Sprintf("%s ended with a request outstanding at times that fit no timer: cancelled contexts, hedged requests, users who left, programs that ended.", plural(n, "connection")),
		Advice:   "HTTP/1.1 has to close the connection for every cancelled request. If the cancels are hedges or users' aborts, HTTP/2 saves the connection; else find the caller.",
		Disproof: "A timer with a random part fired (jitter): give it with --timeout.", Count: n}, flows)}
}

// findRetries: timed-out requests are sent again at once.
func (b *builder) findRetries(r *Report) []Finding {
	n := b.all.retries
	if n < 3 || n*4 < b.all.causes[CauseRequestTimeout] {
		return nil
	}
	return []Finding{b.with(Finding{ID: "timeouts-are-retried", Severity: SeverityMedium, Title: "Timed-out requests are retried on new connections",
		Text:     fmt.Sprintf("%d of %d timed-out requests were sent again on the connection that replaced theirs, to the same slow handler, while the server still worked on the first.", n, b.all.causes[CauseRequestTimeout]),
		Advice:   "Back off between retries and limit them (a retry budget); each retry doubles the load of the endpoint that is already slow.",
		Disproof: "Several callers ask for the same thing at the same time.", Count: n}, b.special["retried"])}
}

// nothingFound says why no rule found anything: because nothing is wrong, or
// too little, or because the input does not show it.
func (b *builder) nothingFound() Finding {
	c := &b.all.causes
	failed := c[CauseRequestTimeout] + c[CauseServerAborted] + c[CauseIdleRace] + c[CauseConnectTimeout] + c[CauseConnectRefused] + c[CauseNetworkFailure]
	switch {
	case failed > 0:
		return b.with(Finding{ID: "few-failures", Severity: SeverityLow, Title: "A few connections failed, without a pattern",
			Text:     fmt.Sprintf("%d of %s failed or timed out: too few to say more than their own rows do.", failed, plural(b.all.connections, "connection")),
			Advice:   "Look at them one by one: finwait flows --cause request-timeout, and so on; finwait show --stream N for one of them.",
			Disproof: "A longer capture shows a pattern.", Count: failed}, b.failures())
	case c[CauseUnknown]*10 >= b.all.connections || b.span <= 0 || b.all.requests == 0 && b.all.answered == 0:
		return Finding{ID: "cannot-tell", Severity: SeverityInfo, Title: "The input does not show how connections were used",
			Text:     fmt.Sprintf("Of %s, the cause of %d is unknown; %d requests were seen. What the input lacks stands under data quality.", plural(b.all.connections, "connection"), c[CauseUnknown], b.all.requests),
			Advice:   "Record again with payloads and both directions: finwait explain capture prints the commands.",
			Disproof: "None of the limits under data quality touches the connections that matter.", Streams: []int{}}
	}
	return b.allWell()
}

// failures are the first flows that failed.
func (b *builder) failures() []int32 {
	var list []int32
	for _, c := range [...]Cause{CauseRequestTimeout, CauseServerAborted, CauseIdleRace, CauseConnectTimeout, CauseConnectRefused, CauseNetworkFailure} {
		list = append(list, b.all.streams[c]...)
	}
	slices.Sort(list)
	return list
}

// allWell: nothing is wrong.
func (b *builder) allWell() Finding {
	if blind := b.blind(); blind != "" {
		return b.notJudged(blind)
	}
	return Finding{ID: "nothing-wrong", Severity: SeverityInfo, Title: "Nothing is wrong with how connections are used",
		Text:     fmt.Sprintf("%s; no pattern of timeouts, refused dials, aborted requests or needless closes.", plural(b.all.connections, "connection")),
		Advice:   "If the incident is not in this capture, record the next one: finwait explain capture prints the commands.",
		Disproof: "The capture does not cover the incident, or lacks packets (see data quality).", Streams: []int{}}
}
