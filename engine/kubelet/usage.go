package kubelet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"drydock/engine/listwatch"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	samplePeriod = 10 * time.Second // how often what the pods use is measured when nobody asks
	leastWindow  = time.Second      // over less than that a rate of CPU use says nothing
)

// reading is a CPU counter at one moment.
type reading struct {
	at    time.Time
	total uint64 // nanoseconds of one core
}

// usageMeter measures what the pods of the node use. The kernel counts CPU time; how much is used now is the difference of two
// readings, so the meter remembers one of each container.
type usageMeter struct {
	runtime runtimeapi.RuntimeServiceClient

	mu sync.Mutex
	// guarded by mu
	before map[string]reading // by container ID, the older one that a rate is taken from
	latest map[string]reading
}

func newUsageMeter(service runtimeapi.RuntimeServiceClient) *usageMeter {
	return &usageMeter{runtime: service, before: map[string]reading{}, latest: map[string]reading{}}
}

// followUsage measures every samplePeriod until ctx ends, and acts when the node runs out of something, a log has grown too large, or unused
// images take too much room.
func (k *Kubelet) followUsage(ctx context.Context) error {
	for listwatch.Wait(ctx, samplePeriod) {
		k.rotateLogs(ctx)
		k.images.look(ctx)
		k.relieve(ctx)
	}
	return ctx.Err()
}

// measure asks the runtime for every pod's use and fills in how much CPU is used now.
func (u *usageMeter) measure(ctx context.Context) ([]*runtimeapi.PodSandboxStats, error) {
	answer, err := u.runtime.ListPodSandboxStats(ctx, &runtimeapi.ListPodSandboxStatsRequest{})
	if err != nil {
		return nil, fmt.Errorf("measure what pods use: %w", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	present := map[string]bool{}
	for _, pod := range answer.Stats {
		var sum uint64
		for _, c := range pod.GetLinux().GetContainers() {
			if c.GetCpu() == nil {
				continue
			}
			id := c.GetAttributes().GetId()
			present[id] = true
			now := u.rateLocked(id, reading{time.Unix(0, c.Cpu.Timestamp), c.Cpu.GetUsageCoreNanoSeconds().GetValue()})
			if now != nil {
				c.Cpu.UsageNanoCores = &runtimeapi.UInt64Value{Value: *now}
				sum += *now
			}
		}
		if cpu := pod.GetLinux().GetCpu(); cpu != nil {
			cpu.UsageNanoCores = &runtimeapi.UInt64Value{Value: sum}
		}
	}
	for id := range u.latest {
		if !present[id] {
			delete(u.latest, id)
			delete(u.before, id)
		}
	}
	return answer.Stats, nil
}

func uidOf(c *runtimeapi.ContainerStats) types.UID {
	return types.UID(c.GetAttributes().GetLabels()[labelPodUID])
}

// rateLocked takes a reading in and returns nanoseconds of CPU per second since the one before; nil when there is none that is old
// enough.
func (u *usageMeter) rateLocked(id string, now reading) *uint64 {
	last, known := u.latest[id]
	if !known {
		u.latest[id] = now
		return nil
	}
	if now.at.Sub(last.at) >= leastWindow {
		u.before[id], u.latest[id] = last, now
	}
	from, known := u.before[id]
	span := now.at.Sub(from.at)
	if !known || span <= 0 || now.total < from.total {
		return nil
	}
	rate := uint64(float64(now.total-from.total) / span.Seconds())
	return &rate
}
