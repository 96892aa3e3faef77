package stat

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// text is the state of d as bytes, to compare states with.
func text(t testing.TB, d *Dist) string {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func of(events, censored []time.Duration) *Dist {
	d := new(Dist)
	for _, v := range events {
		d.Add(v)
	}
	for _, v := range censored {
		d.AddCensored(v)
	}
	return d
}

func TestBucketsCoverAllValues(t *testing.T) {
	values := []int64{0, 1, -1, 127, 128, 255, 256, 257, -256, 1e3, 1e9, 5e11, -7e9, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		values = append(values, int64(r.Uint64())>>r.IntN(63))
	}
	slices.Sort(values)
	last := math.MinInt
	for _, v := range values {
		b := bucketOf(v)
		if b < last {
			t.Fatalf("bucket %d of %d comes before that of a smaller value", b, v)
		}
		last = b
		mid := bucketMiddle(b)
		if off := math.Abs(float64(mid) - float64(v)); off > bucketError*math.Abs(float64(v)) {
			t.Fatalf("%d is represented by %d, off by %v", v, mid, off/float64(v))
		}
		if start, _ := bucketStart(b); bucketOf(start) != b || bucketOf(mid) != b {
			t.Fatalf("bucket %d of %d: start %d, middle %d lie in others", b, v, start, mid)
		}
	}
}

func TestQuantileOfFewValues(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		events, censored []time.Duration
		p                float64
		want             time.Duration
		ok               bool
	}{
		{nil, nil, 0.5, 0, false},
		{nil, []time.Duration{ms}, 0.5, 0, false},
		{[]time.Duration{7 * ms}, nil, 0, 7 * ms, true},
		{[]time.Duration{7 * ms}, nil, 0.5, 7 * ms, true},
		{[]time.Duration{7 * ms}, nil, 1, 7 * ms, true},
		{[]time.Duration{1 * ms, 2 * ms}, nil, 0.5, 1 * ms, true},
		{[]time.Duration{1 * ms, 2 * ms}, nil, 0.51, 2 * ms, true},
		{[]time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, nil, 0.9, 9, true},
		{[]time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, nil, 0.91, 10, true},
		{[]time.Duration{-5, 0, 5}, nil, 0.3, -5, true},
		{[]time.Duration{1, 2}, []time.Duration{3, 4}, 0.5, 2, true},
		{[]time.Duration{1, 2}, []time.Duration{3, 4}, 0.51, 0, false},
		{[]time.Duration{3}, []time.Duration{3}, 1, 0, false},
		{[]time.Duration{4}, []time.Duration{3}, 1, 4, true},
		{[]time.Duration{1}, nil, -0.1, 0, false},
		{[]time.Duration{1}, nil, 1.1, 0, false},
		{[]time.Duration{1}, nil, math.NaN(), 0, false},
	} {
		got, ok := of(test.events, test.censored).Quantile(test.p)
		if got != test.want || ok != test.ok {
			t.Errorf("quantile %v of %v and censored %v: %v, %v, want %v, %v",
				test.p, test.events, test.censored, got, ok, test.want, test.ok)
		}
	}
}

func TestExtremesAndMean(t *testing.T) {
	d := of([]time.Duration{10, 20, -3}, nil)
	if v, ok := d.Mean(); v != 9 || !ok {
		t.Errorf("mean %v %v", v, ok)
	}
	if v, cut, ok := d.Longest(); v != 20 || cut || !ok {
		t.Errorf("longest %v %v %v", v, cut, ok)
	}
	d.AddCensored(20)
	if _, ok := d.Mean(); ok {
		t.Error("a censored distribution has a mean")
	}
	if v, cut, ok := d.Longest(); v != 20 || !cut || !ok {
		t.Errorf("longest %v %v %v, want the cut-off one", v, cut, ok)
	}
	if v, ok := d.Max(); v != 20 || !ok {
		t.Errorf("max %v %v", v, ok)
	}
	if v, ok := d.Min(); v != -3 || !ok {
		t.Errorf("min %v %v", v, ok)
	}
	var empty Dist
	_, mean := empty.Mean()
	_, largest := empty.Max()
	if _, _, ok := empty.Longest(); ok || mean || largest {
		t.Error("an empty distribution has extremes or a mean")
	}
}

// Shards of the same observations give the same bytes, on both sides of the
// limit between values and buckets.
func TestMergeIsOrderIndependent(t *testing.T) {
	for _, n := range []int{0, 1, 2, exactLimit - 1, exactLimit, exactLimit + 1, 3000} {
		r := rand.New(rand.NewPCG(7, uint64(n)))
		type seen struct {
			v   time.Duration
			cut bool
		}
		all := make([]seen, n)
		for i := range all {
			all[i] = seen{time.Duration(r.ExpFloat64()*1e9) - 1e7, r.IntN(3) == 0}
		}
		want := ""
		for round := range 10 {
			r.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
			shards := make([]Dist, 1+round)
			for _, s := range all {
				d := &shards[r.IntN(len(shards))]
				if s.cut {
					d.AddCensored(s.v)
				} else {
					d.Add(s.v)
				}
			}
			var sum Dist
			for _, i := range r.Perm(len(shards)) {
				sum.Merge(&shards[i])
			}
			got := text(t, &sum)
			if want == "" {
				want = got
			}
			if got != want {
				t.Fatalf("n = %d: the state depends on the order:\n%s\n%s", n, got, want)
			}
			if sum.Count() != n {
				t.Fatalf("count %d, want %d", sum.Count(), n)
			}
		}
	}
}

func TestMergeWithItselfAndNothing(t *testing.T) {
	for _, n := range []int{3, 300, 1000} {
		var d, want Dist
		for i := range n {
			d.Add(time.Duration(i))
			want.Add(time.Duration(i))
			want.Add(time.Duration(i))
		}
		d.Merge(nil)
		d.Merge(new(Dist))
		d.Merge(&d)
		if text(t, &d) != text(t, &want) {
			t.Errorf("n = %d: merging with itself does not double", n)
		}
	}
}

func TestSketchStaysNearTheValues(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var d Dist
	values := make([]time.Duration, 20_000)
	for i := range values {
		values[i] = time.Duration(math.Exp(r.NormFloat64()*3+18)) - 1000
		d.Add(values[i])
	}
	slices.Sort(values)
	for _, p := range []float64{0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1} {
		want := values[max(int(math.Ceil(p*float64(len(values)))), 1)-1]
		got, ok := d.Quantile(p)
		if off := math.Abs(float64(got-want)) / math.Abs(float64(want)); !ok || off > 0.005 {
			t.Errorf("quantile %v: %v, want %v", p, got, want)
		}
	}
	if v, _ := d.Quantile(1); v != values[len(values)-1] {
		t.Errorf("the largest value %v is not exact: %v", values[len(values)-1], v)
	}
	if v, _ := d.Min(); v != values[0] {
		t.Errorf("the smallest value %v is not exact: %v", values[0], v)
	}
	var sum float64
	for _, v := range values {
		sum += float64(v)
	}
	if m, _ := d.Mean(); math.Abs(float64(m)-sum/20_000) > 2 {
		t.Errorf("mean %v, want %v", m, sum/20_000)
	}
}

func TestJSON(t *testing.T) {
	small := of([]time.Duration{3, -1, 3}, []time.Duration{9})
	if got, want := text(t, small), `{"events_ns":[-1,3,3],"censored_ns":[9]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := text(t, new(Dist)); got != "{}" {
		t.Errorf("empty: %s", got)
	}
	large := new(Dist)
	for i := range 600 {
		large.Add(time.Duration(i-10) * time.Hour * 24 * 30)
		large.AddCensored(time.Duration(i) * time.Second)
	}
	for _, d := range []*Dist{new(Dist), small, large} {
		var back Dist
		if err := json.Unmarshal([]byte(text(t, d)), &back); err != nil {
			t.Fatal(err)
		}
		if text(t, &back) != text(t, d) {
			t.Errorf("changed on the way through JSON:\n%s\n%s", text(t, d), text(t, &back))
		}
		if back.Count() != d.Count() || back.Censored() != d.Censored() || back.Sum() != d.Sum() {
			t.Errorf("counts or sum changed on the way through JSON")
		}
	}
}

func TestJSONRefusesWhatCannotBe(t *testing.T) {
	bucket := `{"relative_error":0.00390625,"events":{"min_ns":%d,"max_ns":%d,"sum_ns":%s,"buckets_ns":%s}}`
	for name, in := range map[string]string{
		"not an object":   `[1]`,
		"no sum":          `{"relative_error":0.00390625,"events":{"min_ns":1,"max_ns":1,"buckets_ns":[[1,1]]}}`,
		"no buckets":      fmt.Sprintf(bucket, 1, 1, "1", "[]"),
		"negative count":  fmt.Sprintf(bucket, 1, 1, "1", "[[1,-1]]"),
		"no bucket start": fmt.Sprintf(bucket, 1001, 1001, "1", "[[1001,1]]"),
		"unsorted":        fmt.Sprintf(bucket, 1, 2, "1", "[[2,1],[1,1]]"),
		"twice":           fmt.Sprintf(bucket, 1, 1, "1", "[[1,1],[1,1]]"),
		"extremes":        fmt.Sprintf(bucket, 1, 5, "1", "[[1,1]]"),
		"huge sum":        fmt.Sprintf(bucket, 1, 1, "1"+fmt.Sprintf("%0100d", 0), "[[1,1]]"),
		"other error":     `{"relative_error":0.01,"events":{"min_ns":1,"max_ns":1,"sum_ns":1,"buckets_ns":[[1,1]]}}`,
		"both forms":      `{"events_ns":[1],"relative_error":0.00390625,"events":{"min_ns":1,"max_ns":1,"sum_ns":1,"buckets_ns":[[1,1]]}}`,
	} {
		var d Dist
		if err := json.Unmarshal([]byte(in), &d); err == nil {
			t.Errorf("%s: accepted %s", name, in)
		}
	}
}

func FuzzDistJSON(f *testing.F) {
	f.Add([]byte(`{"events_ns":[-1,3,3],"censored_ns":[9]}`))
	f.Add([]byte(`{"relative_error":0.00390625,"events":{"min_ns":1,"max_ns":1,"sum_ns":1,"buckets_ns":[[1,1]]}}`))
	f.Add([]byte(`{"relative_error":0.00390625,"censored":{"min_ns":-9223372036854775808,"max_ns":1,"sum_ns":-1,"buckets_ns":[[-9223372036854775808,4294967295],[1,1]]}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var d Dist
		if json.Unmarshal(in, &d) != nil {
			return
		}
		var back Dist
		if err := json.Unmarshal([]byte(text(t, &d)), &back); err != nil || text(t, &d) != text(t, &back) {
			t.Fatalf("%s becomes %s (%v)", text(t, &d), text(t, &back), err)
		}
		for _, s := range d.Curve() {
			if !(s.Survival >= 0 && s.Survival <= 1) {
				t.Fatalf("survival %v", s)
			}
		}
		d.Merge(&back)
		d.Curve().QuantileRange(0.5, 0.95)
	})
}

func TestDistIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Dist{}); size > 64 {
		t.Errorf("an empty Dist takes %d bytes", size)
	}
}

func TestAddDoesNotAllocate(t *testing.T) {
	var d Dist
	for i := range 2000 {
		d.Add(time.Duration(i) * time.Millisecond)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { i++; d.Add(time.Duration(i) * time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations an Add", n)
	}
}

func BenchmarkDistAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	values := make([]time.Duration, 4096)
	for i := range values {
		values[i] = time.Duration(r.ExpFloat64() * 1e9)
	}
	var d Dist
	for _, v := range values {
		d.Add(v)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Add(values[i&4095])
	}
}

func BenchmarkDistAddSmall(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var d Dist
		for i := range 20 {
			d.Add(time.Duration(i))
		}
	}
}
