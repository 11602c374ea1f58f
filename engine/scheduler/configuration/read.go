package configuration

import (
	"bytes"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	schedulerv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"
)

// DefaultName is what pods ask for unless they say otherwise.
const DefaultName = "default-scheduler"

// Read returns the profiles that a KubeSchedulerConfiguration in YAML or JSON describes, and an error that names all that is
// wrong with it.
func Read(text []byte) ([]Profile, error) {
	var c schedulerv1.KubeSchedulerConfiguration
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return nil, fmt.Errorf("read it as a KubeSchedulerConfiguration: %w", err)
	}
	if want := schedulerv1.SchemeGroupVersion.String(); c.APIVersion != want || c.Kind != "KubeSchedulerConfiguration" {
		return nil, fmt.Errorf("it is apiVersion %q, kind %q; %q and %q are expected", c.APIVersion, c.Kind, want, "KubeSchedulerConfiguration")
	}
	errs := unheeded(&c)
	if len(c.Profiles) == 0 {
		c.Profiles = []schedulerv1.KubeSchedulerProfile{{}}
	}
	var profiles []Profile
	names := map[string]bool{}
	for i := range c.Profiles {
		p, err := profileOf(&c.Profiles[i], len(c.Profiles) == 1)
		if err == nil && names[p.SchedulerName] {
			err = fmt.Errorf("schedulerName: %q is the name of an earlier profile", p.SchedulerName)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("profiles[%d]: %w", i, err))
		}
		names[p.SchedulerName] = true
		profiles = append(profiles, p)
	}
	return profiles, errors.Join(errs...)
}

// unheeded names what kube-scheduler would heed and we would not.
func unheeded(c *schedulerv1.KubeSchedulerConfiguration) []error {
	var errs []error
	for field, given := range map[string]bool{
		"extenders":                len(c.Extenders) > 0,
		"percentageOfNodesToScore": c.PercentageOfNodesToScore != nil,
		"podInitialBackoffSeconds": c.PodInitialBackoffSeconds != nil,
		"podMaxBackoffSeconds":     c.PodMaxBackoffSeconds != nil,
	} {
		if given {
			errs = append(errs, fmt.Errorf("%s: a lab's scheduler does not have this", field))
		}
	}
	return errs
}

func profileOf(p *schedulerv1.KubeSchedulerProfile, alone bool) (Profile, error) {
	made := Profile{}
	if p.SchedulerName != nil {
		made.SchedulerName = *p.SchedulerName
	}
	if made.SchedulerName == "" {
		if !alone {
			return made, errors.New("schedulerName: each of several profiles needs a name")
		}
		made.SchedulerName = DefaultName
	}
	var errs []error
	if p.PercentageOfNodesToScore != nil {
		errs = append(errs, errors.New("percentageOfNodesToScore: a lab's scheduler does not have this"))
	}
	if p.Plugins != nil {
		errs = append(errs, made.choose(p.Plugins))
	}
	for i, c := range p.PluginConfig {
		if err := made.configure(c.Name, c.Args); err != nil {
			errs = append(errs, fmt.Errorf("pluginConfig[%d]: %w", i, err))
		}
	}
	return made, errors.Join(errs...)
}

// configure takes in the arguments of a plugin.
func (p *Profile) configure(plugin string, args runtime.RawExtension) error {
	if !all[plugin].known {
		return unknown(plugin)
	}
	if len(args.Raw) == 0 || bytes.Equal(args.Raw, []byte("{}")) {
		return nil
	}
	if plugin != fitPlugin {
		return fmt.Errorf("%s: a lab's scheduler takes arguments for %s only", plugin, fitPlugin)
	}
	var given schedulerv1.NodeResourcesFitArgs
	if err := yaml.UnmarshalStrict(args.Raw, &given); err != nil {
		return fmt.Errorf("%s: %w", plugin, err)
	}
	if kind := given.Kind; kind != "" && kind != "NodeResourcesFitArgs" {
		return fmt.Errorf("%s: args are of kind %q; NodeResourcesFitArgs is expected", plugin, kind)
	}
	if len(given.IgnoredResources) > 0 || len(given.IgnoredResourceGroups) > 0 {
		return fmt.Errorf("%s: a lab's scheduler ignores no resources", plugin)
	}
	if given.ScoringStrategy == nil {
		return nil
	}
	fit, err := fitOf(given.ScoringStrategy)
	if err != nil {
		return fmt.Errorf("%s: scoringStrategy: %w", plugin, err)
	}
	p.Fit = fit
	return nil
}

// fitOf checks a strategy as upstream does.
func fitOf(s *schedulerv1.ScoringStrategy) (Fit, error) {
	fit := Fit{Type: string(s.Type)}
	for _, r := range s.Resources {
		weight := r.Weight
		if weight == 0 {
			weight = 1
		}
		if weight < 1 || weight > 100 {
			return fit, fmt.Errorf("resources: the weight of %s is %d; 1 to 100 is expected", r.Name, weight)
		}
		fit.Resources = append(fit.Resources, ResourceWeight{Name: corev1.ResourceName(r.Name), Weight: weight})
	}
	switch fit.Type {
	case "", LeastAllocated, MostAllocated:
		return fit, nil
	case RequestedToCapacityRatio:
	default:
		return fit, fmt.Errorf("type %q: %s, %s or %s is expected", fit.Type, LeastAllocated, MostAllocated, RequestedToCapacityRatio)
	}
	if s.RequestedToCapacityRatio == nil || len(s.RequestedToCapacityRatio.Shape) == 0 {
		return fit, errors.New("requestedToCapacityRatio: a shape is expected")
	}
	last := int64(-1)
	for _, point := range s.RequestedToCapacityRatio.Shape {
		at := ShapePoint{Utilization: int64(point.Utilization), Score: int64(point.Score)}
		if at.Utilization <= last || at.Utilization > 100 || at.Score < 0 || at.Score > 10 {
			return fit, fmt.Errorf("shape: utilization %d, score %d: utilizations that rise from 0 to 100 and scores from 0 to 10 are expected", at.Utilization, at.Score)
		}
		last = at.Utilization
		fit.Shape = append(fit.Shape, at)
	}
	return fit, nil
}
