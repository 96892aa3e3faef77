package analyzer

import (
	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// foldEndpoints finds endpoints that differ only in a path segment which takes
// very many values at the same place, and folds that segment. waiting are the
// endpoints of requests that were never answered.
func (res *Result) foldEndpoints(waiting map[endpointKey]int) {
	counts := map[event.Endpoint]map[string]int{}
	add := func(server event.Endpoint, name string, n int) {
		if counts[server] == nil {
			counts[server] = map[string]int{}
		}
		counts[server][name] += n
	}
	for _, v := range res.views {
		for _, s := range v.shards {
			for server, st := range s.servers {
				for id, e := range st.endpoints {
					add(server, s.names.String(id), e.answered)
				}
			}
		}
	}
	for k, n := range waiting {
		add(k.server, k.endpoint, n)
	}
	res.folds = map[endpointKey]string{}
	for server, names := range counts {
		for from, to := range exchange.Merge(names) {
			res.folds[endpointKey{server, from}] = to
		}
	}
}

// fold is the endpoint that a server's endpoint was folded into.
func (res *Result) fold(server event.Endpoint, endpoint string) string {
	if len(res.folds) == 0 {
		return endpoint
	}
	if to, ok := res.folds[endpointKey{server, endpoint}]; ok {
		return to
	}
	return endpoint
}
