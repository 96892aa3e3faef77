package samples

import (
	"cmp"
	"math"
	"slices"
)

// stay is when a socket was in a state: from, up to but without to.
type stay struct{ from, to int64 }

// most is the largest number of stays at one moment.
func most(stays []stay) int {
	best := 0
	for _, s := range stays {
		n := 0
		for _, o := range stays {
			if o.from <= s.from && s.from < o.to {
				n++
			}
		}
		best = max(best, n)
	}
	return best
}

// peaks: the sockets in FIN-WAIT-2 and TIME-WAIT at once, counted moment by
// moment.
func (in *inspector) peaks() {
	if len(in.flows) > 2000 {
		return // moment by moment takes the square of it
	}
	twoFor, timeFor := map[string][]stay{}, map[string][]stay{}
	var all []stay
	for _, f := range in.flows {
		s, ok := finWait2(f)
		if ok && str(f, "half_close.by") == "client" {
			all = append(all, s)
			twoFor[str(f, "server")] = append(twoFor[str(f, "server")], s)
		}
		if from, ok := moment(f, "time_wait.from"); ok && str(f, "time_wait.by") != "server" {
			length, _ := span(in.report, "settings.time_wait_s")
			timeFor[str(f, "server")] = append(timeFor[str(f, "server")], stay{from, from + length})
		}
	}
	if got := int(num(in.report, "half_close.client.peak.count")); got != most(all) {
		in.fail("at most %d clients' sockets in FIN-WAIT-2, moment by moment %d", got, most(all))
	}
	for _, p := range list(in.report, "peers") {
		name := str(p, "server")
		if got, want := int(num(p, "fin_wait_2_peak")), most(twoFor[name]); got != want {
			in.fail("%s: at most %d in FIN-WAIT-2, moment by moment %d", name, got, want)
		}
		if got, want := int(num(p, "time_wait_peak")), most(timeFor[name]); got > want {
			in.fail("%s: at most %d in TIME-WAIT, moment by moment %d", name, got, want)
		}
	}
}

// finWait2 is when the socket of the row's closer was in FIN-WAIT-2.
func finWait2(f map[string]any) (s stay, ok bool) {
	at, ok1 := moment(f, "close.at")
	one, ok2 := span(f, "half_close.fin_wait_1_s")
	if notes, _ := f["notes"].([]any); slices.Contains(notes, any("fin-unseen")) {
		one, ok2 = 0, true // the close is where its acknowledgement was seen
	}
	if !ok2 { // the acknowledgement is missing: it came a round trip behind the FIN
		one, _ = span(f, "handshake.rtt_s")
	}
	two, ok3 := span(f, "half_close.fin_wait_2_s")
	return stay{at + one, at + one + two}, ok1 && ok3
}

// life is one duration; a censored one lasted longer.
type life struct {
	seconds  float64
	censored bool
}

// quantile is the Kaplan-Meier estimate: the first time at which no more than
// 1-p of the whole is left.
func quantile(lives []life, p float64) (float64, bool) {
	lives = slices.Clone(lives)
	slices.SortFunc(lives, func(a, b life) int {
		if a.seconds != b.seconds {
			return cmp.Compare(a.seconds, b.seconds)
		}
		return cmp.Compare(word(a.censored), word(b.censored)) // false, what happened, first
	})
	left := 1.0
	for i, l := range lives {
		if l.censored {
			continue
		}
		left *= 1 - 1/float64(len(lives)-i)
		if last := i+1 == len(lives) || lives[i+1].censored || lives[i+1].seconds != l.seconds; last && left <= 1-p+1e-9 {
			return l.seconds, true
		}
	}
	return 0, false
}

// curves: the quantiles of FIN-WAIT-2 and CLOSE-WAIT, by an estimate of our own.
func (in *inspector) curves() {
	if len(in.flows) > 500 {
		return // distributions are kept in bounded form
	}
	for _, x := range [...]struct{ row, field string }{
		{"half_close.client.fin_wait_2", "fin_wait_2_s"}, {"half_close.client.close_wait", "close_wait_s"},
		{"half_close.client.fin_wait_1", "fin_wait_1_s"},
	} {
		var lives []life
		for _, f := range in.flows {
			h := f["half_close"]
			d, ok := at(h, x.field).(float64)
			if x.field == "close_wait_s" && h != nil && at(h, "close_wait_s") == nil && at(h, "fin_wait_2_s") != nil {
				return // the closer's socket expired, and the peer's lasted for who knows how long
			}
			if !ok || str(h, "by") != "client" {
				continue
			}
			// Of a half-close that was cut off, only the part that was under way is.
			under := at(h, "censored") == true
			if x.field == "fin_wait_1_s" {
				under = under && at(h, "fin_wait_2_s") == nil
			}
			lives = append(lives, life{d, under})
		}
		q := at(in.report, x.row)
		if num(q, "count") != float64(len(lives)) {
			in.fail("%s counts %v, the connections say %d", x.row, num(q, "count"), len(lives))
		}
		for name, p := range map[string]float64{"p50_s": 0.5, "p90_s": 0.9, "p99_s": 0.99} {
			want, known := quantile(lives, p)
			got, has := at(q, name).(float64)
			if known != has || math.Abs(got-want) > 1e-9 {
				in.fail("%s.%s is %v, want %v (%v)", x.row, name, at(q, name), want, known)
			}
		}
	}
}
