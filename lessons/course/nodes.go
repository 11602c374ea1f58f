package course

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A lab that has kept its beginning takes its Nodes back with everything else (engine/apiserver/return.go). Where nothing was
// kept they are mended here: what kubelets and controllers say stays, what anybody else decided goes.

var (
	nodes    = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	nodeKind = schema.GroupVersionKind{Version: "v1", Kind: "Node"}
)

// mendNodes takes cordons, taints, labels and annotations from Nodes that no part of the cluster has put there. Only in a lab
// of drydock's own: the Nodes of another cluster belong to somebody.
func (c *Course) mendNodes(ctx context.Context) error {
	if c.cfg.Machines == nil {
		return nil
	}
	list, err := c.resources.Client().Resource(nodes).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	for i := range list.Items {
		if err := c.mendNode(ctx, &list.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

// mendNode writes until nobody comes between: a heartbeat changes the Node as well.
func (c *Course) mendNode(ctx context.Context, node *unstructured.Unstructured) error {
	client := c.resources.Client().Resource(nodes)
	for {
		mended := plainNode(node)
		if mended == nil {
			return nil
		}
		_, err := client.Update(ctx, mended, metav1.UpdateOptions{FieldManager: fieldManager})
		if apierrors.IsConflict(err) {
			node, err = client.Get(ctx, node.GetName(), metav1.GetOptions{})
			if err == nil {
				continue
			}
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("mend node/%s: %w", mended.GetName(), err)
		}
		return nil
	}
}

// plainNode is a Node without what people have decided about it; nil when that is nothing.
func plainNode(o *unstructured.Unstructured) *unstructured.Unstructured {
	plain, changed := o.DeepCopy(), false
	if cordoned, _, _ := unstructured.NestedBool(o.Object, "spec", "unschedulable"); cordoned {
		unstructured.RemoveNestedField(plain.Object, "spec", "unschedulable")
		changed = true
	}
	// The list of taints has one owner, whoever wrote it last: who set which taint is told by its key alone.
	taints, _, _ := unstructured.NestedSlice(o.Object, "spec", "taints")
	decided := func(t any) bool { return !strings.HasPrefix(fieldOf(t, "key"), "node.kubernetes.io/") }
	if slices.ContainsFunc(taints, decided) {
		cleanList(plain.Object, []string{"spec", "taints"}, decided)
		changed = true
	}
	theirs, ours := ownedMarks(o)
	for _, marks := range []string{"labels", "annotations"} {
		for key := range theirs[marks] {
			if !ours[marks][key] && nodeFact(o, key) == "" {
				unstructured.RemoveNestedField(plain.Object, "metadata", marks, key)
				changed = true
			}
		}
	}
	return factual(plain, changed)
}

// factual gives a Node back the labels that say what it is, and is nil when neither they nor anything else had to change.
func factual(node *unstructured.Unstructured, changed bool) *unstructured.Unstructured {
	labels := node.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	for _, key := range []string{corev1.LabelHostname, corev1.LabelOSStable, corev1.LabelArchStable} {
		if fact := nodeFact(node, key); fact != "" && labels[key] != fact {
			labels[key], changed = fact, true
		}
	}
	if !changed {
		return nil
	}
	node.SetLabels(labels)
	return node
}

// nodeFact is what a label must say that a kubelet writes when it registers, and not again; "" for other keys.
func nodeFact(o *unstructured.Unstructured, key string) string {
	info := func(field string) string {
		s, _, _ := unstructured.NestedString(o.Object, "status", "nodeInfo", field)
		return s
	}
	switch key {
	case corev1.LabelHostname:
		if info("operatingSystem") == "" {
			return "" // it has not registered yet
		}
		return o.GetName()
	case corev1.LabelOSStable:
		return info("operatingSystem")
	case corev1.LabelArchStable:
		return info("architecture")
	default:
		return ""
	}
}

func fieldOf(entry any, name string) string {
	m, _ := entry.(map[string]any)
	s, _ := m[name].(string)
	return s
}

// ownedMarks are the labels and annotations of a Node by who wrote them: somebody, or a part of the cluster.
func ownedMarks(o *unstructured.Unstructured) (theirs, ours map[string]map[string]bool) {
	theirs = map[string]map[string]bool{"labels": {}, "annotations": {}}
	ours = map[string]map[string]bool{"labels": {}, "annotations": {}}
	for _, m := range o.GetManagedFields() {
		into := theirs
		if partOfCluster(m.Manager) {
			into = ours
		}
		var owned struct {
			Metadata map[string]map[string]any `json:"f:metadata"`
		}
		if m.FieldsV1 == nil || json.Unmarshal(m.FieldsV1.GetRawBytes(), &owned) != nil {
			continue
		}
		for marks := range into {
			for key := range owned.Metadata["f:"+marks] {
				if name, ok := strings.CutPrefix(key, "f:"); ok {
					into[marks][name] = true
				}
			}
		}
	}
	return theirs, ours
}

// partOfCluster tells the cluster's own programs by the names under which they write.
func partOfCluster(manager string) bool {
	return manager == "kubelet" || strings.HasPrefix(manager, "system:") || strings.HasPrefix(manager, "kube-")
}
