package scheduler

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/client-go/informers"

	"drydock/engine/controller"
	"drydock/engine/scheduler/configuration"
)

// profile is a configuration.Profile with its plugins. Set once in New.
type profile struct {
	*controller.Voice
	filters []filter
	scores  []weighted
	preempt bool
}

// weighted is a score and what its points are worth in a profile.
type weighted struct {
	score
	weight int64
}

func newProfile(p configuration.Profile, f informers.SharedInformerFactory, v *volumes, cfg controller.Config) *profile {
	made := &profile{Voice: controller.NewVoice(p.SchedulerName, cfg)}
	off := func(name string) bool { return slices.Contains(p.Disabled, name) }
	made.filters = slices.DeleteFunc(filters(p, f, v), func(f filter) bool { return off(f.Name()) || slices.Contains(p.NoFilter, f.Name()) })
	for _, s := range scores(p, f) {
		weight, given := p.Weights[s.Name()]
		if !given {
			weight = s.Weight()
		}
		if weight > 0 && !off(s.Name()) {
			made.scores = append(made.scores, weighted{s, weight})
		}
	}
	made.preempt = !off(defaultPreemption)
	return made
}

// filters are the plugins in the order they are asked; the first refusal counts.
func filters(p configuration.Profile, f informers.SharedInformerFactory, v *volumes) []filter {
	return []filter{
		nodeUnschedulable{},
		nodeName{},
		taintToleration{},
		nodeAffinity{},
		nodePorts{},
		resourcesFit{strategy: fit(p.Fit)},
		volumeRestrictions{v},
		volumeBinding{v},
		volumeZone{v},
		podTopologySpread{newOwners(f)},
		interPodAffinity{f.Core().V1().Namespaces().Lister()},
	}
}

func scores(p configuration.Profile, f informers.SharedInformerFactory) []score {
	return []score{
		taintToleration{},
		nodeAffinity{},
		podTopologySpread{newOwners(f)},
		interPodAffinity{f.Core().V1().Namespaces().Lister()},
		resourcesFit{strategy: fit(p.Fit)},
		balancedAllocation{},
		imageLocality{},
	}
}

// newProfiles makes the profiles by name; without any, the default one.
func newProfiles(cfg Config, v *volumes) (map[string]*profile, error) {
	profiles := map[string]*profile{}
	voices := controller.Config{Client: cfg.Client, Decisions: cfg.Decisions}
	for _, p := range cfg.Profiles {
		if p.SchedulerName == "" || profiles[p.SchedulerName] != nil {
			return nil, fmt.Errorf("scheduler profile %q: a name of its own is expected", p.SchedulerName)
		}
		profiles[p.SchedulerName] = newProfile(p, cfg.Informers, v, voices)
	}
	if len(profiles) == 0 {
		profiles[name] = newProfile(configuration.Profile{SchedulerName: name}, cfg.Informers, v, voices)
	}
	return profiles, nil
}

// speak opens the voices of all profiles.
func (s *Scheduler) speak(ctx context.Context) (stop func()) {
	var stops []func()
	for _, p := range s.profiles {
		stops = append(stops, p.Speak(ctx))
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}
