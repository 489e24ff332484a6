package bayes_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// model is a bayes.Model made of functions. Its parameters, those whose
// reference is known, are the quantities.
type model struct {
	params    []string // unconstrained
	logp      func(q, grad []float64) float64
	quantity  []string
	constrain func(q, out []float64)
}

func (m *model) Dim() int                     { return len(m.params) }
func (m *model) Names() []string              { return m.quantity }
func (m *model) Constrain(q, theta []float64) { m.constrain(q, theta) }

func (m *model) LogDensity(q, grad []float64) (float64, error) { return m.logp(q, grad), nil }

// references is where the posteriordb references may be found.
const references = "../../shared/reference/posteriordb"

func load(t testing.TB, name, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(references, name, file))
	if err != nil {
		t.Skipf("no posteriordb references: %v", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

var posteriors = []struct {
	name string
	make func(t testing.TB, name string) *model
}{
	{"garch-garch11", garch},
	{"arma-arma11", arma},
	{"arK-arK", arK},
	{"eight_schools-eight_schools_noncentered", eightSchools},
	{"kilpisjarvi_mod-kilpisjarvi", kilpisjarvi},
	{"kidiq-kidscore_momiq", kidscore},
	{"sblrc-blr", blr},
	{"low_dim_gauss_mix-low_dim_gauss_mix", mixture},
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// halfCauchy adds the log density of exp(x) ~ half-Cauchy(scale) with Jacobian.
func halfCauchy(x, scale float64, grad *float64) float64 {
	r := math.Exp(x) / scale
	*grad += 1 - 2*r*r/(1+r*r)
	return x - math.Log1p(r*r)
}

// normal adds the log density of x ~ N(mean, sd).
func normal(x, mean, sd float64, grad *float64) float64 {
	z := (x - mean) / sd
	*grad -= z / sd
	return -z * z / 2
}

func garch(t testing.TB, name string) *model {
	var d struct {
		Y      []float64
		Sigma1 float64
	}
	load(t, name, "data.json", &d)
	return &model{
		params:   []string{"mu", "log_alpha0", "logit_alpha1", "logit_share"},
		quantity: []string{"mu", "alpha0", "alpha1", "beta1"},
		constrain: func(q, out []float64) {
			a1 := logistic(q[2])
			copy(out, []float64{q[0], math.Exp(q[1]), a1, (1 - a1) * logistic(q[3])})
		},
		logp: func(q, grad []float64) float64 {
			mu, a0, a1, u := q[0], math.Exp(q[1]), logistic(q[2]), logistic(q[3])
			b1 := (1 - a1) * u
			s2 := d.Sigma1 * d.Sigma1
			var lp, dMu, dA0, dA1, dB1 float64 // derivatives of s2
			var gMu, gA0, gA1, gB1 float64
			for i, y := range d.Y {
				if i > 0 {
					r := d.Y[i-1] - mu
					dMu = -2*a1*r + b1*dMu
					dA0 = 1 + b1*dA0
					dA1 = r*r + b1*dA1
					dB1 = s2 + b1*dB1
					s2 = a0 + a1*r*r + b1*s2
				}
				e := y - mu
				lp += -0.5*math.Log(s2) - 0.5*e*e/s2
				w := (e*e/s2 - 1) / (2 * s2)
				gMu += e/s2 + w*dMu
				gA0 += w * dA0
				gA1 += w * dA1
				gB1 += w * dB1
			}
			grad[0] = gMu
			grad[1] = gA0*a0 + 1
			grad[2] = (gA1-u*gB1)*a1*(1-a1) + 1 - 3*a1
			grad[3] = gB1*(1-a1)*u*(1-u) + 1 - 2*u
			return lp + q[1] + math.Log(a1) + 2*math.Log1p(-a1) + math.Log(u) + math.Log1p(-u)
		},
	}
}

func arma(t testing.TB, name string) *model {
	var d struct{ Y []float64 }
	load(t, name, "data.json", &d)
	return &model{
		params:    []string{"mu", "phi", "theta", "log_sigma"},
		quantity:  []string{"mu", "phi", "theta", "sigma"},
		constrain: func(q, out []float64) { copy(out, q); out[3] = math.Exp(q[3]) },
		logp: func(q, grad []float64) float64 {
			mu, phi, theta, sigma := q[0], q[1], q[2], math.Exp(q[3])
			clear(grad)
			lp := normal(mu, 0, 10, &grad[0]) + normal(phi, 0, 2, &grad[1]) + normal(theta, 0, 2, &grad[2]) +
				halfCauchy(q[3], 2.5, &grad[3])
			var e, dMu, dPhi, dTheta float64
			for i, y := range d.Y {
				if i == 0 {
					e, dMu, dPhi = y-mu-phi*mu, -(1 + phi), -mu
				} else {
					prev := d.Y[i-1]
					dMu, dPhi, dTheta = -1-theta*dMu, -prev-theta*dPhi, -e-theta*dTheta
					e = y - mu - phi*prev - theta*e
				}
				z := e / sigma
				lp += -z*z/2 - q[3]
				grad[0] -= z / sigma * dMu
				grad[1] -= z / sigma * dPhi
				grad[2] -= z / sigma * dTheta
				grad[3] += z*z - 1
			}
			return lp
		},
	}
}

// regression is y ~ N(Xβ, σ) with normal priors (sd 0: flat) and a prior on log σ.
func regression(x [][]float64, y, mean, sd []float64, names []string, prior func(logSigma float64, grad *float64) float64) *model {
	k := len(sd)
	return &model{
		params: append(names[:k:k], "log_sigma"), quantity: append(names[:k:k], "sigma"),
		constrain: func(q, out []float64) { copy(out, q); out[k] = math.Exp(q[k]) },
		logp: func(q, grad []float64) float64 {
			clear(grad)
			sigma := math.Exp(q[k])
			lp := prior(q[k], &grad[k])
			for j, s := range sd {
				if s > 0 {
					lp += normal(q[j], mean[j], s, &grad[j])
				}
			}
			for i, row := range x {
				e := y[i]
				for j, v := range row {
					e -= v * q[j]
				}
				z := e / sigma
				lp += -z*z/2 - q[k]
				for j, v := range row {
					grad[j] += z / sigma * v
				}
				grad[k] += z*z - 1
			}
			return lp
		},
	}
}

func cauchy25(x float64, grad *float64) float64 { return halfCauchy(x, 2.5, grad) }

func arK(t testing.TB, name string) *model {
	var d struct {
		K int
		Y []float64
	}
	load(t, name, "data.json", &d)
	var x [][]float64
	for i := d.K; i < len(d.Y); i++ {
		row := []float64{1}
		for k := 1; k <= d.K; k++ {
			row = append(row, d.Y[i-k])
		}
		x = append(x, row)
	}
	names := []string{"alpha", "beta[1]", "beta[2]", "beta[3]", "beta[4]", "beta[5]"}
	return regression(x, d.Y[d.K:], make([]float64, 6), []float64{10, 10, 10, 10, 10, 10}, names, cauchy25)
}

func kilpisjarvi(t testing.TB, name string) *model {
	var d struct {
		X, Y                               []float64
		PMuAlpha, PSAlpha, PMuBeta, PSBeta float64
	}
	load(t, name, "data.json", &d)
	var x [][]float64
	for _, v := range d.X {
		x = append(x, []float64{1, v})
	}
	flat := func(_ float64, grad *float64) float64 { *grad++; return 0 }
	m := regression(x, d.Y, []float64{d.PMuAlpha, d.PMuBeta}, []float64{d.PSAlpha, d.PSBeta},
		[]string{"alpha", "beta"}, func(l float64, grad *float64) float64 { flat(l, grad); return l })
	return m
}

func kidscore(t testing.TB, name string) *model {
	var d struct {
		Y []float64 `json:"kid_score"`
		X []float64 `json:"mom_iq"`
	}
	load(t, name, "data.json", &d)
	var x [][]float64
	for _, v := range d.X {
		x = append(x, []float64{1, v})
	}
	return regression(x, d.Y, make([]float64, 2), make([]float64, 2), []string{"beta[1]", "beta[2]"}, cauchy25)
}

func blr(t testing.TB, name string) *model {
	var d struct {
		X [][]float64
		Y []float64
	}
	load(t, name, "data.json", &d)
	return regression(d.X, d.Y, make([]float64, 5), []float64{10, 10, 10, 10, 10},
		[]string{"beta[1]", "beta[2]", "beta[3]", "beta[4]", "beta[5]"},
		func(l float64, grad *float64) float64 {
			s := math.Exp(l)
			*grad += 1 - s*s/100
			return l - s*s/200
		})
}

func eightSchools(t testing.TB, name string) *model {
	var d struct{ Y, Sigma []float64 }
	load(t, name, "data.json", &d)
	m := &model{
		params: []string{"z1", "z2", "z3", "z4", "z5", "z6", "z7", "z8", "mu", "log_tau"},
		quantity: []string{
			"theta[1]", "theta[2]", "theta[3]", "theta[4]", "theta[5]", "theta[6]", "theta[7]", "theta[8]", "mu", "tau",
		},
		constrain: func(q, out []float64) {
			mu, tau := q[8], math.Exp(q[9])
			for j := range 8 {
				out[j] = mu + tau*q[j]
			}
			out[8], out[9] = mu, tau
		},
	}
	m.logp = func(q, grad []float64) float64 {
		clear(grad)
		mu, tau := q[8], math.Exp(q[9])
		lp := normal(mu, 0, 5, &grad[8]) + halfCauchy(q[9], 5, &grad[9])
		for j := range 8 {
			r := (d.Y[j] - mu - tau*q[j]) / d.Sigma[j]
			lp += normal(q[j], 0, 1, &grad[j]) - r*r/2
			w := r / d.Sigma[j]
			grad[8] += w
			grad[j] += w * tau
			grad[9] += w * tau * q[j]
		}
		return lp
	}
	return m
}

func mixture(t testing.TB, name string) *model {
	var d struct{ Y []float64 }
	load(t, name, "data.json", &d)
	return &model{
		params:   []string{"mu1", "log_gap", "log_sigma1", "log_sigma2", "logit_theta"},
		quantity: []string{"mu[1]", "mu[2]", "sigma[1]", "sigma[2]", "theta"},
		constrain: func(q, out []float64) {
			copy(out, []float64{q[0], q[0] + math.Exp(q[1]), math.Exp(q[2]), math.Exp(q[3]), logistic(q[4])})
		},
		logp: func(q, grad []float64) float64 {
			clear(grad)
			gap, s1, s2, theta := math.Exp(q[1]), math.Exp(q[2]), math.Exp(q[3]), logistic(q[4])
			mu1, mu2 := q[0], q[0]+gap
			var gMu2 float64
			lp := normal(mu1, 0, 2, &grad[0]) + normal(mu2, 0, 2, &gMu2)
			lp += q[1] + q[2] - s1*s1/8 + q[3] - s2*s2/8
			grad[2] += 1 - s1*s1/4
			grad[3] += 1 - s2*s2/4
			lp += 5*math.Log(theta) + 5*math.Log1p(-theta)
			grad[4] += 5 * (1 - 2*theta)
			for _, y := range d.Y {
				z1, z2 := (y-mu1)/s1, (y-mu2)/s2
				a := math.Log(theta) - z1*z1/2 - q[2]
				b := math.Log1p(-theta) - z2*z2/2 - q[3]
				top := max(a, b)
				sum := top + math.Log(math.Exp(a-top)+math.Exp(b-top))
				w := math.Exp(a - sum)
				lp += sum
				grad[0] += w * z1 / s1
				gMu2 += (1 - w) * z2 / s2
				grad[2] += w * (z1*z1 - 1)
				grad[3] += (1 - w) * (z2*z2 - 1)
				grad[4] += w - theta
			}
			grad[0] += gMu2
			grad[1] += gMu2*gap + 1
			return lp
		},
	}
}
