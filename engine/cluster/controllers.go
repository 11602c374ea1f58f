package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"drydock/engine/controller"
	"drydock/engine/controller/cronjob"
	"drydock/engine/controller/daemonset"
	"drydock/engine/controller/deployment"
	"drydock/engine/controller/disruption"
	"drydock/engine/controller/endpoints"
	"drydock/engine/controller/endpointslice"
	"drydock/engine/controller/garbagecollector"
	"drydock/engine/controller/job"
	"drydock/engine/controller/namespace"
	"drydock/engine/controller/nodelifecycle"
	"drydock/engine/controller/persistentvolume"
	"drydock/engine/controller/podgc"
	"drydock/engine/controller/provisioner"
	"drydock/engine/controller/replicaset"
	"drydock/engine/controller/replication"
	"drydock/engine/controller/resourcequota"
	"drydock/engine/controller/service"
	"drydock/engine/controller/serviceaccount"
	"drydock/engine/controller/servicecidr"
	"drydock/engine/controller/statefulset"
	"drydock/engine/controller/ttl"
	"drydock/engine/controller/ttlafterfinished"
	"drydock/engine/controller/volumeprotection"
	"drydock/engine/scheduler"
	"drydock/engine/scheduler/configuration"
)

// runner is a part that works until its context ends.
type runner interface {
	Run(ctx context.Context) error
}

// startControllers starts the controllers and the scheduler. Each of the two is a component with informers of its own.
func (c *Cluster) startControllers(ctx context.Context) error {
	return errors.Join(c.addComponent(ctx, controlling, c.prepareControllers), c.addComponent(ctx, scheduling, c.prepareScheduler))
}

// prepareControllers makes every controller, then starts what they watch: an informer must know all its listeners' kinds before
// it starts.
func (c *Cluster) prepareControllers(ctx context.Context) (map[string]part, error) {
	config, err := c.controllerConfig("system:kube-controller-manager")
	if err != nil {
		return nil, err
	}
	controllers, err := c.controllers(config)
	if err != nil {
		return nil, err
	}
	config.Informers.StartWithContext(ctx)
	parts := map[string]part{}
	for name, controller := range controllers {
		parts[name+" controller"] = controller.Run
	}
	return parts, nil
}

func (c *Cluster) prepareScheduler(ctx context.Context) (map[string]part, error) {
	config, err := c.controllerConfig("system:kube-scheduler")
	if err != nil {
		return nil, err
	}
	profiles, err := c.schedulerProfiles()
	if err != nil {
		return nil, err
	}
	binder, err := scheduler.New(scheduler.Config{Client: config.Client, Informers: config.Informers, Decisions: c.ring, Profiles: profiles})
	if err != nil {
		return nil, fmt.Errorf("make the scheduler: %w", err)
	}
	config.Informers.StartWithContext(ctx)
	return map[string]part{scheduling: binder.Run}, nil
}

// schedulerProfiles are those of the file that `drydock up --scheduler-config` has left; none without it. It is read each time
// the component starts.
func (c *Cluster) schedulerProfiles() ([]configuration.Profile, error) {
	path := c.opts.Lab.SchedulerConfig()
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("configure the scheduler: %w", err)
	}
	profiles, err := configuration.Read(text)
	if err != nil {
		return nil, fmt.Errorf("configure the scheduler by %s: %w", path, err)
	}
	return profiles, nil
}

// controllers makes them all, by the names kube-controller-manager gives them.
func (c *Cluster) controllers(config controller.Config) (map[string]runner, error) {
	parts := map[string]runner{}
	for name, make := range map[string]func() (runner, error){
		"replicaset":        func() (runner, error) { return replicaset.New(config) },
		"deployment":        func() (runner, error) { return deployment.New(config) },
		"garbage-collector": func() (runner, error) { return garbagecollector.New(config) },
		"namespace":         func() (runner, error) { return namespace.New(config) },
		"node-lifecycle": func() (runner, error) {
			return nodelifecycle.New(config, nodelifecycle.Options{GracePeriod: c.opts.NodeGrace})
		},
		"endpoints":             func() (runner, error) { return endpoints.New(config) },
		"endpointslice":         func() (runner, error) { return endpointslice.New(config) },
		"service":               func() (runner, error) { return service.New(config, firstBalancer, lastBalancer) },
		"servicecidrs":          func() (runner, error) { return servicecidr.New(config) },
		"serviceaccount":        func() (runner, error) { return serviceaccount.New(config, c.ca.pem) },
		"job":                   func() (runner, error) { return job.New(config) },
		"cronjob":               func() (runner, error) { return cronjob.New(config) },
		"ttl-after-finished":    func() (runner, error) { return ttlafterfinished.New(config) },
		"replicationcontroller": func() (runner, error) { return replication.New(config) },
		"daemonset":             func() (runner, error) { return daemonset.New(config) },
		"statefulset":           func() (runner, error) { return statefulset.New(config) },
		"disruption":            func() (runner, error) { return disruption.New(config) },
		"resourcequota":         func() (runner, error) { return resourcequota.New(config) },
		"pod-garbage-collector": func() (runner, error) { return podgc.New(config, podgc.Options{}) },
		"ttl":                   func() (runner, error) { return ttl.New(config) },
		"persistentvolume":      func() (runner, error) { return persistentvolume.New(config) },
		"pvc-protection":        func() (runner, error) { return volumeprotection.NewClaims(config) },
		"pv-protection":         func() (runner, error) { return volumeprotection.NewVolumes(config) },
		"vac-protection":        func() (runner, error) { return volumeprotection.NewAttributes(config) },
		"volume provisioner":    func() (runner, error) { return provisioner.New(config, c.driverOptions()) },
		"volume resizer":        func() (runner, error) { return provisioner.NewResizer(config, c.driverOptions()) },
	} {
		part, err := make()
		if err != nil {
			return nil, fmt.Errorf("make the %s controller: %w", name, err)
		}
		parts[name] = part
	}
	return parts, nil
}

// controllerConfig is how the parts that run as one user reach the API: one client, one set of watches.
func (c *Cluster) controllerConfig(user string) (controller.Config, error) {
	rest, err := c.clientFor(user, "system:masters")
	if err != nil {
		return controller.Config{}, err
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return controller.Config{}, fmt.Errorf("make a client for %s: %w", user, err)
	}
	meta, err := metadata.NewForConfig(rest)
	if err != nil {
		return controller.Config{}, fmt.Errorf("make a metadata client for %s: %w", user, err)
	}
	return controller.Config{
		Client: client, Metadata: meta, Decisions: c.ring,
		Informers: informers.NewSharedInformerFactory(client, 0), // no resync: level-triggered on the watch alone
	}, nil
}
