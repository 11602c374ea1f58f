package kubelet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Hard eviction, with upstream's defaults: below these the node ends pods at once.
//
// Kubernetes: also imagefs.available and inodes, soft thresholds with a grace period, and minimum reclaim; all can be configured.
// And a tenth of the file system stays free, however large that is: a node's disk is its own. Ours is a person's, which is often
// nine tenths full with other things, and no pod of ours could mend that.
const (
	memoryThreshold    = 100 << 20
	diskThreshold      = 10 // percent of the file system
	diskThresholdMost  = 1 << 30
	pressureTransition = 5 * time.Minute
	evictionGrace      = 1 // second
)

// signal is one thing a node can run out of.
type signal struct {
	condition           corev1.NodeConditionType
	resource            string // as messages name it
	threshold, has      *resource.Quantity
	use                 func(*statsv1alpha1.PodStats) int64 // of a pod; nil when no pod can be blamed
	request             corev1.ResourceName
	low, fine           string // the condition's reasons; also those of the node's Events
	lowWords, fineWords string
}

// signals reads the node's gauges.
func (k *Kubelet) signals(s *statsv1alpha1.Summary) []signal {
	bytes := func(n uint64) *resource.Quantity { return resource.NewQuantity(int64(n), resource.BinarySI) }
	all := []signal{{
		condition: corev1.NodeMemoryPressure, resource: "memory", request: corev1.ResourceMemory,
		threshold: bytes(memoryThreshold), has: bytes(*s.Node.Memory.AvailableBytes), use: memoryOf,
		low: "InsufficientMemory", fine: "SufficientMemory", lowWords: "insufficient memory available", fineWords: "sufficient memory available",
	}}
	if fs := s.Node.Fs; fs != nil {
		all = append(all, signal{
			condition: corev1.NodeDiskPressure, resource: "ephemeral-storage", request: corev1.ResourceEphemeralStorage,
			threshold: bytes(diskReserve(*fs.CapacityBytes)), has: bytes(*fs.AvailableBytes), use: storageOf,
			low: "DiskPressure", fine: "NoDiskPressure", lowWords: "disk pressure", fineWords: "no disk pressure",
		})
	}
	if p := s.Node.Rlimit; p != nil {
		count := func(n int64) *resource.Quantity { return resource.NewQuantity(n, resource.DecimalSI) }
		all = append(all, signal{
			condition: corev1.NodePIDPressure, resource: "pids", threshold: count(*p.MaxPID / 20), has: count(*p.MaxPID - *p.NumOfRunningProcesses),
			low: "InsufficientPID", fine: "SufficientPID", lowWords: "insufficient PID available", fineWords: "sufficient PID available",
		})
	}
	return all
}

// diskReserve is how many bytes of a file system stay free.
func diskReserve(capacity uint64) uint64 { return min(capacity/100*diskThreshold, diskThresholdMost) }

func memoryOf(p *statsv1alpha1.PodStats) int64 {
	if p.Memory == nil || p.Memory.WorkingSetBytes == nil {
		return 0
	}
	return int64(*p.Memory.WorkingSetBytes)
}

func storageOf(p *statsv1alpha1.PodStats) int64 {
	if p.EphemeralStorage == nil || p.EphemeralStorage.UsedBytes == nil {
		return 0
	}
	return int64(*p.EphemeralStorage.UsedBytes)
}

// relieve looks at the gauges, and ends at most one pod of a node that runs out of something: the gauges show only later whether that
// was enough.
func (k *Kubelet) relieve(ctx context.Context) {
	s, err := k.summary(ctx)
	if err != nil {
		return // the runtime is away: the node is not Ready, which is worse
	}
	evicted := k.enforceStorage(s.Pods) // that makes room as well
	changed := false
	for _, sig := range k.signals(s) {
		met := sig.has.Cmp(*sig.threshold) < 0
		changed = k.pressures.note(sig, met) || changed
		if met && !evicted && sig.use != nil {
			evicted = k.freeNode(ctx, sig) || k.evictOne(sig, s.Pods)
		}
	}
	if changed {
		k.node.look()
	}
}

// freeNode makes room without ending a pod: images that nobody uses go first.
func (k *Kubelet) freeNode(ctx context.Context, sig signal) bool {
	return sig.condition == corev1.NodeDiskPressure && k.images.freeAll(ctx)
}

// evictOne ends the pod that is most to blame: those that use more than they asked for come first, of these the least important, of
// these the one furthest beyond its request (pkg/kubelet/eviction, rankMemoryPressure).
func (k *Kubelet) evictOne(sig signal, stats []statsv1alpha1.PodStats) bool {
	k.events.nodeEvent(corev1.EventTypeWarning, "EvictionThresholdMet", "Attempting to reclaim "+sig.resource)
	all := k.candidates(stats)
	if len(all) == 0 {
		return false
	}
	over := func(c candidate) int64 {
		asked := podRequests(c.pod)[sig.request]
		return sig.use(c.stats) - asked.Value()
	}
	worst := slices.MinFunc(all, func(a, b candidate) int {
		overA, overB := over(a), over(b)
		if (overA > 0) != (overB > 0) {
			if overA > 0 {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(priorityOf(a.pod), priorityOf(b.pod)), cmp.Compare(overB, overA))
	})
	worst.w.end(ending{grace: evictionGrace, reason: "Evicted", event: "Evicted", failed: true, message: evictionMessage(sig, worst.pod, worst.stats)})
	return true
}

// candidate is a pod that may be ended for what it uses.
type candidate struct {
	w     *worker
	pod   *corev1.Pod
	stats *statsv1alpha1.PodStats
}

// candidates leaves out pods that are ending already, and critical ones.
func (k *Kubelet) candidates(stats []statsv1alpha1.PodStats) []candidate {
	var all []candidate
	for i := range stats {
		w := k.worker(types.UID(stats[i].PodRef.UID))
		if w == nil {
			continue
		}
		if pod, _ := w.current(); pod.DeletionTimestamp == nil && !isCritical(pod) {
			all = append(all, candidate{w, pod, &stats[i]})
		}
	}
	return all
}

func priorityOf(pod *corev1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}

func isCritical(pod *corev1.Pod) bool {
	return isMirror(pod) || isStatic(pod) || priorityOf(pod) >= criticalPriority
}

// evictionMessage is upstream's text, with its blank at the end.
func evictionMessage(sig signal, pod *corev1.Pod, stats *statsv1alpha1.PodStats) string {
	text := fmt.Sprintf("The node was low on resource: %s. Threshold quantity: %s, available: %s. ", sig.resource, sig.threshold, sig.has)
	for i := range stats.Containers {
		c := &stats.Containers[i]
		spec := findContainer(pod, c.Name)
		if spec == nil {
			continue
		}
		var used *resource.Quantity
		switch {
		case sig.request == corev1.ResourceMemory && c.Memory != nil:
			used = resource.NewQuantity(int64(*c.Memory.WorkingSetBytes), resource.BinarySI)
		case sig.request == corev1.ResourceEphemeralStorage && c.Rootfs != nil:
			used = resource.NewQuantity(int64(*c.Rootfs.UsedBytes), resource.BinarySI)
		default:
			continue
		}
		if request := spec.Resources.Requests[sig.request]; used.Cmp(request) > 0 {
			text += fmt.Sprintf("Container %s was using %s, request is %s, has larger consumption of %s. ", c.Name, used, &request, sig.resource)
		}
	}
	return text
}
