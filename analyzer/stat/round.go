package stat

import "time"

// grid says which durations people configure: up to (and including) to,
// multiples of step.
type grid struct{ to, step time.Duration }

// roundGrids is read from what configurations hold: 250 ms, 1.5 s, 45 s, 90 s
// and 10 min are common, 370 ms and 47 s are not. 100 s (.NET's HttpClient) is
// the one common value off the grid.
var roundGrids = [...]grid{
	{10 * time.Millisecond, time.Millisecond},
	{100 * time.Millisecond, 5 * time.Millisecond},
	{time.Second, 50 * time.Millisecond},
	{10 * time.Second, 500 * time.Millisecond},
	{time.Minute, 5 * time.Second},
	{2 * time.Minute, 15 * time.Second},
	{5 * time.Minute, 30 * time.Second},
	{10 * time.Minute, time.Minute},
	{time.Hour, 5 * time.Minute},
	{24 * time.Hour, time.Hour},
}

const offGrid = 100 * time.Second

// Round gives the value nearest to v that people configure, and whether v is
// near enough to be a timer of that value: at most 0.5 ms and 0.1 percent
// early (the clock of a capture starts with the packet, the timer's a little
// before) or 2 ms and 0.3 percent late (timers fire late, never early). Below
// 1 ms and above a day nothing is round; the nearest value is then v itself.
func Round(v time.Duration) (nearest time.Duration, isRound bool) {
	nearest, ok := nearestRound(v)
	return nearest, ok && fits(v, nearest, 0)
}

// nearestRound is false when v is too small or too large to be a timer.
func nearestRound(v time.Duration) (time.Duration, bool) {
	const least = time.Millisecond
	last := roundGrids[len(roundGrids)-1].to
	if v < least/2 || v > last+last/100 {
		return v, false
	}
	step := time.Hour
	for _, g := range roundGrids {
		if v <= g.to {
			step = g.step
			break
		}
	}
	r := max((v+step/2)/step*step, least)
	if (v - offGrid).Abs() < (v - r).Abs() {
		r = offGrid
	}
	return min(r, last), true
}

// fits reports whether v may be a firing of a timer of the value given; slack
// widens the limits for samples that scatter.
func fits(v, value, slack time.Duration) bool {
	late := v - value
	return late >= -(500*time.Microsecond+value/1000+slack) && late <= 2*time.Millisecond+value*3/1000+slack
}
