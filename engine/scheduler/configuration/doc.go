// Package configuration reads the file that says which schedulers a lab has.
//
// # Part played
//
// The loading of kube-scheduler's --config file.
//
// # How it works
//
// The file is a KubeSchedulerConfiguration, as kube-scheduler reads it. One that adds a scheduler which packs pods tightly:
//
//	apiVersion: kubescheduler.config.k8s.io/v1
//	kind: KubeSchedulerConfiguration
//	profiles:
//	- schedulerName: default-scheduler
//	- schedulerName: packing
//	  pluginConfig:
//	  - name: NodeResourcesFit
//	    args: {scoringStrategy: {type: MostAllocated}}
//
// Read decodes it strictly: a field that does not exist is an error, and so is one that the scheduler of a lab would not
// heed. Then each profile's plugins are worked out (plugins.go): all are on at first; multiPoint, filter, score and
// postFilter may turn them off or give them another weight. What comes out is a Profile, which package scheduler takes.
//
// It is a package of its own because `drydock up` reads the file before it starts anything, and must not link a scheduler.
//
// # Left out
//
// Extenders, percentageOfNodesToScore, back-off times, arguments of plugins other than NodeResourcesFit: each is refused by
// name. leaderElection, clientConnection, parallelism and profiling are accepted and mean nothing in a lab.
//
// # In Kubernetes
//
// pkg/scheduler/apis/config (defaults, validation) and pkg/scheduler/framework/runtime (expandMultiPointPlugins).
package configuration
