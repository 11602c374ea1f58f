package scheduler

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/client-go/informers"

	"drydock/engine/controller"
)

// Profile is how the pods are scheduled that ask for it in spec.schedulerName.
type Profile struct {
	SchedulerName string
	// Fit is how NodeResourcesFit prefers nodes.
	Fit FitStrategy
	// Weights of Score plugins, by name, in place of their own; 0 turns a plugin's points off.
	Weights map[string]int64
	// Disabled plugins, by name, neither refuse nor give points.
	Disabled []string
}

// profile is a Profile with its plugins. Set once in New.
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

func newProfile(p Profile, f informers.SharedInformerFactory, cfg controller.Config) *profile {
	made := &profile{Voice: controller.NewVoice(p.SchedulerName, cfg)}
	off := func(name string) bool { return slices.Contains(p.Disabled, name) }
	made.filters = slices.DeleteFunc(filters(p, f), func(f filter) bool { return off(f.Name()) })
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
func filters(p Profile, f informers.SharedInformerFactory) []filter {
	return []filter{
		nodeUnschedulable{},
		nodeName{},
		taintToleration{},
		nodeAffinity{},
		nodePorts{},
		resourcesFit{strategy: p.Fit},
		podTopologySpread{newOwners(f)},
		interPodAffinity{f.Core().V1().Namespaces().Lister()},
	}
}

func scores(p Profile, f informers.SharedInformerFactory) []score {
	return []score{
		taintToleration{},
		nodeAffinity{},
		podTopologySpread{newOwners(f)},
		interPodAffinity{f.Core().V1().Namespaces().Lister()},
		resourcesFit{strategy: p.Fit},
		balancedAllocation{},
		imageLocality{},
	}
}

// newProfiles makes the profiles by name; the default one is always among them.
func newProfiles(cfg Config) (map[string]*profile, error) {
	profiles := map[string]*profile{}
	voices := controller.Config{Client: cfg.Client, Decisions: cfg.Decisions}
	for _, p := range cfg.Profiles {
		if p.SchedulerName == "" || profiles[p.SchedulerName] != nil {
			return nil, fmt.Errorf("scheduler profile %q: a name of its own is expected", p.SchedulerName)
		}
		profiles[p.SchedulerName] = newProfile(p, cfg.Informers, voices)
	}
	if profiles[name] == nil {
		profiles[name] = newProfile(Profile{SchedulerName: name}, cfg.Informers, voices)
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
