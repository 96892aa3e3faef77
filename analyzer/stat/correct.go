package stat

import (
	"math"
	"slices"
)

// Holm corrects p-values for their number, so that the chance of any false
// alarm among all of them stays below the level they are compared with (Holm
// 1979; R: p.adjust(p, "holm")). The results are in the order of ps; a NaN was
// no test, stays, and does not count.
func Holm(ps []float64) []float64 {
	out, order := ranking(ps)
	highest := 0.0
	for i, k := range order {
		highest = max(highest, min(1, ps[k]*float64(len(order)-i)))
		out[k] = highest
	}
	return out
}

// ranking gives a copy of ps and the indices of its numbers from small to large.
func ranking(ps []float64) (out []float64, order []int) {
	for i, p := range ps {
		if !math.IsNaN(p) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case ps[i] < ps[j]:
			return -1
		case ps[i] > ps[j]:
			return 1
		}
		return 0
	})
	return slices.Clone(ps), order
}
