package main

import (
	"os"
	"runtime/debug"
	gauges "runtime/metrics"
)

// garbage is about how much of it may lie beside what is in use while inputs
// are read, and least and most the percentages of what is in use that it may be
// (the runtime's default is 100). What is in use is mostly packed connections,
// which cost the collector nothing to look through, so it may run often: it
// keeps 340,000 short connections of a log in 120 MB instead of 185, and
// 500,000 of a capture in 180 instead of 260.
const (
	garbage = 20 << 20
	least   = 15
	most    = 400
)

// spare makes the runtime collect garbage the more often, the more of the input
// stays. GOGC in the environment has the last word.
func spare() {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []gauges.Sample{{Name: "/gc/heap/live:bytes"}}
	gauges.Read(live)
	if n := live[0].Value; n.Kind() == gauges.KindUint64 {
		inUse := max(1, n.Uint64()) // 0 before the first collection
		debug.SetGCPercent(int(min(most, max(least, garbage*100/inUse))))
	}
}
