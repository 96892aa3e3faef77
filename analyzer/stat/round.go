package stat

import "time"

// grid says which durations people configure: up to (and including) to,
// multiples of step.
type grid struct{ to, step time.Duration }

// roundGrids is read from what configurations hold: 250 ms, 1.5 s, 45 s, 90 s
// and 10 min are common, 370 ms and 47 s are not. 100 s (.NET's HttpClient) is
// the one common value off the grid.
var roundGrids = [...]grid{
	{5 * time.Millisecond, time.Millisecond},
	{20 * time.Millisecond, 5 * time.Millisecond},
	{100 * time.Millisecond, 10 * time.Millisecond},
	{time.Second, 50 * time.Millisecond},
	{10 * time.Second, 500 * time.Millisecond},
	{time.Minute, 5 * time.Second},
	{2 * time.Minute, 15 * time.Second},
	{5 * time.Minute, 30 * time.Second},
	{10 * time.Minute, time.Minute},
	{time.Hour, 5 * time.Minute},
	{24 * time.Hour, time.Hour},
}

// offGrid are common values beside the grids; 100 s is that of .NET's HttpClient.
var offGrid = [...]time.Duration{25 * time.Millisecond, 75 * time.Millisecond, 100 * time.Second}

// Round gives the value nearest to v that people configure, and whether v is
// near enough to be a timer of that value: at most 1 ms and 0.2 percent early
// (the client starts its timer before the packet that starts the capture's
// clock leaves; 1.8 ms were seen under strace) or 2 ms and 0.3 percent late
// (timers never fire early). Of short ones a fortieth or a twentieth replaces the
// milliseconds. Below
// 0.5 ms and above a day nothing is round; the nearest value is then v itself.
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
	for _, off := range offGrid {
		if (v - off).Abs() < (v - r).Abs() {
			r = off
		}
	}
	return min(r, last), true
}

// fits reports whether v may be a firing of a timer of the value given; slack
// widens the limits for samples that scatter.
func fits(v, value, slack time.Duration) bool {
	return v >= value-earliest(value)-slack && v <= value+latest(value)+slack
}

// earliest is how much before its value a timer may seem to fire.
func earliest(value time.Duration) time.Duration {
	return min(time.Millisecond, value/40) + value/500
}

// latest is how late a timer usually fires on a host that is not overloaded.
func latest(value time.Duration) time.Duration {
	return min(2*time.Millisecond, value/20) + value*3/1000
}
