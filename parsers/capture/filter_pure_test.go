//go:build !cgo

package capture

import (
	"strings"
	"testing"
)

func TestFilterNeedsLibpcap(t *testing.T) {
	_, err := CompileFilter("port 80")
	if err == nil || !strings.Contains(err.Error(), "libpcap") || !strings.Contains(err.Error(), "CGO_ENABLED=1") {
		t.Errorf("error %v", err)
	}
}
