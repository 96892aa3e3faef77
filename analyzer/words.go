package analyzer

import (
	"strconv"
	"time"
)

// seconds formats a duration for a sentence: 4 significant digits at most.
func seconds(d time.Duration) string {
	switch {
	case d >= 100*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
	case d >= time.Second:
		return trimZeros(strconv.FormatFloat(d.Seconds(), 'f', 2, 64)) + " s"
	case d >= time.Millisecond:
		return trimZeros(strconv.FormatFloat(d.Seconds()*1e3, 'f', 1, 64)) + " ms"
	case d <= 0:
		return "0 s"
	}
	return strconv.FormatFloat(d.Seconds()*1e6, 'f', 0, 64) + " us"
}

// trimZeros drops the zeros behind a decimal point.
func trimZeros(s string) string {
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// took is a duration that is only formatted, as seconds does, where somebody
// reads it.
type took time.Duration

// String formats the duration for a sentence.
func (t took) String() string { return seconds(time.Duration(t)) }
