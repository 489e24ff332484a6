package backtest

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// hierarchical returns the weights of hierarchical risk parity (Lopez de Prado
// 2016, "Building diversified portfolios that outperform out of sample"):
// strategies are clustered by the distance sqrt((1 - rho)/2) of their
// correlations, as a tree by single linkage over the Euclidean distances of
// the columns of that matrix; their order in the tree is split in halves again
// and again, and each half gets the other's share of the two variances, a
// variance being that of the half's inverse-variance portfolio.
func hierarchical(s *mat.SymDense) []float64 {
	n := s.SymmetricDim()
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
	}
	if n == 1 {
		return w
	}
	order := leaves(singleLinkage(correlationDistance(s)), n)
	split(s, order, w)
	return w
}

// correlationDistance is the Euclidean distance between the columns of
// sqrt((1 - rho)/2). A strategy that never moves is uncorrelated.
func correlationDistance(s *mat.SymDense) *mat.SymDense {
	n := s.SymmetricDim()
	d := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i + 1; j < n; j++ {
			rho := 0.0
			if v := s.At(i, i) * s.At(j, j); v > 0 {
				rho = s.At(i, j) / math.Sqrt(v)
			}
			d.SetSym(i, j, math.Sqrt(max(0, 1-rho)/2))
		}
	}
	far := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i + 1; j < n; j++ {
			sum := 0.0
			for k := range n {
				x := d.At(k, i) - d.At(k, j)
				sum += x * x
			}
			far.SetSym(i, j, math.Sqrt(sum))
		}
	}
	return far
}

// merge joins two clusters: below n they are strategies, from n on the merges
// before.
type merge struct{ a, b int }

// singleLinkage joins the two nearest clusters until one is left; ties go to
// the lower indices.
func singleLinkage(d *mat.SymDense) []merge {
	n := d.SymmetricDim()
	type cluster struct {
		id      int
		members []int
	}
	var clusters []cluster
	for i := range n {
		clusters = append(clusters, cluster{i, []int{i}})
	}
	near := func(a, b cluster) float64 {
		best := math.Inf(1)
		for _, i := range a.members {
			for _, j := range b.members {
				best = min(best, d.At(i, j))
			}
		}
		return best
	}
	var merges []merge
	for len(clusters) > 1 {
		best, x, y := math.Inf(1), 0, 1
		for i := range clusters {
			for j := i + 1; j < len(clusters); j++ {
				if v := near(clusters[i], clusters[j]); v < best {
					best, x, y = v, i, j
				}
			}
		}
		a, b := clusters[x], clusters[y]
		merges = append(merges, merge{a.id, b.id})
		joined := cluster{n + len(merges) - 1, append(append([]int{}, a.members...), b.members...)}
		clusters = append(clusters[:y], clusters[y+1:]...)
		clusters = append(clusters[:x], clusters[x+1:]...)
		clusters = append(clusters, joined)
	}
	return merges
}

// leaves lists the strategies in the order of the tree.
func leaves(merges []merge, n int) []int {
	var walk func(id int) []int
	walk = func(id int) []int {
		if id < n {
			return []int{id}
		}
		m := merges[id-n]
		return append(walk(m.a), walk(m.b)...)
	}
	return walk(n + len(merges) - 1)
}

// split shares the weight of an ordered list among its halves, down to single
// strategies.
func split(s *mat.SymDense, order []int, w []float64) {
	if len(order) < 2 {
		return
	}
	left, right := order[:len(order)/2], order[len(order)/2:]
	a, b := clusterVariance(s, left), clusterVariance(s, right)
	share := 0.5
	if a+b > 0 {
		share = 1 - a/(a+b)
	}
	for _, i := range left {
		w[i] *= share
	}
	for _, i := range right {
		w[i] *= 1 - share
	}
	split(s, left, w)
	split(s, right, w)
}

// clusterVariance is the variance of the inverse-variance portfolio of some
// strategies.
func clusterVariance(s *mat.SymDense, among []int) float64 {
	inverse := make([]float64, len(among))
	sum := 0.0
	for k, i := range among {
		if v := s.At(i, i); v > 0 {
			inverse[k] = 1 / v
		}
		sum += inverse[k]
	}
	if sum == 0 {
		return 0
	}
	variance := 0.0
	for k, i := range among {
		for l, j := range among {
			variance += inverse[k] * inverse[l] * s.At(i, j)
		}
	}
	return variance / sum / sum
}
