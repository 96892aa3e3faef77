package analyzer

import "testing"

func TestRecent(t *testing.T) {
	var r recent
	tag := func(i uint32) uint32 { return 7 + i*recentSets }
	has := func(i uint32) bool {
		for _, s := range r.set(tag(i)) {
			if s == (slot{tag(i), liveRef(i)}) {
				return true
			}
		}
		return false
	}
	for i := range uint32(recentWays) {
		r.put(slot{tag(i), liveRef(i)})
	}
	for i := range uint32(recentWays) {
		if !has(i) {
			t.Errorf("connection %d of a set is forgotten although it has room for %d", i, recentWays)
		}
	}
	r.put(slot{tag(9), liveRef(9)})
	if !has(9) || has(0) || !has(1) {
		t.Errorf("a full set does not forget the connection that was put longest ago, and only it: %v", *r.set(tag(0)))
	}
	r.drop(slot{tag(2), liveRef(2)})
	if has(2) || !has(1) || !has(3) {
		t.Errorf("dropping one of a set: %v", *r.set(tag(0)))
	}
	r.put(slot{tag(5), liveRef(5)})
	if !has(1) || !has(3) || !has(9) || !has(5) {
		t.Errorf("a free place in a set is not used: %v", *r.set(tag(0)))
	}
}
