package stat

import "math"

// normalCDF is the probability that a standard normal variable is below z.
func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// normalQuantile is the inverse of normalCDF. The library's Erfcinv subtracts
// from 1, so that nothing is left of small p: there Newton's method on the
// logarithm takes over, which converges from the tail's asymptote.
func normalQuantile(p float64) float64 {
	switch {
	case p > 0.5:
		return -normalQuantile(1 - p)
	case p > 1e-3 || !(p > 0):
		return -math.Sqrt2 * math.Erfcinv(2*p)
	}
	z := -math.Sqrt(-2 * math.Log(p))
	for range 20 {
		cdf := normalCDF(z)
		step := (math.Log(cdf) - math.Log(p)) * cdf / (math.Exp(-z*z/2) / math.Sqrt(2*math.Pi))
		z -= step
		if math.Abs(step) < 1e-14*-z {
			break
		}
	}
	return z
}

// studentTail is the probability that |T| exceeds t >= 0 with df degrees of freedom.
// With very many it is the normal distribution.
func studentTail(t, df float64) float64 {
	if math.IsInf(t, 0) {
		return 0
	}
	if df > 1e8 {
		return math.Erfc(t / math.Sqrt2)
	}
	return betaInc(df/(df+t*t), df/2, 0.5)
}

// chiTail is the probability that a chi-squared variable with one degree of
// freedom exceeds x.
func chiTail(x float64) float64 { return math.Erfc(math.Sqrt(x / 2)) }

// betaInc is the regularized incomplete beta function I_x(a, b), by the
// continued fraction DLMF 8.17.22, evaluated on the side where it converges in
// O(sqrt(max(a, b))) steps.
func betaInc(x, a, b float64) float64 { return math.Exp(logBetaInc(x, a, b)) }

// logBetaInc is the logarithm of betaInc, for probabilities below the smallest
// float.
func logBetaInc(x, a, b float64) float64 {
	switch {
	case math.IsNaN(x) || a < 0 || b < 0:
		return math.NaN()
	case x <= 0 || b == 0 && x < 1:
		return math.Inf(-1)
	case x >= 1 || a == 0:
		return 0
	}
	front := a*math.Log(x) + b*math.Log1p(-x) - logBeta(a, b)
	if x < (a+1)/(a+b+2) {
		return min(0, front+math.Log(betaFraction(x, a, b)/a))
	}
	return math.Log1p(-min(1, math.Exp(front)*betaFraction(1-x, b, a)/b))
}

// betaFraction evaluates the continued fraction by Lentz's method.
func betaFraction(x, a, b float64) float64 {
	const tiny, steps, precision = 1e-300, 100_000, 1e-15
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c := 1.0
	d := 1 / away(1-(a+b)*x/(a+1))
	h := d
	for i := 1; i <= steps; i++ {
		m := float64(i)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / away(1+even*d)
		c = away(1 + even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / away(1+odd*d)
		c = away(1 + odd/c)
		h *= d * c
		if math.Abs(d*c-1) < precision {
			break
		}
	}
	return h
}

// betaQuantile is the x with I_x(a, b) = p, by bisection: 60 halvings are as
// exact as a float is, and cannot fail to converge.
func betaQuantile(p, a, b float64) float64 {
	lo, hi := 0.0, 1.0
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			break
		}
		if betaInc(mid, a, b) < p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2
}

// logBeta is the logarithm of the beta function. For large arguments the terms
// of Stirling's formula that cancel are left out, as R's lbeta does.
func logBeta(a, b float64) float64 {
	p, q := min(a, b), max(a, b)
	switch {
	case q < 10:
		return logGamma(p) + (logGamma(q) - logGamma(p+q))
	case p < 10:
		rest := stirlingRest(q) - stirlingRest(p+q)
		return logGamma(p) + rest + p - p*math.Log(p+q) + (q-0.5)*math.Log1p(-p/(p+q))
	}
	rest := stirlingRest(p) + stirlingRest(q) - stirlingRest(p+q)
	return math.Log(2*math.Pi/q)/2 + rest + (p-0.5)*math.Log(p/(p+q)) + q*math.Log1p(-p/(p+q))
}

// stirlingRest is what Stirling's formula lacks of logGamma(x), for x >= 10.
func stirlingRest(x float64) float64 {
	y := 1 / (x * x)
	return (1.0/12 - y*(1.0/360-y*(1.0/1260-y*(1.0/1680-y/1188)))) / x
}

func logGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// logChoose is the logarithm of n over k.
func logChoose(n, k float64) float64 {
	return -math.Log1p(n) - logBeta(n-k+1, k+1)
}
