package render_test

import (
	"bytes"
	"io"
	"testing"

	"finwait/cmd/finwait/internal/render"
)

// FuzzReport proves that no file that calls itself a report makes a renderer
// panic, and that what was read is written back without loss.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"schema":"finwait.report/v1"}`))
	f.Add([]byte(`{"schema":"finwait.report/v1","timeline":{"bucket_s":-1,"series":[{"side":"client","state":"NEW","values":[-1,0,9]}]},"endpoints":[{}],"peers":[{"causes":{"":0}}],"timers":[{}],"what_if":[{}],"findings":[{"filter":"x","streams":[1]}],"clients":[{},{}]}`))
	f.Add([]byte(`{"schema":"finwait.report/v1","verdict":"x","quality":[{"id":"a","count":3,"text":"b","where":"c","damage":true}],"half_close":{"client":{"count":9,"censored":1,"fin_wait_2":{"count":9,"p50_s":0.5,"max_s":1e300},"ended_by":{"peer-fin":9}}},"span":{"start":"2026-11-22T10:00:00Z","duration_s":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := render.ReadReport(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, o := range []render.Options{{}, {Width: 160, Unicode: true, Color: true}} {
			if err := render.Report(io.Discard, r, "text", o); err != nil {
				t.Fatal(err)
			}
		}
		if err := render.Report(io.Discard, r, "markdown", render.Options{}); err != nil {
			t.Fatal(err)
		}
		var once, twice bytes.Buffer
		if err := render.Report(&once, r, "json", render.Options{}); err != nil {
			t.Fatal(err)
		}
		again, err := render.ReadReport(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if err := render.Report(&twice, again, "json", render.Options{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Error("a report changes when it is written and read again")
		}
	})
}
