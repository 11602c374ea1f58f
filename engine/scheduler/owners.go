package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// owners knows which pods belong together: those of a Service, a ReplicaSet, a StatefulSet.
type owners struct {
	services     corelisters.ServiceLister
	replication  corelisters.ReplicationControllerLister
	replicaSets  appslisters.ReplicaSetLister
	statefulSets appslisters.StatefulSetLister
}

func newOwners(f informers.SharedInformerFactory) owners {
	return owners{
		services: f.Core().V1().Services().Lister(), replication: f.Core().V1().ReplicationControllers().Lister(),
		replicaSets: f.Apps().V1().ReplicaSets().Lister(), statefulSets: f.Apps().V1().StatefulSets().Lister(),
	}
}

// defaults are the system's soft constraints for pods that have none: over nodes, and less strictly over zones.
func (o owners) defaults(p *podInfo) []spreadConstraint {
	together := o.selector(p.Pod)
	if together.Empty() {
		return nil
	}
	return []spreadConstraint{
		{key: corev1.LabelHostname, maxSkew: 3, minDomains: 1, selector: together, honorsAffinity: true},
		{key: corev1.LabelTopologyZone, maxSkew: 5, minDomains: 1, selector: together, honorsAffinity: true},
	}
}

// selector selects the pods that belong together with a pod; empty when it stands alone.
func (o owners) selector(pod *corev1.Pod) labels.Selector {
	merged := labels.Set{}
	services, _ := o.services.Services(pod.Namespace).List(labels.Everything()) // a cache: no error
	for _, service := range services {
		if s := service.Spec.Selector; s != nil && labels.SelectorFromSet(s).Matches(labels.Set(pod.Labels)) {
			merged = labels.Merge(merged, s)
		}
	}
	requirements, _ := o.ofController(pod).Requirements()
	return labels.SelectorFromSet(merged).Add(requirements...)
}

// ofController is the selector of the controller of a pod; everything when it has none that counts.
func (o owners) ofController(pod *corev1.Pod) labels.Selector {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil {
		return labels.Everything()
	}
	switch owner.Kind {
	case "ReplicationController":
		if rc, err := o.replication.ReplicationControllers(pod.Namespace).Get(owner.Name); err == nil {
			return labels.SelectorFromSet(rc.Spec.Selector)
		}
	case "ReplicaSet":
		if rs, err := o.replicaSets.ReplicaSets(pod.Namespace).Get(owner.Name); err == nil {
			return selectorOf(rs.Spec.Selector)
		}
	case "StatefulSet":
		if ss, err := o.statefulSets.StatefulSets(pod.Namespace).Get(owner.Name); err == nil {
			return selectorOf(ss.Spec.Selector)
		}
	}
	return labels.Everything()
}
