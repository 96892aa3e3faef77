//go:build cgo

package capture

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcap"
)

// program is a filter compiled for one link type.
type program struct{ bpf *pcap.BPF }

// compile compiles expr for frames of a link type.
//
// gopacket's own entry takes the link type as 8 bits, which turns LINUX_SLL2
// (276) into something else without a word. So libpcap is shown an empty
// capture of the link type, and compiles for the handle it makes of that.
func compile(expr string, linkType uint16) (*program, error) {
	handle, err := emptyCapture(linkType)
	if err != nil {
		return nil, fmt.Errorf("filter %q: libpcap does not know the link type %s: %w", expr, LinkName(linkType), err)
	}
	defer handle.Close()
	bpf, err := handle.NewBPF(expr)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w (link type %s)", expr, err, LinkName(linkType))
	}
	return &program{bpf}, nil
}

// emptyCapture opens a capture of nothing but its file header through a pipe.
func emptyCapture(linkType uint16) (*pcap.Handle, error) {
	header := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	header = binary.LittleEndian.AppendUint16(header, 2)
	header = binary.LittleEndian.AppendUint16(header, 4)
	header = append(header, make([]byte, 8)...)
	header = binary.LittleEndian.AppendUint32(header, maxCaplen)
	header = binary.LittleEndian.AppendUint32(header, uint32(linkType))
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	_, err = w.Write(header)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	return pcap.OpenOfflineFile(r)
}

// matches runs the program over a frame.
func (p *program) matches(rec *record) bool {
	if len(rec.data) == 0 {
		return false // libpcap is given the address of the first byte
	}
	return p.bpf.Matches(gopacket.CaptureInfo{CaptureLength: len(rec.data), Length: rec.wire}, rec.data)
}
