package render

import (
	"math"
	"strings"
	"time"

	"finwait/analyzer/stat"
)

// The steps of a bar, from nothing to full. A pipe gets ASCII, where a heavier
// character is more.
const (
	blockSteps = " ▁▂▃▄▅▆▇█"
	asciiSteps = " .:-=+*#@"
)

// spark draws one character a value, scaled to peak. Anything above 0 shows.
func spark(values []int, peak int, s style) string {
	steps := []rune(asciiSteps)
	if s.unicode {
		steps = []rune(blockSteps)
	}
	var b strings.Builder
	for _, v := range values {
		level := 0
		if v > 0 && peak > 0 {
			level = max(1, int(math.Round(float64(v)/float64(peak)*float64(len(steps)-1))))
		}
		b.WriteRune(steps[min(level, len(steps)-1)])
	}
	return b.String()
}

// merge lets neighbouring values of a series share a character, so that the
// series fits into width. Counts of events add up; of a number of sockets the
// largest is kept, since a peak is what one looks for.
func merge(values []int, width int, events bool) (merged []int, each int) {
	each = max(1, (len(values)+width-1)/max(1, width))
	for i := 0; i < len(values); i += each {
		v := 0
		for _, x := range values[i:min(i+each, len(values))] {
			if events {
				v += x
			} else {
				v = max(v, x)
			}
		}
		merged = append(merged, v)
	}
	return merged, each
}

// bin is one bar of a histogram of durations.
type bin struct {
	from, to time.Duration // from exclusive, to inclusive; to 0: no upper bound
	share    float64       // estimated share of all durations
}

// edges are the upper bounds of the bars. They grow as 1, 2, 5: the timers that
// people configure and the stages of a half-close lie far apart.
func edges() []time.Duration {
	var e []time.Duration
	for scale := 100 * time.Microsecond; scale <= 100*time.Second; scale *= 10 {
		e = append(e, scale, 2*scale, 5*scale)
	}
	return e
}

// bins estimates a histogram from a distribution. With censored durations it is
// the Kaplan–Meier estimate; the share that never ended in it comes back as rest.
func bins(d *stat.Dist) (bars []bin, rest float64) {
	if d == nil {
		return nil, 0
	}
	curve := d.Curve()
	above, at, from := 1.0, 0, time.Duration(0)
	for _, edge := range append(edges(), math.MaxInt64) {
		survival := above
		for at < len(curve) && curve[at].At <= edge {
			survival = curve[at].Survival
			at++
		}
		bars = append(bars, bin{from, edge, above - survival})
		above, from = survival, edge
	}
	first, last := -1, -1
	for i, b := range bars {
		if b.share > 0 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return nil, above
	}
	return bars[first : last+1], above
}

// bar draws a horizontal bar of a share of full, at most width characters.
func bar(share, full float64, width int, s style) string {
	if full <= 0 || share <= 0 {
		return ""
	}
	eighths := int(math.Round(share / full * float64(width) * 8))
	if !s.unicode {
		return strings.Repeat("#", max(1, (eighths+4)/8))
	}
	partial := []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}
	return strings.Repeat("█", max(0, eighths/8)) + partial[max(1, eighths)%8]
}
