package kubelet

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// payload is the content of a volume that mirrors API objects.
func (m *podMounts) payload(ctx context.Context, pod *corev1.Pod, v *corev1.Volume) (map[string]volumeFile, error) {
	files := map[string]volumeFile{}
	switch {
	case v.ConfigMap != nil:
		s := v.ConfigMap
		return files, m.addConfigMap(ctx, pod, s.Name, selection{s.Items, modeOf(s.DefaultMode), isTrue(s.Optional)}, files)
	case v.Secret != nil:
		s := v.Secret
		return files, m.addSecret(ctx, pod, s.SecretName, selection{s.Items, modeOf(s.DefaultMode), isTrue(s.Optional)}, files)
	case v.DownwardAPI != nil:
		return files, m.addDownward(pod, v.DownwardAPI.Items, modeOf(v.DownwardAPI.DefaultMode), files)
	}
	mode := modeOf(v.Projected.DefaultMode)
	for i := range v.Projected.Sources {
		if err := m.addSource(ctx, pod, v, i, mode, files); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (m *podMounts) addSource(ctx context.Context, pod *corev1.Pod, v *corev1.Volume, i int, mode uint32, files map[string]volumeFile) error {
	source := &v.Projected.Sources[i]
	switch {
	case source.ConfigMap != nil:
		s := source.ConfigMap
		return m.addConfigMap(ctx, pod, s.Name, selection{s.Items, mode, isTrue(s.Optional)}, files)
	case source.Secret != nil:
		s := source.Secret
		return m.addSecret(ctx, pod, s.Name, selection{s.Items, mode, isTrue(s.Optional)}, files)
	case source.DownwardAPI != nil:
		return m.addDownward(pod, source.DownwardAPI.Items, mode, files)
	case source.ServiceAccountToken != nil:
		text, err := m.token(ctx, pod, v.Name, source.ServiceAccountToken)
		if err != nil {
			return err
		}
		// 0600 tokens could not be read by a container that runs as another user; upstream widens them the same way.
		files[source.ServiceAccountToken.Path] = volumeFile{[]byte(text), mode}
		return nil
	}
	return fmt.Errorf("projected volume %q has a source that drydock does not have", v.Name)
}

func modeOf(mode *int32) uint32 {
	if mode == nil {
		return 0o644
	}
	return uint32(*mode)
}

// selection is which keys of an object to take, under which paths; none means all.
type selection struct {
	items    []corev1.KeyToPath
	mode     uint32
	optional bool
}

func (m *podMounts) addConfigMap(ctx context.Context, pod *corev1.Pod, name string, want selection, files map[string]volumeFile) error {
	object, err := m.k.getConfigMap(ctx, pod.Namespace, name)
	if err != nil {
		if apierrors.IsNotFound(err) && want.optional {
			return nil
		}
		return err
	}
	data := map[string][]byte{}
	for key, text := range object.Data {
		data[key] = []byte(text)
	}
	for key, raw := range object.BinaryData {
		data[key] = raw
	}
	return want.take(data, "configmap", files)
}

func (m *podMounts) addSecret(ctx context.Context, pod *corev1.Pod, name string, want selection, files map[string]volumeFile) error {
	object, err := m.k.getSecret(ctx, pod.Namespace, name)
	if err != nil {
		if apierrors.IsNotFound(err) && want.optional {
			return nil
		}
		return err
	}
	return want.take(object.Data, "secret", files)
}

func (s selection) take(data map[string][]byte, kind string, files map[string]volumeFile) error {
	if len(s.items) == 0 {
		for key, content := range data {
			files[key] = volumeFile{content, s.mode}
		}
		return nil
	}
	for _, item := range s.items {
		content, found := data[item.Key]
		if !found && s.optional {
			continue
		}
		if !found {
			return fmt.Errorf("%s references non-existent %s key: %s", kind, kind, item.Key)
		}
		mode := s.mode
		if item.Mode != nil {
			mode = uint32(*item.Mode)
		}
		files[item.Path] = volumeFile{content, mode}
	}
	return nil
}

func (m *podMounts) addDownward(pod *corev1.Pod, items []corev1.DownwardAPIVolumeFile, mode uint32, files map[string]volumeFile) error {
	for _, item := range items {
		var text string
		var err error
		switch {
		case item.FieldRef != nil:
			text, err = podField(pod, item.FieldRef.FieldPath, fieldContext{nodeIP: m.k.cfg.NodeIP})
		case item.ResourceFieldRef != nil:
			text, err = resourceField(pod, nil, item.ResourceFieldRef, m.k.allocatable)
		}
		if err != nil {
			return err
		}
		fileMode := mode
		if item.Mode != nil {
			fileMode = uint32(*item.Mode)
		}
		files[item.Path] = volumeFile{[]byte(text), fileMode}
	}
	return nil
}

// token is a service account token and when it should be replaced.
type token struct {
	text    string
	renewAt time.Time
}

// token asks for a token bound to the pod, and for a new one when four fifths of its life are over, or a day.
func (m *podMounts) token(ctx context.Context, pod *corev1.Pod, volume string, want *corev1.ServiceAccountTokenProjection) (string, error) {
	key := volume + "/" + want.Path
	if known := m.tokens[key]; known.text != "" && time.Now().Before(known.renewAt) {
		return known.text, nil
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: want.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	if want.Audience != "" {
		request.Spec.Audiences = []string{want.Audience}
	}
	account := pod.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	answer, err := m.k.cfg.Client.CreateToken(ctx, pod.Namespace, account, request)
	if err != nil {
		return "", fmt.Errorf("failed to fetch token: %w", err)
	}
	life := time.Until(answer.Status.ExpirationTimestamp.Time)
	m.tokens[key] = token{answer.Status.Token, time.Now().Add(min(life*4/5, 24*time.Hour))}
	return answer.Status.Token, nil
}
