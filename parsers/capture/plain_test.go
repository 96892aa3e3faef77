package capture

import (
	"bytes"
	"fmt"
	"testing"

	"finwait/analyzer/event"
)

// TestPlainAgrees reads a capture in which plain records, times that step back,
// cut frames, frames of other protocols, records of nothing and damage take
// turns, once as Reader does and once record by record.
func TestPlainAgrees(t *testing.T) {
	raw := file(linkEthernet)
	for i, l := range layerings() {
		frames := append(plain(2+i%3), ether(0x0806, []byte("not TCP")), nil)
		if l.linkType == linkEthernet {
			frames = append(frames, l.frame)
		}
		for k, f := range frames {
			at := 1000*i + 10*(k%3) - k
			raw = append(raw, pcapRecordOf(at+5000, f, len(f)+7*(i&k&1))...)
		}
	}
	raw = cat(raw, le32(1), le32(2), le32(maxCaplen+1), le32(3), raw[24:], raw[24:len(raw)-3])

	fast, _, r := all(t, raw, Options{FirstFrame: 5})
	slow, err := NewReader(bytes.NewReader(raw), Options{FirstFrame: 5})
	if err != nil {
		t.Fatal(err)
	}
	var b event.Batch
	slow.dec.out = &b
	data, err := slow.stream.fill(nil)
	if err != nil || !slow.stream.eof {
		t.Fatalf("not one block: %v", err)
	}
	var rec record
	for used := 0; used < len(data); {
		n, st := slow.record(data[used:], slow.stream.base+int64(used), &rec)
		if st == statusFrame {
			slow.frame(&rec, slow.stream.base+int64(used))
		}
		used += n
	}
	slow.finish()
	if len(fast) < 100 || len(fast) != len(b.Segments) {
		t.Fatalf("%d segments, one by one %d", len(fast), len(b.Segments))
	}
	for i := range fast {
		if got, want := fmt.Sprintf("%+v", fast[i]), fmt.Sprintf("%+v", b.Segments[i]); got != want {
			t.Fatalf("segment %d:\ngot  %s\nwant %s", i, got, want)
		}
	}
	if got, want := fmt.Sprintf("%+v", r.Problems()), fmt.Sprintf("%+v", slow.Problems()); got != want {
		t.Errorf("problems:\ngot  %s\nwant %s", got, want)
	}
	if got, want := fmt.Sprintf("%+v", r.Input()), fmt.Sprintf("%+v", slow.Input()); got != want {
		t.Errorf("input:\ngot  %s\nwant %s", got, want)
	}
	if l := r.scan.links[0]; l.packets != slow.scan.links[0].packets {
		t.Errorf("%d packets, one by one %d", l.packets, slow.scan.links[0].packets)
	}
}
