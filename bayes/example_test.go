package bayes_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"allocate/bayes"
	"allocate/bayes/mcmc"
	"allocate/returns"
)

// binomialModel is a user's own model: visitors of two pages convert with
// probabilities a and b, each with a Beta prior. It is all that a model needs:
// coordinates on the whole line (the logits), their log density with gradient,
// and names.
type binomialModel struct {
	converted, visitors [2]float64
	alpha, beta         float64 // of both priors
}

func (m *binomialModel) Dim() int        { return 2 }
func (m *binomialModel) Names() []string { return []string{"a", "b", "lift"} }

// LogDensity is that of Beta(alpha + converted, beta + visitors - converted),
// with the Jacobian p(1-p) of the logit, which adds 1 to both exponents less 1.
func (m *binomialModel) LogDensity(q, grad []float64) (float64, error) {
	lp := 0.0
	for i, x := range q {
		p := 1 / (1 + math.Exp(-x))
		yes, no := m.converted[i]+m.alpha, m.visitors[i]-m.converted[i]+m.beta
		lp += yes*math.Log(p) + no*math.Log1p(-p)
		grad[i] = yes*(1-p) - no*p
	}
	return lp, nil
}

func (m *binomialModel) Constrain(q, theta []float64) {
	theta[0], theta[1] = 1/(1+math.Exp(-q[0])), 1/(1+math.Exp(-q[1]))
	theta[2] = theta[1]/theta[0] - 1
}

// Two versions of a page, 1,000 visitors each: is B better than A, and by how
// much? The exact posterior means of the rates are (1+c)/(2+n).
func ExampleSample() {
	m := &binomialModel{converted: [2]float64{120, 150}, visitors: [2]float64{1000, 1000}, alpha: 1, beta: 1}
	p, err := bayes.Sample(context.Background(), m)
	if err != nil {
		fmt.Println(err)
		return
	}
	lift, better := p.Index("lift"), 0.0
	for i := range p.Len() {
		if p.Theta(i)[lift] > 0 {
			better++
		}
	}
	fmt.Println("verdict:", p.Verdict())
	for _, s := range p.Summary[:2] {
		fmt.Printf("%s: %.3f (90%%: %.2f to %.2f)\n", s.Name, s.Mean, s.Q5, s.Q95)
	}
	fmt.Printf("P(B is better): %.2f\n", better/float64(p.Len()))
	// Output:
	// verdict: ok
	// a: 0.121 (90%: 0.10 to 0.14)
	// b: 0.151 (90%: 0.13 to 0.17)
	// P(B is better): 0.97
}

// The draws of one parameter, by chain, are the input of every diagnostic of
// package mcmc.
func ExamplePosterior_Parameter() {
	m := &binomialModel{converted: [2]float64{120, 150}, visitors: [2]float64{1000, 1000}, alpha: 1, beta: 1}
	p, err := bayes.Sample(context.Background(), m)
	if err != nil {
		fmt.Println(err)
		return
	}
	chains := p.Parameter(p.Index("lift"))
	fmt.Println(len(chains), "chains of", len(chains[0]), "draws")
	fmt.Println("R-hat below 1.01:", mcmc.RHat(chains) < 1.01)
	fmt.Println("ESS of the 95% quantile above 400:", mcmc.ESSQuantile(chains, 0.95) > 400)
	// Output:
	// 4 chains of 1000 draws
	// R-hat below 1.01: true
	// ESS of the 95% quantile above 400: true
}

// schools is the model of Rubin's eight schools: effects theta_j ~ Normal(mu,
// tau), measured with known errors. Centered, the sampler moves theta itself; as
// tau falls the thetas crowd together, a funnel that no step size fits.
// Non-centered, it moves z = (theta - mu)/tau, which has no funnel.
type schools struct {
	effect, se [8]float64
	centered   bool
}

func eightSchoolsData(centered bool) *schools {
	return &schools{[8]float64{28, 8, -3, 7, -1, 1, 18, 12}, [8]float64{15, 10, 16, 11, 9, 11, 10, 18}, centered}
}

func (m *schools) Dim() int        { return 10 }
func (m *schools) Names() []string { return []string{"mu", "tau"} }

func (m *schools) LogDensity(q, grad []float64) (float64, error) {
	mu, tau := q[8], math.Exp(q[9])
	// mu ~ Normal(0, 5), tau ~ HalfCauchy(5), with the Jacobian of ln tau.
	r := tau / 5
	lp := -mu*mu/50 - math.Log1p(r*r) + q[9]
	grad[8], grad[9] = -mu/25, 1-2*r*r/(1+r*r)
	for j, x := range q[:8] {
		theta, z := x, (x-mu)/tau
		if !m.centered {
			theta, z = mu+tau*x, x
		}
		e := (m.effect[j] - theta) / m.se[j]
		lp -= e*e/2 + z*z/2
		dTheta := e / m.se[j]
		if m.centered {
			lp -= q[9]
			grad[j] = dTheta - z/tau
			grad[8] += z / tau
			grad[9] += z*z - 1
		} else {
			grad[j] = dTheta*tau - z
			grad[8] += dTheta
			grad[9] += dTheta * tau * x
		}
	}
	return lp, nil
}

func (m *schools) Constrain(q, theta []float64) { theta[0], theta[1] = q[8], math.Exp(q[9]) }

// The same posterior in two forms. The centered one warns, even after the
// ladder's most careful attempt; the other passes.
func ExampleSample_hierarchical() {
	for _, centered := range []bool{true, false} {
		p, err := bayes.Sample(context.Background(), eightSchoolsData(centered))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("centered %v: %s\n", centered, p.Verdict())
	}
	// Output:
	// centered true: warn
	// centered false: ok
}

// simulated are 500 days of Student-t returns with a daily scale of 1%.
func simulated() *returns.Series {
	rng := rand.New(rand.NewPCG(1, 2))
	s := &returns.Series{Strategy: returns.Strategy{Name: "trend"}}
	for i := range 500 {
		chi := 0.0
		for range 5 {
			z := rng.NormFloat64()
			chi += z * z
		}
		s.Dates = append(s.Dates, returns.Date(18000+i))
		s.Returns = append(s.Returns, 0.0005+0.01*rng.NormFloat64()/math.Sqrt(chi/5))
	}
	return s
}

func sources(part string) rand.Source {
	return rand.NewPCG(uint64(len(part)), uint64(part[len(part)-1]))
}

// One strategy: the model is chosen, sampled, judged and checked.
func ExampleFit() {
	p, err := bayes.Fit(context.Background(), simulated(), bayes.DefaultOptions(), sources, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	sigma, sd := p.Summary[p.Index("sigma")], p.Summary[p.Index("sd")]
	fmt.Println(p.Strategy, p.Model, p.Method, p.Verdict())
	fmt.Printf("scale sigma %.3f, standard deviation %.3f per day\n", sigma.Mean, sd.Mean)
	// Output:
	// trend student_t nuts ok
	// scale sigma 0.009, standard deviation 0.012 per day
}

// What the default priors say about a year before any return is seen.
func ExamplePriorPredictive() {
	family, err := bayes.Lookup("student_t")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := simulated()
	m, err := family.New(s, bayes.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	prior, err := bayes.PriorPredictive(m, family.Predictor(s), returns.Daily, 252, 4000, rand.NewPCG(1, 1))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, q := range prior {
		if q.Name == "sharpe" || q.Name == "year_return" {
			fmt.Printf("%s: %.1f to %.1f\n", q.Name, q.Q5, q.Q95)
		}
	}
	// Output:
	// sharpe: -1.6 to 1.7
	// year_return: -0.6 to 0.9
}
