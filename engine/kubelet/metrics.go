package kubelet

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// serveResourceMetrics answers GET /metrics/resource in Prometheus' text form, which metrics-server reads (KEP-727).
func (k *Kubelet) serveResourceMetrics(w http.ResponseWriter, r *http.Request) {
	summary, err := k.summary(r.Context())
	failed := 0
	if err != nil {
		summary, failed = &statsv1alpha1.Summary{}, 1
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	m := &metricsText{}
	for _, family := range resourceFamilies {
		m.family(family, summary)
	}
	fmt.Fprintf(m, "# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise\n# TYPE resource_scrape_error gauge\nresource_scrape_error %d\n", failed)
	_, _ = w.Write(m.Bytes()) // as above
}

type metricsText struct{ bytes.Buffer }

// family is one metric of the resource endpoint, and where its value stands in the statistics of a node, a pod or a container.
type family struct {
	name, kind, help string
	scope            string // node, pod or container
	value            func(*statsv1alpha1.CPUStats, *statsv1alpha1.MemoryStats, metav1.Time) (float64, bool)
}

func cpuSeconds(c *statsv1alpha1.CPUStats, _ *statsv1alpha1.MemoryStats, _ metav1.Time) (float64, bool) {
	if c == nil || c.UsageCoreNanoSeconds == nil {
		return 0, false
	}
	return float64(*c.UsageCoreNanoSeconds) / float64(time.Second), true
}

func workingSet(_ *statsv1alpha1.CPUStats, m *statsv1alpha1.MemoryStats, _ metav1.Time) (float64, bool) {
	if m == nil || m.WorkingSetBytes == nil {
		return 0, false
	}
	return float64(*m.WorkingSetBytes), true
}

func startTime(_ *statsv1alpha1.CPUStats, _ *statsv1alpha1.MemoryStats, t metav1.Time) (float64, bool) {
	return float64(t.UnixNano()) / float64(time.Second), !t.IsZero()
}

var resourceFamilies = []family{
	{"node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds", "node", cpuSeconds},
	{"node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes", "node", workingSet},
	{"container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the container in core-seconds", "container", cpuSeconds},
	{"container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes", "container", workingSet},
	{"container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds", "container", startTime},
	{"pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds", "pod", cpuSeconds},
	{"pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes", "pod", workingSet},
}

func (m *metricsText) family(f family, s *statsv1alpha1.Summary) {
	fmt.Fprintf(m, "# HELP %s [STABLE] %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
	line := func(labels string, cpu *statsv1alpha1.CPUStats, memory *statsv1alpha1.MemoryStats, start metav1.Time) {
		if value, ok := f.value(cpu, memory, start); ok {
			fmt.Fprintf(m, "%s%s %g\n", f.name, labels, value)
		}
	}
	if f.scope == "node" {
		line("", s.Node.CPU, s.Node.Memory, s.Node.StartTime)
		return
	}
	for _, pod := range s.Pods {
		if f.scope == "pod" {
			line(fmt.Sprintf("{namespace=%q,pod=%q}", pod.PodRef.Namespace, pod.PodRef.Name), pod.CPU, pod.Memory, pod.StartTime)
			continue
		}
		containers := slices.Clone(pod.Containers)
		slices.SortFunc(containers, func(a, b statsv1alpha1.ContainerStats) int { return strings.Compare(a.Name, b.Name) })
		for _, c := range containers {
			line(fmt.Sprintf("{container=%q,namespace=%q,pod=%q}", c.Name, pod.PodRef.Namespace, pod.PodRef.Name), c.CPU, c.Memory, c.StartTime)
		}
	}
}
