package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
)

// findings is what one attempt to empty a namespace came to.
type findings struct {
	discovery  error
	content    []error
	remaining  map[string]int // by resource.group
	finalizers map[string]int // objects that each finalizer keeps
}

func newFindings() *findings {
	return &findings{remaining: map[string]int{}, finalizers: map[string]int{}}
}

func (f *findings) count(kind controller.Kind, items []metav1.PartialObjectMetadata) {
	if len(items) == 0 {
		return
	}
	f.remaining[kind.Resource.Resource+"."+kind.Resource.Group] += len(items)
	for _, item := range items {
		for _, finalizer := range item.Finalizers {
			f.finalizers[finalizer]++
		}
	}
}

func (f *findings) err() error { return errors.Join(append(f.content, f.discovery)...) }

// conditions are the five that Kubernetes keeps on a namespace that is being deleted. True is always bad news.
func (f *findings) conditions() []corev1.NamespaceCondition {
	return []corev1.NamespaceCondition{
		condition(corev1.NamespaceDeletionDiscoveryFailure, "ResourcesDiscovered", "All resources successfully discovered",
			"DiscoveryFailed", text(f.discovery)),
		condition(corev1.NamespaceDeletionGVParsingFailure, "ParsedGroupVersions", "All legacy kube types successfully parsed", "", ""),
		condition(corev1.NamespaceDeletionContentFailure, "ContentDeleted", "All content successfully deleted, may be waiting on finalization",
			"ContentDeletionFailed", f.contentMessage()),
		condition(corev1.NamespaceContentRemaining, "ContentRemoved", "All content successfully removed",
			"SomeResourcesRemain", counts("Some resources are remaining: ", "%s has %d resource instances", f.remaining)),
		condition(corev1.NamespaceFinalizersRemaining, "ContentHasNoFinalizers", "All content-preserving finalizers finished",
			"SomeFinalizersRemain", counts("Some content in the namespace has finalizers remaining: ", "%s in %d resource instances", f.finalizers)),
	}
}

// condition is False with what is well, or True with what is not when that is not empty.
func condition(kind corev1.NamespaceConditionType, reason, message, badReason, badMessage string) corev1.NamespaceCondition {
	c := corev1.NamespaceCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message}
	if badMessage != "" {
		c.Status, c.Reason, c.Message = corev1.ConditionTrue, badReason, badMessage
	}
	return c
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (f *findings) contentMessage() string {
	if len(f.content) == 0 {
		return ""
	}
	var texts []string
	for _, err := range f.content {
		texts = append(texts, err.Error())
	}
	slices.Sort(texts)
	return fmt.Sprintf("Failed to delete all resource types, %d remaining: %s", len(texts), strings.Join(texts, ", "))
}

func counts(start, format string, numbers map[string]int) string {
	if len(numbers) == 0 {
		return ""
	}
	var parts []string
	for name, n := range numbers {
		parts = append(parts, fmt.Sprintf(format, name, n))
	}
	slices.Sort(parts)
	return start + strings.Join(parts, ", ")
}

// report writes phase and conditions when they have changed; ns becomes the updated namespace.
func (c *Controller) report(ctx context.Context, ns *corev1.Namespace, f *findings) error {
	changed := ns.Status.Phase != corev1.NamespaceTerminating
	ns.Status.Phase = corev1.NamespaceTerminating
	for _, news := range f.conditions() {
		changed = set(&ns.Status, news) || changed
	}
	if !changed {
		return nil
	}
	updated, err := c.cfg.Client.CoreV1().Namespaces().UpdateStatus(ctx, ns, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("update status: %w", err)
	}
	*ns = *updated.DeepCopy()
	return nil
}

func set(status *corev1.NamespaceStatus, news corev1.NamespaceCondition) (changed bool) {
	at := slices.IndexFunc(status.Conditions, func(c corev1.NamespaceCondition) bool { return c.Type == news.Type })
	if at < 0 {
		news.LastTransitionTime = metav1.Now()
		status.Conditions = append(status.Conditions, news)
		return true
	}
	old := status.Conditions[at]
	if old.Status == news.Status && old.Reason == news.Reason && old.Message == news.Message {
		return false
	}
	if news.LastTransitionTime = old.LastTransitionTime; old.Status != news.Status {
		news.LastTransitionTime = metav1.Now()
	}
	status.Conditions[at] = news
	return true
}
