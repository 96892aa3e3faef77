package analyzer

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// group is what was taken for the same on both sides; one side of it may be
// empty.
type group struct {
	before, after []*subject
	by            string // "" the same address
}

// The least that a guess needs.
const (
	leastOverlap  = 0.6 // share of the requests that went to the same endpoints
	leastRequests = 5   // of a row, to say anything about where it went
)

// match finds out which rows of the two sides are the same.
func (c *comparer) match() {
	c.peers = c.matchPeers(c.a.peers(), c.b.peers())
	c.clients = c.matchClients(c.a.clients(), c.b.clients())
	c.endpoints = c.matchEndpoints(c.a.endpoints(), c.b.endpoints())
	c.describe("peer", c.peers)
	c.describe("client", c.clients)
	c.describe("endpoint", c.endpoints)
	for _, old := range slices.Sorted(maps.Keys(c.opts.Map)) {
		used := slices.ContainsFunc(append(slices.Clone(c.peers), c.clients...), func(g group) bool {
			return g.by == "map" && slices.ContainsFunc(g.before, named(old))
		})
		if !used {
			c.unused = append(c.unused, old+"="+c.opts.Map[old])
		}
	}
}

// named tells subjects that a word of --map means: by address, by address
// without port, or by name.
func named(word string) func(*subject) bool {
	return func(x *subject) bool {
		host, _ := netip.ParseAddrPort(x.server)
		return x.server == word || x.name != nil && *x.name == word || host.IsValid() && host.Addr().String() == strings.Trim(word, "[]")
	}
}

// take removes from list what the predicate holds for, and returns it.
func take(list *[]*subject, of func(*subject) bool) []*subject {
	var out []*subject
	*list = slices.DeleteFunc(*list, func(x *subject) bool {
		if of(x) {
			out = append(out, x)
			return true
		}
		return false
	})
	return out
}

// mapped takes what --map names, and then what has the same address.
func (c *comparer) mapped(before, after *[]*subject) []group {
	var groups []group
	for _, old := range slices.Sorted(maps.Keys(c.opts.Map)) {
		word := c.opts.Map[old]
		if !slices.ContainsFunc(*before, named(old)) || !slices.ContainsFunc(*after, named(word)) {
			continue
		}
		groups = append(groups, group{take(before, named(old)), take(after, named(word)), "map"})
	}
	for _, x := range slices.Clone(*before) {
		same := func(y *subject) bool { return y.server == x.server && y.endpoint == x.endpoint }
		if slices.ContainsFunc(*after, same) {
			groups = append(groups, group{take(before, same), take(after, same), ""})
		}
	}
	return groups
}

// alone are the groups of what only one side has.
func alone(before, after []*subject) []group {
	var groups []group
	for _, x := range before {
		groups = append(groups, group{before: []*subject{x}})
	}
	for _, y := range after {
		groups = append(groups, group{after: []*subject{y}})
	}
	return groups
}

// matchPeers matches servers: by --map and by address; of the rest those that
// clients call by the same name; those that serve the same endpoints; and those
// at the same address with another port. Several that one rule cannot tell apart
// are taken together. What it gets wrong: a service that took over another
// one's name or endpoints.
func (c *comparer) matchPeers(before, after []*subject) []group {
	groups := c.mapped(&before, &after)
	keys := []struct {
		by  string
		key func(*subject) string
	}{{"name", serviceName}, {"port", hostOf}}
	for i, k := range keys {
		if i == 1 { // after names, before ports
			groups = append(groups, c.byEndpoints(&before, &after)...)
		}
		for _, x := range slices.Clone(before) {
			word := k.key(x)
			same := func(y *subject) bool { return k.key(y) == word }
			if word == "" || !slices.Contains(before, x) || !slices.ContainsFunc(after, same) {
				continue
			}
			g := group{take(&before, same), take(&after, same), k.by}
			if k.by == "port" && (len(g.before) > 1 || len(g.after) > 1) {
				before, after = append(before, g.before...), append(after, g.after...)
				continue
			}
			groups = append(groups, g)
		}
	}
	return append(groups, alone(before, after)...)
}

// serviceName is the name by which clients call a server; "" when that is only
// an address.
func serviceName(x *subject) string {
	if x.name == nil {
		return ""
	}
	host := *x.name
	if i := strings.LastIndexByte(host, ':'); i > 0 && strings.Count(host, ":") == 1 {
		host = host[:i]
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "localhost" {
		return ""
	}
	return *x.name
}

// hostOf is the address of a server without its port.
func hostOf(x *subject) string {
	a, err := netip.ParseAddrPort(x.server)
	if err != nil {
		return ""
	}
	return a.Addr().String()
}

// byEndpoints matches servers that serve the same endpoints in the same
// proportions. All that overlap with each other, directly or not, are taken
// together.
func (c *comparer) byEndpoints(before, after *[]*subject) []group {
	mixA, mixB := mixes(c.a), mixes(c.b)
	near := func(x, y *subject) bool {
		return overlap(mixA[x.server], mixB[y.server]) >= leastOverlap
	}
	var groups []group
	for _, x := range slices.Clone(*before) {
		if !slices.Contains(*before, x) || !slices.ContainsFunc(*after, func(y *subject) bool { return near(x, y) }) {
			continue
		}
		g := group{before: []*subject{x}, by: "endpoints"}
		for grown := true; grown; {
			news := take(after, func(y *subject) bool {
				return slices.ContainsFunc(g.before, func(x *subject) bool { return near(x, y) })
			})
			g.after = append(g.after, news...)
			olds := take(before, func(x *subject) bool {
				return !slices.Contains(g.before, x) && slices.ContainsFunc(g.after, func(y *subject) bool { return near(x, y) })
			})
			g.before = append(g.before, olds...)
			grown = len(news)+len(olds) > 0
		}
		*before = slices.DeleteFunc(*before, func(y *subject) bool { return slices.Contains(g.before, y) })
		groups = append(groups, g)
	}
	return groups
}

// mixes gives, for every server, the share of its requests that each endpoint
// had. Servers with few requests, or whose endpoints are not known, have none.
func mixes(s *side) map[string]map[string]float64 {
	out := map[string]map[string]float64{}
	total := map[string]float64{}
	for i := range s.r.Endpoints {
		e := &s.r.Endpoints[i]
		if !strings.ContainsAny(e.Endpoint, "/ ") { // an address, a name or a bare command tells no service
			continue
		}
		if out[e.Server] == nil {
			out[e.Server] = map[string]float64{}
		}
		out[e.Server][e.Endpoint] += float64(e.Requests)
		total[e.Server] += float64(e.Requests)
	}
	for server, mix := range out {
		if total[server] < leastRequests {
			delete(out, server)
			continue
		}
		for e := range mix {
			mix[e] /= total[server]
		}
	}
	return out
}

// overlap is the share that two mixes have in common; 0 when either is unknown.
func overlap(a, b map[string]float64) float64 {
	v := 0.0
	for _, e := range slices.Sorted(maps.Keys(a)) {
		v += min(a[e], b[e])
	}
	return v
}

// matchClients matches clients by --map and by address, and then the only ones
// that are left.
func (c *comparer) matchClients(before, after []*subject) []group {
	groups := c.mapped(&before, &after)
	if len(before) == 1 && len(after) == 1 {
		return append(groups, group{before, after, "alone"})
	}
	return append(groups, alone(before, after)...)
}

// site is an endpoint of a group of servers that match.
type site struct{ server, endpoint string }

// matchEndpoints matches endpoints of servers that match, and then an endpoint
// that only one server had before and only another one has after.
func (c *comparer) matchEndpoints(before, after []*subject) []group {
	sites := map[site]*group{}
	var order []site
	put := func(x *subject, names map[string]string) *group {
		p := site{names[x.server], x.endpoint}
		if x.endpoint == x.server { // what has no other name than its server's address moves with it
			p.endpoint = p.server
		}
		if sites[p] == nil {
			sites[p] = &group{}
			order = append(order, p)
		}
		return sites[p]
	}
	as, bs := c.groupNames()
	for _, x := range before {
		g := put(x, as)
		g.before = append(g.before, x)
	}
	for _, y := range after {
		g := put(y, bs)
		g.after = append(g.after, y)
	}
	var whole, lost []group
	for _, p := range order {
		if g := sites[p]; len(g.before) > 0 && len(g.after) > 0 {
			whole = append(whole, *g)
		} else {
			lost = append(lost, *g)
		}
	}
	return append(whole, movedEndpoints(lost)...)
}

// groupNames gives every server of either side the name of its group.
func (c *comparer) groupNames() (before, after map[string]string) {
	before, after = map[string]string{}, map[string]string{}
	for i := range c.peers {
		x, _ := c.peers[i].shown()
		for _, y := range c.peers[i].before {
			before[y.server] = x.server
		}
		for _, y := range c.peers[i].after {
			after[y.server] = x.server
		}
	}
	return before, after
}

// movedEndpoints pairs groups that only one side has, where exactly one on each
// side has the same endpoint and enough requests.
func movedEndpoints(lost []group) []group {
	word := func(g group) string { return append(slices.Clone(g.before), g.after...)[0].endpoint }
	by := map[string][]group{}
	var words []string
	for _, g := range lost {
		if by[word(g)] == nil {
			words = append(words, word(g))
		}
		by[word(g)] = append(by[word(g)], g)
	}
	var out []group
	for _, w := range words {
		list := by[w]
		if len(list) == 2 && len(list[0].before) > 0 && len(list[1].after) > 0 &&
			volume(list[0].before) >= leastRequests && volume(list[1].after) >= leastRequests {
			out = append(out, group{list[0].before, list[1].after, "endpoint"})
			continue
		}
		out = append(out, list...)
	}
	return out
}

// volume is the number of requests, or else of connections.
func volume(list []*subject) int {
	n, conns := 0, 0
	for _, x := range list {
		n += x.requests
		conns += x.connections
	}
	if n == 0 {
		return conns
	}
	return n
}

// describe says what was guessed.
func (c *comparer) describe(kind string, groups []group) {
	reasons := map[string]string{
		"map":       "as --map says",
		"name":      "a guess: clients call it by the same name",
		"endpoints": "a guess: it serves the same endpoints in the same proportions",
		"port":      "a guess: the same address, and nothing else there",
		"alone":     "a guess: the only client on its side that the other lacks",
		"endpoint":  "a guess: no other server has this endpoint on either side",
	}
	for _, g := range groups {
		if g.by == "" || len(g.before) == 0 || len(g.after) == 0 {
			continue
		}
		m := Match{Kind: kind, Before: labels(g.before), After: labels(g.after), By: g.by}
		m.Text = fmt.Sprintf("%s was compared with %s (%s)", strings.Join(m.Before, ", "), strings.Join(m.After, ", "), reasons[g.by])
		if len(g.before)+len(g.after) > 2 {
			m.Text = fmt.Sprintf("%s together were compared with %s (%s)", strings.Join(m.Before, ", "), strings.Join(m.After, ", "), reasons[g.by])
		}
		c.matches = append(c.matches, m)
	}
}

// labels names subjects.
func labels(list []*subject) []string {
	var out []string
	for _, x := range list {
		label := x.server
		if x.endpoint != "" && x.endpoint != x.server {
			label = x.endpoint + " of " + x.server
		}
		out = append(out, label)
	}
	return out
}
