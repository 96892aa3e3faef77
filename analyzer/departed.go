package analyzer

import (
	"cmp"
	"slices"
	"time"

	"finwait/analyzer/event"
)

// departure is a client that closed with a request outstanding.
type departure struct {
	at, sent       event.Time // of its close and its request
	client, server event.Endpoint
	path           string
	flow           int
}

// departures are those of all flows, by what a connection that passes one on
// has in common with it, each list in order of time.
type departures struct {
	byPath map[string][]departure
	byHost map[[16]byte][]departure // by the server's address
}

// passOnLimit is how soon a proxy closes its connection to the server after
// its client has left: one turn of its event loop.
const passOnLimit = event.Time(10 * time.Millisecond)

// departureSample bounds how many departures just before a close are looked at.
const departureSample = 64

// sortDepartures puts the departures in order.
func (res *Result) sortDepartures(list []departure) {
	slices.SortFunc(list, func(x, y departure) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.flow, y.flow))
	})
	d := departures{byPath: map[string][]departure{}, byHost: map[[16]byte][]departure{}}
	for _, x := range list {
		if x.path != "" && x.path != "/" {
			d.byPath[x.path] = append(d.byPath[x.path], x)
		}
		d.byHost[x.server.Addr] = append(d.byHost[x.server.Addr], x)
	}
	res.departures = d
}

// passedOn tells how long before the close of f another client left that had
// asked for the same path before, elsewhere: f's client is a proxy that passes
// the cancel on. A proxy that rewrites paths is not recognised.
func (res *Result) passedOn(f *facts) (lead time.Duration, ok bool) {
	if f.Path == 0 {
		return 0, false
	}
	return f.after(res.departures.byPath[f.name(f.Path)], func(d *departure) bool {
		return d.client.Addr != f.Client.Addr && d.server.Addr != f.Server.Addr
	})
}

// leftBehind is passedOn by addresses alone: a client left that had connected
// to the host from which f's connection comes. Other clients of a busy proxy
// leave all the time, so this is weak.
func (res *Result) leftBehind(f *facts) (lead time.Duration, ok bool) {
	if f.Client.Addr == f.Server.Addr {
		return 0, false
	}
	return f.after(res.departures.byHost[f.Client.Addr], func(d *departure) bool { return true })
}

// after finds the last departure just before the close of f that fits.
func (f *facts) after(list []departure, fits func(*departure) bool) (lead time.Duration, ok bool) {
	n, _ := slices.BinarySearchFunc(list, f.CloseAt, func(d departure, t event.Time) int { return cmp.Compare(d.at, t) })
	for i := n - 1; i >= max(0, n-departureSample) && f.CloseAt-list[i].at <= passOnLimit; i-- {
		d := &list[i]
		if d.flow != f.flow && d.server != f.Server && d.sent <= f.RequestStart && fits(d) {
			return f.CloseAt.Sub(d.at), true
		}
	}
	return 0, false
}
