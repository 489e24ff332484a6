package nuts

// Progress is one report of a running chain, plain numbers only.
type Progress struct {
	Chain       int     // from 0
	Iteration   int     // iterations done, warm-up included
	Total       int     // iterations planned; falls when the warm-up stops early
	Warmup      bool    // whether this iteration belongs to the warm-up
	Divergences int     // divergent draws so far, warm-up excluded
	Step        float64 // adapted step, in units of the metric
}

// Observer receives progress, once per chain every 50 iterations and at the
// last. Calls never overlap. A nil Observer is allowed.
type Observer func(Progress)

// observeEvery is the number of iterations between two reports of a chain.
const observeEvery = 50
