package apiserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/utils/ptr"
)

const (
	tokenDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"
	// tokenSeconds is upstream's odd hour: 3600 means "an old client's request", which the API server may extend.
	tokenSeconds = 3607
	mirrorPod    = corev1.MirrorPodAnnotationKey

	defaultAccount = "default"
)

// admitServiceAccount is the ServiceAccount plugin: a pod runs as an account that exists, and finds the account's token,
// the cluster's certificate and its namespace in a volume.
func (s *Server) admitServiceAccount(ctx context.Context, a admission) error {
	pod, ok := a.obj.(*corev1.Pod)
	if !ok || a.operation != operationCreate {
		return nil
	}
	if _, mirror := pod.Annotations[mirrorPod]; mirror {
		return checkMirrorPod(pod)
	}
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName = defaultAccount
	}
	pod.Spec.DeprecatedServiceAccount = pod.Spec.ServiceAccountName
	e, err := s.account(ctx, target{kind: serviceAccountKind, namespace: a.namespace, name: pod.Spec.ServiceAccountName})
	if err != nil {
		return a.forbid(fmt.Errorf("error looking up service account %s/%s: %w", a.namespace, pod.Spec.ServiceAccountName, err))
	}
	account := e.obj.(*corev1.ServiceAccount)
	if wantsToken(pod, account) {
		mountToken(pod)
	}
	if len(pod.Spec.ImagePullSecrets) == 0 {
		pod.Spec.ImagePullSecrets = slices.Clone(account.ImagePullSecrets)
	}
	return nil
}

// account reads a pod's account. The default one may be a moment late in a new namespace, because its controller has to see the
// namespace first: whoever types the two commands after each other must not lose that race.
func (s *Server) account(ctx context.Context, t target) (*entry, error) {
	revision := s.store.Revision() // before the read, so that nothing falls between the two
	e, err := s.stored(ctx, t)
	if t.name != defaultAccount || !apierrors.IsNotFound(err) {
		return e, err
	}
	watcher, watchErr := s.store.Watch(t.key(), revision)
	if watchErr != nil {
		return nil, err
	}
	defer watcher.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for apierrors.IsNotFound(err) {
		if _, ended := watcher.Next(ctx); ended != nil {
			return nil, err
		}
		e, err = s.stored(ctx, t)
	}
	return e, err
}

// checkMirrorPod keeps secrets out of pods that a kubelet made from a file.
func checkMirrorPod(pod *corev1.Pod) error {
	if pod.Spec.ServiceAccountName != "" {
		return apierrors.NewForbidden(corev1.Resource("pods"), pod.Name, errors.New("a mirror pod may not reference service accounts"))
	}
	return nil
}

func wantsToken(pod *corev1.Pod, account *corev1.ServiceAccount) bool {
	if pod.Spec.AutomountServiceAccountToken != nil {
		return *pod.Spec.AutomountServiceAccountToken
	}
	return ptr.Deref(account.AutomountServiceAccountToken, true)
}

// mountToken adds the volume kube-api-access and mounts it wherever the user has not mounted something of their own.
func mountToken(pod *corev1.Pod) {
	name := tokenVolumeName(pod)
	needed := false
	mount := func(containers []corev1.Container) {
		for i := range containers {
			c := &containers[i]
			taken := func(m corev1.VolumeMount) bool { return m.MountPath == tokenDirectory }
			if slices.ContainsFunc(c.VolumeMounts, taken) {
				continue
			}
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: tokenDirectory})
			needed = true
		}
	}
	mount(pod.Spec.InitContainers)
	mount(pod.Spec.Containers)
	has := func(v corev1.Volume) bool { return v.Name == name }
	if needed && !slices.ContainsFunc(pod.Spec.Volumes, has) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, tokenVolume(name))
	}
}

func tokenVolumeName(pod *corev1.Pod) string {
	for {
		name := names.SimpleNameGenerator.GenerateName("kube-api-access-")
		if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name }) {
			return name
		}
	}
}

func tokenVolume(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: ptr.To(corev1.ProjectedVolumeSourceDefaultMode),
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: ptr.To[int64](tokenSeconds), Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
				Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
			}}}},
		},
	}}}
}
