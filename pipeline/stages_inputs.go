package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

func encodeTable(t *columnar.Table, findings []returns.Finding) ([]byte, error) {
	b, err := json.Marshal(findings)
	if err != nil {
		return nil, fmt.Errorf("pipeline: findings: %w", err)
	}
	t.Meta["findings"] = string(b)
	return columnar.EncodeIPC(t)
}

func inputTable(c *engine.Call, name string) (*columnar.Table, []returns.Finding, error) {
	b, err := c.Input(name)
	if err != nil {
		return nil, nil, err
	}
	t, err := columnar.DecodeIPC(b)
	if err != nil {
		return nil, nil, err
	}
	var findings []returns.Finding
	if text, ok := t.Meta["findings"]; ok {
		if err := json.Unmarshal([]byte(text), &findings); err != nil {
			return nil, nil, fmt.Errorf("pipeline: findings: %w", err)
		}
	}
	return t, findings, nil
}

func inputSeries(c *engine.Call, name string) (*returns.Series, error) {
	t, _, err := inputTable(c, name)
	if err != nil {
		return nil, err
	}
	return returns.SeriesFromTable(t)
}

func inputPosterior(c *engine.Call, name string) (*bayes.Posterior, error) {
	t, _, err := inputTable(c, name)
	if err != nil {
		return nil, err
	}
	return bayes.FromTable(t)
}

func inputSet(c *engine.Call, name string) (*scenarios.Set, []returns.Finding, error) {
	t, _, err := inputTable(c, name)
	if err != nil {
		return nil, nil, err
	}
	return scenarios.FromTable(t)
}

// inputDecision is the scenarios among the inputs and the weights that were
// decided over them.
func inputDecision(c *engine.Call) (*scenarios.Set, map[string]float64, error) {
	set, _, err := inputSet(c, "scenarios")
	if err != nil {
		return nil, nil, err
	}
	b, err := c.Input("solution")
	if err != nil {
		return nil, nil, err
	}
	var s optimize.Solution
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, nil, err
	}
	return set, weightsOf(&s), nil
}

func inputStrategies(c *engine.Call) ([]scenarios.Strategy, error) {
	var strategies []scenarios.Strategy
	for _, in := range c.Action.Inputs {
		name, found := strings.CutPrefix(in.Name, "series ")
		if !found {
			continue
		}
		s, err := inputSeries(c, in.Name)
		if err != nil {
			return nil, err
		}
		p, err := inputPosterior(c, "posterior "+name)
		if err != nil {
			return nil, err
		}
		predictor, err := p.Predictor(s)
		if err != nil {
			return nil, err
		}
		strategies = append(strategies, scenarios.Strategy{Series: s, Posterior: p, Predictor: predictor})
	}
	return strategies, nil
}
