package config

import (
	"fmt"
	"slices"
)

// retiredKeys maps keys of earlier versions to their replacements. A file that
// still has one is read, with a notice.
var retiredKeys = map[string]string{
	"returns.log":           "set returns.kind to log_returns",
	"returns.max_flat_days": "set the severity of data.flat_stretch in gates.severity",
	"bayes.flat_share":      "set bayes.model, or bayes.of for single strategies",
	"bayes.escalate":        "bound the attempts of the sampler by bayes.max_gradients",
}

// renamedAllocators are benchmark allocators of earlier versions.
var renamedAllocators = map[string]string{"risk_parity": "hrp"}

// retire reads a key of an earlier version and reports whether there is one of
// that name. where is for messages.
func (l *loader) retire(key string, value any, origin Origin, where string) bool {
	remedy, ok := retiredKeys[key]
	if !ok {
		return false
	}
	effect := "it is ignored"
	if key == "returns.log" {
		on, err := truth(value)
		switch {
		case err != nil:
			l.problem("%s: returns.log: %w", where, err)
			return true
		case on && l.v.GetString("returns.kind") == "prices":
			l.problem("%s: returns.log does not apply to returns.kind prices; remove it", where)
			return true
		case on:
			l.v.Set("returns.kind", "log_returns")
			l.origins["returns.kind"] = origin
			effect = "it is read as returns.kind log_returns"
		}
	}
	l.notices = append(l.notices, fmt.Sprintf("%s: %s is retired: %s; %s", where, key, effect, remedy))
	return true
}

// truth reads a boolean of YAML or of text.
func truth(value any) (bool, error) {
	switch fmt.Sprint(value) {
	case "true":
		return true, nil
	case "false", "<nil>":
		return false, nil
	}
	return false, fmt.Errorf("%q is not true or false", clip(fmt.Sprint(value)))
}

func (l *loader) renameAllocators(c *Config) {
	c.Backtest.Compare = slices.Clone(c.Backtest.Compare)
	names := map[string]*string{"backtest.benchmark": &c.Backtest.Benchmark}
	for i := range c.Backtest.Compare {
		names[fmt.Sprintf("backtest.compare[%d]", i)] = &c.Backtest.Compare[i]
	}
	var notices []string
	for key, name := range names {
		if now, ok := renamedAllocators[*name]; ok {
			notices = append(notices, fmt.Sprintf("%s: %s is now %s", key, *name, now))
			*name = now
		}
	}
	slices.Sort(notices)
	l.notices = append(l.notices, notices...)
}
