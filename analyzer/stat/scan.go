package stat

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// window is a stretch of values that holds more than its neighbours explain.
type window struct {
	from, to   time.Duration // both ends belong to it
	count      int           // values within
	chance     float64       // log of the bound on the probability, all tries counted
	background float64       // values per ns that the neighbours let expect
}

// reach is how late a timer of the value v may fire and still be recognised:
// "about 10 ms or a percent", but not more than a tenth of short ones.
func reach(v time.Duration) time.Duration {
	return min(v/10, max(10*time.Millisecond, v/100))
}

// scan searches sorted values for windows with too many of them: a scan
// statistic against the local density.
type scan struct {
	values     []sample
	resolution time.Duration
	narrowest  time.Duration // the first window width; each next one is twice as wide
	widths     float64       // how many widths count as separate tries
}

// search gives the windows that do not touch each other and are less probable
// than chance, the least probable first.
func search(values []sample, resolution time.Duration, chance float64) []window {
	if len(values) < 2 {
		return nil
	}
	// Neighbouring widths see nearly the same values, so that all of them
	// together count as few tries; the simulations in the tests say how many.
	s := scan{values, resolution, max(50*time.Microsecond, resolution), 4}
	found := append(s.free(chance), s.anchored(chance)...)
	slices.SortFunc(found, func(a, b window) int {
		return cmp.Or(
			cmp.Compare(a.chance, b.chance),
			cmp.Compare(a.from, b.from),
			cmp.Compare(a.to, b.to))
	})
	return apart(found)
}

// joint gives windows that only together are significant: several timers near
// each other look like the dense background of one another. So each window that
// is not significant, but not likely either, is tried again without the values
// in the others, and counts when at least one of those then does as well.
// Smooth samples hold two such windows so seldom that the false alarms remain as
// rare as they were, which the simulations in the tests confirm.
func joint(values []sample, resolution time.Duration) []window {
	const most = 16 // more near each other are a crowd, and cost as many searches
	tried := search(values, resolution, hintChance)
	tried = tried[:min(len(tried), most)]
	var found []window
	for _, w := range tried {
		rest := slices.DeleteFunc(slices.Clone(values), func(x sample) bool {
			return slices.ContainsFunc(tried, func(u window) bool { return u != w && x.v >= u.from && x.v <= u.to })
		})
		for _, again := range search(rest, resolution, modeChance) {
			if again.from <= w.to && again.to >= w.from {
				found = append(found, again)
				break
			}
		}
	}
	if len(found) < 2 {
		return nil
	}
	return found
}

// apart keeps the windows that are not within reach of a better one. Those are
// tried again once the better one's members are gone.
func apart(found []window) []window {
	var kept []window // sorted by from
	var best []window
	for _, w := range found {
		margin := reach(w.to)
		i := sort.Search(len(kept), func(i int) bool { return kept[i].from > w.from })
		if i > 0 && kept[i-1].to+margin >= w.from || i < len(kept) && kept[i].from-margin <= w.to {
			continue
		}
		kept = slices.Insert(kept, i, w)
		best = append(best, w)
	}
	return best
}

// free tries windows that start at any value.
func (s scan) free(likely float64) []window {
	best := make([]window, len(s.values)) // by first value
	tries := math.Log(float64(len(s.values)) * s.widths)
	widest := max(s.narrowest, reach(s.values[len(s.values)-1].v))
	for step := s.narrowest; step < 2*widest; step *= 2 {
		j := 0
		for i := range s.values {
			from := s.values[i].v
			width := s.fit(step, from)
			for j < len(s.values) && s.values[j].v <= from+width {
				j++
			}
			if n := j - i; n < 3 || width == 0 {
				continue
			}
			chance, background := s.chance(i, j, width, j-i-1)
			if w := (window{from, s.values[j-1].v, j - i, chance + tries, background}); w.chance < best[i].chance {
				best[i] = w
			}
		}
	}
	return slices.DeleteFunc(best, func(w window) bool {
		limit := likely
		if w.count == 3 && len(s.values) > handful && likely == modeChance {
			limit = highChance
		}
		return w.count == 0 || w.chance > math.Log(limit)
	})
}

// fit is the width of a window of the given step for a timer of the value from:
// the step, or reach when the next smaller step is below that; 0 when there is
// no such window. A coarse clock's resolution always fits large values.
func (s scan) fit(step, from time.Duration) time.Duration {
	switch far := reach(from); {
	case step <= far:
		return step
	case step == s.resolution && step <= from/4:
		return step
	case step < 2*far:
		return far
	}
	return 0
}

// anchored tries windows around the round values: few places, so that even two
// values there may be too many for chance.
func (s scan) anchored(likely float64) []window {
	rounds := s.rounds()
	tries := math.Log(float64(len(rounds)) * s.widths)
	var found []window
	for _, r := range rounds {
		var best window
		for late := s.narrowest; s.fit(late, r) == late && (late == s.narrowest || late <= latest(r)); late *= 2 {
			early := min(late, earliest(r))
			i := s.above(r - early - 1)
			j := s.above(r + late)
			if j-i < 2 {
				continue
			}
			chance, background := s.chance(i, j, early+late, j-i)
			w := window{s.values[i].v, s.values[j-1].v, j - i, chance + tries, background}
			if w.chance < best.chance {
				best = w
			}
		}
		if best.count > 0 && best.chance <= math.Log(likely) {
			found = append(found, best)
		}
	}
	return found
}

// above is the index of the first value that exceeds v.
func (s scan) above(v time.Duration) int {
	return sort.Search(len(s.values), func(i int) bool { return s.values[i].v > v })
}

// rounds lists the round values that are nearest to any value.
func (s scan) rounds() []time.Duration {
	var rs []time.Duration
	for _, x := range s.values {
		r, ok := nearestRound(x.v)
		if ok && (len(rs) == 0 || rs[len(rs)-1] != r) {
			rs = append(rs, r)
		}
	}
	return rs
}

// chance is the log of the probability that at least k values fall in a window
// of the given width that holds values[i:j], and the density it rests on.
//
// The density is that of the nearest neighbours on either side, as many as are
// in the window, so that a broad hump is not taken for a timer; the denser side
// counts, so that an edge or a slope is not. When m neighbours take the stretch
// L, the number in a window of width w is negative binomial, which is the beta
// function below: with few neighbours it allows for how little they say.
//
// Neighbours further away than a fifth of the value belong to another hump and
// say nothing: then one more is supposed just there. A sample of one narrow hump
// and nothing else is what this gets wrong, on purpose: that is a timer.
func (s scan) chance(i, j int, width time.Duration, k int) (log, background float64) {
	w, count, m := float64(width+s.resolution), float64(k), max(8, (j-i)/2)
	left := s.flank(i, -min(m, i))
	right := s.flank(j-1, min(m, len(s.values)-j))
	if left.values < fewest && right.values < fewest {
		n, stretch := float64(left.near+right.near), left.supposed
		if n > 0 {
			stretch = min(stretch, left.span+right.span)
		}
		return logBetaInc(w/(w+stretch), count, n+1), n / stretch
	}
	log = math.Inf(-1)
	for _, f := range [...]flank{left, right} {
		if f.values < fewest {
			continue
		}
		n, stretch := float64(f.near), f.span
		if f.near < fewest {
			n, stretch = n+1, f.supposed
		}
		if count <= n*w/stretch { // as many as expected
			return 0, 0
		}
		log = max(log, logBetaInc(w/(w+stretch), count, n))
		background = max(background, float64(f.near)/stretch)
	}
	return log, background
}

// fewest values on a side tell how dense it is.
const fewest = 4

// flank is what lies on one side of a window.
type flank struct {
	values   int     // how many values there are, up to the number asked for
	near     int     // how many of them are within supposed
	span     float64 // ns from the window to the last of those
	supposed float64 // ns; a fifth of the window's value, more for a coarse clock
}

// flank looks at the n values next to values[i], at those before it when n is
// negative.
func (s scan) flank(i, n int) flank {
	side := 1
	if n < 0 {
		side, n = -1, -n
	}
	from := s.values[i].v
	distance := func(c int) float64 { return float64((s.values[i+side*c].v - from).Abs()) }
	f := flank{values: n, supposed: float64(max(from/5, 8*s.resolution))}
	if f.near = n; distance(n) > f.supposed {
		f.near = sort.Search(n, func(c int) bool { return distance(c+1) > f.supposed })
	}
	f.span = distance(f.near)
	return f
}

// extend gives the values[i:j] that belong to the window w: those within and
// the ones that follow with gaps too small for the background, up to reach.
func extend(values []sample, w window) (i, j int) {
	s := scan{values: values}
	i, j = s.above(w.from-1), s.above(w.to)
	if i == j {
		return i, j
	}
	far := reach(w.from)
	gap := max(w.to-w.from, far/4)
	if w.background > 0 {
		gap = min(gap, time.Duration(1/(4*w.background)))
	}
	for j < len(values) && values[j].v-values[j-1].v <= gap && values[j].v-w.from <= far {
		j++
	}
	early := w.from - earliest(w.from)
	for i > 0 && values[i].v-values[i-1].v <= gap && values[i-1].v >= early {
		i--
	}
	return i, j
}
