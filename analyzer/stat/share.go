package stat

import "math"

// wilson is the interval of a share k of n, both of which may be fractions:
// Wilson's score interval at level (such as 0.95), which stays within [0, 1] and
// is honest for few values.
func wilson(k, n, level float64) (low, high float64) {
	z := normalQuantile(0.5 + level/2)
	p := k / n
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	low, high = max(0, centre-half), min(1, centre+half)
	if k <= 0 {
		low = 0
	}
	if k >= n {
		high = 1
	}
	return low, high
}

// CompareShares tests whether two shares differ, by Fisher's exact test: the sum
// over all tables with the same margins that are at most as likely (R:
// fisher.test). Every event is one of the exposures, such as a request that
// timed out; counts are whole numbers. Effect is b's share over a's, with an
// interval made from Wilson's of both (MOVER-R: Donner and Zou 2012).
func CompareShares(a, b Rate) Test {
	const method = "Fisher's exact test"
	if !a.share() || !b.share() {
		return noTest(method, WarnEmpty)
	}
	t := shareRatio(a, b, 1)
	t.Method, t.P = method, fisherP(a, b)
	if min(a.Exposure, b.Exposure) < 5 || a.Events+b.Events < 5 {
		t.Warnings = append(t.Warnings, WarnFew)
	}
	return t
}

// share reports whether the events can be a share of the exposure.
func (r Rate) share() bool {
	return r.Exposure > 0 && r.Events >= 0 && r.Events <= r.Exposure
}

// shareRatio fills in the ratio of the shares and its interval for counts that
// vary dispersion times as much as binomial ones.
func shareRatio(a, b Rate, dispersion float64) Test {
	p, q := a.Events/a.Exposure, b.Events/b.Exposure
	t := Test{Effect: q / p, Low: 0, High: math.Inf(1), Beyond: beyond(dispersion*((1-p)/a.Events+(1-q)/b.Events), a, b)}
	if a.Events+b.Events == 0 {
		return t
	}
	la, ha := wilson(a.Events/dispersion, a.Exposure/dispersion, 0.95)
	lb, hb := wilson(b.Events/dispersion, b.Exposure/dispersion, 0.95)
	root := math.Sqrt(max(0, p*p*q*q-lb*ha*(2*q-lb)*(2*p-ha)))
	if p*q+root > 0 {
		t.Low = lb * (2*q - lb) / (p*q + root)
	}
	if d := la * (2*p - la); d > 0 {
		t.High = (p*q + math.Sqrt(max(0, p*p*q*q-hb*la*(2*q-hb)*(2*p-la)))) / d
	}
	return t
}

// fisherP sums the hypergeometric probabilities of all outcomes that are at most
// as likely as the one seen.
func fisherP(a, b Rate) float64 {
	n1, n2, hits := a.Exposure, b.Exposure, a.Events+b.Events
	lo, hi := max(0, hits-n2), min(hits, n1)
	log := func(i float64) float64 {
		return logChoose(n1, i) + logChoose(n2, hits-i) - logChoose(n1+n2, hits)
	}
	k := a.Events
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

// wholeShare is the share as that of fewer, whole exposures, of which each
// stands for dispersion of them.
func (r Rate) wholeShare(dispersion float64) Rate {
	n := max(1, math.Round(r.Exposure/dispersion))
	return Rate{min(n, math.Round(r.Events/dispersion)), n}
}
