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

	if n := readingsAgree(t, "made up", raw, Options{FirstFrame: 5}); n < 100 {
		t.Errorf("%d segments", n)
	}
}

// readingsAgree reads a capture as Reader does and record by record, which must
// give the same, and returns how many segments.
func readingsAgree(t *testing.T, name string, raw []byte, o Options) int {
	t.Helper()
	fast, _, r := all(t, raw, o)
	slow, err := NewReader(bytes.NewReader(raw), o)
	if err != nil {
		t.Fatal(err)
	}
	var list []event.Segment
	for !slow.stream.eof || len(slow.stream.carry) > 0 {
		b := new(event.Batch)
		slow.dec.out = b
		data, err := slow.stream.fill(nil)
		if err != nil {
			t.Fatal(err)
		}
		slow.stream.keep(data, recordByRecord(slow, data))
		list = append(list, b.Segments...)
	}
	slow.finish()
	if len(fast) != len(list) {
		t.Fatalf("%s: %d segments, one by one %d", name, len(fast), len(list))
	}
	for i := range fast {
		if got, want := fmt.Sprintf("%+v", fast[i]), fmt.Sprintf("%+v", list[i]); got != want {
			t.Fatalf("%s, segment %d:\ngot  %s\nwant %s", name, i, got, want)
		}
	}
	if got, want := fmt.Sprintf("%+v", r.Problems()), fmt.Sprintf("%+v", slow.Problems()); got != want {
		t.Errorf("%s, problems:\ngot  %s\nwant %s", name, got, want)
	}
	if got, want := fmt.Sprintf("%+v", r.Input()), fmt.Sprintf("%+v", slow.Input()); got != want {
		t.Errorf("%s, input:\ngot  %s\nwant %s", name, got, want)
	}
	for i, l := range r.scan.links {
		if l.packets != slow.scan.links[i].packets {
			t.Errorf("%s, link %d: %d packets, one by one %d", name, i, l.packets, slow.scan.links[i].packets)
		}
	}
	return len(fast)
}

// recordByRecord decodes a block without the loop for plain records.
func recordByRecord(r *Reader, data []byte) (used int) {
	var rec record
	for used < len(data) {
		pos := r.stream.base + int64(used)
		n, st := r.record(data[used:], pos, &rec)
		used += n
		switch st {
		case statusFrame:
			r.frame(&rec, pos)
		case statusMore:
			return used
		}
	}
	return used
}
