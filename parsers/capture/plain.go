package capture

import (
	"math"

	"finwait/analyzer/event"
)

// plain decodes the records at the start of data as long as they are what
// nearly all captures consist of: records of a classic pcap file of Ethernet,
// captured whole, with a frame that fastEthernet takes. It returns how many
// bytes they take; the record behind them must go the long way, through record
// and frame, which say the same of plain ones and take a fifth longer
// (TestPlainAgrees, BenchmarkReader).
func (r *Reader) plain(data []byte) int {
	s, d := &r.scan, &r.dec
	if s.ng || s.lost || s.long || r.opts.Filter != nil || s.links[0].dlt != linkEthernet {
		return 0
	}
	l := s.links[0]
	used, frames := 0, int64(0)
	start, end := r.start, r.end
	d.notes, d.scope = 0, l.scope
	for len(data)-used > pcapRecord {
		b := data[used:]
		size := s.u32(b[8:])
		n := pcapRecord + int(size)
		if size > maxCaplen || size != s.u32(b[12:]) || n > len(b) || s.frame == math.MaxUint32 {
			break
		}
		d.frame = s.frame + 1
		d.time = event.Time(int64(s.u32(b))*1e9 + int64(s.u32(b[4:]))*int64(l.nano))
		if !d.fastEthernet(b[pcapRecord:n:n], 0) {
			break
		}
		if d.time < start || start == event.NoTime {
			start = d.time
		}
		end = max(end, d.time)
		s.frame++
		frames++
		used += n
	}
	r.start, r.end = start, end
	l.packets += frames
	return used
}
