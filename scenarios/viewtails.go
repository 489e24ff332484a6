package scenarios

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// tailView is a CVaR view with its scenarios in the order of their returns.
type tailView struct {
	view  View
	at    int // index among the views
	r     []float64
	order []int // scenarios by return, the lowest first
	now   int   // number of scenarios in the tail
}

// tailViews adds views of CVaR to those that are linear. For the worst k scenarios of a strategy, "they have
// probability 1-alpha together and mean return -CVaR" is linear; the k with the least relative
// entropy is searched for (Meucci, Ardia and Keel 2011, "Fully flexible extreme views"), for several
// views in turn. A view of at least or at most that holds already adds nothing.
func (s *Set) tailViews(views []View, prior []float64, linear []condition, got pooled) ([]float64, float64, error) {
	var active []*tailView
	for range len(views) + 1 {
		added := false
		for i, v := range views {
			if v.Kind != TailLoss || slices.ContainsFunc(active, func(t *tailView) bool { return t.at == i }) {
				continue
			}
			r, err := s.returnsOf(v)
			if err != nil {
				return nil, 0, err
			}
			if cvar := CVaR(r, got.prob, v.Level()); v.Relation == AtLeast && cvar >= v.Value || v.Relation == AtMost && cvar <= v.Value {
				continue
			}
			t := &tailView{view: v, at: i, r: r, order: make([]int, len(r))}
			for k := range t.order {
				t.order[k] = k
			}
			sort.SliceStable(t.order, func(a, b int) bool { return r[t.order[a]] < r[t.order[b]] })
			active, added = append(active, t), true
		}
		if !added {
			return got.prob, got.effective, nil
		}
		if got = search(prior, linear, active); got.prob == nil {
			names := make([]string, len(views))
			for i, v := range views {
				names[i] = v.Name
			}
			return nil, 0, &ViewsError{names, fmt.Sprintf("no probabilities of the %d scenarios satisfy them; relax or drop one", len(prior))}
		}
	}
	return got.prob, got.effective, nil
}

// tail is the two conditions of the worst k scenarios.
func (t *tailView) tail(k int) []condition {
	in, mean := make([]float64, len(t.r)), make([]float64, len(t.r))
	for _, s := range t.order[:k] {
		in[s], mean[s] = 1, t.r[s]
	}
	p := 1 - t.view.Level()
	return []condition{{f: in, value: p, equal: true, view: t.at}, {f: mean, value: -t.view.Value * p, equal: true, view: t.at}}
}

// search finds the sizes of the tails with the least relative entropy to the prior; without
// probabilities where there are none.
func search(prior []float64, linear []condition, active []*tailView) pooled {
	entropy := func(t *tailView, k int, most float64) (float64, pooled) {
		all := slices.Clone(linear)
		for _, other := range active {
			switch {
			case other == t:
				all = append(all, t.tail(k)...)
			case other.now > 0:
				all = append(all, other.tail(other.now)...)
			}
		}
		got := poolBelow(prior, all, most)
		if got.unmet != nil {
			return math.Inf(1), pooled{}
		}
		sum := 0.0
		for i, p := range got.prob {
			if p > 0 {
				sum += p * math.Log(p/prior[i])
			}
		}
		return sum, got
	}
	limit := 0.0 // the relative entropy of a single scenario
	for _, p := range prior {
		if p > 0 {
			limit = max(limit, -math.Log(p))
		}
	}
	var best pooled
	for range 3 {
		moved := false
		for _, t := range active {
			// The tail has scenarios on both sides of its mean, and one is left outside.
			least := sort.Search(len(t.order), func(k int) bool { return t.r[t.order[k]] > -t.view.Value })
			k, got := minimize(least+1, len(t.order)-1, t.now, limit, func(k int, most float64) (float64, pooled) { return entropy(t, k, most) })
			if got.prob == nil {
				return pooled{}
			}
			moved = moved || 500*max(k-t.now, t.now-k) > k
			t.now, best = k, got
		}
		if len(active) == 1 || !moved {
			break
		}
	}
	return best
}

// minimize searches the least value, below limit, of a function of an integer that falls and then rises,
// first on a grid that is fine where tails are small, to a 500th of it. f may stop where its value is beyond most.
func minimize(low, high, guess int, limit float64, f func(k int, most float64) (float64, pooled)) (at int, best pooled) {
	seen := map[int]float64{}
	least := limit
	try := func(k int) float64 {
		if v, ok := seen[k]; ok {
			return v
		}
		v, got := f(k, least+1e-9)
		if seen[k] = v; v < least {
			least, at, best = v, k, got
		}
		return v
	}
	if low > high {
		return 0, pooled{}
	}
	if guess >= low && guess <= high {
		try(guess)
	}
	const points = 12
	grid := []int{low}
	for i := 1; i <= points; i++ {
		k := int(math.Round(float64(low) * math.Pow(float64(high)/float64(low), float64(i)/points)))
		if k > grid[len(grid)-1] {
			grid = append(grid, k)
		}
	}
	for _, k := range grid {
		try(k)
	}
	if best.prob == nil {
		return 0, pooled{}
	}
	i, _ := slices.BinarySearch(grid, at)
	a, b := grid[max(0, i-1)], grid[min(len(grid)-1, i+1)]
	for b-a > max(4, at/500) { // what is not better than the best bounds where the least is
		k := (a + at) / 2
		if b-at > at-a {
			k = (at + b + 1) / 2
		}
		before := at
		try(k)
		switch better := at == k; {
		case better && k > before:
			a = before
		case better:
			b = before
		case k < at:
			a = k
		default:
			b = k
		}
	}
	for k := a; b-a <= 4 && k <= b; k++ {
		try(k)
	}
	return at, best
}
