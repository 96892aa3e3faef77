package socket

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"finwait/analyzer/event"
)

// TestPack fills every field of an Evidence, so that one missing from the
// codec's list fails.
func TestPack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s store
	var want []Conn
	for range 300 {
		var c Conn
		c.Record.Client = event.V4([]byte{10, 0, 0, 1}, uint16(rng.Uint32()))
		c.Record.DeclaredText = [...]string{"", "Connection: close"}[rng.IntN(2)]
		fill(rng, reflect.ValueOf(&c.Evidence).Elem())
		for i := range c.Evidence.tids {
			c.Evidence.tids[i] = rng.Int32N(3) * rng.Int32N(1<<22)
		}
		c.Evidence.Linked, c.Evidence.Exiting, c.Evidence.Wait.seq = 0, rng.IntN(2) == 0, 0
		i := s.begin()
		s.put(i, &c)
		if c.Evidence.Exiting {
			s.exits(i)
		}
		want = append(want, c)
	}
	for i := range want {
		var got Conn
		s.get(i, &got)
		if !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("connection %d:\n got %+v\nwant %+v", i, got, want[i])
		}
	}
}

// fill gives every field of a struct that can be set a random value.
func fill(rng *rand.Rand, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case !f.CanSet():
		case f.Type() == reflect.TypeFor[event.Time]():
			f.SetInt([...]int64{int64(event.NoTime), rng.Int64N(1 << 60)}[rng.IntN(2)])
		case f.Type() == reflect.TypeFor[time.Duration]():
			f.SetInt(rng.Int64N(1<<40) - 1)
		case f.Kind() == reflect.Struct:
			fill(rng, f)
		case f.Kind() == reflect.String:
			f.SetString([...]string{"", "epoll_wait", "worker"}[rng.IntN(3)])
		case f.Kind() == reflect.Bool:
			f.SetBool(rng.IntN(2) == 0)
		case f.CanUint():
			f.SetUint(rng.Uint64() >> (64 - f.Type().Bits()))
		case f.CanInt():
			f.SetInt(int64(rng.Int32N(1 << 30)))
		}
	}
}
