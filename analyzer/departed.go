package analyzer

import (
	"cmp"
	"slices"
	"time"

	"finwait/analyzer/event"
)

// departure is a client that closed with a request outstanding.
type departure struct {
	at, sent event.Time // of its close and its request
	server   event.Endpoint
	path     string
	flow     int
}

// passOnLimit is how soon a proxy closes its connection to the server after
// its client has left: one turn of its event loop.
const passOnLimit = event.Time(10 * time.Millisecond)

// departures are the closes of flows whose numbers are given, in order of time.
func (res *Result) sortDepartures(list []departure) {
	slices.SortFunc(list, func(x, y departure) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.flow, y.flow))
	})
	res.departures = list
}

// departed tells how long before the close of f a client of f's client left: of
// one that asked for the same path before, or of one that had connected to the
// address from which f's connection comes. A proxy that rewrites paths and has
// several addresses is not recognised.
func (res *Result) departed(f *facts) (lead time.Duration, ok bool) {
	list := res.departures
	i, _ := slices.BinarySearchFunc(list, f.CloseAt-passOnLimit, func(d departure, t event.Time) int { return cmp.Compare(d.at, t) })
	path := ""
	for ; i < len(list) && list[i].at < f.CloseAt; i++ {
		d := &list[i]
		if d.flow == f.flow || d.server == f.Server || d.sent > f.RequestStart {
			continue
		}
		if path == "" && f.Path != 0 {
			path = res.name(f.flow, f.Path)
		}
		samePath := path != "" && path != "/" && path == d.path
		sameHost := d.server.Addr == f.Client.Addr && f.Client.Addr != f.Server.Addr
		if samePath || sameHost {
			return f.CloseAt.Sub(d.at), true
		}
	}
	return 0, false
}
