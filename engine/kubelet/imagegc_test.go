package kubelet_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const gib = 1 << 30

// storeOf is a node of 10 GiB whose images are 1 GiB each. Deleting one makes room.
type storeOf struct {
	*world
	others atomic.Uint64 // bytes that something else takes
}

func newStore(t *testing.T, images ...string) *storeOf {
	t.Helper()
	s := &storeOf{world: newWorld(t)}
	for _, name := range images {
		s.runtime.images[name] = true
		s.runtime.stored = append(s.runtime.stored, &runtimeapi.Image{
			Id: "sha256:" + name, RepoTags: []string{name}, Size: gib, Pinned: strings.HasPrefix(name, "bundled"),
		})
	}
	s.disk = func() (capacity, available uint64) {
		s.runtime.mu.Lock()
		defer s.runtime.mu.Unlock()
		return 10 * gib, 10*gib - min(10*gib, s.others.Load()+uint64(len(s.runtime.stored))*gib)
	}
	return s
}

// deleted are the images that were deleted, in that order.
func (s *storeOf) deleted() []string {
	names := []string{}
	for _, call := range s.runtime.called() {
		if name, ok := strings.CutPrefix(call, "remove sha256:"); ok {
			names = append(names, name)
		}
	}
	return names
}

func (s *storeOf) expectDeleted(want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), s.deleted()); diff != "" {
		s.t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func (s *storeOf) warned(reason string) string {
	for _, event := range s.api.told() {
		if text, ok := strings.CutPrefix(event, "Warning "+reason+": "); ok {
			return text
		}
	}
	return ""
}

// TestImagesGoWhenTheDiskFillsUp: from 85 percent on, down to 80; those first that nobody has used for longest, never those that a
// container has or that no registry gives back.
func TestImagesGoWhenTheDiskFillsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, "bundled", "drydock/web:1", "old:1", "older:1")
		s.start()
		defer func() { s.stop() }()
		s.api.put(newPod("web"))
		s.api.put(newPod("other", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "old:1" }))
		s.after(6 * time.Minute) // both are seen in use
		s.delete("other", 0)
		s.others.Store(4 * gib) // 80 percent
		s.after(6 * time.Minute)
		s.expectDeleted()
		s.others.Store(4*gib + gib*6/10) // 86
		s.after(6 * time.Minute)
		s.expectDeleted("older:1") // 76, which is enough
		s.others.Store(5*gib + gib*6/10)
		s.after(6 * time.Minute)
		s.expectDeleted("older:1", "old:1")
		s.others.Store(7 * gib) // 90, with nothing left to delete
		s.after(6 * time.Minute)
		s.expectDeleted("older:1", "old:1")
		want := "Insufficient free disk space on the node's image filesystem (90% of 10.0 GiB used). " +
			"Failed to free sufficient space by deleting unused images (freed 0 bytes). " +
			"Investigate disk usage, as it could be used by active images, logs, volumes, or other data."
		if diff := cmp.Diff(want, s.warned("FreeDiskSpaceFailed")); diff != "" {
			t.Errorf("FreeDiskSpaceFailed (-want +got):\n%s", diff)
		}
		if got := s.warned("ImageGCFailed"); got != "" {
			t.Errorf("ImageGCFailed after the first failure: %s", got)
		}
		s.after(5 * time.Minute)
		if diff := cmp.Diff(want, s.warned("ImageGCFailed")); diff != "" {
			t.Errorf("ImageGCFailed (-want +got):\n%s", diff)
		}
	})
}

// TestImagesThatCannotBeDeleted are told of, with what was wanted.
func TestImagesThatCannotBeDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, "a")
		s.others.Store(8 * gib)
		s.runtime.removeFails = true
		s.start()
		defer func() { s.stop() }()
		s.after(16 * time.Minute)
		want := fmt.Sprintf("wanted to free %d bytes, but freed 0 bytes space with errors in image deletion: remove image sha256:a: read-only file system", gib)
		if diff := cmp.Diff(want, s.warned("ImageGCFailed")); diff != "" {
			t.Errorf("ImageGCFailed (-want +got):\n%s", diff)
		}
	})
}

// TestImagesGoByAge: with imageMaximumGCAge what was not used for so long goes, however much room there is.
func TestImagesGoByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, "bundled", "drydock/web:1", "idle")
		s.imageAge = time.Hour
		s.start()
		defer func() { s.stop() }()
		s.api.put(newPod("web"))
		s.after(50 * time.Minute)
		s.expectDeleted() // it is not known for so long
		s.after(20 * time.Minute)
		s.expectDeleted("idle")
	})
}

// TestFullDiskCostsImagesBeforePods: a node under disk pressure deletes images, and ends a pod only when that was not enough.
func TestFullDiskCostsImagesBeforePods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, "idle")
		s.start()
		defer func() { s.stop() }()
		s.api.put(newPod("web"))
		s.after(3 * time.Minute) // long enough for an image that has just come
		s.after(3 * time.Minute)
		s.others.Store(9 * gib)
		s.after(15 * time.Second)
		s.expectDeleted("idle")
		s.expect("web", "Running/ready")
		s.others.Store(10 * gib)
		s.after(15 * time.Second)
		if got := s.status("web"); got.Reason != "Evicted" {
			t.Errorf("web is %s %s", got.Phase, got.Reason)
		}
	})
}
