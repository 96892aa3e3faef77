package samples

import (
	"testing"

	"finwait/analyzer"
)

// FuzzPipeline takes any bytes through everything: told apart, read, followed,
// judged, printed. Nothing may panic or hang, and the rules must hold. The seeds
// are the beginnings of all samples.
func FuzzPipeline(f *testing.F) {
	for _, s := range all(f) {
		for _, in := range s.read(f) {
			data := in.data
			if src, err := open(in); err == nil && src.Compression != "" {
				data = unzip(f, data)
			}
			f.Add(data[:min(len(data), 4000)])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := conclude([]file{{"fuzz", data}}, false, analyzer.Options{})
		if err != nil {
			return
		}
		wrong, err := inspect(o, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wrong {
			t.Error(w)
		}
	})
}
