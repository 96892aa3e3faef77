package stat

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const (
	us = time.Microsecond
	ms = time.Millisecond
)

// noise is a smooth distribution of waiting times in seconds.
type noise struct {
	name string
	draw func(r *rand.Rand) float64
}

var noises = []noise{
	{"exponential 1 s", func(r *rand.Rand) float64 { return r.ExpFloat64() }},
	{"exponential 20 ms", func(r *rand.Rand) float64 { return r.ExpFloat64() / 50 }},
	{"uniform 0 to 5 s", func(r *rand.Rand) float64 { return 5 * r.Float64() }},
	{"uniform 0.4 to 0.6 s", func(r *rand.Rand) float64 { return 0.4 + 0.2*r.Float64() }},
	{"lognormal 1", func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) }},
	{"lognormal 0.3", func(r *rand.Rand) float64 { return 0.2 * math.Exp(0.3*r.NormFloat64()) }},
	{"lognormal 0.1", func(r *rand.Rand) float64 { return 0.5 * math.Exp(0.1*r.NormFloat64()) }},
	{"lognormal 0.03", func(r *rand.Rand) float64 { return 2 * math.Exp(0.03*r.NormFloat64()) }},
	{"two humps", func(r *rand.Rand) float64 {
		return []float64{0.1, 3}[r.IntN(2)] * math.Exp(0.2*r.NormFloat64())
	}},
	{"floor and tail", func(r *rand.Rand) float64 { return 0.1 + 0.05*r.ExpFloat64() }},
}

func (n noise) values(r *rand.Rand, count int) []time.Duration {
	vs := make([]time.Duration, count)
	for i := range vs {
		vs[i] = time.Duration(n.draw(r) * 1e9)
	}
	return vs
}

func describe(modes []Mode) string {
	out := ""
	for _, m := range modes {
		out += fmt.Sprintf("[%v n=%d spread=%v %v chance=%.2g round=%v] ", m.Value, len(m.Members), m.Spread, m.Confidence, m.Chance, m.Round)
	}
	return out
}

// At most one sample of noise in a hundred may show a timer, and at most one in
// twenty a hint of one. In 1000 samples of every size and distribution the worst
// had 2 alarms.
func TestModesFindNoneInNoise(t *testing.T) {
	for _, n := range noises {
		samples, alarms, hints, example := 0, 0, 0, ""
		for _, count := range []int{5, 6, 8, 12, 20, 50, 200, 1000} {
			r := rand.New(rand.NewPCG(uint64(count), 77))
			for range 20 + 2000/count {
				samples++
				switch found := Modes(n.values(r, count), ModeOptions{}); {
				case len(found) > 0 && found[0].Confidence > ConfidenceLow:
					alarms++
					example = describe(found)
				case len(found) > 0:
					hints++
				}
			}
		}
		if hints*20 > samples {
			t.Errorf("%s: %d hints in %d samples", n.name, hints, samples)
		}
		if alarms*100 > samples {
			t.Errorf("%s: %d false alarms in %d samples, such as %s", n.name, alarms, samples, example)
		}
	}
}

// firing is a timer's firings in a sample: count values of at, late by up to
// late, with a deviation of jitter.
type firing struct {
	at, late, jitter time.Duration
	count            int
}

func (f firing) values(r *rand.Rand) (vs []time.Duration) {
	for range f.count {
		vs = append(vs, f.at+time.Duration(r.Float64()*float64(f.late)+r.NormFloat64()*float64(f.jitter)))
	}
	return vs
}

func TestModesFindTimers(t *testing.T) {
	uniform, exponential := noises[2], noises[0]
	for _, test := range []struct {
		name       string
		timers     []firing
		noise      noise
		count      int // of the noise
		resolution time.Duration
		least      float64 // share of the samples in which all must be found
		grade      Confidence
	}{
		{"five among fifty", []firing{{2 * time.Second, 0, 200 * us, 5}}, uniform, 50, 0, 0.99, ConfidenceMedium},
		{"five among fifty, not round", []firing{{1337 * ms, 0, 200 * us, 5}}, uniform, 50, 0, 0.98, ConfidenceMedium},
		{"three timers", []firing{{300 * ms, ms, 0, 20}, {2 * time.Second, ms, 0, 10}, {30 * time.Second, 2 * ms, 0, 5}}, exponential, 60, 0, 0.97, ConfidenceHigh},
		{"late under strace", []firing{{500 * ms, 10 * ms, ms, 25}}, exponential, 20, 0, 0.98, ConfidenceHigh},
		{"three alone", []firing{{500 * ms, 800 * us, 0, 3}}, uniform, 0, 0, 1, ConfidenceMedium},
		{"two alone", []firing{{30 * time.Second, ms, 0, 2}}, uniform, 0, 0, 1, ConfidenceMedium},
		{"one alone", []firing{{5 * time.Second, ms, 0, 1}}, uniform, 0, 0, 1, ConfidenceLow},
		{"all equal", []firing{{250 * ms, 0, 0, 40}}, uniform, 0, 0, 1, ConfidenceHigh},
		{"two near each other", []firing{{100 * ms, 300 * us, 0, 20}, {105 * ms, 300 * us, 0, 20}}, uniform, 20, 0, 0.95, ConfidenceHigh},
		{"three near each other, few of each", []firing{{450 * ms, 2 * ms, 0, 4}, {500 * ms, 2 * ms, 0, 4}, {600 * ms, 2 * ms, 0, 4}}, uniform, 2, 0, 0.8, ConfidenceMedium},
		{"two at a round value, among others", []firing{{1500 * ms, 2 * ms, 0, 2}}, uniform, 4, 0, 0.7, ConfidenceLow},
		{"three among few", []firing{{520 * ms, 300 * us, 0, 3}}, uniform, 4, 0, 0.7, ConfidenceLow},
		{"in a crowd", []firing{{time.Second, ms, 0, 60}}, exponential, 1000, 0, 0.98, ConfidenceHigh},
		{"short", []firing{{20 * ms, 300 * us, 0, 12}}, exponential, 40, 0, 0.95, ConfidenceHigh},
		{"whole seconds", []firing{{30 * time.Second, 0, 0, 15}, {60 * time.Second, 0, 0, 8}}, noise{draw: func(r *rand.Rand) float64 { return math.Floor(100 * r.Float64()) }}, 20, time.Second, 0.7, ConfidenceMedium},
	} {
		const rounds = 100
		found := 0
		example := ""
		for seed := range uint64(rounds) {
			r := rand.New(rand.NewPCG(seed, 5))
			values := test.noise.values(r, test.count)
			for _, f := range test.timers {
				values = append(values, f.values(r)...)
			}
			modes := Modes(values, ModeOptions{Resolution: test.resolution})
			if foundAll(modes, test.timers, test.grade) {
				found++
			} else {
				example = describe(modes)
			}
		}
		t.Logf("%s: %d of %d", test.name, found, rounds)
		if float64(found) < test.least*rounds {
			t.Errorf("%s: found in %d of %d samples; not here: %s", test.name, found, rounds, example)
		}
	}
}

// foundAll reports whether modes are the timers, and no more, each with at least
// four fifths of its firings.
func foundAll(modes []Mode, timers []firing, grade Confidence) bool {
	for _, f := range timers {
		ok := false
		for _, m := range modes {
			near := m.Value == f.at || !m.Round && (m.Value-f.at).Abs() < 500*us
			ok = ok || near && m.Confidence >= grade && 5*len(m.Members) >= 4*f.count && len(m.Members) <= f.count+2+f.count/4
		}
		if !ok {
			return false
		}
	}
	return len(modes) == len(timers)
}

func TestModesOfFewValues(t *testing.T) {
	for name, test := range map[string]struct {
		values []time.Duration
		want   string
	}{
		"none":                {nil, ""},
		"no waiting times":    {[]time.Duration{0, -5 * ms, 100 * us, 100 * us, 100 * us}, ""},
		"one, not round":      {[]time.Duration{737 * ms}, ""},
		"one, round":          {[]time.Duration{5001 * ms}, "5s low [0]; "},
		"two round, apart":    {[]time.Duration{5001 * ms, 300 * ms}, "300ms low [1]; 5s low [0]; "},
		"two at one round":    {[]time.Duration{5001 * ms, 5000 * ms}, "5s medium [0 1]; "},
		"two, not round":      {[]time.Duration{737 * ms, 737*ms + 300*us}, ""},
		"two near one round":  {[]time.Duration{5001 * ms, 5012 * ms}, "5s low [0 1]; "},
		"three, not round":    {[]time.Duration{737 * ms, 737*ms + 300*us, 737 * ms}, "737ms low [0 1 2]; "},
		"three and one other": {[]time.Duration{800 * ms, 90 * ms, 800*ms + 200*us, 800*ms + 900*us}, "800ms medium [0 2 3]; 90ms low [1]; "},
		"five and one beside": {[]time.Duration{500 * ms, 500 * ms, 2000 * ms, 500 * ms, 500*ms + 4*us, 500 * ms}, "500ms high [0 1 3 4 5]; "},
	} {
		got := ""
		for _, m := range Modes(test.values, ModeOptions{}) {
			got += fmt.Sprintf("%v %v %v; ", m.Value, m.Confidence, m.Members)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestKnownTimers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	values := append(noises[2].values(r, 30), 1234*ms+200*us, 777*ms, 785*ms)
	modes := Modes(values, ModeOptions{Known: []time.Duration{1234 * ms, 777 * ms, 9 * time.Second}})
	if len(modes) != 2 {
		t.Fatalf("%s", describe(modes))
	}
	for _, m := range modes {
		want := map[time.Duration]int{777 * ms: 32, 1234 * ms: 30}[m.Value]
		if !m.Known || m.Confidence != ConfidenceHigh || !slices.Contains(m.Members, want) {
			t.Errorf("%+v lacks value %d", m, want)
		}
	}
}

// The order of the values changes nothing but the indices.
func TestModesDoNotDependOnOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	values := noises[0].values(r, 80)
	for _, f := range []firing{{300 * ms, ms, 0, 20}, {2 * time.Second, 3 * ms, 0, 10}} {
		values = append(values, f.values(r)...)
	}
	show := func() (out string) {
		for _, m := range Modes(values, ModeOptions{}) {
			var members []time.Duration
			for _, i := range m.Members {
				members = append(members, values[i])
			}
			slices.Sort(members)
			m.Members = nil
			out += fmt.Sprintf("%+v %v\n", m, members)
		}
		return out
	}
	want := show()
	for range 20 {
		r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		if got := show(); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func FuzzModes(f *testing.F) {
	f.Add(int64(500_000_000), int64(1000), uint64(7), uint8(40), int64(0))
	f.Add(int64(math.MaxInt64), int64(3), uint64(1), uint8(9), int64(time.Second))
	f.Add(int64(86_400_000_000_000), int64(1e9), uint64(2), uint8(200), int64(1e6))
	f.Fuzz(func(t *testing.T, at, scale int64, seed uint64, n uint8, resolution int64) {
		r := rand.New(rand.NewPCG(seed, 0))
		var values []time.Duration
		for range n {
			v := at
			if r.IntN(2) == 0 {
				v = int64(r.Uint64() >> r.IntN(64))
			}
			values = append(values, time.Duration(v+r.Int64N(max(scale, 1))))
		}
		seen := make(map[int]bool)
		o := ModeOptions{Resolution: time.Duration(resolution), Known: []time.Duration{time.Duration(scale)}}
		for _, m := range Modes(values, o) {
			if len(m.Members) == 0 || m.Confidence == ConfidenceNone || m.Spread < 0 || !(m.Chance >= 0 && m.Chance <= 1) {
				t.Fatalf("%+v", m)
			}
			for _, i := range m.Members {
				if seen[i] || values[i] < m.Low || values[i] > m.High {
					t.Fatalf("%v, member %d, belongs to two modes or outside of %+v", values[i], i, m)
				}
				seen[i] = true
			}
		}
	})
}

func TestRound(t *testing.T) {
	s := time.Second
	for _, test := range []struct {
		v, nearest time.Duration
		round      bool
	}{
		{0, 0, false},
		{-s, -s, false},
		{100 * us, 100 * us, false},
		{ms, ms, true},
		{5*ms + 200*us, 5 * ms, true},
		{20 * ms, 20 * ms, true},
		{23 * ms, 25 * ms, false},
		{35 * ms, 40 * ms, false},
		{250 * ms, 250 * ms, true},
		{503 * ms, 500 * ms, true},
		{499*ms + 400*us, 500 * ms, true},
		{498 * ms, 500 * ms, true},
		{497 * ms, 500 * ms, false},
		{520 * ms, 500 * ms, false},
		{999*ms + 900*us, s, true},
		{s + 500*us, s, true},
		{1500 * ms, 1500 * ms, true},
		{30*s + 20*ms, 30 * s, true},
		{30*s + 200*ms, 30 * s, false},
		{47 * s, 45 * s, false},
		{60*s + 50*ms, 60 * s, true},
		{90 * s, 90 * s, true},
		{100 * s, 100 * s, true},
		{10 * time.Minute, 10 * time.Minute, true},
		{time.Hour, time.Hour, true},
		{24*time.Hour + s, 24 * time.Hour, true},
		{30 * time.Hour, 30 * time.Hour, false},
		{math.MaxInt64, math.MaxInt64, false},
		{math.MinInt64, math.MinInt64, false},
	} {
		if nearest, round := Round(test.v); nearest != test.nearest || round != test.round {
			t.Errorf("%v: %v, %v, want %v, %v", test.v, nearest, round, test.nearest, test.round)
		}
	}
}

func BenchmarkModes(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		r := rand.New(rand.NewPCG(1, 1))
		values := append(noises[0].values(r, n/2), firing{time.Second, ms, 0, n / 2}.values(r)...)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				Modes(values, ModeOptions{})
			}
		})
	}
}
