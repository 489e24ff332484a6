package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

type scenarioOptions struct {
	AsOf      returns.Date      `json:"as_of"`
	Scenarios scenarios.Options `json:"scenarios"`
	// Stream is the day whose random numbers are used, if not those of AsOf: of a counterfactual.
	Stream *returns.Date `json:"stream,omitempty"`
}

type scenarioStage struct{ workers int }

// scenarioStream has other random numbers for every as-of date: weights kept from run to
// run (optimize.indifference) average their noise, which the same numbers would repeat.
func scenarioStream(asOf returns.Date, stream func(part string) rand.Source) func(part string) rand.Source {
	return func(part string) rand.Source { return stream(asOf.String() + " " + part) }
}

func (st scenarioStage) run(ctx context.Context, c *engine.Call) ([]byte, error) {
	var o scenarioOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	strategies, err := inputStrategies(c)
	if err != nil {
		return nil, err
	}
	stream := o.AsOf
	if o.Stream != nil {
		stream = *o.Stream
	}
	set, findings, err := scenarios.Generate(ctx, o.AsOf, strategies, o.Scenarios, scenarioStream(stream, c.Stream), st.workers, c.Progress)
	var bad *scenarios.ViewsError
	var unknown *scenarios.NameError
	switch {
	case errors.As(err, &bad), errors.As(err, &unknown):
		return nil, &config.Error{Err: err} // only the data could tell that it is wrong
	case err != nil:
		return nil, err
	}
	table, err := set.Table(findings)
	if err != nil {
		return nil, err
	}
	return columnar.EncodeIPC(table)
}

// fanOptions are those of the scenarios that a fan follows, what cash earns in a
// year, and the root of the scenarios' random numbers.
type fanOptions struct {
	Scenarios  scenarios.Options `json:"scenarios"`
	CashReturn float64           `json:"cash_return"`
	Seed       uint64            `json:"seed"`
}

// fan follows the decided weights along the paths of the scenarios.
func (st scenarioStage) fan(ctx context.Context, c *engine.Call) ([]byte, error) {
	var o fanOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	strategies, err := inputStrategies(c)
	if err != nil {
		return nil, err
	}
	set, decided, err := inputDecision(c)
	if err != nil {
		return nil, err
	}
	weights := make([]float64, len(strategies))
	for j, s := range strategies {
		weights[j] = decided[s.Series.Strategy.Name]
	}
	cash := func(periods int) float64 {
		return decided[optimize.Cash] * optimize.Options{CashReturn: o.CashReturn}.CashOver(periods, set.Frequency)
	}
	f, err := scenarios.NewFan(ctx, strategies, weights, set, cash, o.Scenarios, scenarioStream(set.AsOf, engine.Streams(o.Seed, "scenarios")), st.workers)
	if err != nil {
		return nil, err
	}
	return json.Marshal(f)
}
