package cri_test

import (
	"context"
	"testing"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cri"
)

// TestOutsideKubernetes: what was run without Kubernetes is in no list that does not ask for it, so that no kubelet takes it
// for an orphan.
func TestOutsideKubernetes(t *testing.T) {
	n, ctx := newNode(t), context.Background()
	made, err := n.RunPodSandbox(ctx, &runtimeapi.RunPodSandboxRequest{Config: &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: "alone", Uid: "u", Namespace: "ctr"},
		Labels:   map[string]string{cri.LabelOutside: "ctr"}, Linux: &runtimeapi.LinuxPodSandboxConfig{},
	}})
	must(t, err)
	for want, selector := range map[int]map[string]string{0: nil, 1: {cri.LabelOutside: "ctr"}} {
		list, err := n.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{Filter: &runtimeapi.PodSandboxFilter{LabelSelector: selector}})
		must(t, err)
		if len(list.GetItems()) != want {
			t.Errorf("with selector %v: %d sandboxes, want %d", selector, len(list.GetItems()), want)
		}
	}
	_, err = n.RemovePodSandbox(ctx, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: made.GetPodSandboxId()})
	must(t, err)
}
