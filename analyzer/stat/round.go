package stat

import "time"

// Round gives the value nearest to v that people configure, and whether v is
// near enough to be a timer of that value: at most 1 ms and 0.2 percent early
// (the client starts its timer before the packet that starts the capture's
// clock leaves; 1.8 ms were seen under strace) or 2 ms and 0.3 percent late
// (timers never fire early); less of short ones. Below 0.5 ms and above a day
// nothing is round; the nearest value is then v itself.
func Round(v time.Duration) (nearest time.Duration, isRound bool) {
	nearest, ok := nearestRound(v)
	return nearest, ok && fits(v, nearest, 0)
}

// nearestRound is false when v is too small or too large to be a timer. Beside
// the grid there are 25 and 75 ms, and 100 s, the default of .NET's HttpClient.
func nearestRound(v time.Duration) (time.Duration, bool) {
	const least, most = time.Millisecond, 24 * time.Hour
	if v < least/2 || v > most+most/100 {
		return v, false
	}
	step := grid(v)
	r := min(max((v+step/2)/step*step, least), most)
	for _, beside := range [...]time.Duration{25 * time.Millisecond, 75 * time.Millisecond, 100 * time.Second} {
		if (v - beside).Abs() < (v - r).Abs() {
			r = beside
		}
	}
	return r, true
}

// grid is the distance of the values that people configure around v. It is read
// from configurations: 250 ms, 1.5 s, 45 s, 90 s and 10 min are common, 370 ms
// and 47 s are not.
func grid(v time.Duration) time.Duration {
	switch {
	case v <= 5*time.Millisecond:
		return time.Millisecond
	case v <= 20*time.Millisecond:
		return 5 * time.Millisecond
	case v <= 100*time.Millisecond:
		return 10 * time.Millisecond
	case v <= time.Second:
		return 50 * time.Millisecond
	case v <= 10*time.Second:
		return 500 * time.Millisecond
	case v <= time.Minute:
		return 5 * time.Second
	case v <= 2*time.Minute:
		return 15 * time.Second
	case v <= 5*time.Minute:
		return 30 * time.Second
	case v <= 10*time.Minute:
		return time.Minute
	case v <= time.Hour:
		return 5 * time.Minute
	}
	return time.Hour
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
