package analyzer

import (
	"testing"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// TestHalfUntimed: a half-close that ended without a clock has ended, and
// lasted for nobody knows how long.
func TestHalfUntimed(t *testing.T) {
	for name, timed := range map[string]func(frame int) bool{
		"no clock":     func(int) bool { return false },
		"only the FIN": func(n int) bool { return n == 4 },
		"up to it":     func(n int) bool { return n <= 4 },
		"all but ACKs": func(n int) bool { return n == 4 || n == 6 },
	} {
		w := &wire{now: 1e18}
		w.dial(1000, 7)
		w.send(ms, 1000, false, event.FIN|event.ACK, 8, 508, 0)
		w.send(ms, 1000, true, event.ACK, 508, 9, 0)
		w.send(time.Second, 1000, true, event.FIN|event.ACK, 508, 9, 0)
		w.send(ms, 1000, false, event.ACK, 9, 509, 0)
		for i := range w.segs {
			if !timed(i + 1) {
				w.segs[i].Time = event.NoTime
			}
		}
		var half *FlowHalf
		_ = analyse(w.segs, Options{}).Flows(func(f *Flow) error { half = f.HalfClose; return nil })
		if half == nil || half.EndedBy != conn.EndedByFIN.String() || half.Censored {
			t.Errorf("%s: the half-close is %+v", name, half)
			continue
		}
		for _, d := range []*float64{half.FinWait1S, half.FinWait2S, half.CloseWaitS} {
			if d != nil {
				t.Errorf("%s: a part lasted %v s, which cannot be known", name, *d)
			}
		}
		if total := half.TotalS; (total != nil) != timed(6) {
			t.Errorf("%s: the half-close lasted %v", name, total)
		}
	}
}
