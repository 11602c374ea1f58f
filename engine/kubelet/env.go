package kubelet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// environment is what the container finds in its environment: envFrom first, then env, which may refer to what came before and
// to the variables of services, then the services.
func (w *worker) environment(ctx context.Context, r startRequest) (map[string]string, error) {
	services, synced := w.k.services.variables(r.pod)
	if !synced && !isStatic(r.pod) { // a static pod must not wait for an API server
		return nil, errors.New("services have not yet been read at least once, cannot construct envvars")
	}
	objects := &objectReader{k: w.k, namespace: r.pod.Namespace}
	env := map[string]string{}
	for i := range r.container.EnvFrom {
		if err := objects.importAll(ctx, &r.container.EnvFrom[i], env); err != nil {
			return nil, err
		}
	}
	lookup := func(name string) (string, bool) {
		if value, found := env[name]; found {
			return value, true
		}
		value, found := services[name]
		return value, found
	}
	for i := range r.container.Env {
		variable := &r.container.Env[i]
		if variable.ValueFrom == nil || variable.Value != "" {
			env[variable.Name] = expand(variable.Value, lookup)
			continue
		}
		value, found, err := w.valueFrom(ctx, r, objects, variable.ValueFrom)
		if err != nil {
			return nil, err
		}
		if found {
			env[variable.Name] = value
		}
	}
	all := maps.Clone(services)
	maps.Copy(all, env)
	return all, nil
}

// valueFrom resolves one reference; found is false for an optional one that leads nowhere.
func (w *worker) valueFrom(ctx context.Context, r startRequest, objects *objectReader, from *corev1.EnvVarSource) (string, bool, error) {
	switch {
	case from.FieldRef != nil:
		value, err := podField(r.pod, from.FieldRef.FieldPath, fieldContext{nodeIP: w.k.cfg.NodeIP, podIPs: r.ips})
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err := resourceField(r.pod, r.container, from.ResourceFieldRef, w.k.allocatable)
		return value, true, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		data, err := objects.configMap(ctx, ref.Name)
		return pick(data, err, wantedKey{"ConfigMap", r.pod.Namespace, ref.Name, ref.Key, isTrue(ref.Optional)})
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		data, err := objects.secret(ctx, ref.Name)
		return pick(data, err, wantedKey{"Secret", r.pod.Namespace, ref.Name, ref.Key, isTrue(ref.Optional)})
	case from.FileKeyRef != nil:
		return w.mounts.fromFile(from.FileKeyRef)
	}
	return "", false, nil
}

type wantedKey struct {
	kind, namespace, name, key string
	optional                   bool
}

func pick(data map[string]string, err error, ref wantedKey) (string, bool, error) {
	if err != nil {
		if apierrors.IsNotFound(err) && ref.optional {
			return "", false, nil
		}
		return "", false, err
	}
	value, found := data[ref.key]
	if !found && !ref.optional {
		return "", false, fmt.Errorf("couldn't find key %v in %s %v/%v", ref.key, ref.kind, ref.namespace, ref.name)
	}
	return value, found, nil
}

func isTrue(b *bool) bool { return b != nil && *b }

// objectReader reads each ConfigMap and Secret once per container.
type objectReader struct {
	k                   *Kubelet
	namespace           string
	configMaps, secrets map[string]map[string]string
}

func (o *objectReader) configMap(ctx context.Context, name string) (map[string]string, error) {
	if data, known := o.configMaps[name]; known {
		return data, nil
	}
	object, err := o.k.getConfigMap(ctx, o.namespace, name)
	if err != nil {
		return nil, err
	}
	if o.configMaps == nil {
		o.configMaps = map[string]map[string]string{}
	}
	o.configMaps[name] = object.Data
	return object.Data, nil
}

func (o *objectReader) secret(ctx context.Context, name string) (map[string]string, error) {
	if data, known := o.secrets[name]; known {
		return data, nil
	}
	object, err := o.k.getSecret(ctx, o.namespace, name)
	if err != nil {
		return nil, err
	}
	data := map[string]string{}
	for key, value := range object.Data {
		data[key] = string(value)
	}
	if o.secrets == nil {
		o.secrets = map[string]map[string]string{}
	}
	o.secrets[name] = data
	return data, nil
}

func (o *objectReader) importAll(ctx context.Context, from *corev1.EnvFromSource, env map[string]string) error {
	var data map[string]string
	var err error
	optional := false
	switch {
	case from.ConfigMapRef != nil:
		data, err = o.configMap(ctx, from.ConfigMapRef.Name)
		optional = isTrue(from.ConfigMapRef.Optional)
	case from.SecretRef != nil:
		data, err = o.secret(ctx, from.SecretRef.Name)
		optional = isTrue(from.SecretRef.Optional)
	}
	if err != nil {
		if optional && apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	for key, value := range data {
		env[from.Prefix+key] = value
	}
	return nil
}

// serviceVariables are the Docker-style variables of one service, as containers have got them since Kubernetes 1.0.
func serviceVariables(s *corev1.Service) map[string]string {
	prefix := strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
	ip := s.Spec.ClusterIP
	env := map[string]string{prefix + "_SERVICE_HOST": ip}
	for i, port := range s.Spec.Ports {
		number := strconv.Itoa(int(port.Port))
		protocol := string(port.Protocol)
		if protocol == "" {
			protocol = string(corev1.ProtocolTCP)
		}
		url := strings.ToLower(protocol) + "://" + net.JoinHostPort(ip, number)
		if i == 0 {
			env[prefix+"_SERVICE_PORT"] = number
			env[prefix+"_PORT"] = url
		}
		if port.Name != "" {
			env[prefix+"_SERVICE_PORT_"+strings.ToUpper(strings.ReplaceAll(port.Name, "-", "_"))] = number
		}
		link := fmt.Sprintf("%s_PORT_%s_%s", prefix, number, strings.ToUpper(protocol))
		env[link] = url
		env[link+"_PROTO"] = strings.ToLower(protocol)
		env[link+"_PORT"] = number
		env[link+"_ADDR"] = ip
	}
	return env
}
