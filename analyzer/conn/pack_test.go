package conn

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"finwait/analyzer/event"
	"finwait/analyzer/exchange"
)

// TestPackRoundTrip fills every field with random values, so that a field
// missing from the codec's list fails.
func TestPackRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var got Record // whatever it was before
	var buf []byte // nor what the memory held
	for range 500 {
		var want Record
		fill(rng, reflect.ValueOf(&want).Elem())
		want.DeclaredText = exchange.Announcement(uint8(rng.IntN(8)))
		packed := want.Append(append(buf[:0], "prefix"...))
		buf, packed = packed, packed[len("prefix"):]
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

// typical is a connection of one answered request, as most are.
func typical() *Record {
	at := event.Time(1795390840e9)
	no := event.NoTime
	return &Record{
		Client: event.V4([]byte{10, 0, 0, 1}, 40000), Server: event.V4([]byte{10, 0, 0, 2}, 80),
		Basis: BasisSYN, Handshake: HandshakeComplete, Marks: MarkClosed | MarkHeadCut,
		Opened: at, Last: at + 30e6, LastClose: at + 30e6, RTT: 200e3, SYNRTT: 190e3,
		FirstFrame: 100, LastFrame: 60000, CloseFrame: 50000, HalfFrame: 59000, RequestFrame: 400,
		ClientPackets: 7, ServerPackets: 6, ClientBytes: 160, ServerBytes: 700,
		ClientStart: 1 << 31, ServerStart: 1 << 30, ClientBase: 1 << 31, ServerBase: 1 << 30, Based: event.Both,
		ClientLastByte: at + 1e6, ServerLastByte: at + 20e6,
		Initiator: event.Client, FirstBy: event.Client, How: HowFIN, CloseAt: at + 29e6,
		FINAcked: at + 29e6, PeerFIN: at + 30e6, PeerAcked: at + 30e6, HalfEnd: at + 30e6, EndedBy: EndedByFIN,
		PeerSpoke: no, LateData: no, TimeWaitBy: event.Client, TimeWaitAt: at + 30e6,
		Sent: 1, Answered: 1, Method: 1, Host: 2, Endpoint: 3, ServerName: 2, Status: 200,
		RequestStart: at + 1e6, RequestEnd: at + 1e6, ResponseStart: at + 20e6, ResponseEnd: at + 20e6,
		Late: no, LateEnd: no, ClientNotify: no, ServerNotify: no,
	}
}

func BenchmarkPack(b *testing.B) {
	r, buf := typical(), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = r.Append(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "bytes/record")
}

func BenchmarkUnpack(b *testing.B) {
	buf := typical().Append(nil)
	var r Record
	b.ReportAllocs()
	for b.Loop() {
		r.Unpack(buf)
	}
}
