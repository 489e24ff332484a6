package config

import (
	"fmt"
	"slices"
	"strings"

	"allocate/bayes"
	"allocate/scenarios"
)

// The presets: static forecasts as every version did, adaptive ones follow volatility and
// correlation.
const (
	Static   = "static"
	Adaptive = "adaptive"
)

// preset sets the keys of a preset that differ from Default.
func (c *Config) preset(name string) error {
	switch name {
	case Static:
	case Adaptive:
		c.Bayes.Model, c.Bayes.Refit, c.Scenarios.Dependence = bayes.MixedFamily, bayes.RefitMonthly, scenarios.DCC
	default:
		return fmt.Errorf("preset: is %q; expected %s or %s", clip(name), Static, Adaptive)
	}
	c.Preset = name
	return nil
}

// Preset returns the defaults of a preset.
func Preset(name string) (Config, error) {
	c := Default()
	return c, c.preset(name)
}

// applyPreset sets the keys of the preset that no source sets, and tells of those that one
// sets to something else: of an adaptive preset they would otherwise be a static forecast in
// silence.
//
// In a file of a version without presets bayes.model auto meant student_t.
func (l *loader) applyPreset() {
	name, given := l.v.Get("preset").(string)
	if !given {
		if l.v.GetString("bayes.model") == bayes.MixedFamily && l.origins["bayes.model"].Kind == "file" {
			l.v.Set("bayes.model", Default().Bayes.Model)
			l.notices = append(l.notices, fmt.Sprintf("%s: bayes.model: auto is %s in a configuration without preset, as in earlier versions; add preset: %s for models weighted by evidence", l.origins["bayes.model"].Detail, Default().Bayes.Model, Adaptive))
		}
		l.plainOverrides()
		return
	}
	c, err := Preset(name)
	if err != nil {
		l.problem("%s: %w", l.origins["preset"], err)
		return
	}
	base := Default()
	plain := Values(&base)
	var others []string
	for i, f := range Values(&c) {
		if FormatValue(f.Default) == FormatValue(plain[i].Default) || f.Key == "preset" {
			continue
		}
		if l.origins[f.Key].Kind == "default" {
			l.v.Set(f.Key, f.Default)
			l.origins[f.Key] = Origin{"preset", name}
		} else if got := l.v.Get(f.Key); FormatValue(got) != FormatValue(f.Default) {
			others = append(others, fmt.Sprintf("%s: %v (%s)", f.Key, got, l.origins[f.Key]))
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		l.notices = append(l.notices, fmt.Sprintf("preset %s, except %s", name, strings.Join(others, ", ")))
	}
}

// plainOverrides is applyPreset for the overrides of a file of a version without presets.
func (l *loader) plainOverrides() {
	list, is := l.v.Get("bayes.of").([]any)
	if !is || l.origins["bayes.of"].Kind != "file" {
		return
	}
	changed := false
	for _, item := range list {
		if x, is := item.(map[string]any); is && x["model"] == bayes.MixedFamily {
			x["model"], changed = Default().Bayes.Model, true
		}
	}
	if changed {
		l.v.Set("bayes.of", list)
		l.notices = append(l.notices, fmt.Sprintf("%s: bayes.of: model auto is %s in a configuration without preset, as in earlier versions; add preset: %s", l.origins["bayes.of"].Detail, Default().Bayes.Model, Static))
	}
}
