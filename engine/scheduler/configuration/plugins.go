package configuration

import (
	"errors"
	"fmt"
	"slices"

	schedulerv1 "k8s.io/kube-scheduler/config/v1"
)

const fitPlugin = "NodeResourcesFit"

// plugin is what there is to know of one of kube-scheduler's plugins.
type plugin struct {
	known  bool
	here   bool  // a lab's scheduler has it
	filter bool  // it refuses nodes
	weight int64 // of its points; 0: it gives none
	fixed  bool  // every profile needs it
}

var all = map[string]plugin{
	"SchedulingGates":                 {known: true, here: true, fixed: true},
	"PrioritySort":                    {known: true, here: true, fixed: true},
	"DefaultBinder":                   {known: true, here: true, fixed: true},
	"NodeName":                        {known: true, here: true, filter: true},
	"NodeUnschedulable":               {known: true, here: true, filter: true},
	"TaintToleration":                 {known: true, here: true, filter: true, weight: 3},
	"NodeAffinity":                    {known: true, here: true, filter: true, weight: 2},
	"NodePorts":                       {known: true, here: true, filter: true},
	fitPlugin:                         {known: true, here: true, filter: true, weight: 1},
	"PodTopologySpread":               {known: true, here: true, filter: true, weight: 2},
	"InterPodAffinity":                {known: true, here: true, filter: true, weight: 2},
	"DefaultPreemption":               {known: true, here: true},
	"NodeResourcesBalancedAllocation": {known: true, here: true, weight: 1},
	"ImageLocality":                   {known: true, here: true, weight: 1},
	"VolumeRestrictions":              {known: true, here: true, filter: true},
	"NodeVolumeLimits":                {known: true},
	"VolumeBinding":                   {known: true, here: true, filter: true},
	"VolumeZone":                      {known: true, here: true, filter: true},
	"DynamicResources":                {known: true},
}

func unknown(name string) error { return fmt.Errorf("%s: there is no such plugin", name) }

// point is one extension point's wishes.
type point struct {
	name     string
	set      schedulerv1.PluginSet
	plugins  func(plugin) bool // those that work there
	turnsOff bool              // a plugin can be turned off there alone
}

// choose works out which plugins a profile has, and their weights.
func (p *Profile) choose(wishes *schedulerv1.Plugins) error {
	var errs []error
	points := []point{
		{"multiPoint", wishes.MultiPoint, func(plugin) bool { return true }, true},
		{"filter", wishes.Filter, func(p plugin) bool { return p.filter }, true},
		{"score", wishes.Score, func(p plugin) bool { return p.weight > 0 }, true},
		{"postFilter", wishes.PostFilter, func(p plugin) bool { return !p.filter && p.weight == 0 && !p.fixed }, true},
		// These only prepare what the two above ask.
		{"preFilter", wishes.PreFilter, func(p plugin) bool { return p.filter }, false},
		{"preScore", wishes.PreScore, func(p plugin) bool { return p.weight > 0 }, false},
	}
	p.Weights = map[string]int64{}
	for _, at := range points {
		errs = append(errs, p.disable(at), p.enable(at))
	}
	for _, other := range []struct {
		name string
		set  schedulerv1.PluginSet
	}{
		{"preEnqueue", wishes.PreEnqueue},
		{"queueSort", wishes.QueueSort},
		{"reserve", wishes.Reserve},
		{"permit", wishes.Permit},
		{"preBind", wishes.PreBind},
		{"bind", wishes.Bind},
		{"postBind", wishes.PostBind},
	} {
		if len(other.set.Enabled)+len(other.set.Disabled) > 0 {
			errs = append(errs, fmt.Errorf("plugins.%s: a lab's scheduler has no choice of plugins here", other.name))
		}
	}
	return errors.Join(errs...)
}

// disable turns off the plugins that a point names, "*" being all of it.
func (p *Profile) disable(at point) error {
	var errs []error
	for _, off := range at.set.Disabled {
		what := all[off.Name]
		switch {
		case off.Name == "*":
			p.disableAll(at)
		case !what.known:
			errs = append(errs, fmt.Errorf("plugins.%s.disabled: %w", at.name, unknown(off.Name)))
		case what.fixed:
			errs = append(errs, fmt.Errorf("plugins.%s.disabled: %s: a lab's scheduler cannot work without it", at.name, off.Name))
		case what.here && !at.plugins(what):
			errs = append(errs, fmt.Errorf("plugins.%s.disabled: %s does nothing there", at.name, off.Name))
		case what.here:
			errs = append(errs, p.off(at, off.Name))
		}
	}
	return errors.Join(errs...)
}

func (p *Profile) disableAll(at point) {
	for name, what := range all {
		if what.here && !what.fixed && at.plugins(what) && at.turnsOff {
			_ = p.off(at, name) // a point that turns off has no objection
		}
	}
}

// off turns one plugin off at a point.
func (p *Profile) off(at point, name string) error {
	what := all[name]
	switch at.name {
	case "filter":
		p.NoFilter = append(p.NoFilter, name)
	case "score":
		p.Weights[name] = 0
	case "preFilter", "preScore":
		weight, given := p.Weights[name]
		if silent := given && weight == 0; at.name == "preScore" && !silent || at.name == "preFilter" && !slices.Contains(p.NoFilter, name) {
			return fmt.Errorf("plugins.%s.disabled: %s: what it prepares is still asked for; disable it at filter or score too", at.name, name)
		}
	default:
		if what.filter {
			p.NoFilter = append(p.NoFilter, name)
		}
		if what.weight > 0 {
			p.Weights[name] = 0
		}
		if !what.filter && what.weight == 0 {
			p.Disabled = append(p.Disabled, name)
		}
	}
	return nil
}

// enable turns plugins on again that were turned off before, and gives them weights.
func (p *Profile) enable(at point) error {
	var errs []error
	for _, on := range at.set.Enabled {
		what := all[on.Name]
		switch {
		case !what.known:
			errs = append(errs, fmt.Errorf("plugins.%s.enabled: %w", at.name, unknown(on.Name)))
		case !what.here:
			errs = append(errs, fmt.Errorf("plugins.%s.enabled: %s: a lab's scheduler does not have this plugin", at.name, on.Name))
		case !at.plugins(what):
			errs = append(errs, fmt.Errorf("plugins.%s.enabled: %s does nothing there", at.name, on.Name))
		case on.Weight != nil && *on.Weight < 0:
			errs = append(errs, fmt.Errorf("plugins.%s.enabled: %s: its weight is %d; a positive one is expected", at.name, on.Name, *on.Weight))
		default:
			p.on(at, on)
		}
	}
	return errors.Join(errs...)
}

func (p *Profile) on(at point, plugin schedulerv1.Plugin) {
	again := func(list []string) []string {
		return slices.DeleteFunc(list, func(name string) bool { return name == plugin.Name })
	}
	switch at.name {
	case "multiPoint", "postFilter":
		p.Disabled, p.NoFilter = again(p.Disabled), again(p.NoFilter)
		delete(p.Weights, plugin.Name)
	case "filter":
		p.NoFilter = again(p.NoFilter)
	case "score":
		// Named at a point, a plugin weighs 1 unless it says more, as upstream has it.
		p.Weights[plugin.Name] = 1
	}
	if weight := plugin.Weight; weight != nil && *weight > 0 && all[plugin.Name].weight > 0 {
		p.Weights[plugin.Name] = int64(*weight)
	}
}
