package stat

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMomentKeepsTime(t *testing.T) {
	for _, at := range []int64{math.MinInt64, -1, 0, 1, 1795390840e9, math.MaxInt64} {
		if m := MomentOf(at, 7); m.At() != at || m.Ref != 7 {
			t.Errorf("%d: %d, %d", at, m.At(), m.Ref)
		}
	}
}

// Lists of all lengths, over narrow and wide times, coarse and fine ones,
// against a stable sort by comparison.
func TestSortMoments(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, n := range []int{0, 1, 2, 3, 30, 47, 48, 49, 100, 1000, 5000} {
		for _, width := range []int64{1, 2, 100, 1 << 20, 1 << 40, math.MaxInt64} {
			for _, first := range []int64{-width / 2, 0, 1795390840e9, math.MinInt64} {
				list := make([]Moment, n)
				for i := range list {
					at := first + r.Int64N(width)
					if first > 0 && width > 1000 {
						at -= at % 1000
					}
					list[i] = MomentOf(at, uint32(i))
				}
				checkSort(t, list)
			}
		}
	}
}

func TestSortMomentsInOrder(t *testing.T) {
	list := make([]Moment, 100)
	for i := range list {
		list[i] = MomentOf(int64(i/2), uint32(i))
	}
	checkSort(t, list)
	slices.Reverse(list)
	checkSort(t, list)
}

func FuzzSortMoments(f *testing.F) {
	f.Add(uint64(1), uint16(100), int64(1<<40))
	f.Add(uint64(2), uint16(60000), int64(3))
	f.Add(uint64(3), uint16(50), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, width int64) {
		r := rand.New(rand.NewPCG(seed, 1))
		list := make([]Moment, n)
		for i := range list {
			at := r.Int64()
			if width > 0 {
				at = r.Int64N(width) - width/2
			}
			list[i] = MomentOf(at, uint32(i))
		}
		checkSort(t, list)
	})
}

// checkSort compares with a sort by comparison, and demands that nothing is
// written behind the list's end.
func checkSort(t *testing.T, list []Moment) {
	t.Helper()
	want := slices.Clone(list)
	slices.SortStableFunc(want, func(a, b Moment) int { return cmp.Compare(a.At(), b.At()) })
	spare := make([]Moment, len(list)+1)
	spare[len(list)] = MomentOf(5, 5)
	got, other := SortMoments(slices.Clone(list), spare)
	if !slices.Equal(got, want) {
		t.Fatalf("%d moments are not in order", len(list))
	}
	if spare[len(list)] != MomentOf(5, 5) || len(other) < len(list) {
		t.Fatalf("the spare list: %d of %d, %v behind its end", len(other), len(list), spare[len(list)])
	}
}

// 200,000 moments of half a minute, in any order; beside it the sort of bare
// numbers by comparison.
func BenchmarkSortMoments(b *testing.B) {
	const n = 200_000
	r := rand.New(rand.NewPCG(1, 2))
	moments, numbers := make([]Moment, n), make([]int64, n)
	for i := range moments {
		numbers[i] = 1795390840e9 + r.Int64N(30e6)*1e3
		moments[i] = MomentOf(numbers[i], uint32(i))
	}
	b.Run("radix", func(b *testing.B) {
		list, spare := make([]Moment, n), make([]Moment, n)
		b.ReportAllocs()
		for b.Loop() {
			copy(list, moments)
			SortMoments(list, spare)
		}
	})
	b.Run("slices.Sort", func(b *testing.B) {
		list := make([]int64, n)
		b.ReportAllocs()
		for b.Loop() {
			copy(list, numbers)
			slices.Sort(list)
		}
	})
}
