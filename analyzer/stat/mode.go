package stat

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// Confidence grades a conclusion. Zero is ConfidenceNone.
type Confidence uint8

const (
	ConfidenceNone   Confidence = iota // not a conclusion
	ConfidenceLow                      // a hint
	ConfidenceMedium                   // chance is unlikely, but the values are few
	ConfidenceHigh                     // chance is out of the question
)

// String gives the contract's word; it is empty for ConfidenceNone.
func (c Confidence) String() string {
	switch c {
	case ConfidenceLow:
		return "low"
	case ConfidenceMedium:
		return "medium"
	case ConfidenceHigh:
		return "high"
	}
	return ""
}

// ModeOptions says what is known beside the values. The zero value is ready.
type ModeOptions struct {
	// Resolution of the clock that the values are differences of: 1 s for
	// strace -t. Zero is fine enough not to matter. Without it values that a
	// coarse clock made equal look like a timer.
	Resolution time.Duration
	// Known are timers that are configured for sure. A single value suffices.
	Known []time.Duration
}

// Mode is a value at which waiting times coincide: a timer.
type Mode struct {
	Value      time.Duration // as configured when Round or Known, else the members' lower quartile
	Round      bool          // Value is one that people configure
	Known      bool          // Value is one of ModeOptions.Known
	Median     time.Duration // of the members
	Spread     time.Duration // interquartile range of the members
	Low, High  time.Duration // the smallest and the largest member
	Members    []int         // indices into the values given, ascending
	Chance     float64       // bound on the probability that smoothly spread values do this anywhere; 0 when Known
	Confidence Confidence
}

// Significance of a mode: a sample without any timer shows a mode less often
// than once in a hundred, which the simulations in the tests confirm.
const (
	modeChance = 2e-3 // at most, to be reported at all
	highChance = 1e-4 // at most, for high confidence, with at least highCount members
	hintChance = 5e-2 // at most, to be a hint, and of a window before the others near it are left out; see joint
	highCount  = 4
	fewValues  = 500 // up to here timers may hide each other, and a hint is worth a search
	handful    = 4   // values that are too few to know how they spread
	leastTimer = time.Millisecond
	mostTimer  = 25 * time.Hour
)

// Modes finds the timers among waiting times: the values at which more of them
// coincide than a smooth distribution explains, the most convincing first.
//
// Timers fire late, by tens of microseconds on an idle host, by some
// milliseconds on a loaded one and under strace; several of them, and waits that
// end for other reasons, are mixed in one sample. So no bin width fits all.
// Windows of many widths, up to 10 ms or a percent, are tried at every value and
// at the round values; what counts is how improbable its members are, given
// the density of its neighbours. Found ones are taken out and the rest is
// searched again.
//
// Two values need a round value to coincide at, and a single one is never more
// than a hint (ConfidenceLow, only among up to 4 values and near a round value).
// Where nothing is significant, the values that coincide though chance may well
// be the reason (once in twenty samples without a timer) are a hint, too.
// Values below 1 ms and above a day are no timers. A server whose answers all
// take the same time to a percent looks like a timer here; only the caller knows
// what the values mean.
//
// The cost is O(n log n) a search; at most 8 searches are made, which take at
// most 64 timers each.
func Modes(values []time.Duration, o ModeOptions) []Mode {
	var rest []sample
	for i, v := range values {
		if v >= leastTimer && v <= mostTimer {
			rest = append(rest, sample{v, i})
		}
	}
	slices.SortFunc(rest, byValue)
	f := finder{resolution: min(max(o.Resolution, 0), time.Minute), rest: rest}
	f.takeKnown(o.Known)
	const searches, most = 8, 64
	for range searches {
		windows := search(f.rest, f.resolution, modeChance)
		if len(windows) == 0 && len(values) <= fewValues {
			windows = joint(f.rest, f.resolution)
		}
		if len(windows) == 0 {
			break
		}
		for _, w := range windows[:min(len(windows), most)] {
			f.take(w)
		}
	}
	if len(f.clusters) == 0 && len(values) <= fewValues {
		f.weak = true
		for _, w := range search(f.rest, f.resolution, hintChance) {
			f.take(w)
		}
	}
	if len(values) <= handful {
		f.takeHints()
	}
	return f.finish()
}

// sample is a value with its index in the caller's order.
type sample struct {
	v     time.Duration
	index int
}

// cluster is a mode that is being found.
type cluster struct {
	members []sample // sorted by value, not empty
	mode    Mode     // without what follows from the members
}

// finder moves values from rest to clusters.
type finder struct {
	resolution time.Duration
	rest       []sample // sorted by value
	clusters   []cluster
	weak       bool // what is taken now is a hint
}

// takeKnown takes the firings of the configured timers. A known value is allowed
// the lateness of a loaded host, and one firing is enough.
func (f *finder) takeKnown(known []time.Duration) {
	members := make(map[time.Duration][]sample)
	var left []sample
	for _, s := range f.rest {
		best, found := time.Duration(0), false
		for _, k := range known {
			near := fits(s.v, k, 0) || s.v >= k && s.v <= k+reach(k)
			if near && (!found || (s.v-k).Abs() < (s.v-best).Abs()) {
				best, found = k, true
			}
		}
		if !found {
			left = append(left, s)
			continue
		}
		members[best] = append(members[best], s)
	}
	for _, value := range slices.Sorted(maps.Keys(members)) {
		_, round := Round(value)
		m := Mode{Value: value, Known: true, Round: round, Confidence: ConfidenceHigh}
		if ms := members[value]; len(ms) == 1 && !fits(ms[0].v, value, 0) {
			m.Confidence = ConfidenceMedium
		}
		f.clusters = append(f.clusters, cluster{members[value], m})
	}
	f.rest = left
}

// take makes clusters of the window w and its neighbourhood.
func (f *finder) take(w window) {
	i, j := extend(f.rest, w)
	if i == j {
		return // another window's neighbourhood has taken them
	}
	members := slices.Clone(f.rest[i:j])
	f.rest = slices.Delete(f.rest, i, j)
	for _, part := range split(members, f.resolution) {
		m := Mode{Chance: math.Exp(w.chance)}
		m.Value, m.Round = snap(part)
		if f.weak {
			m.Confidence = ConfidenceLow
		}
		if of := f.same(m, part); of != nil {
			of.join(part)
			of.mode.Chance = min(of.mode.Chance, m.Chance)
			continue
		}
		f.clusters = append(f.clusters, cluster{part, m})
	}
}

// same is the cluster that the members belong to as well: one that has the same
// round value, or one of which they are the late tail, just after it and far
// fewer. It is nil when there is none.
func (f *finder) same(m Mode, members []sample) *cluster {
	for k := range f.clusters {
		of := &f.clusters[k]
		late := members[0].v - of.mode.Value
		tail := late > 0 && late <= reach(of.mode.Value) && 2*len(members) < len(of.members)
		if tail || m.Round && of.mode.Value == m.Value {
			return of
		}
	}
	return nil
}

func (c *cluster) join(members []sample) {
	c.members = append(c.members, members...)
	slices.SortFunc(c.members, byValue)
}

func byValue(a, b sample) int {
	return cmp.Or(cmp.Compare(a.v, b.v), cmp.Compare(a.index, b.index))
}

// takeHints makes a cluster of every round value that one of a handful of values
// is near to.
func (f *finder) takeHints() {
	for _, s := range f.rest {
		r, ok := Round(s.v)
		if !ok {
			continue
		}
		m := Mode{Value: r, Round: true, Chance: 1, Confidence: ConfidenceLow}
		if of := f.same(m, []sample{s}); of != nil {
			of.join([]sample{s})
			continue
		}
		f.clusters = append(f.clusters, cluster{[]sample{s}, m})
	}
}

// finish gives the clusters as modes, the most convincing first.
func (f *finder) finish() []Mode {
	var modes []Mode
	for _, c := range f.clusters {
		m := c.mode
		m.Low, m.High = c.members[0].v, c.members[len(c.members)-1].v
		m.Median, m.Spread = quantile(c.members, 0.5), spread(c.members)
		for _, s := range c.members {
			m.Members = append(m.Members, s.index)
		}
		slices.Sort(m.Members)
		if m.Confidence == ConfidenceNone {
			m.Confidence = grade(m)
		}
		modes = append(modes, m)
	}
	slices.SortFunc(modes, func(a, b Mode) int {
		return cmp.Or(
			cmp.Compare(b.Confidence, a.Confidence),
			cmp.Compare(len(b.Members), len(a.Members)),
			cmp.Compare(a.Value, b.Value))
	})
	return modes
}

// grade says how sure a significant mode is.
func grade(m Mode) Confidence {
	switch n := len(m.Members); {
	case n >= highCount && m.Chance <= highChance:
		return ConfidenceHigh
	case n >= highCount || m.Round:
		return ConfidenceMedium
	}
	return ConfidenceLow
}

// snap is the configured value that explains the members, or their lower
// quartile. Members of a scattered sample may be late by more: then the first
// one still shows the timer.
func snap(members []sample) (value time.Duration, round bool) {
	quartile := quantile(members, 0.25)
	slack := min(spread(members), 5*time.Millisecond)
	for _, seen := range []time.Duration{quartile, members[0].v} {
		if r, ok := nearestRound(seen); ok && fits(seen, r, slack) {
			return r, true
		}
	}
	return quartile, false
}

// split parts members that are two timers close to each other, such as 100 and
// 105 ms, or one timer seen from two starts: a wide window has the more members
// and wins. The gap between them must be far wider than either part is, which
// the late tail of one timer is not.
func split(ms []sample, resolution time.Duration) [][]sample {
	at, gap := 0, time.Duration(0)
	for i := highCount; i <= len(ms)-highCount; i++ {
		if g := ms[i].v - ms[i-1].v; g > gap {
			at, gap = i, g
		}
	}
	low, high := ms[:at], ms[at:]
	if at == 0 || gap <= 3*(spread(low)+spread(high))+2*resolution+200*time.Microsecond {
		return [][]sample{ms}
	}
	return append(split(low, resolution), split(high, resolution)...)
}

// quantile of sorted, non-empty samples.
func quantile(ms []sample, share float64) time.Duration {
	return ms[int(share*float64(len(ms)-1)+0.5)].v
}

// spread is the interquartile range.
func spread(ms []sample) time.Duration { return quantile(ms, 0.75) - quantile(ms, 0.25) }
