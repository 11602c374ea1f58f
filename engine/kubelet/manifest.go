package kubelet

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// Annotations of a pod that comes from a file. The mirror annotation is corev1.MirrorPodAnnotationKey, with the hash as its value.
const (
	annotationSource = "kubernetes.io/config.source"
	annotationSeen   = "kubernetes.io/config.seen"
	annotationConfig = "kubernetes.io/config.hash"
	sourceFile       = "file"
)

// isStatic says whether the pod comes from a file of the node and not from the API.
func isStatic(pod *corev1.Pod) bool { return pod.Annotations[annotationSource] == sourceFile }

// readManifests reads the pods of a directory, by namespace/name. Hidden files and directories are passed over, as upstream does. The
// error joins what is wrong with single files; the other pods are there all the same.
func readManifests(dir, node string) (map[string]*corev1.Pod, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read static pods: %w", err)
	}
	pods := map[string]*corev1.Pod{}
	var wrong []error
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, err := os.Stat(path) // of what a link leads to
		if strings.HasPrefix(entry.Name(), ".") || err != nil || !info.Mode().IsRegular() {
			continue
		}
		pod, err := readManifest(path, node)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", path, err))
			continue
		}
		key := pod.Namespace + "/" + pod.Name
		if other := pods[key]; other != nil {
			wrong = append(wrong, fmt.Errorf("%s: pod %s is in another file, too", path, key))
			continue
		}
		pods[key] = pod
	}
	return pods, errors.Join(wrong...)
}

// readManifest reads one pod and makes it one of this node: its name ends in the node's, its UID is the hash of all that was
// written, so that a changed file is another pod.
func readManifest(path, node string) (*corev1.Pod, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict(text, pod); err != nil {
		return nil, fmt.Errorf("couldn't parse as pod: %w", err)
	}
	if err := checkStatic(pod); err != nil {
		return nil, err
	}
	setDefaults(pod)
	if pod.UID == "" {
		whole, err := json.Marshal(pod)
		if err != nil {
			return nil, err
		}
		hash := fnv.New128a()
		_, _ = fmt.Fprintf(hash, "%shost:%sfile:%s", whole, node, path) // a hash never fails
		pod.UID = types.UID(hex.EncodeToString(hash.Sum(nil)))
	}
	pod.Name += "-" + strings.ToLower(node)
	pod.Spec.NodeName = node
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[annotationConfig], pod.Annotations[annotationSource] = string(pod.UID), sourceFile
	pod.Annotations[annotationSeen] = time.Now().Format(time.RFC3339Nano)
	pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute})
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending, QOSClass: qosOf(pod)}
	return pod, nil
}

// checkStatic refuses what cannot be a static pod: it may not need the API, which it is there to do without.
//
// Kubernetes: the whole pod is validated there; here only what the kubelet would stumble over. The API server validates the mirror,
// and a pod that it refuses has none.
func checkStatic(pod *corev1.Pod) error {
	switch {
	case pod.APIVersion != "v1" || pod.Kind != "Pod":
		return fmt.Errorf("couldn't parse as pod: it is %s %s", pod.APIVersion, pod.Kind)
	case pod.Name == "":
		return errors.New("invalid pod: name is needed for the pod")
	case len(pod.Spec.Containers) == 0:
		return errors.New("invalid pod: spec.containers: Required value")
	case pod.Spec.ServiceAccountName != "":
		return errors.New("static pods may not reference serviceaccounts")
	}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		for name, used := range map[string]bool{
			"configmaps": v.ConfigMap != nil, "secrets": v.Secret != nil, "projected volumes": v.Projected != nil, "persistentvolumeclaims": v.PersistentVolumeClaim != nil,
		} {
			if used {
				return fmt.Errorf("static pods may not reference %s", name)
			}
		}
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Name == "" || c.Image == "" {
			return fmt.Errorf("invalid pod: container %q needs a name and an image", c.Name)
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && (e.ValueFrom.ConfigMapKeyRef != nil || e.ValueFrom.SecretKeyRef != nil) {
				return fmt.Errorf("static pods may not reference configmaps or secrets (env %s)", e.Name)
			}
		}
		if len(c.EnvFrom) > 0 {
			return errors.New("static pods may not reference configmaps or secrets (envFrom)")
		}
	}
	return nil
}
