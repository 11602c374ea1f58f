package kubelet

import (
	"context"
	"maps"
	"sync"

	"drydock/engine/listwatch"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// serviceCache keeps what containers learn about services through their environment.
type serviceCache struct {
	mu sync.Mutex
	// guarded by mu
	synced bool
	known  map[string]map[string]map[string]string // namespace, name, variables

	// onSync runs once, after the first list; set once before follow.
	onSync func()
}

func (s *serviceCache) follow(ctx context.Context, client Client) error {
	source := &listwatch.Source{
		List: func(ctx context.Context) (string, error) {
			list, err := client.Services(ctx)
			if err != nil {
				return "", err
			}
			s.replace(list.Items)
			return list.ResourceVersion, nil
		},
		Watch: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return client.WatchServices(ctx, options)
		},
		Changed: s.changed,
	}
	return source.Follow(ctx)
}

func (s *serviceCache) replace(services []corev1.Service) {
	s.mu.Lock()
	first := !s.synced
	s.synced, s.known = true, map[string]map[string]map[string]string{}
	for i := range services {
		s.setLocked(&services[i])
	}
	s.mu.Unlock()
	if first && s.onSync != nil {
		s.onSync()
	}
}

func (s *serviceCache) changed(event watch.Event) {
	service, ok := event.Object.(*corev1.Service)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if event.Type == watch.Deleted {
		delete(s.known[service.Namespace], service.Name)
		return
	}
	s.setLocked(service)
}

func (s *serviceCache) setLocked(service *corev1.Service) {
	ip := service.Spec.ClusterIP
	if ip == "" || ip == corev1.ClusterIPNone || len(service.Spec.Ports) == 0 {
		delete(s.known[service.Namespace], service.Name)
		return
	}
	if s.known[service.Namespace] == nil {
		s.known[service.Namespace] = map[string]map[string]string{}
	}
	s.known[service.Namespace][service.Name] = serviceVariables(service)
}

// variables are those of default/kubernetes and, if the pod wants them, of the services of its namespace.
func (s *serviceCache) variables(pod *corev1.Pod) (env map[string]string, synced bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	env = map[string]string{}
	maps.Copy(env, s.known[metav1.NamespaceDefault]["kubernetes"])
	if pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks {
		for name, variables := range s.known[pod.Namespace] {
			if name != "kubernetes" || pod.Namespace == metav1.NamespaceDefault {
				maps.Copy(env, variables)
			}
		}
	}
	return env, s.synced
}
