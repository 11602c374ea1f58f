package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/decision"
	"drydock/engine/scheduler/configuration"
)

// name is what pods ask for in spec.schedulerName unless they say otherwise, and who the Events are from.
const name = configuration.DefaultName

// binders is how many bindings are on their way to the API server at the same time.
const binders = 16

// Config is what the scheduler is made of. Call New before Informers.Start and Run after it.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory
	Decisions decision.Recorder
	// Profiles are the schedulers by name. Empty: the default one alone.
	Profiles []configuration.Profile
}

// Scheduler gives every pod that asks for it a node.
type Scheduler struct {
	// set once in New
	client    kubernetes.Interface
	queue     *queue
	world     *world
	volumes   *volumes
	profiles  map[string]*profile // by spec.schedulerName
	budgets   policylisters.PodDisruptionBudgetLister
	synced    []cache.DoneChecker
	informers informers.SharedInformerFactory

	start int // owned by Run: where the next cycle begins to look at nodes
}

// New makes the scheduler. Nothing runs before Run.
func New(cfg Config) (*Scheduler, error) {
	if cfg.Decisions == nil {
		cfg.Decisions = decision.Discard
	}
	known := newVolumes(cfg.Informers)
	profiles, err := newProfiles(cfg, known)
	if err != nil {
		return nil, err
	}
	s := &Scheduler{
		client:    cfg.Client,
		informers: cfg.Informers,
		queue:     newQueue(),
		world:     newWorld(),
		volumes:   known,
		profiles:  profiles,
		budgets:   cfg.Informers.Policy().V1().PodDisruptionBudgets().Lister(),
	}
	pods, nodes := cfg.Informers.Core().V1().Pods().Informer(), cfg.Informers.Core().V1().Nodes().Informer()
	// Nodes first: a pod whose node is not known yet would count as lost.
	core := cfg.Informers.Core().V1()
	return s, errors.Join(
		s.follow(nodes, nodeHandler{s}), s.follow(pods, podHandler{s}),
		s.follow(core.PersistentVolumeClaims().Informer(), storageHandler{s}), s.follow(core.PersistentVolumes().Informer(), storageHandler{s}),
		s.follow(cfg.Informers.Storage().V1().StorageClasses().Informer(), storageHandler{s}),
	)
}

func (s *Scheduler) follow(informer cache.SharedInformer, handler cache.ResourceEventHandler) error {
	registration, err := informer.AddEventHandler(handler)
	if err != nil {
		return fmt.Errorf("follow for the scheduler: %w", err)
	}
	s.synced = append(s.synced, registration.HasSyncedChecker())
	return nil
}

// Run schedules until ctx ends; then it waits for the bindings on their way.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.speak(ctx)()
	for _, informer := range s.synced {
		select {
		case <-informer.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// The plugins' listers too: a namespace that is not known yet would select nothing.
	s.informers.WaitForCacheSync(ctx.Done())
	var bindings sync.WaitGroup
	defer bindings.Wait()
	slots := make(chan struct{}, binders)
	for {
		attempt, err := s.queue.pop(ctx)
		if err != nil {
			return err
		}
		choice := s.schedule(ctx, attempt)
		if choice == nil {
			continue
		}
		if choice.volumes == nil {
			slots <- struct{}{}
			bindings.Go(func() {
				s.bind(ctx, attempt, choice)
				<-slots
			})
			continue
		}
		// May take long, and must not keep others from being bound: no slot meanwhile.
		bindings.Go(func() { s.bindWithVolumes(ctx, attempt, choice, slots) })
	}
}
