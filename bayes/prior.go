package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Prior is the prior of one parameter as the configuration writes it, a family
// with its parameters in Stan's order:
//
//	normal(location, scale)
//	student_t(df, location, scale)
//	gamma(shape, rate)      exponential(rate)      fixed(value)
//
// Which families a parameter takes, and in which unit, is said at its option.
type Prior string

// prior is a Prior read: the family and its parameters by name.
type prior struct {
	family          string
	df              float64 // student_t
	location, scale float64 // normal, student_t; fixed has a location only
	shape, rate     float64 // gamma; an exponential has shape 1
}

// The families that a parameter on the whole line takes, and that nu takes.
var (
	locationFamilies = []string{"normal", "student_t"}
	tailFamilies     = []string{"gamma", "exponential", "fixed"}
)

var priorForms = map[string]string{
	"normal":      "normal(location, scale)",
	"student_t":   "student_t(df, location, scale)",
	"gamma":       "gamma(shape, rate)",
	"exponential": "exponential(rate)",
	"fixed":       "fixed(value)",
}

// parse reads p, which must be of one of the given families.
func (p Prior) parse(families []string) (prior, error) {
	var forms []string
	for _, f := range families {
		forms = append(forms, priorForms[f])
	}
	expected := strings.Join(forms, " or ")
	name, rest, found := strings.Cut(strings.TrimSpace(string(p)), "(")
	name = strings.TrimSpace(name)
	inner, closed := strings.CutSuffix(rest, ")")
	form := ""
	for _, f := range families {
		if f == name {
			form = priorForms[f]
		}
	}
	if !found || !closed || form == "" {
		return prior{}, fmt.Errorf("is %q; expected %s", string(p), expected)
	}
	var v []float64
	for _, text := range strings.Split(inner, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(x) || math.Abs(x) > 1e6 {
			return prior{}, fmt.Errorf("is %q; %q is not a number, or exceeds a million in absolute value", string(p), strings.TrimSpace(text))
		}
		v = append(v, x)
	}
	if want := strings.Count(form, ",") + 1; len(v) != want {
		return prior{}, fmt.Errorf("is %q with %d parameters; expected %s", string(p), len(v), form)
	}
	positive := func(what string, x float64) error {
		if !(x > 0) {
			return fmt.Errorf("is %q; %s must be above 0", string(p), what)
		}
		return nil
	}
	out := prior{family: name}
	var err error
	switch name {
	case "normal":
		out.location, out.scale = v[0], v[1]
		err = positive("scale", v[1])
	case "student_t":
		out.df, out.location, out.scale = v[0], v[1], v[2]
		if err = positive("df", v[0]); err == nil {
			err = positive("scale", v[2])
		}
	case "gamma":
		out.shape, out.rate = v[0], v[1]
		if err = positive("shape", v[0]); err == nil {
			err = positive("rate", v[1])
		}
	case "exponential":
		out.shape, out.rate = 1, v[0]
		err = positive("rate", v[0])
	case "fixed":
		out.location = v[0]
		if !(v[0] > 2) {
			err = fmt.Errorf("is %q; nu must be above 2, where the variance is finite", string(p))
		}
	}
	return out, err
}

// shifted returns the prior of x + by, of a family on the whole line.
func (p prior) shifted(by float64) prior {
	p.location += by
	return p
}

// logDensity returns the log density at x, up to a constant, and its
// derivative, of a family on the whole line.
func (p *prior) logDensity(x float64) (lp, slope float64) {
	z := (x - p.location) / p.scale
	if p.df > 0 { // a student_t
		t := 1 + z*z/p.df
		return -(p.df + 1) / 2 * math.Log(t), -(p.df + 1) / p.df * z / (t * p.scale)
	}
	return -z * z / 2, -z / p.scale
}

// logDensityOfLog returns the log density of k = ln x, up to a constant, and
// its derivative, where x = e^k has a gamma prior.
func (p *prior) logDensityOfLog(k, x float64) (lp, slope float64) {
	return p.shape*k - p.rate*x, p.shape - p.rate*x
}

// draw returns a value; that of x for a gamma and of nu for a fixed prior.
func (p *prior) draw(rng *rand.Rand) float64 {
	switch p.family {
	case "normal":
		return p.location + p.scale*rng.NormFloat64()
	case "student_t":
		return p.location + p.scale*rng.NormFloat64()/math.Sqrt(drawGamma(rng, p.df/2)/(p.df/2))
	case "fixed":
		return p.location
	}
	return drawGamma(rng, p.shape) / p.rate
}

// drawGamma returns a Gamma(shape, 1) variate by Marsaglia and Tsang (ACM
// Transactions on Mathematical Software 26, 2000), raised for shape below 1.
func drawGamma(rng *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return drawGamma(rng, shape+1) * math.Exp(-rng.ExpFloat64()/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		u := 1 - rng.Float64()
		if xx := x * x; u < 1-0.0331*xx*xx || math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
