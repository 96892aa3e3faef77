package render

import (
	"bytes"
	"strings"
	"testing"

	"finwait/analyzer"
)

// TestLadderEvidence: a place in a log that lies deep in folders stays in one
// piece, whatever the width.
func TestLadderEvidence(t *testing.T) {
	folder := strings.Repeat("/a-rather-long-name", 8)
	l := analyzer.Ladder{Flow: analyzer.Flow{Close: analyzer.FlowClose{
		Cause: "request-timeout", Initiator: "client", How: "fin",
		Evidence: []string{folder + "/client.strace.29895:140", folder + "/client.strace.29896:241"},
	}}}
	var out bytes.Buffer
	if err := ladderText(&out, &l, Options{Width: 80}); err != nil {
		t.Fatal(err)
	}
	if want := "client.strace.29895:140, client.strace.29896:241"; !strings.Contains(out.String(), want) {
		t.Errorf("want %q in\n%s", want, out.String())
	}
}
