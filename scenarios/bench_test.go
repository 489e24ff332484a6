package scenarios

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// simulated makes n strategies of a t copula with one factor: history days
// long, and a posterior of 4000 draws around the truth as wide as that
// history leaves it.
func simulated(t testing.TB, n, days int, nu, rho float64) []Strategy {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(days)))
	y := make([][]float64, n)
	m := mapFor(nu)
	for range days {
		f, scale := rng.NormFloat64(), math.Sqrt(nu/chiSquare(rng, nu))
		for j := range y {
			x := scale * (math.Sqrt(rho)*f + math.Sqrt(1-rho)*rng.NormFloat64())
			y[j] = append(y[j], 0.0003+0.01*mapFor(5).student(m.normal(x)))
		}
	}
	var s []Strategy
	for j := range y {
		theta := make([][3]float64, 4000)
		for i := range theta {
			e := 0.01 * math.Sqrt(5.0/3) / math.Sqrt(float64(days))
			theta[i] = [3]float64{0.0003 + e*rng.NormFloat64(), 0.01 * (1 + 0.5*e/0.01*rng.NormFloat64()), 4 + 2*rng.Float64()}
		}
		s = append(s, fixed(t, fmt.Sprintf("s%d", j), y[j], theta))
	}
	return s
}

func benchmarkGenerate(b *testing.B, n, count int, dependence string) {
	s := simulated(b, n, 2520, 5, 0.4)
	o := DefaultOptions()
	o.Count, o.Dependence = count, dependence
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Generate(context.Background(), 0, s, o, stream(1), 2, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// The bars: 29 x 21 x 10,000 in 0.5 s, 1,000 x 21 x 10,000 and
// 100 x 21 x 100,000 in 30 s, on two cores.
func BenchmarkGenerate29(b *testing.B)          { benchmarkGenerate(b, 29, 10000, TCopula) }
func BenchmarkGenerate29Many(b *testing.B)      { benchmarkGenerate(b, 29, 100000, TCopula) }
func BenchmarkGenerate29Gaussian(b *testing.B)  { benchmarkGenerate(b, 29, 10000, Gaussian) }
func BenchmarkGenerate29Empirical(b *testing.B) { benchmarkGenerate(b, 29, 10000, Empirical) }
func BenchmarkGenerate1000(b *testing.B)        { benchmarkGenerate(b, 1000, 10000, TCopula) }
func BenchmarkGenerate100(b *testing.B)         { benchmarkGenerate(b, 100, 100000, TCopula) }
