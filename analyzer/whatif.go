package analyzer

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// whatIfLeast is how many timeouts an endpoint needs for a prediction.
const whatIfLeast = 5

// niceTimeouts are the timeouts that are tried: values that people configure.
var niceTimeouts = [...]time.Duration{
	50e6, 75e6, 100e6, 150e6, 200e6, 250e6, 300e6, 400e6, 500e6, 600e6, 750e6, 800e6, 1e9, 1500e6, 2e9, 2500e6, 3e9, 4e9,
	5e9, 7500e6, 10e9, 15e9, 20e9, 30e9, 45e9, 60e9, 90e9, 120e9, 180e9, 300e9, 600e9,
}

// savedShares are the shares of timeouts that a suggestion should save.
var savedShares = [...]float64{0.5, 0.8, 0.95}

// whatIf says, for every endpoint with timeouts, how many of them a longer
// timeout would have saved: of the requests that lasted longer than the
// timeout that fired, the share that the survival curve of the response times
// ends before the longer one.
func (b *builder) whatIf() []WhatIf {
	list := []WhatIf{}
	keys := slices.SortedFunc(maps.Keys(b.endpoints), func(x, y endpointKey) int {
		return cmp.Or(cmp.Compare(b.endpoints[y].ended[CauseRequestTimeout], b.endpoints[x].ended[CauseRequestTimeout]),
			x.server.Compare(y.server), cmp.Compare(x.endpoint, y.endpoint))
	})
	for _, k := range keys {
		e := b.endpoints[k]
		if e.ended[CauseRequestTimeout] < whatIfLeast {
			break
		}
		list = append(list, e.whatIf(k, e.usualTimer())...)
	}
	return list
}

// usualTimer is the timer that closed most of an endpoint's requests; 0 none.
func (e *endpointSums) usualTimer() time.Duration {
	var best *timer
	for t, n := range e.timers {
		if best == nil || n > e.timers[best] || n == e.timers[best] && t.value > best.value {
			best = t
		}
	}
	if best == nil {
		return 0
	}
	return best.value
}

// whatIf tries the longer timeouts on one endpoint.
func (e *endpointSums) whatIf(k endpointKey, now time.Duration) []WhatIf {
	var list []WhatIf
	if now == 0 {
		return nil
	}
	curve := e.response.Curve()
	next := 0
	for _, d := range niceTimeouts {
		if d <= now || next == len(savedShares) {
			continue
		}
		est := curve.SurvivalAfter(now, d, 0.95)
		if !est.Known || 1-est.Value < savedShares[next] {
			continue
		}
		for next < len(savedShares) && 1-est.Value >= savedShares[next] {
			next++
		}
		list = append(list, WhatIf{Server: serverRow(k.server), Endpoint: k.endpoint, TimeoutS: d.Seconds(),
			SavedShare: 1 - est.Value, Low: max(0, 1-est.High), High: min(1, 1-est.Low)})
	}
	return list
}
