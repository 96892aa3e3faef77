package analyzer

const (
	recentSets = 512 // a power of two
	recentWays = 4
)

// recent remembers the live connections that segments came for lately. A table
// finds those without looking into its slots, which hold all connections that
// ever were and lie in slow memory when there are many (BenchmarkTable).
// Connections whose tags share their lower bits share a set, which has room for
// four of them in half a cache line. The zero value is empty and ready to use.
type recent [recentSets][recentWays]slot

// set is where connections with this tag may be.
func (r *recent) set(tag uint32) *[recentWays]slot { return &r[tag%recentSets] }

// put remembers a live connection; in a full set, in place of the one that was
// put there longest ago.
func (r *recent) put(s slot) {
	set := r.set(s.tag)
	i := 0
	for i < recentWays-1 && set[i].ref != 0 {
		i++
	}
	copy(set[1:i+1], set[:i])
	set[0] = s
}

// drop forgets a connection.
func (r *recent) drop(s slot) {
	set := r.set(s.tag)
	for i := range set {
		if set[i] == s {
			set[i] = slot{}
		}
	}
}
