package render

import (
	"fmt"
	"testing"

	"finwait/analyzer"
)

func TestGroup(t *testing.T) {
	name := func(s string) *string { return &s }
	list := []analyzer.Process{
		{PID: 1, Comm: name("curl"), Text: "polls", LongCalls: []analyzer.LongCall{{Call: "a", TookS: 1}}},
		{PID: 2, Comm: name("api"), Text: "polls"},
		{PID: 3, Comm: name("curl"), Text: "polls", LongCalls: []analyzer.LongCall{{Call: "b", TookS: 2}}},
		{PID: 4, Text: "polls"},
		{PID: 5, Text: "polls"},
		{PID: 6, Comm: name("api"), Text: "timers"},
		{PID: 7, Comm: name("api"), Text: "timers", Runtime: name("Go")},
	}
	var got []string
	for _, g := range group(list) {
		got = append(got, g.title())
	}
	want := []string{"curl: 2 processes (1, 3)", "2 api", "4", "5", "6 api", "7 api"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if long := group(list)[0].longCalls(); len(long) != 1 || long[0].Call != "b" {
		t.Errorf("longest calls %v, want b alone", long)
	}
}
