package stat

import "math"

// Share is a proportion: Part of Whole.
type Share struct {
	Part, Whole int
}

// Wilson is the proportion with Wilson's score interval at level (such as 0.95),
// which stays within [0, 1] and is honest for few values. Known is false when
// Whole is 0.
func (s Share) Wilson(level float64) Estimate {
	if s.Whole <= 0 || s.Part < 0 || s.Part > s.Whole {
		return Estimate{Low: 0, High: 1, Warnings: []Warning{WarnEmpty}}
	}
	n, z := float64(s.Whole), normalQuantile(0.5+level/2)
	p := float64(s.Part) / n
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	e := Estimate{Value: p, Low: max(0, centre-half), High: min(1, centre+half), Known: true}
	if s.Part == 0 {
		e.Low = 0
	}
	if s.Part == s.Whole {
		e.High = 1
	}
	if s.Whole < 5 {
		e.Warnings = append(e.Warnings, WarnFew)
	}
	return e
}

// CompareShares tests whether two proportions differ, by Fisher's exact test:
// the sum over all tables with the same margins that are at most as likely (R:
// fisher.test). Effect is the difference b - a of the proportions, with
// Newcombe's interval (1998, method 10).
func CompareShares(a, b Share) Test {
	const method = "Fisher's exact test"
	wa, wb := a.Wilson(0.95), b.Wilson(0.95)
	if !wa.Known || !wb.Known {
		return noTest(method, WarnEmpty)
	}
	p, q := wa.Value, wb.Value
	t := Test{
		Method: method,
		P:      fisherP(a, b),
		Effect: q - p,
		Low:    q - p - math.Hypot(q-wb.Low, wa.High-p),
		High:   q - p + math.Hypot(wb.High-q, p-wa.Low),
	}
	if a.Whole < 5 || b.Whole < 5 {
		t.Warnings = append(t.Warnings, WarnFew)
	}
	return t
}

// fisherP sums the hypergeometric probabilities of all outcomes that are at most
// as likely as the one seen.
func fisherP(a, b Share) float64 {
	n1, n2, hits := float64(a.Whole), float64(b.Whole), float64(a.Part+b.Part)
	lo, hi := max(0, hits-n2), min(hits, n1)
	log := func(i float64) float64 {
		return logChoose(n1, i) + logChoose(n2, hits-i) - logChoose(n1+n2, hits)
	}
	k := float64(a.Part)
	mode := min(max(math.Floor((n1+1)*(hits+1)/(n1+n2+2)), lo), hi)
	limit := log(k) + 1e-7 // outcomes as likely as k, up to rounding
	rare := func(i float64) bool { return log(i) <= limit }
	switch {
	case k < mode:
		far := firstBelow(mode, hi, rare)
		return min(1, tail(log, k, -1, k-lo+1)+tail(log, far, 1, hi-far+1))
	case k > mode:
		far := mode - firstBelow(0, mode-lo, func(i float64) bool { return rare(mode - i) })
		return min(1, tail(log, k, 1, hi-k+1)+tail(log, far, -1, far-lo+1))
	}
	return 1
}

// tail sums n terms exp(log(i)), exp(log(i+step)), ... that go down, as long as
// they count.
func tail(log func(float64) float64, i, step, n float64) float64 {
	sum := 0.0
	for ; n > 0; n-- {
		term := math.Exp(log(i))
		sum += term
		if term <= sum*1e-17 {
			break
		}
		i += step
	}
	return sum
}
