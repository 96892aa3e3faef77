package event

import (
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	const at = Time(1_700_000_000_000_000_005)
	for _, c := range []struct {
		name string
		got  any
		want any
	}{
		{"the epoch is known", Time(0).Known(), true},
		{"before the epoch is known", Time(-1).Known(), true},
		{"NoTime is not known", NoTime.Known(), false},
		{"a difference", at.Sub(at - 7), 7 * time.Nanosecond},
		{"a negative difference", (at - 7).Sub(at), -7 * time.Nanosecond},
		{"from NoTime", NoTime.Sub(at), time.Duration(0)},
		{"to NoTime", at.Sub(NoTime), time.Duration(0)},
		{"later", at.Add(time.Second), at + 1e9},
		{"NoTime stays", NoTime.Add(time.Second), NoTime},
		{"NoTime stays when it goes back", NoTime.Add(-time.Second), NoTime},
		{"in words", at.String(), "2023-11-14T22:13:20.000000005Z"},
		{"all nine digits", Time(0).String(), "1970-01-01T00:00:00.000000000Z"},
		{"before the epoch in words", Time(-1).String(), "1969-12-31T23:59:59.999999999Z"},
		{"NoTime in words", NoTime.String(), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

// TestMoment: the place says whether something happened, not the time, which a
// log without a clock lacks.
func TestMoment(t *testing.T) {
	for m, want := range map[Moment]bool{
		{}:                        false,
		{Time: NoTime}:            false,
		{Time: 5}:                 false,
		{Time: NoTime, Frame: 1}:  true,
		{Time: 5, Frame: 1 << 31}: true,
	} {
		if m.Seen() != want {
			t.Errorf("%+v happened: %v, want %v", m, m.Seen(), want)
		}
	}
}
