package analyzer

import (
	"fmt"
	"time"

	"finwait/analyzer/event"
)

// MarshalJSON writes RFC 3339 with nanoseconds in UTC, or null.
func (s Stamp) MarshalJSON() ([]byte, error) {
	t := event.Time(s)
	if !t.Known() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Stamp) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*s = Stamp(event.NoTime)
		return nil
	}
	t, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	if err != nil {
		return fmt.Errorf("not a time: %s", b)
	}
	*s = Stamp(t.UnixNano())
	return nil
}
