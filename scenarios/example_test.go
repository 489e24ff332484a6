package scenarios_test

import (
	"fmt"

	"allocate/scenarios"
)

// A belief about one strategy moves what is correlated with it, too.
func ExampleSet_Pool() {
	set := &scenarios.Set{
		Horizon: 21,
		Names:   []string{"trend", "carry"},
		Returns: []float64{
			-0.10, -0.05,
			-0.02, 0.01,
			0.03, 0.00,
			0.06, 0.04,
		},
	}
	prob, effective, err := set.Pool([]scenarios.View{
		{Name: "weak trend", Strategy: "trend", Kind: scenarios.Mean, Relation: scenarios.Equal, Value: -0.03},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	set.Prob = prob
	fmt.Printf("probabilities %.2f, worth %.1f scenarios\n", prob, effective)
	fmt.Printf("means %.3f\n", set.Mean())
	// Output:
	// probabilities [0.40 0.25 0.19 0.16], worth 3.7 scenarios
	// means [-0.030 -0.011]
}
