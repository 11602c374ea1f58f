package kubelet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/watch"
)

// fakeAPI is an API server in memory: what a kubelet needs of one, with versions, watches and real strategic merge patches.
type fakeAPI struct {
	mu       sync.Mutex
	version  int
	node     *corev1.Node
	lease    *coordinationv1.Lease
	renewals []time.Time
	pods     map[string]*corev1.Pod // by namespace/name
	watchers []chan watch.Event
	services []corev1.Service
	configs  map[string]*corev1.ConfigMap
	secrets  map[string]*corev1.Secret
	claims   map[string]*corev1.PersistentVolumeClaim
	volumes  map[string]*corev1.PersistentVolume
	driver   *storagev1.CSIDriver
	csiNode  *storagev1.CSINode
	events   []*corev1.Event
	down     bool // every answer is an error
	tokens   int
	deletes  int
	phases   []string // every change of a pod's phase or waiting reason, in order
}

func newFakeAPI() *fakeAPI {
	kubernetes := corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kubernetes"},
		Spec:       corev1.ServiceSpec{ClusterIP: "10.96.0.1", Ports: []corev1.ServicePort{{Name: "https", Port: 443, Protocol: corev1.ProtocolTCP}}},
	}
	return &fakeAPI{services: []corev1.Service{kubernetes}, pods: map[string]*corev1.Pod{}, configs: map[string]*corev1.ConfigMap{}, secrets: map[string]*corev1.Secret{}}
}

func notFound(resource, name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: resource}, name)
}

func (f *fakeAPI) lock() (func(), error) {
	f.mu.Lock()
	if f.down {
		f.mu.Unlock()
		return nil, fmt.Errorf("connection refused")
	}
	return f.mu.Unlock, nil
}

func (f *fakeAPI) nextLocked() string { f.version++; return strconv.Itoa(f.version) }

func (f *fakeAPI) tellLocked(kind watch.EventType, pod *corev1.Pod) {
	for _, watcher := range f.watchers {
		watcher <- watch.Event{Type: kind, Object: pod.DeepCopy()}
	}
}

func key(namespace, name string) string { return namespace + "/" + name }

// put creates or replaces a pod as another client would.
func (f *fakeAPI) put(pod *corev1.Pod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind := watch.Modified
	if f.pods[key(pod.Namespace, pod.Name)] == nil {
		kind = watch.Added
	}
	pod = pod.DeepCopy()
	pod.ResourceVersion = f.nextLocked()
	f.pods[key(pod.Namespace, pod.Name)] = pod
	f.tellLocked(kind, pod)
}

// change edits a stored pod.
func (f *fakeAPI) change(namespace, name string, edit func(*corev1.Pod)) {
	f.mu.Lock()
	pod := f.pods[key(namespace, name)].DeepCopy()
	f.mu.Unlock()
	edit(pod)
	f.put(pod)
}

// vanish removes a pod at once, as a forced delete does.
func (f *fakeAPI) vanish(namespace, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pod := f.pods[key(namespace, name)]
	delete(f.pods, key(namespace, name))
	f.tellLocked(watch.Deleted, pod)
}

func (f *fakeAPI) pod(namespace, name string) *corev1.Pod {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pod := f.pods[key(namespace, name)]; pod != nil {
		return pod.DeepCopy()
	}
	return nil
}

// told lists "reason: message" of all Events about pods and nodes, with their counts.
func (f *fakeAPI) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var texts []string
	for _, e := range f.events {
		texts = append(texts, fmt.Sprintf("%s %s: %s", e.Type, e.Reason, e.Message))
	}
	return texts
}

func (f *fakeAPI) Node(_ context.Context, name string) (*corev1.Node, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if f.node == nil {
		return nil, notFound("nodes", name)
	}
	return f.node.DeepCopy(), nil
}

func (f *fakeAPI) CreateNode(_ context.Context, node *corev1.Node) (*corev1.Node, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if f.node != nil {
		return nil, apierrors.NewAlreadyExists(schema.GroupResource{Resource: "nodes"}, node.Name)
	}
	f.node = node.DeepCopy()
	f.node.UID = "node-uid"
	return f.node.DeepCopy(), nil
}

func (f *fakeAPI) PatchNode(_ context.Context, _ string, patch []byte) (*corev1.Node, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return f.node.DeepCopy(), merge(f.node, patch, &corev1.Node{})
}

func (f *fakeAPI) PatchNodeStatus(ctx context.Context, name string, patch []byte) (*corev1.Node, error) {
	return f.PatchNode(ctx, name, patch)
}

func merge[T any](object *T, patch []byte, schema any) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return err
	}
	merged, err := strategicpatch.StrategicMergePatch(raw, patch, schema)
	if err != nil {
		return err
	}
	var fresh T
	if err := json.Unmarshal(merged, &fresh); err != nil {
		return err
	}
	*object = fresh
	return nil
}

func (f *fakeAPI) Lease(_ context.Context, _, name string) (*coordinationv1.Lease, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if f.lease == nil {
		return nil, notFound("leases", name)
	}
	return f.lease.DeepCopy(), nil
}

func (f *fakeAPI) CreateLease(ctx context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error) {
	return f.UpdateLease(ctx, lease)
}

func (f *fakeAPI) UpdateLease(_ context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	f.lease = lease.DeepCopy()
	f.renewals = append(f.renewals, time.Now())
	return lease.DeepCopy(), nil
}

func (f *fakeAPI) Pods(context.Context, string) (*corev1.PodList, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: strconv.Itoa(f.version)}}
	for _, pod := range f.pods {
		list.Items = append(list.Items, *pod.DeepCopy())
	}
	return list, nil
}

type fakeWatch struct {
	events chan watch.Event
}

func (w *fakeWatch) Stop()                          {}
func (w *fakeWatch) ResultChan() <-chan watch.Event { return w.events }

func (f *fakeAPI) WatchPods(context.Context, string, metav1.ListOptions) (watch.Interface, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	w := &fakeWatch{make(chan watch.Event, 1000)}
	f.watchers = append(f.watchers, w.events)
	return w, nil
}

func (f *fakeAPI) Pod(_ context.Context, namespace, name string) (*corev1.Pod, error) {
	if pod := f.pod(namespace, name); pod != nil {
		return pod, nil
	}
	return nil, notFound("pods", name)
}

func (f *fakeAPI) PatchPodStatus(_ context.Context, namespace, name string, patch []byte) (*corev1.Pod, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	pod := f.pods[key(namespace, name)]
	if pod == nil {
		return nil, notFound("pods", name)
	}
	var with struct{ Metadata struct{ UID types.UID } }
	if err := json.Unmarshal(patch, &with); err != nil {
		return nil, err
	}
	if with.Metadata.UID != pod.UID {
		return nil, apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, name, fmt.Errorf("another UID"))
	}
	pod = pod.DeepCopy()
	if err := merge(pod, patch, &corev1.Pod{}); err != nil {
		return nil, err
	}
	pod.ResourceVersion = f.nextLocked()
	f.pods[key(namespace, name)] = pod
	f.tellLocked(watch.Modified, pod)
	word := describe(&pod.Status)
	if n := len(f.phases); n == 0 || f.phases[n-1] != word {
		f.phases = append(f.phases, word)
	}
	return pod.DeepCopy(), nil
}

// describe is a pod's status as `kubectl get` would put it.
func describe(s *corev1.PodStatus) string {
	word := string(s.Phase)
	for i := range s.ContainerStatuses {
		c := &s.ContainerStatuses[i]
		switch {
		case c.State.Waiting != nil:
			word += "/" + c.State.Waiting.Reason
		case c.State.Running != nil && c.Ready:
			word += "/ready"
		case c.State.Running != nil:
			word += "/running"
		case c.State.Terminated != nil:
			word += fmt.Sprintf("/exit %d", c.State.Terminated.ExitCode)
		}
	}
	return word
}

// CreatePod gives the pod a UID of its own, as an API server does.
func (f *fakeAPI) CreatePod(_ context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if f.pods[key(pod.Namespace, pod.Name)] != nil {
		return nil, apierrors.NewAlreadyExists(schema.GroupResource{Resource: "pods"}, pod.Name)
	}
	created := pod.DeepCopy()
	created.ResourceVersion = f.nextLocked()
	created.UID = types.UID("made-" + created.ResourceVersion)
	created.Status = corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBestEffort}
	f.pods[key(pod.Namespace, pod.Name)] = created
	f.tellLocked(watch.Added, created)
	return created.DeepCopy(), nil
}

func (f *fakeAPI) DeletePod(_ context.Context, namespace, name string, options metav1.DeleteOptions) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	pod := f.pods[key(namespace, name)]
	if pod == nil {
		return notFound("pods", name)
	}
	if *options.Preconditions.UID != pod.UID || *options.GracePeriodSeconds != 0 {
		return apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, name, fmt.Errorf("precondition"))
	}
	f.deletes++
	if len(pod.Finalizers) > 0 {
		return nil
	}
	delete(f.pods, key(namespace, name))
	f.tellLocked(watch.Deleted, pod)
	return nil
}

func (f *fakeAPI) Services(context.Context) (*corev1.ServiceList, error) {
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return &corev1.ServiceList{Items: f.services}, nil
}

func (f *fakeAPI) WatchServices(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return &fakeWatch{make(chan watch.Event)}, nil
}

func (f *fakeAPI) ConfigMap(_ context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if object := f.configs[key(namespace, name)]; object != nil {
		return object.DeepCopy(), nil
	}
	return nil, notFound("configmaps", name)
}

func (f *fakeAPI) PersistentVolumeClaim(_ context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if claim := f.claims[key(namespace, name)]; claim != nil {
		return claim.DeepCopy(), nil
	}
	return nil, notFound("persistentvolumeclaims", name)
}

func (f *fakeAPI) PersistentVolume(_ context.Context, name string) (*corev1.PersistentVolume, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if volume := f.volumes[name]; volume != nil {
		return volume.DeepCopy(), nil
	}
	return nil, notFound("persistentvolumes", name)
}

func (f *fakeAPI) CSIDriver(_ context.Context, name string) (*storagev1.CSIDriver, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.driver != nil && f.driver.Name == name {
		return f.driver.DeepCopy(), nil
	}
	return nil, notFound("csidrivers", name)
}

func (f *fakeAPI) CSINode(context.Context, string) (*storagev1.CSINode, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.csiNode == nil {
		return nil, notFound("csinodes", "node-1")
	}
	return f.csiNode.DeepCopy(), nil
}

func (f *fakeAPI) CreateCSINode(_ context.Context, node *storagev1.CSINode) (*storagev1.CSINode, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.csiNode = node.DeepCopy()
	return node, nil
}

func (f *fakeAPI) UpdateCSINode(ctx context.Context, node *storagev1.CSINode) (*storagev1.CSINode, error) {
	return f.CreateCSINode(ctx, node)
}

func (f *fakeAPI) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if object := f.secrets[key(namespace, name)]; object != nil {
		return object.DeepCopy(), nil
	}
	return nil, notFound("secrets", name)
}

func (f *fakeAPI) CreateToken(_ context.Context, _, account string, r *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens++
	answer := r.DeepCopy()
	answer.Status.Token = fmt.Sprintf("token-%d-of-%s", f.tokens, account)
	answer.Status.ExpirationTimestamp = metav1.NewTime(time.Now().Add(time.Duration(*r.Spec.ExpirationSeconds) * time.Second))
	return answer, nil
}

func (f *fakeAPI) CreateEvent(_ context.Context, event *corev1.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, event.DeepCopy())
	return nil
}

func (f *fakeAPI) PatchEvent(_ context.Context, namespace, name string, _ types.PatchType, patch []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, event := range f.events {
		if event.Name == name && event.Namespace == namespace {
			return merge(event, patch, &corev1.Event{})
		}
	}
	return notFound("events", name)
}
