package daemonset

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// place is what a DaemonSet may do on a node.
type place struct {
	run  bool // a pod belongs there
	stay bool // a pod that is there may stay
}

// placer knows it for one DaemonSet.
type placer struct {
	nodeName    string
	affinity    nodeaffinity.RequiredNodeAffinity
	tolerations []corev1.Toleration
}

func newPlacer(ds *appsv1.DaemonSet) placer {
	spec := ds.Spec.Template.Spec.DeepCopy()
	addTolerations(spec)
	return placer{
		nodeName: spec.NodeName, tolerations: spec.Tolerations,
		affinity: nodeaffinity.NewRequiredNodeAffinity(spec.NodeSelector, spec.Affinity),
	}
}

// on says what may be done on a node. Resources and ports are not asked for: that there is no room shows as a pod that stays
// Pending, which is better than a node that is silently left out.
func (p placer) on(node *corev1.Node) place {
	// An affinity that cannot be parsed matches nothing.
	if matches, _ := p.affinity.Match(node); !matches || p.nodeName != "" && p.nodeName != node.Name {
		return place{}
	}
	if p.tolerates(node, corev1.TaintEffectNoExecute, corev1.TaintEffectNoSchedule) {
		return place{run: true, stay: true}
	}
	return place{stay: p.tolerates(node, corev1.TaintEffectNoExecute)}
}

func (p placer) tolerates(node *corev1.Node, effects ...corev1.TaintEffect) bool {
	for _, effect := range effects {
		_, repelled := helpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, p.tolerations,
			func(t *corev1.Taint) bool { return t.Effect == effect }, true)
		if repelled {
			return false
		}
	}
	return true
}

// addTolerations lets daemons run where others may not: on nodes that are not ready, unreachable, cordoned or short of
// something. They are what mends such nodes, or what tells how they are.
func addTolerations(spec *corev1.PodSpec) {
	add := func(key string, effect corev1.TaintEffect) {
		t := corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: effect}
		for i := range spec.Tolerations {
			if t.MatchToleration(&spec.Tolerations[i]) {
				spec.Tolerations[i] = t
				return
			}
		}
		spec.Tolerations = append(spec.Tolerations, t)
	}
	add(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute)
	add(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute)
	add(corev1.TaintNodeDiskPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodePIDPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)
	if spec.HostNetwork {
		add(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule)
	}
}

// pin makes the scheduler bind a pod to one node and no other.
func pin(spec *corev1.PodSpec, node string) {
	if spec.Affinity == nil {
		spec.Affinity = &corev1.Affinity{}
	}
	if spec.Affinity.NodeAffinity == nil {
		spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{
			Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
		}}}},
	}
}

// nodeOf is the node that a pod is on, or pinned to; "" when neither.
func nodeOf(pod *corev1.Pod) string {
	if pod.Spec.NodeName != "" {
		return pod.Spec.NodeName
	}
	if a := pod.Spec.Affinity; a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	for _, term := range pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == metav1.ObjectNameField && field.Operator == corev1.NodeSelectorOpIn && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}
