package stat

import "math"

// methodLogRank names the test whose effect is a ratio of hazards.
const methodLogRank = "log-rank"

// mantel adds up Mantel's log-rank statistic over the moments at which
// durations end.
type mantel struct {
	observed, expected float64 // ends of side b: seen, and expected if the sides are alike
	variance           float64
	low, high          float64 // extremes of observed-expected on the way
}

func (m *mantel) swing() float64 { return m.observed - m.expected }

// add counts a moment at which d of n1+n2 durations at risk end, db of them b's.
func (m *mantel) add(db, d, n1, n2 float64) {
	n := n1 + n2
	if d == 0 || n < 2 {
		return
	}
	m.observed += db
	m.expected += d * n2 / n
	m.variance += d * (n1 / n) * (n2 / n) * (n - d) / (n - 1)
	m.low, m.high = min(m.low, m.swing()), max(m.high, m.swing())
}

// crosses reports whether the swing went significantly far to one side and came
// back as far: one side is shorter early and longer late.
func (m *mantel) crosses() bool {
	far := 1.96 * math.Sqrt(m.variance)
	return m.high > far && m.swing() < m.high-far || m.low < -far && m.swing() > m.low+far
}

func mantelOf(ps []pair, n1, n2 float64) mantel {
	var m mantel
	for _, p := range ps {
		m.add(float64(p.b.events), float64(p.a.events+p.b.events), n1, n2)
		n1 -= float64(p.a.events + p.a.censored)
		n2 -= float64(p.b.events + p.b.censored)
	}
	return m
}

// LogRank tests whether durations of a and b end at the same rate, censored ones
// included (Mantel 1966). Effect is the ratio of the hazards of b and a by
// Peto's one-step estimate: above 1, b's durations are shorter.
//
// The usual chi-squared approximation claims one in a thousand for one in sixty
// when a side has 3 values and the other 40. With up to 60 on a side the number
// of its ends is therefore given its exact distribution, given who was at risk.
func LogRank(a, b *Dist) Test {
	const method = methodLogRank
	if a.Count() == 0 || b.Count() == 0 {
		return noTest(method, WarnEmpty)
	}
	ps := pairs(a, b)
	m := mantelOf(ps, float64(a.Count()), float64(b.Count()))
	if m.variance == 0 {
		return noTest(method, WarnEqual)
	}
	log, half := m.swing()/m.variance, normalQuantile(0.975)/math.Sqrt(m.variance)
	t := Test{Method: method, Effect: math.Exp(log), Low: math.Exp(log - half), High: math.Exp(log + half)}
	t.Beyond = math.Exp(math.Abs(log) + normalQuantile(0.95)/math.Sqrt(m.variance))
	const few = 60
	switch n1, n2 := a.Count(), b.Count(); {
	case n2 <= n1 && n2 <= few:
		t.P = exactEnds(ps, n1, n2)
	case n1 <= few:
		for i := range ps {
			ps[i].a, ps[i].b = ps[i].b, ps[i].a
		}
		t.P = exactEnds(ps, n2, n1)
	default:
		t.P = chiTail(m.swing() * m.swing() / m.variance)
	}
	if min(a.Count(), b.Count()) < 4 || m.variance < 1 {
		t.Warnings = append(t.Warnings, WarnFew)
	}
	if m.crosses() {
		t.Warnings = append(t.Warnings, WarnCrossing)
	}
	return t
}

// exactEnds is the probability that the number of b's ends is at least as far
// from what is expected as was seen. At every moment it is hypergeometric, given
// who is at risk; the distribution of the sum is their convolution. n2 is small.
func exactEnds(ps []pair, n1, n2 int) float64 {
	last := 4*n2 + 20                // more are too improbable to be told apart
	share := make([]float64, last+1) // share[k]: probability of k ends so far
	next := make([]float64, last+1)
	share[0] = 1
	at1, at2 := float64(n1), float64(n2)
	var seen, expected float64
	for _, p := range ps {
		if d := float64(p.a.events + p.b.events); d > 0 && at2 > 0 {
			seen += float64(p.b.events)
			expected += d * at2 / (at1 + at2)
			clear(next)
			for x := max(0, d-at1); x <= min(d, at2); x++ {
				w := hypergeometric(x, d, at1, at2)
				for k, so := range share {
					next[min(k+int(x), last)] += so * w
				}
			}
			share, next = next, share
		}
		at1 -= float64(p.a.events + p.a.censored)
		at2 -= float64(p.b.events + p.b.censored)
	}
	off := math.Abs(seen-expected) - 1e-9
	far := 0.0
	for k, w := range share {
		if math.Abs(float64(k)-expected) >= off {
			far += w
		}
	}
	return min(far, 1)
}

// hypergeometric is the probability that x of d ends are among n2 of n1+n2.
func hypergeometric(x, d, n1, n2 float64) float64 {
	if d == 1 {
		return (x*n2 + (1-x)*n1) / (n1 + n2)
	}
	return math.Exp(logChoose(n2, x) + logChoose(n1, d-x) - logChoose(n1+n2, d))
}
