package stat

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"
)

// distJSON is how a Dist is saved. While the values are kept it is
//
//	{"events_ns":[500200000,500300000],"censored_ns":[71000000]}
//
// sorted; a bucketed one lists [start, count] pairs, start being the value of the
// bucket that is nearest to zero:
//
//	{"relative_error":0.00390625,"events":{"min_ns":…,"max_ns":…,"sum_ns":…,"buckets_ns":[[500170752,37],…]},"censored":{…}}
type distJSON struct {
	EventsNS      []int64    `json:"events_ns,omitempty"`
	CensoredNS    []int64    `json:"censored_ns,omitempty"`
	RelativeError float64    `json:"relative_error,omitempty"`
	Events        *tallyJSON `json:"events,omitempty"`
	Censored      *tallyJSON `json:"censored,omitempty"`
}

type tallyJSON struct {
	Min     int64      `json:"min_ns"`
	Max     int64      `json:"max_ns"`
	Sum     *big.Int   `json:"sum_ns"`
	Buckets [][2]int64 `json:"buckets_ns"`
}

// MarshalJSON writes d in a compact form that UnmarshalJSON restores without
// loss. Equal multisets of observations give equal bytes.
func (d Dist) MarshalJSON() ([]byte, error) {
	if s := d.sketch; s != nil {
		return json.Marshal(distJSON{
			RelativeError: bucketError,
			Events:        s.events.json(),
			Censored:      s.censored.json(),
		})
	}
	return json.Marshal(distJSON{EventsNS: sorted(d.events), CensoredNS: sorted(d.censored)})
}

func (t *tally) json() *tallyJSON {
	if t.n == 0 {
		return nil
	}
	j := &tallyJSON{Min: t.min, Max: t.max, Sum: t.sum.big()}
	t.each(func(b int, n uint64) {
		start, _ := bucketStart(b)
		j.Buckets = append(j.Buckets, [2]int64{start, int64(n)})
	})
	return j
}

// UnmarshalJSON restores what MarshalJSON wrote. Counts, order and extremes are
// checked, since a report may have been edited.
func (d *Dist) UnmarshalJSON(text []byte) error {
	var j distJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*d = Dist{}
	if j.Events == nil && j.Censored == nil {
		for _, v := range j.EventsNS {
			d.Add(time.Duration(v))
		}
		for _, v := range j.CensoredNS {
			d.AddCensored(time.Duration(v))
		}
		return nil
	}
	if len(j.EventsNS)+len(j.CensoredNS) > 0 {
		return errors.New("a distribution has both values and buckets")
	}
	if j.RelativeError != bucketError {
		return fmt.Errorf("a distribution has buckets of relative error %v, not %v", j.RelativeError, bucketError)
	}
	s := new(sketch)
	if err := s.events.restore(j.Events); err != nil {
		return err
	}
	if err := s.censored.restore(j.Censored); err != nil {
		return err
	}
	d.sketch = s
	return nil
}

func (t *tally) restore(j *tallyJSON) error {
	if j == nil {
		return nil
	}
	if j.Sum == nil || len(j.Buckets) == 0 || j.Min > j.Max {
		return errors.New("a distribution lacks its sum, its buckets or its extremes")
	}
	last := math.MinInt
	for _, pair := range j.Buckets {
		b := bucketOf(pair[0])
		if start, _ := bucketStart(b); start != pair[0] || b <= last || pair[1] < 1 || pair[1] > math.MaxUint32 {
			return fmt.Errorf("a distribution has a bad bucket %v", pair)
		}
		last = b
		t.put(b, uint32(pair[1]))
	}
	first := bucketOf(j.Buckets[0][0])
	if bucketOf(j.Min) != first || bucketOf(j.Max) != last {
		return errors.New("a distribution's extremes lie outside its buckets")
	}
	if j.Sum.BitLen() > 120 {
		return errors.New("a distribution's sum is too large")
	}
	t.min, t.max, t.sum = j.Min, j.Max, sumOf(j.Sum)
	return nil
}

// big is the sum as an integer of any size.
func (s sum128) big() *big.Int {
	v := new(big.Int).Lsh(big.NewInt(s.hi), 64)
	return v.Add(v, new(big.Int).SetUint64(s.lo))
}

// sumOf is the inverse of big; v must fit.
func sumOf(v *big.Int) sum128 {
	lo := new(big.Int).And(v, new(big.Int).SetUint64(math.MaxUint64))
	hi := new(big.Int).Rsh(v, 64) // rounds down, as two's complement does
	return sum128{hi.Int64(), lo.Uint64()}
}

func sorted(vs []int64) []int64 {
	vs = slices.Clone(vs)
	slices.Sort(vs)
	return vs
}
