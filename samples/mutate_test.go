package samples

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"finwait/analyzer"
	"finwait/samples/gen/wire"
)

// TestGenerated applies the rules to made-up captures, and compares with what
// their author knows.
func TestGenerated(t *testing.T) {
	for seed := range uint64(3) {
		for _, c := range []wire.Config{
			{Kind: wire.Keepalive, Conns: 200, Requests: 5, Concurrent: 40, TimeoutShare: 0.2, Seed: seed},
			{Kind: wire.Short, Conns: 200, Concurrent: 50, Bytes: 300, Seed: seed, Format: wire.Pcapng},
		} {
			t.Run(fmt.Sprint(c.Kind, seed), func(t *testing.T) {
				t.Parallel()
				var b bytes.Buffer
				want, err := wire.Write(&b, c)
				if err != nil {
					t.Fatal(err)
				}
				o := (&sample{}).conclude(t, []file{{"generated", b.Bytes()}}, analyzer.Options{})
				demand(t, o, true)
				got := o.result.Report().Totals
				if got.Connections != want.Conns || got.Requests != want.Requests || got.TimedOut != want.TimedOut ||
					got.Causes["request-timeout"] != want.TimedOut || got.Answered != want.Requests-want.TimedOut {
					t.Errorf("%+v, want %+v", got, want)
				}
			})
		}
	}
}

// packet is a packet of a pcap: its header of 16 bytes, and its data.
type packet struct{ head, data []byte }

// split takes a pcap apart.
func split(pcap []byte) (head []byte, list []packet) {
	packets(pcap, func(h, d []byte) { list = append(list, packet{bytes.Clone(h), bytes.Clone(d)}) })
	return pcap[:24], list
}

// glue puts it together again.
func glue(head []byte, list []packet) []byte {
	out := bytes.Clone(head)
	for _, p := range list {
		out = append(append(out, p.head...), p.data...)
	}
	return out
}

// mutations are what happens to captures. Each changes some of the packets.
var mutations = []struct {
	name   string
	inTime bool // the times stay in order
	do     func(r *rand.Rand, list []packet) []packet
}{
	{"lost", true, func(r *rand.Rand, list []packet) []packet {
		return pick(list, func(int) int { return sign(r.IntN(8) > 0) })
	}},
	{"doubled", true, func(r *rand.Rand, list []packet) []packet {
		return pick(list, func(int) int { return 1 + sign(r.IntN(4) == 0) })
	}},
	{"one way", true, func(r *rand.Rand, list []packet) []packet {
		return pick(list, func(i int) int { return sign(len(list[i].data) < 14 || list[i].data[11]%2 == 0) })
	}},
	{"begun late, ended early", true, func(r *rand.Rand, list []packet) []packet {
		n := len(list)
		return list[r.IntN(n/2) : n/2+r.IntN(n/2)]
	}},
	{"reordered", false, func(r *rand.Rand, list []packet) []packet {
		for range len(list) / 5 {
			i := r.IntN(len(list) - 1)
			list[i], list[i+1] = list[i+1], list[i]
		}
		return list
	}},
	{"shuffled", false, func(r *rand.Rand, list []packet) []packet {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list
	}},
	{"clock steps", false, func(r *rand.Rand, list []packet) []packet {
		step := uint32(0)
		for i := range list {
			if r.IntN(40) == 0 {
				step = uint32(r.IntN(100)) - 50
			}
			little.PutUint32(list[i].head, little.Uint32(list[i].head)+step)
		}
		return list
	}},
	{"flipped bytes", true, func(r *rand.Rand, list []packet) []packet {
		for i := range list {
			if d := list[i].data; r.IntN(6) == 0 && len(d) > 0 {
				d[r.IntN(len(d))] ^= byte(1 << r.IntN(8))
			}
		}
		return list
	}},
	{"wild headers", true, func(r *rand.Rand, list []packet) []packet {
		for i := range list {
			if d := list[i].data; r.IntN(4) == 0 && len(d) > 54 {
				d[14+r.IntN(40)] = byte(r.Uint32())
			}
		}
		return list
	}},
	{"cut short", true, func(r *rand.Rand, list []packet) []packet {
		for i := range list {
			if n := len(list[i].data); r.IntN(3) == 0 && n > 0 {
				list[i].data = list[i].data[:r.IntN(n)]
				little.PutUint32(list[i].head[8:], uint32(len(list[i].data)))
			}
		}
		return list
	}},
}

func sign(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pick takes each packet n times.
func pick(list []packet, n func(i int) int) []packet {
	var out []packet
	for i, p := range list {
		for range n(i) {
			out = append(out, packet{bytes.Clone(p.head), bytes.Clone(p.data)})
		}
	}
	return out
}

// TestMutated applies the rules to samples whose packets were lost, doubled,
// reordered, cut and broken.
func TestMutated(t *testing.T) {
	tried := 0
	for _, s := range all(t) {
		files := s.read(t)
		if len(files) != 1 || len(s.conns) > 60 || s.name == "truncated-file" || !bytes.HasPrefix(files[0].data, []byte("\x1f\x8b")) {
			continue
		}
		plain := unzip(t, files[0].data)
		if little.Uint32(plain) != 0xa1b2c3d4 {
			continue // a log
		}
		tried++
		for seed, m := range mutations {
			if (seed+tried)%4 != 0 {
				continue // every fourth, another one for every sample
			}
			t.Run(s.name+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(uint64(len(s.name)), uint64(seed)))
				head, list := split(plain)
				broken := file{s.name, glue(head, m.do(r, list))}
				one := s.conclude(t, []file{broken}, s.opts)
				demand(t, one, m.inTime)
				opts := s.opts
				opts.Jobs = 3
				if got := s.conclude(t, []file{broken}, opts).text(); got != one.text() {
					t.Errorf("with 3 jobs:\n%s", diff(one.text(), got))
				}
			})
		}
	}
}
