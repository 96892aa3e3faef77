//go:build !cgo

package capture

import "errors"

// program is never made: libpcap compiles filters, and needs cgo.
type program struct{}

// compile says what is missing.
func compile(string, uint16) (*program, error) {
	return nil, errors.New("filters (-f) need libpcap, which this finwait was built without: install libpcap's headers and build with CGO_ENABLED=1")
}

func (*program) matches(*record) bool { return false }
