package kubelet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers: [{name: main, image: "drydock/web:1", ports: [{containerPort: 80, hostPort: 80}]}]
`

// inBubbleWithManifests starts a node whose directory of static pods has these files, and gives the means to say that it has changed.
func inBubbleWithManifests(t *testing.T, files map[string]string, test func(w *world, write func(name, text string))) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.manifests = filepath.Join(w.root, "manifests")
		changes := make(chan struct{}, 1)
		w.changes = changes
		write := func(name, text string) {
			t.Helper()
			path := filepath.Join(w.manifests, name)
			err := os.WriteFile(path, []byte(text), 0o600)
			if text == "" {
				err = os.Remove(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			changes <- struct{}{}
			synctest.Wait()
		}
		if err := os.Mkdir(w.manifests, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(w.manifests, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		defer func() { w.stop() }()
		w.after(time.Second) // the mirror waits for the node's object
		test(w, write)
	})
}

func TestStaticPodHasAMirror(t *testing.T) {
	inBubbleWithManifests(t, map[string]string{"web.yaml": manifest, ".hidden": "no pod"}, func(w *world, write func(name, text string)) {
		w.expect("web-node-1", "Running/ready")
		mirror := w.api.pod("default", "web-node-1")
		hash := mirror.Annotations["kubernetes.io/config.hash"]
		if hash == "" || mirror.Annotations[corev1.MirrorPodAnnotationKey] != hash || mirror.Annotations["kubernetes.io/config.source"] != "file" || mirror.Annotations["kubernetes.io/config.seen"] == "" {
			t.Errorf("annotations: %v", mirror.Annotations)
		}
		if o := mirror.OwnerReferences; len(o) != 1 || o[0].Kind != "Node" || o[0].Name != "node-1" || !*o[0].Controller {
			t.Errorf("owner: %v", o)
		}
		if diff := cmp.Diff([]corev1.Toleration{{Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}}, mirror.Spec.Tolerations); diff != "" {
			t.Errorf("tolerations (-want +got):\n%s", diff)
		}

		// Whoever deletes the mirror gets another; the pod runs on.
		id := w.runtime.newest("main").status.Id
		w.api.change("default", "web-node-1", func(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{Time: time.Now()} })
		w.after(time.Second)
		next := w.api.pod("default", "web-node-1")
		if next == nil || next.UID == mirror.UID || next.DeletionTimestamp != nil {
			t.Fatalf("mirror after its deletion: %v", next)
		}
		w.expect("web-node-1", "Running/ready")
		if got := w.runtime.newest("main").status.Id; got != id {
			t.Error("the container was started again")
		}

		// A changed file is another pod, which starts when the old one has ended.
		write("web.yaml", strings.Replace(manifest, "app: web", "app: other", 1))
		w.after(time.Minute)
		if got := w.api.pod("default", "web-node-1"); got == nil || got.Labels["app"] != "other" || describe(&got.Status) != "Running/ready" {
			t.Errorf("mirror of the changed pod: %v", got)
		}
		if diff := cmp.Diff([]string{"main"}, w.runtime.running()); diff != "" {
			t.Errorf("running (-want +got):\n%s", diff)
		}

		write("web.yaml", "")
		w.after(time.Minute)
		if got := w.api.pod("default", "web-node-1"); got != nil {
			t.Errorf("mirror of a removed file: %v", got.Status)
		}
		if running := w.runtime.running(); len(running) > 0 {
			t.Errorf("running: %v", running)
		}
	})
}

func TestStaticPodNeedsNoAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.manifests = t.TempDir()
		if err := os.WriteFile(filepath.Join(w.manifests, "web.yaml"), []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
		w.api.down = true
		w.start()
		defer func() { w.stop() }()
		w.after(time.Second)
		if diff := cmp.Diff([]string{"main"}, w.runtime.running()); diff != "" {
			t.Errorf("running without an API server (-want +got):\n%s", diff)
		}
		id := w.runtime.newest("main").status.Id
		w.api.mu.Lock()
		w.api.down = false
		w.api.mu.Unlock()
		w.after(time.Minute)
		w.expect("web-node-1", "Running/ready")

		// The next kubelet finds the pod, and a mirror of a file that is gone since is removed.
		w.stop()
		leftover := w.api.pod("default", "web-node-1").DeepCopy()
		leftover.Name, leftover.UID = "gone-node-1", "uid-of-gone"
		w.api.put(leftover)
		w.start()
		w.after(time.Second)
		if got := w.runtime.newest("main").status.Id; got != id {
			t.Error("the container was started again")
		}
		if w.api.pod("default", "gone-node-1") != nil {
			t.Error("the mirror of nothing is still there")
		}
		w.expect("web-node-1", "Running/ready")
	})
}

func TestManifestsThatAreRefused(t *testing.T) {
	const spec = "spec: {containers: [{name: main, image: \"drydock/web:1\"}]}\n"
	for name, c := range map[string]struct{ text, want string }{
		"not yaml":        {"a: b: c", "couldn't parse as pod"},
		"unknown field":   {"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspek: {}\n", `unknown field "spek"`},
		"another kind":    {"apiVersion: v1\nkind: Service\nmetadata: {name: web}\n", "it is v1 Service"},
		"no name":         {"apiVersion: v1\nkind: Pod\n" + spec, "name is needed for the pod"},
		"no containers":   {"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n", "spec.containers: Required value"},
		"service account": {"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n" + strings.Replace(spec, "{", "{serviceAccountName: me, ", 1), "static pods may not reference serviceaccounts"},
		"config map":      {"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n" + strings.Replace(spec, "{", "{volumes: [{name: v, configMap: {name: c}}], ", 1), "static pods may not reference configmaps"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubbleWithManifests(t, map[string]string{"bad.yaml": c.text, "good.yaml": strings.Replace(manifest, "name: web", "name: good", 1)}, func(w *world, _ func(name, text string)) {
				w.expect("good-node-1", "Running/ready")
				records, _ := w.ring.Since(0)
				for _, r := range records {
					if r.Action == "ReadManifests" && strings.Contains(r.Message, c.want) && strings.Contains(r.Message, "bad.yaml: ") {
						return
					}
				}
				t.Errorf("no record says %q", c.want)
			})
		})
	}
}
