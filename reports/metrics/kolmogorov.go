package metrics

import "math"

// kolmogorovTail is the probability that the Kolmogorov-Smirnov distance of n
// independent uniform values exceeds d.
func kolmogorovTail(d float64, n int) float64 {
	root := math.Sqrt(float64(n))
	s := d * d * float64(n)
	switch {
	case n > 1000:
		x := d * root
		return kolmogorovLimit(x + 1/(6*root) + (x-1)/(4*float64(n))) // Vrbik 2018
	case s > 7.24 || s > 3.76 && n > 99: // Marsaglia, Tsang & Wang 2003, section 4
		return 2 * math.Exp(-(2.000071+0.331/root+1.409/float64(n))*s)
	}
	return 1 - kolmogorovCDF(d, n)
}

// kolmogorovLimit is the tail of Kolmogorov's limiting distribution,
// 2 sum_k (-1)^(k-1) exp(-2 k^2 x^2); for small x by the theta function's other
// series, where the first would not converge.
func kolmogorovLimit(x float64) float64 {
	if x <= 0 {
		return 1
	}
	sum := 0.0
	if x < 1 {
		for k := 1.0; k < 20; k += 2 {
			sum += math.Exp(-k * k * math.Pi * math.Pi / (8 * x * x))
		}
		return 1 - math.Sqrt(2*math.Pi)/x*sum
	}
	sign := 1.0
	for k := 1.0; k < 20; k++ {
		sum += sign * math.Exp(-2*k*k*x*x)
		sign = -sign
	}
	return 2 * sum
}

// kolmogorovCDF is the probability that the distance is below d, by Durbin's
// matrix (1973) to the n-th power as Marsaglia, Tsang & Wang compute it.
func kolmogorovCDF(d float64, n int) float64 {
	k := int(float64(n)*d) + 1
	m := 2*k - 1
	h := float64(k) - float64(n)*d
	a := make([]float64, m*m)
	for i := range m {
		for j := range m {
			if i-j+1 >= 0 {
				a[i*m+j] = 1
			}
		}
	}
	for i := range m {
		a[i*m] -= math.Pow(h, float64(i+1))
		a[(m-1)*m+i] -= math.Pow(h, float64(m-i))
	}
	if 2*h-1 > 0 {
		a[(m-1)*m] += math.Pow(2*h-1, float64(m))
	}
	for i := range m {
		for j := range m {
			for g := 2; g <= i-j+1; g++ {
				a[i*m+j] /= float64(g)
			}
		}
	}
	p := scaled{a, 0}.power(m, n)
	middle := p.a[(k-1)*m+k-1]
	for i := 1; i <= n; i++ { // times n!/n^n, kept in range
		middle *= float64(i) / float64(n)
		if middle < 1e-140 {
			middle *= 1e140
			p.exponent -= 140
		}
	}
	return middle * math.Pow(10, float64(p.exponent))
}

// scaled is a matrix times a power of ten: its own powers leave the range of
// float64.
type scaled struct {
	a        []float64
	exponent int
}

func (s scaled) power(m, n int) scaled {
	if n == 1 {
		return s
	}
	half := s.power(m, n/2)
	p := half.times(half, m)
	if n%2 == 1 {
		p = p.times(s, m)
	}
	if p.a[(m/2)*m+m/2] > 1e140 {
		for i := range p.a {
			p.a[i] *= 1e-140
		}
		p.exponent += 140
	}
	return p
}

func (s scaled) times(t scaled, m int) scaled {
	c := make([]float64, m*m)
	for i := range m {
		row := c[i*m : i*m+m]
		for k := range m {
			v := s.a[i*m+k]
			if v == 0 {
				continue
			}
			for j, w := range t.a[k*m : k*m+m] {
				row[j] += v * w
			}
		}
	}
	return scaled{c, s.exponent + t.exponent}
}
