package optimize

import (
	"math"
	"slices"
)

// Binding is a limit that keeps the weights from being better, and the options without it.
type Binding struct {
	Name    string // key of the limit, with its name where it has one
	Without Options
}

// Limited reports options with a limit that can be taken away.
func (o Options) Limited() bool {
	return o.MinWeight != 0 || o.MaxWeight < o.Budget || len(o.Bounds) > 0 || len(o.Groups) > 0 || len(o.Exposures) > 0 || o.MinAnnualReturn != nil ||
		o.MaxLeverage != nil || o.MaxTurnover != nil || o.MaxDistance != nil || o.MaxCVaR != nil || o.MinPosition != 0 || o.MaxPositions != 0
}

// Binding lists the limits that bind at a solution: those with a shadow price, of which a limit on
// a single weight is one of optimize.bounds or else of max_weight, and limits on positions, which
// have none. No short positions (min_weight 0) are what the weights are, and no limit here.
// The current weights are a limit of none of the options: indifference is off.
func (o Options) Binding(s *Solution) []Binding {
	o.Indifference, o.Ranges, o.Frontier = 0, false, 0
	var list []Binding
	add := func(name string, change func(o *Options)) {
		if slices.ContainsFunc(list, func(b Binding) bool { return b.Name == name }) {
			return
		}
		without := o
		change(&without)
		list = append(list, Binding{name, without})
	}
	own := func(strategy string, upper bool) int {
		return slices.IndexFunc(o.Bounds, func(b Bound) bool {
			return b.Name == strategy && (upper && b.Max != nil || !upper && b.Min != nil)
		})
	}
	bound := func(k int, upper bool) {
		add("optimize.bounds: "+o.Bounds[k].Name, func(o *Options) {
			o.Bounds = slices.Clone(o.Bounds)
			if upper {
				o.Bounds[k].Max = nil
			} else {
				o.Bounds[k].Min = nil
			}
		})
	}
	for _, p := range s.ShadowPrices {
		upper := p.Side == "upper"
		k := own(p.Name, upper)
		at := slices.Index(s.Names, p.Name)
		switch {
		case k >= 0:
			bound(k, upper)
		case at >= 0 && upper && o.MinWeight >= 0 && o.MaxWeight >= o.Budget: // long-only weights reach it together only
		case at >= 0 && upper && (!o.Cash || p.Name != Cash):
			add(keyMaxWeight, func(o *Options) { o.MaxWeight = math.Abs(o.Budget) + float64(len(s.Names))*math.Abs(o.MinWeight) })
		case at >= 0 && !upper && o.MinWeight > 0:
			add(keyMinWeight, func(o *Options) { o.MinWeight = 0 })
		case at >= 0 && !upper && o.MinWeight < 0:
			add(keyMinWeight, func(o *Options) { o.MinWeight = -math.Abs(o.Budget) - float64(len(s.Names))*math.Abs(o.MaxWeight) })
		case p.Name == keyMinReturn:
			add(p.Name, func(o *Options) { o.MinAnnualReturn = nil })
		case p.Name == keyMaxLeverage:
			add(p.Name, func(o *Options) { o.MaxLeverage = nil })
		case p.Name == keyMaxTurnover:
			add(p.Name, func(o *Options) { o.MaxTurnover = nil })
		case p.Name == keyMaxDistance:
			add(p.Name, func(o *Options) { o.MaxDistance = nil })
		case p.Name == keyMaxCVaR:
			add(p.Name, func(o *Options) { o.MaxCVaR = nil })
		default:
			if i := slices.IndexFunc(o.Groups, func(g Group) bool { return keyGroups+g.Name == p.Name }); i >= 0 {
				add(p.Name, func(o *Options) { o.Groups = slices.Delete(slices.Clone(o.Groups), i, i+1) })
			}
			if i := slices.IndexFunc(o.Exposures, func(e Exposure) bool { return keyExposures+e.Name == p.Name }); i >= 0 {
				add(p.Name, func(o *Options) { o.Exposures = slices.Delete(slices.Clone(o.Exposures), i, i+1) })
			}
		}
	}
	if o.MinPosition != 0 {
		add(keyMinPosition, func(o *Options) { o.MinPosition = 0 })
	}
	if o.MaxPositions != 0 {
		add(keyMaxPositions, func(o *Options) { o.MaxPositions = 0 })
	}
	return list
}
