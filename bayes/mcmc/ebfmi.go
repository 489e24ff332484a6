package mcmc

import "math"

// EBFMI is the energy Bayesian fraction of missing information of one chain:
// the mean square change of the Hamiltonian between draws over its variance
// (Betancourt 2016, arXiv:1604.00695). Below 0.3 the momentum resampling explores
// the energy too slowly, as with heavy tails or funnels.
func EBFMI(energy []float64) float64 {
	if len(energy) < 3 || !usable([][]float64{energy}) {
		return math.NaN()
	}
	var ss float64
	for i, e := range energy[1:] {
		d := e - energy[i]
		ss += d * d
	}
	return ss / float64(len(energy)-1) / variance(energy)
}
