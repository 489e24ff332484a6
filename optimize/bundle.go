package optimize

import "context"

type bundled struct {
	W            []float64
	Value, Bound float64
	Iterations   int
	Infeasible   bool
}

func (p *Problem) bundle(ctx context.Context, tol float64, most int) (*bundled, error) {
	panic("stub")
}
