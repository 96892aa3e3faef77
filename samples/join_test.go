package samples

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"finwait/analyzer"
)

// pair is the capture and the log of one host, uncompressed.
func pair(t *testing.T) (pcap, log []byte) {
	t.Helper()
	for _, path := range expand(t, "capture-and-log") {
		files := (&sample{inputs: []string{path}}).read(t)
		if data := unzip(t, files[0].data); strings.Contains(path, ".pcap") {
			pcap = data
		} else {
			log = data
		}
	}
	return pcap, log
}

// joined counts the rows by where they come from.
func joined(t *testing.T, pcap, log []byte) (map[string]int, *outcome) {
	t.Helper()
	o, err := conclude([]file{{"host.pcap", pcap}, {"host.strace", log}}, false, analyzer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, f := range o.flows {
		n[f.Source]++
	}
	return n, o
}

var stampWord = regexp.MustCompile(`(?m)^(\d+ +)(\d{10})(\.\d+) `)

// later moves all times of a log by seconds.
func later(log []byte, seconds int) []byte {
	return stampWord.ReplaceAllFunc(log, func(m []byte) []byte {
		part := stampWord.FindSubmatch(m)
		at, _ := strconv.Atoi(string(part[2]))
		return fmt.Appendf(nil, "%s%d%s ", part[1], at+seconds, part[3])
	})
}

// TestJoin: a log and a capture of one host, whose clocks may differ, and which
// need not hold the same connections.
func TestJoin(t *testing.T) {
	pcap, log := pair(t)
	for _, offset := range []int{0, 3600, -7} {
		n, o := joined(t, pcap, later(log, -offset))
		clocks := o.result.Report().Clocks
		if n["both"] != 17 || len(o.flows) != 17 {
			t.Errorf("the log's clock %d s behind: %v of 17 joined", offset, n)
		}
		if len(clocks) != 1 || math.Abs(clocks[0].OffsetS-float64(offset)) > 0.001 || offset == 0 && clocks[0].OffsetS != 0 {
			t.Errorf("the log's clock %d s behind: %+v", offset, clocks)
		}
	}
	elsewhere := bytes.ReplaceAll(bytes.ReplaceAll(log, []byte("10.88.23."), []byte("10.55.23.")), []byte("10.89.23."), []byte("10.56.23."))
	if n, _ := joined(t, pcap, elsewhere); n["both"] != 0 || n["capture"] != 17 || n["strace"] == 0 {
		t.Errorf("the log of another host: %v", n)
	}
}

// twice is the capture, and behind it the same packets 100 s later, with other
// sequence numbers: all ports are used again.
func twice(pcap []byte) []byte {
	head, list := split(pcap)
	n := len(list)
	const ip, tcp = 20, 40 // behind the header of LINUX_SLL2, and of IPv4
	for _, p := range list[:n] {
		q := packet{bytes.Clone(p.head), bytes.Clone(p.data)}
		little.PutUint32(q.head, little.Uint32(q.head)+100)
		if len(q.data) >= tcp+20 && q.data[ip+9] == 6 {
			for _, at := range []int{tcp + 4, tcp + 8} {
				if v := big.Uint32(q.data[at:]); v != 0 {
					big.PutUint32(q.data[at:], v+0x10000000)
				}
			}
		}
		list = append(list, q)
	}
	return glue(head, list)
}

// TestJoinReusedPorts: of two connections on the same 4-tuple, the log shows
// the one that was opened at its time.
func TestJoinReusedPorts(t *testing.T) {
	pcap, log := pair(t)
	again := twice(pcap)
	for _, c := range []struct {
		name  string
		log   []byte
		first bool
	}{{"the first", log, true}, {"the second", later(log, 100), false}} {
		n, o := joined(t, again, c.log)
		if n["both"] != 17 || n["capture"] != 17 {
			t.Fatalf("the log of %s run: %v", c.name, n)
		}
		for i, f := range o.flows {
			if (f.Source == "both") != (i < 17 == c.first) {
				t.Errorf("the log of %s run: stream %d is of %s", c.name, *f.Stream, f.Source)
			}
		}
	}
}

// TestJoinCuts: what only one of the two holds stays a row of its own.
func TestJoinCuts(t *testing.T) {
	pcap, log := pair(t)
	head, list := split(pcap)
	half := glue(head, list[:len(list)/2])
	n, _ := joined(t, half, log)
	if n["both"] == 0 || n["strace"] == 0 || n["capture"] != 0 || n["both"]+n["strace"] != 17 {
		t.Errorf("half of the capture: %v", n)
	}
	lines := bytes.SplitAfter(log, []byte("\n"))
	n, _ = joined(t, pcap, bytes.Join(lines[:len(lines)/2], nil))
	if n["both"] == 0 || n["strace"] != 0 || n["capture"] == 0 || n["both"]+n["capture"] != 17 {
		t.Errorf("half of the log: %v", n)
	}
}
