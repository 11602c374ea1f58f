package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"drydock/engine/decision"
	"drydock/engine/listwatch"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	statusRefresh = 5 * time.Minute // how often an unchanged status is written all the same
	maxNodeImages = 50
)

// nodeKeeper registers the node and keeps its status true.
type nodeKeeper struct {
	cfg       *Config
	client    Client
	events    *eventRecorder
	recorder  decision.Recorder
	capacity  corev1.ResourceList   // set once in newNodeKeeper
	info      corev1.NodeSystemInfo // set once in newNodeKeeper, but for the runtime's version
	trouble   func() string         // set once in New: why the node is not Ready although its runtime is well, "" for nothing
	pressures *pressures            // set once in New
	wake      chan struct{}         // look at once; capacity 1
	asks      chan chan<- struct{}  // look at once, and close the answer when the API server has been told

	// owned by run
	written   corev1.NodeStatus // what the API server was told last
	writtenAt time.Time
}

func newNodeKeeper(cfg *Config, events *eventRecorder) *nodeKeeper {
	return &nodeKeeper{
		cfg: cfg, client: cfg.Client, events: events, recorder: cfg.Recorder,
		wake: make(chan struct{}, 1), asks: make(chan chan<- struct{}), pressures: newPressures(), trouble: func() string { return "" },
		capacity: MachineCapacity(cfg.RootDir, cfg.Capacity), info: machineInfo(),
	}
}

// period is how often the node is looked at: as often as its Lease is renewed, as upstream's defaults have it.
func (n *nodeKeeper) period() time.Duration { return n.cfg.LeaseDuration / 4 }

// run registers the node and looks at it every period until ctx ends.
func (n *nodeKeeper) run(ctx context.Context) error {
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		err := n.register(ctx)
		if err == nil {
			break
		}
		if ctx.Err() == nil {
			n.record("RegisterNode", "", "", err.Error())
		}
		if !listwatch.Wait(ctx, delay) {
			return ctx.Err()
		}
	}
	n.events.nodeEvent(corev1.EventTypeNormal, "Starting", "Starting kubelet.")
	// A runtime that is still starting must not cost the node a whole period.
	var waiting []chan<- struct{} // for the next status that is written
	for delay := firstRetry; ; delay = min(2*delay, n.period()) {
		told := n.sync(ctx) == nil
		if told {
			for _, answer := range waiting {
				close(answer)
			}
			waiting = nil
		}
		if told && n.ready() {
			delay = n.period()
		}
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-n.wake:
		case answer := <-n.asks:
			waiting = append(waiting, answer)
		case <-timer.C:
		}
		timer.Stop()
	}
}

// look makes run write a change of the node without waiting for its period. It never blocks.
func (n *nodeKeeper) look() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// tell writes a change of the node as look does, and returns when the API server has it or ctx ends.
func (n *nodeKeeper) tell(ctx context.Context) {
	answer := make(chan struct{})
	select {
	case n.asks <- answer:
	case <-ctx.Done():
		return
	}
	select {
	case <-answer:
	case <-ctx.Done():
	}
}

func (n *nodeKeeper) ready() bool {
	condition := findNodeCondition(n.written.Conditions, corev1.NodeReady)
	return condition != nil && condition.Status == corev1.ConditionTrue
}

// register creates the node with its first status in it, so that a node whose runtime answers is born Ready. A node that is
// already there keeps its foreign labels and gets ours.
//
// Kubernetes: the same. The not-ready taint is the API server's (admission) and the node lifecycle controller's business.
func (n *nodeKeeper) register(ctx context.Context) error {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: n.cfg.NodeName, Labels: n.labels(),
			Annotations: map[string]string{"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
		},
		Spec: corev1.NodeSpec{PodCIDR: n.cfg.PodCIDR},
	}
	if n.cfg.PodCIDR != "" {
		node.Spec.PodCIDRs = []string{n.cfg.PodCIDR}
	}
	node.Status = n.status(ctx, nil)
	created, err := n.client.CreateNode(ctx, node)
	switch {
	case err == nil:
		n.record("RegisterNode", "", "registered", "the node was not known")
		n.written, n.writtenAt = created.Status, time.Now()
		return nil
	case !apierrors.IsAlreadyExists(err):
		return fmt.Errorf("register node %s: %w", n.cfg.NodeName, err)
	}
	return n.rejoin(ctx)
}

func (n *nodeKeeper) rejoin(ctx context.Context) error {
	known, err := n.client.Node(ctx, n.cfg.NodeName)
	if err != nil {
		return fmt.Errorf("read node %s: %w", n.cfg.NodeName, err)
	}
	n.written = known.Status
	labels := n.labels()
	if equality.Semantic.DeepEqual(known.Labels, mergeLabels(known.Labels, labels)) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	if err != nil {
		return fmt.Errorf("encode labels of node %s: %w", n.cfg.NodeName, err)
	}
	if _, err := n.client.PatchNode(ctx, n.cfg.NodeName, patch); err != nil {
		return fmt.Errorf("label node %s: %w", n.cfg.NodeName, err)
	}
	return nil
}

func mergeLabels(under, over map[string]string) map[string]string {
	merged := maps.Clone(under)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, over)
	return merged
}

func (n *nodeKeeper) labels() map[string]string {
	return mergeLabels(map[string]string{
		corev1.LabelHostname:      n.cfg.NodeName,
		corev1.LabelOSStable:      runtime.GOOS,
		corev1.LabelArchStable:    runtime.GOARCH,
		"beta.kubernetes.io/os":   runtime.GOOS,
		"beta.kubernetes.io/arch": runtime.GOARCH,
	}, n.cfg.Labels)
}

// sync writes the status when it is not what the API server has, or when it is old. The API server is asked, because others write
// there as well: to the node lifecycle controller a node that was cut off is Unknown until its kubelet says otherwise.
func (n *nodeKeeper) sync(ctx context.Context) error {
	known, err := n.client.Node(ctx, n.cfg.NodeName)
	// Kubernetes: a kubelet whose node was deleted registers again when it is restarted; here it does so at once.
	if apierrors.IsNotFound(err) {
		n.written = corev1.NodeStatus{}
		return n.register(ctx)
	}
	if err != nil {
		return fmt.Errorf("read node %s: %w", n.cfg.NodeName, err)
	}
	n.written = known.Status
	status := n.status(ctx, &n.written)
	if sameNodeStatus(&status, &n.written) && time.Since(n.writtenAt) < statusRefresh {
		return nil
	}
	patch, err := nodeStatusPatch(&status, n.capacity, n.written.Allocatable)
	if err != nil {
		return fmt.Errorf("encode status of node %s: %w", n.cfg.NodeName, err)
	}
	if _, err = n.client.PatchNodeStatus(ctx, n.cfg.NodeName, patch); err != nil {
		return fmt.Errorf("write status of node %s: %w", n.cfg.NodeName, err)
	}
	n.announce(&status)
	n.written, n.writtenAt = status, time.Now()
	return nil
}

// announce tells of a reboot and of a change of readiness.
func (n *nodeKeeper) announce(status *corev1.NodeStatus) {
	if last, boot := n.written.NodeInfo.BootID, status.NodeInfo.BootID; last != "" && last != boot {
		n.events.nodeEvent(corev1.EventTypeWarning, "Rebooted", fmt.Sprintf("Node %s has been rebooted, boot id: %s", n.cfg.NodeName, boot))
	}
	now, before := findNodeCondition(status.Conditions, corev1.NodeReady), findNodeCondition(n.written.Conditions, corev1.NodeReady)
	if before != nil && before.Status == now.Status {
		return
	}
	reason, was := "NodeReady", ""
	if now.Status != corev1.ConditionTrue {
		reason = "NodeNotReady"
	}
	if before != nil {
		was = "Ready=" + string(before.Status)
	}
	n.events.nodeEvent(corev1.EventTypeNormal, reason, fmt.Sprintf("Node %s status is now: %s", n.cfg.NodeName, reason))
	n.record("UpdateNodeStatus", was, "Ready="+string(now.Status), now.Message)
}

func (n *nodeKeeper) record(action, before, after, message string) {
	n.recorder.Record(decision.Record{
		Actor: "kubelet/" + n.cfg.NodeName, Object: decision.Object{Resource: "nodes", Name: n.cfg.NodeName},
		Action: action, Before: before, After: after, Message: message,
	})
}

// status is the node as it is now; before gives the times of conditions that have not changed.
func (n *nodeKeeper) status(ctx context.Context, before *corev1.NodeStatus) corev1.NodeStatus {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	has := withForeign(n.capacity, before)
	status := corev1.NodeStatus{
		Capacity: has, Allocatable: allocatable(has), NodeInfo: n.info,
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: n.cfg.NodeIP},
			{Type: corev1.NodeHostName, Address: n.cfg.NodeName},
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: DefaultPort}},
	}
	if version, err := n.cfg.Runtime.Version(ctx, &runtimeapi.VersionRequest{}); err == nil {
		status.NodeInfo.ContainerRuntimeVersion = version.RuntimeName + "://" + version.RuntimeVersion
	}
	trouble := runtimeTrouble(ctx, n.cfg.Runtime)
	if trouble == "" {
		trouble = n.trouble()
	}
	status.Conditions = nodeConditions(trouble, n.pressures, before)
	status.Images = nodeImages(ctx, n.cfg.Images)
	return status
}

// withForeign adds what others say that the node has: extended resources, which people write into status.capacity themselves and
// which pods can ask for as soon as the kubelet has made them allocatable.
func withForeign(capacity corev1.ResourceList, before *corev1.NodeStatus) corev1.ResourceList {
	if before == nil {
		return capacity
	}
	all := maps.Clone(before.Capacity)
	if all == nil {
		return capacity
	}
	maps.Copy(all, capacity)
	return all
}

// nodeImages are the largest images, as many as upstream reports.
func nodeImages(ctx context.Context, service runtimeapi.ImageServiceClient) []corev1.ContainerImage {
	answer, err := service.ListImages(ctx, &runtimeapi.ListImagesRequest{})
	if err != nil {
		return nil
	}
	images := make([]corev1.ContainerImage, 0, len(answer.Images))
	for _, image := range answer.Images {
		names := slices.Concat(image.RepoDigests, image.RepoTags)
		if len(names) > 0 {
			images = append(images, corev1.ContainerImage{Names: names, SizeBytes: int64(image.Size)})
		}
	}
	slices.SortStableFunc(images, func(a, b corev1.ContainerImage) int {
		if a.SizeBytes != b.SizeBytes {
			return int(b.SizeBytes>>10) - int(a.SizeBytes>>10)
		}
		return slices.Compare(a.Names, b.Names)
	})
	return images[:min(len(images), maxNodeImages)]
}
