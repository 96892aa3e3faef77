package analyzer

import (
	"math"
	"testing"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// TestHalfClose measures half-closes that begin at second 100, in an input that
// ends at 1000; tcp_fin_timeout is 60 s.
func TestHalfClose(t *testing.T) {
	unknown := math.NaN()
	for _, c := range []struct {
		name                 string
		change               func(r *conn.Record)
		endedBy              conn.EndedBy
		censored             bool
		one, two, wait, last float64 // seconds; NaN: unknown
	}{
		{"answered by a FIN", func(r *conn.Record) {
			r.FINAcked, r.PeerFIN, r.HalfEnd, r.EndedBy, r.PeerAcked = sec(100.04), sec(102), sec(102), conn.EndedByFIN, sec(102.1)
		}, conn.EndedByFIN, false, 0.04, 1.96, 1.96, 0.1},
		{"FIN and ACK in one", func(r *conn.Record) {
			r.PeerFIN, r.HalfEnd, r.EndedBy, r.PeerAcked = sec(102), sec(102), conn.EndedByFIN, sec(102)
		}, conn.EndedByFIN, false, 2, 0, 0, 0},
		{"a FIN that the input lacks", func(r *conn.Record) {
			r.FINAcked, r.PeerFIN, r.HalfEnd, r.EndedBy, r.PeerAcked = sec(100), sec(102), sec(102), conn.EndedByFIN, sec(102.1)
			r.Marks |= conn.MarkCloseUnseen
		}, conn.EndedByFIN, false, unknown, 2, 2, 0.1},
		{"an ACK of the FIN that the input lacks", func(r *conn.Record) {
			r.ACKMissed, r.FINAcked, r.PeerFIN, r.HalfEnd, r.EndedBy, r.PeerAcked = true, sec(100.04), sec(102), sec(102), conn.EndedByFIN, sec(102.1)
		}, conn.EndedByFIN, false, unknown, 1.96, 1.96, 0.1},
		{"the closer's direction alone", func(r *conn.Record) {
			r.ACKMissed, r.PeerFIN, r.HalfEnd, r.EndedBy, r.PeerAcked = true, sec(102), sec(102), conn.EndedByFIN, sec(102)
		}, conn.EndedByFIN, false, unknown, unknown, unknown, 0},
		{"the closer's direction alone until the input ends", func(r *conn.Record) { r.ACKMissed = true },
			conn.EndedByCapture, true, unknown, unknown, unknown, unknown},
		{"late data meets a RST", func(r *conn.Record) {
			r.FINAcked, r.LateData, r.HalfEnd, r.EndedBy, r.HalfKind = sec(100.04), sec(103), sec(103.01), conn.EndedByLateDataReset, conn.HalfOrphan
			r.Marks |= conn.MarkReset | conn.MarkLateData
		}, conn.EndedByLateDataReset, false, 0.04, 2.96, 2.97, unknown},
		{"late data meets a RST after the socket had expired", func(r *conn.Record) {
			r.FINAcked, r.LateData, r.HalfEnd, r.EndedBy, r.HalfKind = sec(100.04), sec(170), sec(170.01), conn.EndedByLateDataReset, conn.HalfOrphan
			r.Marks |= conn.MarkReset | conn.MarkLateData
		}, conn.EndedByExpiry, false, 0.04, 60, 69.97, unknown},
		{"a FIN that comes after 70 s and is acknowledged: held", func(r *conn.Record) {
			r.FINAcked, r.PeerFIN, r.HalfEnd, r.EndedBy, r.PeerAcked = sec(100), sec(170), sec(170), conn.EndedByFIN, sec(170.1)
		}, conn.EndedByFIN, false, 0, 70, 70, 0.1},
		{"read on for 70 s", func(r *conn.Record) {
			r.FINAcked, r.PeerFIN, r.HalfEnd, r.EndedBy, r.HalfKind = sec(100), sec(170), sec(170), conn.EndedByFIN, conn.HalfHeld
		}, conn.EndedByFIN, false, 0, 70, 70, unknown},
		{"the input ends", func(r *conn.Record) { r.FINAcked, r.CloseAt = sec(990.5), sec(990) },
			conn.EndedByCapture, true, 0.5, 9.5, 9.5, unknown},
		{"the input ends before the ACK", func(r *conn.Record) { r.CloseAt = sec(990) },
			conn.EndedByCapture, true, 10, unknown, unknown, unknown},
		{"the input goes on for longer than the kernel waits", func(r *conn.Record) { r.FINAcked = sec(100.5) },
			conn.EndedByExpiry, false, 0.5, 60, 899.5, unknown},
		{"a probe shows that the socket lives", func(r *conn.Record) {
			r.FINAcked = sec(100.5)
			r.Marks |= conn.MarkProbeAlive
		}, conn.EndedByCapture, true, 0.5, 899.5, 899.5, unknown},
		{"just within the kernel's time", func(r *conn.Record) {
			r.FINAcked, r.HalfEnd, r.EndedBy = sec(100), sec(160.4), conn.EndedByReset
			r.Marks |= conn.MarkReset
		}, conn.EndedByReset, false, 0, 60.4, 60.4, unknown},
		{"both at once", func(r *conn.Record) {
			r.FINAcked, r.PeerFIN, r.HalfEnd, r.EndedBy, r.PeerAcked = sec(100.1), sec(100.05), sec(100.05), conn.EndedBySimultaneous, sec(100.1)
		}, conn.EndedBySimultaneous, false, 0.05, unknown, unknown, 0.05},
		{"a clock that steps back", func(r *conn.Record) {
			r.FINAcked, r.PeerFIN, r.HalfEnd, r.EndedBy = sec(99), sec(98), sec(98), conn.EndedByFIN
		}, conn.EndedByFIN, false, 0, 0, 0, unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := plain("10.0.0.1:40000", 90, 10)
			c.change(&r)
			if r.HalfEnd.Known() {
				r.HalfFrame = 9
			}
			h, ok := halfCloseOf(&r, sec(1000), 60*time.Second)
			if !ok || h.endedBy != c.endedBy || h.censored != c.censored || h.by != event.Client {
				t.Fatalf("%v: ended by %v, censored %v; want %v, %v", ok, h.endedBy, h.censored, c.endedBy, c.censored)
			}
			for _, x := range []struct {
				what string
				got  span
				want float64
			}{{"FIN-WAIT-1", h.finWait1, c.one}, {"FIN-WAIT-2", h.finWait2, c.two}, {"CLOSE-WAIT", h.closeWait, c.wait}, {"LAST-ACK", h.lastAck, c.last}} {
				if x.got.known == math.IsNaN(x.want) || x.got.known && math.Abs(x.got.d.Seconds()-x.want) > 1e-6 {
					t.Errorf("%s is %v (known %v), want %v", x.what, x.got.d, x.got.known, x.want)
				}
			}
		})
	}
	r := plain("10.0.0.1:40000", 90, 10)
	r.How = conn.HowRST
	if _, ok := halfCloseOf(&r, sec(1000), time.Minute); ok {
		t.Error("a RST began a half-close")
	}
}
