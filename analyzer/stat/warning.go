package stat

import "slices"

// Warning is a reason to trust a result less, as a sentence without a full stop.
type Warning string

// The warnings that results of this package carry.
const (
	WarnFew        Warning = "too few values to see anything but a very large difference"
	WarnCensored   Warning = "many durations were cut off; the later part of the distribution is a guess"
	WarnClustered  Warning = "events come in bursts, so the counts are less certain than their size suggests"
	WarnFewSlices  Warning = "too few time slices to tell how much events cluster"
	WarnEqual      Warning = "all values are equal, so there is nothing to compare"
	WarnEmpty      Warning = "one side has no values"
	WarnFewAtRisk  Warning = "fewer than 5 durations reach this point"
	WarnCrossing   Warning = "the two distributions cross, so one number does not describe the difference"
	WarnUncensored Warning = "this test takes cut-off durations as complete ones"
)

// union is a followed by what only b has.
func union(a, b []Warning) []Warning {
	a = slices.Clip(a)
	for _, w := range b {
		if !slices.Contains(a, w) {
			a = append(a, w)
		}
	}
	return a
}
