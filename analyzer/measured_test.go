package analyzer

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestMeasured writes and reads numbers that are known and that are not.
func TestMeasured(t *testing.T) {
	for _, c := range []struct {
		m    Measured
		text string
	}{{0, "0"}, {17, "17"}, {notMeasured, "null"}} {
		b, err := json.Marshal(c.m)
		if err != nil || string(b) != c.text {
			t.Errorf("%d is %s (%v), want %s", c.m, b, err, c.text)
		}
		got := Measured(5)
		if err := json.Unmarshal([]byte(c.text), &got); err != nil || got != c.m {
			t.Errorf("%s is %d (%v), want %d", c.text, got, err, c.m)
		}
	}
}

// TestNulls writes what a row has no word for as null, and reads it again.
func TestNulls(t *testing.T) {
	for _, c := range []struct {
		row  any
		want string
	}{
		{Timer{Servers: []string{}}, `{"value_s":0,"spread_s":0,"basis":"","count":0,"client":null,"servers":[],"meaning":""}`},
		{Finding{ID: "x", Server: "a", Streams: []int{}}, `{"id":"x","severity":"","title":"","text":"","advice":"","disproof":"","server":"a","endpoint":null,"count":0,"streams":[],"filter":null}`},
	} {
		b, err := json.Marshal(c.row)
		if err != nil || string(b) != c.want {
			t.Errorf("got  %s (%v)\nwant %s", b, err, c.want)
		}
	}
	var f Finding
	if err := json.Unmarshal([]byte(`{"id":"x","filter":null,"server":null}`), &f); err != nil || f.Filter != "" || f.Server != "" {
		t.Errorf("read %+v (%v)", f, err)
	}
}

// TestWholeRows: rows that write null for some of their fields list all of them
// a second time, in the same order.
func TestWholeRows(t *testing.T) {
	for _, row := range []any{Timer{}, Finding{}, Input{}} {
		raw, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		rest := string(raw)
		for _, f := range reflect.VisibleFields(reflect.TypeOf(row)) {
			_, after, found := strings.Cut(rest, `"`+f.Tag.Get("json")+`":`)
			if !found {
				t.Errorf("%T: %s is missing in %s, or stands elsewhere", row, f.Name, raw)
				continue
			}
			rest = after
		}
	}
}
