package mcmc

import "math"

func sqrt1m(phi float64) float64 { return math.Sqrt(1 - phi*phi) }
