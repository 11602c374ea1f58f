package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// What metrics-server says of its own measurements: how often kubelets take them, and how long it waits for one.
const (
	metricsWindow   = 10 * time.Second
	metricsPatience = 5 * time.Second
)

// serveMetrics answers the group metrics.k8s.io: what nodes and pods use now, for `kubectl top` and for autoscaling.
//
// Kubernetes: metrics-server is a Deployment behind an APIService. It asks every kubelet each 15 s and keeps the last two answers;
// here the kubelets are asked when somebody asks us, and they do the arithmetic.
func (s *Server) serveMetrics(q *call) error {
	if q.r.Method != http.MethodGet || q.info.Subresource != "" || q.info.Verb == "watch" {
		return methodNotAllowed()
	}
	group := schema.GroupResource{Group: metricsv1beta1.GroupName, Resource: q.info.Resource}
	q.kind = nodeKind
	answer := s.nodeMetrics
	if q.info.Resource == "pods" {
		q.kind, answer = podKind, s.podMetrics
	}
	options, err := q.listOptions()
	if err != nil {
		return err
	}
	entries, header, err := s.listPage(q.ctx(), selectionOf(q, options), options)
	if err != nil {
		return err
	}
	list, first := answer(q.ctx(), entries, *header)
	if q.info.Name == "" {
		return q.respondJSON(list)
	}
	if first == nil {
		return apierrors.NewNotFound(group, q.info.Namespace+"/"+q.info.Name)
	}
	return q.respondJSON(first)
}

func (q *call) respondJSON(document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return internalError(err)
	}
	q.respond(http.StatusOK, mediaJSON, body)
	return nil
}

// nodeMetrics leaves out nodes that do not answer, as metrics-server does. The second answer is the first item, nil without any.
func (s *Server) nodeMetrics(ctx context.Context, nodes []*entry, header metav1.ListMeta) (list, first any) {
	var names []string
	for _, e := range nodes {
		names = append(names, e.obj.(*corev1.Node).Name)
	}
	summaries := s.summaries(ctx, names)
	out := &metricsv1beta1.NodeMetricsList{ListMeta: header, Items: []metricsv1beta1.NodeMetrics{}}
	out.SetGroupVersionKind(metricsv1beta1.SchemeGroupVersion.WithKind("NodeMetricsList"))
	for _, e := range nodes {
		node := e.obj.(*corev1.Node)
		summary := summaries[node.Name]
		if summary == nil || summary.Node.CPU == nil || summary.Node.Memory == nil {
			continue
		}
		item := metricsv1beta1.NodeMetrics{
			ObjectMeta: namesake(node.ObjectMeta), Timestamp: summary.Node.CPU.Time, Window: metav1.Duration{Duration: metricsWindow},
			Usage: usageOf(summary.Node.CPU, summary.Node.Memory),
		}
		item.SetGroupVersionKind(metricsv1beta1.SchemeGroupVersion.WithKind("NodeMetrics"))
		out.Items = append(out.Items, item)
	}
	if len(out.Items) > 0 {
		first = &out.Items[0]
	}
	return out, first
}

// podMetrics asks the kubelets of the pods' nodes. A container that has just started has no rate of CPU use yet; its pod is left
// out until it has.
func (s *Server) podMetrics(ctx context.Context, pods []*entry, header metav1.ListMeta) (list, first any) {
	var names []string
	for _, e := range pods {
		names = append(names, e.obj.(*corev1.Pod).Spec.NodeName)
	}
	found := map[string]*statsv1alpha1.PodStats{}
	for _, summary := range s.summaries(ctx, names) {
		for i := range summary.Pods {
			found[summary.Pods[i].PodRef.UID] = &summary.Pods[i]
		}
	}
	out := &metricsv1beta1.PodMetricsList{ListMeta: header, Items: []metricsv1beta1.PodMetrics{}}
	out.SetGroupVersionKind(metricsv1beta1.SchemeGroupVersion.WithKind("PodMetricsList"))
	for _, e := range pods {
		pod := e.obj.(*corev1.Pod)
		if item := podMetricsOf(pod, found[string(pod.UID)]); item != nil {
			out.Items = append(out.Items, *item)
		}
	}
	if len(out.Items) > 0 {
		first = &out.Items[0]
	}
	return out, first
}

func podMetricsOf(pod *corev1.Pod, stats *statsv1alpha1.PodStats) *metricsv1beta1.PodMetrics {
	if stats == nil || len(stats.Containers) == 0 {
		return nil
	}
	item := &metricsv1beta1.PodMetrics{ObjectMeta: namesake(pod.ObjectMeta), Window: metav1.Duration{Duration: metricsWindow}}
	item.SetGroupVersionKind(metricsv1beta1.SchemeGroupVersion.WithKind("PodMetrics"))
	for _, c := range stats.Containers {
		if c.CPU == nil || c.CPU.UsageNanoCores == nil || c.Memory == nil {
			return nil
		}
		item.Timestamp = c.CPU.Time
		item.Containers = append(item.Containers, metricsv1beta1.ContainerMetrics{Name: c.Name, Usage: usageOf(c.CPU, c.Memory)})
	}
	return item
}

// namesake is what a measurement shows of the object that was measured.
func namesake(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: m.Name, Namespace: m.Namespace, Labels: m.Labels, CreationTimestamp: metav1.Now()}
}

func usageOf(cpu *statsv1alpha1.CPUStats, memory *statsv1alpha1.MemoryStats) corev1.ResourceList {
	var rate, bytes int64
	if cpu.UsageNanoCores != nil {
		rate = int64(*cpu.UsageNanoCores)
	}
	if memory.WorkingSetBytes != nil {
		bytes = int64(*memory.WorkingSetBytes)
	}
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewScaledQuantity(rate, resource.Nano),
		corev1.ResourceMemory: *resource.NewQuantity(bytes/1024*1024, resource.BinarySI),
	}
}

// summaries asks the kubelets of these nodes side by side, each once. Those that do not answer in time are missing.
func (s *Server) summaries(ctx context.Context, nodes []string) map[string]*statsv1alpha1.Summary {
	ctx, cancel := context.WithTimeout(ctx, metricsPatience)
	defer cancel()
	out := map[string]*statsv1alpha1.Summary{}
	for _, name := range nodes {
		if name != "" {
			out[name] = nil
		}
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, name := range nodesOf(out) {
		all.Go(func() {
			if summary, err := s.summary(ctx, name); err == nil {
				mu.Lock()
				out[name] = summary
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for name, summary := range out {
		if summary == nil {
			delete(out, name)
		}
	}
	return out
}

func nodesOf(m map[string]*statsv1alpha1.Summary) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	return names
}

// summary is one kubelet's answer to GET /stats/summary.
func (s *Server) summary(ctx context.Context, node string) (*statsv1alpha1.Summary, error) {
	where, err := s.kubeletOf(ctx, node)
	if err != nil {
		return nil, err
	}
	where.Path = "/stats/summary"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s what it uses: %w", node, err)
	}
	answer, err := s.kubelets.agents.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("ask %s what it uses: %w", node, err)
	}
	defer func() { _ = answer.Body.Close() }() // it has been read
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask %s what it uses: %s", node, answer.Status)
	}
	summary := &statsv1alpha1.Summary{}
	if err := json.NewDecoder(answer.Body).Decode(summary); err != nil {
		return nil, fmt.Errorf("read what %s uses: %w", node, err)
	}
	return summary, nil
}

// metricsKinds are the resources of the group.
var metricsKinds = map[schema.GroupVersionResource]bool{
	metricsv1beta1.SchemeGroupVersion.WithResource("nodes"): true,
	metricsv1beta1.SchemeGroupVersion.WithResource("pods"):  true,
}
