package kubelet_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/decision"
	"drydock/engine/kubelet"
)

// BenchmarkPodStart is the kubelet's own share of a pod's start: from the pod on the watch to Running in the API, with a
// runtime and an API server that answer at once.
func BenchmarkPodStart(b *testing.B) {
	api, runtime, root := newFakeAPI(), newFakeRuntime(), b.TempDir()
	running := make(chan struct{}, 1)
	k, err := kubelet.New(kubelet.Config{
		NodeName: "node-1", NodeIP: "172.30.0.11", Client: &watchedAPI{api, running}, Runtime: runtime, Images: runtime,
		RootDir: filepath.Join(root, "kubelet"), LogDir: filepath.Join(root, "log"), Recorder: decision.Discard,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}()
	start := func(i int) {
		name := fmt.Sprintf("pod-%d", i)
		api.put(newPod(name))
		select {
		case <-running:
		case <-time.After(5 * time.Second):
			b.Fatalf("%s does not run: %+v", name, api.pod("default", name).Status)
		}
		api.vanish("default", name)
	}
	start(-1)
	for i := 0; b.Loop(); i++ {
		start(i)
	}
}

// watchedAPI tells when a pod has become Running.
type watchedAPI struct {
	*fakeAPI
	running chan struct{}
}

func (w *watchedAPI) PatchPodStatus(ctx context.Context, namespace, name string, patch []byte) (*corev1.Pod, error) {
	pod, err := w.fakeAPI.PatchPodStatus(ctx, namespace, name, patch)
	if err == nil && pod.Status.Phase == corev1.PodRunning {
		select {
		case w.running <- struct{}{}:
		default:
		}
	}
	return pod, err
}
