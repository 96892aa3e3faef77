package render

import (
	"math"
	"strconv"
	"strings"
	"time"

	"finwait/analyzer"
	"finwait/analyzer/event"
)

// unknown stands for a value that the input does not give.
const unknown = "-"

// unit is the scale that all durations of one column share, so that they can be
// compared at a glance.
type unit struct {
	name     string  // "s", "ms" or "us"
	scale    float64 // how many of it are a second
	decimals int
}

// unitFor picks the unit by the largest duration, so that it reads as a short
// number; smaller ones may then round to "<0.001".
func unitFor(seconds ...*float64) unit {
	var largest float64
	for _, s := range seconds {
		if s != nil {
			largest = max(largest, math.Abs(*s))
		}
	}
	switch {
	case largest >= 1000:
		return unit{"s", 1, 0}
	case largest >= 100:
		return unit{"s", 1, 1}
	case largest >= 10:
		return unit{"s", 1, 2}
	case largest >= 1:
		return unit{"s", 1, 3}
	case largest >= 0.1:
		return unit{"ms", 1e3, 1}
	case largest >= 0.001 || largest == 0:
		return unit{"ms", 1e3, 2}
	}
	return unit{"us", 1e6, 0}
}

// number formats a duration in the unit, without its name.
func (u unit) number(seconds *float64) string {
	if seconds == nil {
		return unknown
	}
	v := *seconds * u.scale
	least := math.Pow10(-u.decimals)
	if v > 0 && v < least/2 {
		return "<" + strconv.FormatFloat(least, 'f', u.decimals, 64)
	}
	return groupDigits(strconv.FormatFloat(v, 'f', u.decimals, 64))
}

// duration formats a duration by itself, to three or four digits, with its unit.
func duration(seconds *float64) string {
	if seconds == nil {
		return unknown
	}
	s := *seconds
	switch a := math.Abs(s); {
	case a == 0:
		return "0 s"
	case a >= 7200:
		return round(s/3600, 3) + " h"
	case a >= 600:
		return round(s/60, 3) + " min"
	case a >= 1:
		return round(s, 4) + " s"
	case a >= 0.001:
		return round(s*1e3, 4) + " ms"
	case a >= 0.000001:
		return round(s*1e6, 3) + " us"
	}
	return round(s*1e9, 3) + " ns"
}

// round formats v to a number of significant digits, without trailing zeros.
func round(v float64, digits int) string {
	if v == 0 {
		return "0"
	}
	magnitude := int(math.Floor(math.Log10(math.Abs(v)))) + 1
	decimals := max(0, digits-magnitude)
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return groupDigits(text)
}

// count formats a whole number with its thousands apart.
func count(n int64) string { return groupDigits(strconv.FormatInt(n, 10)) }

// counted formats a number with its noun: "1 connection", "3 connections".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(int64(n)) + " " + noun + "s"
}

// groupDigits puts commas between the thousands of a decimal number.
func groupDigits(text string) string {
	sign, whole, fraction := "", text, ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if dot := strings.IndexByte(whole, '.'); dot >= 0 {
		whole, fraction = whole[:dot], whole[dot:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + fraction
}

// ratio formats a mean such as requests per connection.
func ratio(v *float64) string {
	if v == nil {
		return unknown
	}
	if *v >= 100 {
		return groupDigits(strconv.FormatFloat(*v, 'f', 0, 64))
	}
	return strconv.FormatFloat(*v, 'f', 1, 64)
}

// percent formats a share of one.
func percent(share float64) string {
	switch p := share * 100; {
	case p > 0 && p < 1:
		return "<1 %"
	case p > 99 && p < 100:
		return ">99 %"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	}
}

// clock formats the time of day of a moment in UTC, or with its date too.
func clock(at analyzer.Stamp, layout string) string {
	t := event.Time(at)
	if !t.Known() {
		return unknown
	}
	return time.Unix(0, int64(t)).UTC().Format(layout)
}

// The layouts of clock.
const (
	dateAndTime = "2006-01-02 15:04:05"
	timeOfDay   = "15:04:05"
)

// orEmpty is the text that p points to; nil is empty.
func orEmpty(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
