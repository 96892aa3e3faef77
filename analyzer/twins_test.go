package analyzer

import (
	"cmp"
	"math"
	"strings"
	"testing"
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// twoHosts adds connections as the client's host shows them to one view, and as
// the server's does to another, whose clock is ahead by some seconds. The way
// takes oneWay seconds. change may alter the second sight of connection k.
func twoHosts(n int, ahead, oneWay float64, change func(k int, near, far *conn.Record)) *made {
	m := newMade(Options{})
	near, far := make([]conn.Record, n), make([]conn.Record, n)
	for k := range n {
		shift := func(t event.Time) event.Time { return t.Add(time.Duration((ahead + oneWay) * 1e9)) }
		c := waited(port("10.0.0.1", k), float64(10*k+1), 0.5)
		c.ClientStart, c.ServerStart = uint32(1000+k), uint32(2000+k)
		c.RTT, c.SYNRTT = time.Duration(2*oneWay*1e9)+20*time.Microsecond, time.Duration(2*oneWay*1e9)
		s := c
		s.SYNRTT = 10 * time.Microsecond
		for _, t := range []*event.Time{&s.Opened, &s.Last, &s.CloseAt, &s.RequestStart, &s.RequestEnd, &s.ClientLastByte} {
			*t = shift(*t)
		}
		near[k], far[k] = c, s
		if change != nil {
			change(k, &near[k], &far[k])
		}
		m.add(near[k])
	}
	m.newView()
	m.frame = 0
	m.a.inputs[1].Path = "server.pcap"
	m.v.input = 1
	for k := range n {
		m.add(far[k])
	}
	return m
}

// TestTwins joins what two hosts saw.
func TestTwins(t *testing.T) {
	for _, c := range []struct {
		name   string
		ahead  float64
		change func(k int, near, far *conn.Record)
		rows   int // 7 joined ones, unless something stands between
	}{
		{"one clock", 0, nil, 7},
		{"a clock ahead", 12.5, nil, 7},
		{"a clock behind", -3600.25, nil, 7},
		{"addresses translated", 0.1, func(_ int, _, far *conn.Record) {
			far.Client, far.Server = ends("192.168.7.7:31000"), ends("172.16.0.9:8080")
		}, 7},
		{"other connections between the same ends", 0, func(_ int, _, far *conn.Record) { far.ClientStart += 500 }, 14},
		{"no SYN in one of them", 0, func(k int, _, far *conn.Record) {
			if k == 3 {
				far.ClientStart = 0
			}
		}, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			flows, report := twoHosts(7, c.ahead, 0.02, c.change).flows(t)
			joined := 0
			for _, f := range flows {
				if f.OtherSide == nil {
					continue
				}
				joined++
				if got := *f.OtherSide.OneWayS; math.Abs(got-0.02) > 1e-4 {
					t.Errorf("one way takes %v s, want 0.02", got)
				}
				if f.Input != "made.pcap" || f.OtherSide.Input != "server.pcap" {
					t.Errorf("the row is of %s, the other side of %s", f.Input, f.OtherSide.Input)
				}
			}
			if len(flows) != c.rows || joined != 14-c.rows {
				t.Errorf("%d rows, %d joined; want %d and %d", len(flows), joined, c.rows, 14-c.rows)
			}
			if joined > 0 && (len(report.Clocks) != 1 || math.Abs(report.Clocks[0].OffsetS+c.ahead) > 1e-3) {
				t.Errorf("clocks %+v, want one of %v", report.Clocks, -c.ahead)
			}
		})
	}
}

// TestTwinsReusedPorts: initial sequence numbers tell two connections on one
// 4-tuple apart.
func TestTwinsReusedPorts(t *testing.T) {
	flows, _ := twoHosts(6, 0, 0.02, func(_ int, near, far *conn.Record) {
		near.Client, far.Client = ends("10.0.0.1:40000"), ends("10.0.0.1:40000")
	}).flows(t)
	if len(flows) != 6 {
		t.Fatalf("%d rows, want 6", len(flows))
	}
	for k, f := range flows {
		if f.OtherSide == nil || f.OtherSide.Stream != k {
			t.Errorf("row %d is joined with %+v", k, f.OtherSide)
		}
	}
}

// TestTwinsLost: handshakes that lost a segment on the way tell nothing about
// how long the way takes, and about the clocks, even if most did.
func TestTwinsLost(t *testing.T) {
	for name, change := range map[string]func(near, far *conn.Record){
		"the SYN": func(near, _ *conn.Record) {
			near.Opened = near.Opened.Add(-time.Second)
			near.SYNRetries = 1
		},
		"the SYN-ACK": func(near, _ *conn.Record) { near.SYNRTT += time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			flows, report := twoHosts(5, 3, 0.02, func(k int, near, far *conn.Record) {
				if k < 3 {
					change(near, far)
				}
			}).flows(t)
			for k, f := range flows {
				if f.OtherSide == nil || f.OtherSide.OneWayS == nil {
					t.Fatalf("row %d is not joined", k)
				}
				if got := *f.OtherSide.OneWayS; math.Abs(got-0.02) > 1e-3 {
					t.Errorf("row %d: one way takes %v s, want 0.02", k, got)
				}
			}
			if len(report.Clocks) != 1 || math.Abs(report.Clocks[0].OffsetS+3) > 1e-3 {
				t.Errorf("clocks %+v, want one of -3", report.Clocks)
			}
		})
	}
}

// TestTwinsCountOnce: of captures at about the same place, each of which drops
// half of what it shares with another, exactly one counts the exchanges: the one
// with most connections, of equals the first.
func TestTwinsCountOnce(t *testing.T) {
	const server, client, outside = "10.0.0.2:80", "10.0.0.1", "192.168.7.7"
	for _, c := range []struct {
		name   string
		pairs  []string // a letter for each view that shows the connection, the one nearer to the client first
		client map[byte]string
		count  string // the view that counts
	}{
		{"one nearer", []string{"AB", "AB", "AB"}, nil, "A"},
		{"the other nearer", []string{"BA", "BA", "BA"}, nil, "B"},
		{"half and half", []string{"AB", "BA", "AB", "BA"}, nil, "A"},
		{"half and half of three", []string{"AB", "BC", "CA"}, nil, "A"},
		{"the second has most", []string{"AB", "AB", "BA", "BA", "BC", "CB"}, nil, "B"},
		{"all three", []string{"ABC", "ABC"}, nil, "A"},
		{"all three, each nearest once", []string{"ABC", "BCA", "CAB"}, nil, "A"},
		{"half and half with another address", []string{"AB", "BA", "AB", "BA"}, map[byte]string{'A': client, 'B': outside}, "A"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMade(Options{})
			for v, letter := range []byte("ABC") {
				if v > 0 {
					m.newView()
					m.frame = 0
				}
				for k, views := range c.pairs {
					i := strings.IndexByte(views, letter)
					if i < 0 {
						continue
					}
					r := waited(port(cmp.Or(c.client[letter], client), k), float64(10*k+1), 0.5)
					r.ClientStart, r.ServerStart = uint32(1000+k), uint32(2000+k)
					r.SYNRTT = time.Duration(3-i) * time.Millisecond
					m.add(r)
				}
			}
			res := m.a.Finish()
			if n := res.Report().Totals.Connections; n != len(c.pairs) {
				t.Errorf("%d connections, want %d", n, len(c.pairs))
			}
			for v, letter := range []byte("ABC") {
				if !strings.ContainsRune(strings.Join(c.pairs, ""), rune(letter)) {
					continue
				}
				for _, end := range []event.Endpoint{{Addr: ends(cmp.Or(c.client[letter], client) + ":0").Addr}, ends(server)} {
					if got, want := !res.twice[seen{uint16(v), end}], string(letter) == c.count; got != want {
						t.Errorf("%c counts the exchanges of %v: %v, want %v", letter, end, got, want)
					}
				}
			}
		})
	}
}

// TestTwinsOfThree: of three captures the row is the one nearest to the client,
// its other side the one nearest to the server.
func TestTwinsOfThree(t *testing.T) {
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		m := newMade(Options{})
		for v, distance := range order {
			if v > 0 {
				m.newView()
				m.frame = 0
				m.v.input = uint16(v)
			}
			m.a.inputs[v].Path = string(rune('0' + distance))
			for k := range 3 {
				r := waited(port("10.0.0.1", k), float64(10*k+1), 0.5)
				r.ClientStart, r.ServerStart = uint32(1000+k), uint32(2000+k)
				r.SYNRTT = time.Duration(3-distance) * time.Millisecond
				m.add(r)
			}
		}
		flows, _ := m.flows(t)
		if len(flows) != 3 {
			t.Errorf("%v: %d rows, want 3", order, len(flows))
		}
		for _, f := range flows {
			if f.OtherSide == nil || f.Input != "0" || f.OtherSide.Input != "2" {
				t.Errorf("%v: a row of %s, its other side %+v; want 0 and 2", order, f.Input, f.OtherSide)
			}
		}
	}
}

// TestStallFromBoth: what the server's host saw tells a slow server from a lost
// answer.
func TestStallFromBoth(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(k int, near, far *conn.Record)
		want   string
	}{
		{"the server said nothing", nil, "server"},
		{"the request never arrived", func(_ int, near, far *conn.Record) {
			near.Marks |= conn.MarkRequestUnacked
			far.Sent, far.Open, far.Outstanding = 0, 0, false
		}, "network"},
		{"the request never arrived, in a capture that ended before", func(_ int, _, far *conn.Record) {
			far.Sent, far.Open, far.Outstanding = 0, 0, false
			far.RequestStart, far.RequestEnd = event.NoTime, event.NoTime
		}, "server"},
		{"the request passed the other capture unseen", func(_ int, _, far *conn.Record) {
			far.Sent, far.Open, far.Outstanding, far.ClientMissing = 0, 0, false, 100
		}, "server"},
		{"the answer left in time", func(_ int, _, far *conn.Record) {
			far.ResponseStart = far.RequestEnd.Add(100 * time.Millisecond)
		}, "network"},
		{"the answer left too late", func(_ int, _, far *conn.Record) {
			far.Late = far.RequestEnd.Add(700 * time.Millisecond)
		}, "server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := twoHosts(3, 5, 0.02, c.change)
			if strings.Contains(c.name, "ended before") {
				m.v.end = sec(11 + 5)
			}
			flows, _ := m.flows(t)
			if q := flows[1].Close.Request; q == nil || q.Stall == nil || *q.Stall != c.want {
				t.Errorf("%+v, want %s", flows[1].Close.Request, c.want)
			}
		})
	}
}
