package wire

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// written writes a small capture and returns its bytes.
func written(t *testing.T, c Config) ([]byte, Total) {
	t.Helper()
	var buf bytes.Buffer
	total, err := Write(&buf, c)
	if err != nil {
		t.Fatal(err)
	}
	if total.Bytes != int64(buf.Len()) {
		t.Errorf("total says %d bytes, written %d", total.Bytes, buf.Len())
	}
	return buf.Bytes(), total
}

func TestSameSeedSameBytes(t *testing.T) {
	for _, kind := range []Kind{Keepalive, Short} {
		c := Config{Kind: kind, Conns: 60, Concurrent: 20, Seed: 3}
		a, _ := written(t, c)
		b, _ := written(t, c)
		if sha256.Sum256(a) != sha256.Sum256(b) {
			t.Errorf("%s: two runs differ", kind)
		}
		c.Seed = 4
		if d, _ := written(t, c); bytes.Equal(a, d) {
			t.Errorf("%s: the seed changes nothing", kind)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []Config{{Kind: "x"}, {Format: "x"}, {Conns: -1}} {
		if _, err := Write(io.Discard, c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// direction is one half of a connection as the test follows it.
type direction struct {
	next    uint32
	fin     bool
	request time.Time // of the last payload
}

// TestTrafficIsWhole follows every connection with gopacket: sequence numbers
// without gaps, valid checksums, time that only goes forward, and a close at
// the timeout wherever the truth says so.
func TestTrafficIsWhole(t *testing.T) {
	for _, format := range []Format{Pcap, Pcapng} {
		data, total := written(t, Config{Conns: 80, Concurrent: 15, TimeoutShare: 0.3, Checksums: true, Format: format})
		var src gopacket.PacketDataSource
		var err error
		if format == Pcap {
			src, err = pcapgo.NewReader(bytes.NewReader(data))
		} else {
			src, err = pcapgo.NewNgReader(bytes.NewReader(data), pcapgo.DefaultNgReaderOptions)
		}
		if err != nil {
			t.Fatal(err)
		}
		halves := map[gopacket.Flow]map[gopacket.Flow]*direction{}
		var last time.Time
		var packets int64
		timedOut := 0
		for {
			frame, ci, err := src.ReadPacketData()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			packets++
			if ci.Timestamp.Before(last) {
				t.Fatalf("packet %d: time goes back", packets)
			}
			last = ci.Timestamp
			p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.NoCopy)
			tcp, ok := p.TransportLayer().(*layers.TCP)
			if !ok {
				t.Fatalf("packet %d: no TCP: %v", packets, p.ErrorLayer())
			}
			checksum(t, p, tcp)
			flow := p.NetworkLayer().NetworkFlow()
			if halves[flow] == nil {
				halves[flow] = map[gopacket.Flow]*direction{}
			}
			h := halves[flow][tcp.TransportFlow()]
			if h == nil {
				h = &direction{next: tcp.Seq}
				halves[flow][tcp.TransportFlow()] = h
			}
			if tcp.Seq != h.next {
				t.Fatalf("packet %d: sequence number %d, want %d", packets, tcp.Seq, h.next)
			}
			h.next += uint32(len(tcp.Payload))
			if tcp.SYN || tcp.FIN {
				h.next++
			}
			if tcp.FIN && !h.fin && tcp.DstPort == 8080 && !h.request.IsZero() {
				if wait := last.Sub(h.request) - 500*time.Millisecond; wait.Abs() < time.Millisecond {
					timedOut++
				}
			}
			h.fin = h.fin || tcp.FIN
			if len(tcp.Payload) > 0 {
				h.request = last
			}
		}
		if packets != total.Packets {
			t.Errorf("%s: %d packets, total says %d", format, packets, total.Packets)
		}
		if timedOut != total.TimedOut || timedOut == 0 {
			t.Errorf("%s: %d closes at the timeout, total says %d", format, timedOut, total.TimedOut)
		}
		if total.Conns != 80 || total.Requests != 800 {
			t.Errorf("%s: total %+v", format, total)
		}
	}
}

// checksum compares the checksums of p with those that gopacket computes.
func checksum(t *testing.T, p gopacket.Packet, tcp *layers.TCP) {
	t.Helper()
	ip := p.NetworkLayer().(*layers.IPv4)
	want, wantIP := tcp.Checksum, ip.Checksum
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{ComputeChecksums: true, FixLengths: true}
	if err := gopacket.SerializeLayers(buf, opts, ip, tcp, gopacket.Payload(tcp.Payload)); err != nil {
		t.Fatal(err)
	}
	if tcp.Checksum != want || ip.Checksum != wantIP {
		t.Fatalf("checksums %04x %04x, want %04x %04x", wantIP, want, ip.Checksum, tcp.Checksum)
	}
}
