package conn

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"finwait/analyzer/event"
)

// TestPackRoundTrip fills every field with random values, so that a field
// missing from the codec's list fails.
func TestPackRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var want Record
		fill(rng, reflect.ValueOf(&want).Elem())
		want.DeclaredText = [...]string{"", "Connection: close"}[rng.IntN(2)]
		var got Record
		packed := want.Append([]byte("prefix"))[len("prefix"):]
		got.Unpack(packed)
		if got != want {
			t.Fatalf("round trip:\n got %+v\nwant %+v", got, want)
		}
		client, server := UnpackEnds(packed)
		if client != want.Client || server != want.Server {
			t.Fatalf("ends: got %v %v, want %v %v", client, server, want.Client, want.Server)
		}
	}
}

// fill gives every settable number in v a random value, now and then zero or
// the value that stands for none.
func fill(rng *rand.Rand, v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[event.Time]():
		v.SetInt(int64(1795390840e9) + rng.Int64N(1e12))
		if rng.IntN(4) == 0 {
			v.SetInt(int64(event.NoTime))
		}
	case v.Type() == reflect.TypeFor[event.Endpoint]():
		e := event.V4([]byte{10, byte(rng.Uint32()), 0, 1}, uint16(rng.Uint32()))
		if rng.IntN(2) == 0 {
			e.Addr = [16]byte{0xfd, 15: byte(rng.Uint32())}
		}
		v.Set(reflect.ValueOf(e))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(rng, v.Field(i))
		}
	case v.CanUint():
		v.SetUint(rng.Uint64() >> (64 - v.Type().Bits()))
	case v.CanInt():
		v.SetInt(rng.Int64N(1 << 40))
	case v.Kind() == reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	}
}
