package policy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"drydock/engine/listwatch"
)

// Client is what the engine asks of the API server, about networkpolicies, pods and namespaces. Both methods may be called at
// the same time; what they return belongs to the caller.
type Client interface {
	List(ctx context.Context, resource string) (list []runtime.Object, version string, err error)
	Watch(ctx context.Context, resource string, options metav1.ListOptions) (watch.Interface, error)
}

type restClient struct {
	core, networking rest.Interface
	parameters       runtime.ParameterCodec
}

// NewClient makes a Client for the API server that config describes.
func NewClient(config *rest.Config) (Client, error) {
	clients, parameters, err := listwatch.Clients(config, "network-policy",
		listwatch.Group{Version: corev1.SchemeGroupVersion, Add: corev1.AddToScheme},
		listwatch.Group{Version: networkingv1.SchemeGroupVersion, Add: networkingv1.AddToScheme})
	if err != nil {
		return nil, err
	}
	return &restClient{core: clients[0], networking: clients[1], parameters: parameters}, nil
}

func (c *restClient) of(resource string) (rest.Interface, runtime.Object) {
	switch resource {
	case "networkpolicies":
		return c.networking, &networkingv1.NetworkPolicyList{}
	case "namespaces":
		return c.core, &corev1.NamespaceList{}
	}
	return c.core, &corev1.PodList{}
}

func (c *restClient) List(ctx context.Context, resource string) ([]runtime.Object, string, error) {
	client, list := c.of(resource)
	if err := client.Get().Resource(resource).Do(ctx).Into(list); err != nil {
		return nil, "", err
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return nil, "", fmt.Errorf("read the list of %s: %w", resource, err)
	}
	version, err := meta.NewAccessor().ResourceVersion(list)
	return items, version, err
}

func (c *restClient) Watch(ctx context.Context, resource string, options metav1.ListOptions) (watch.Interface, error) {
	client, _ := c.of(resource)
	options.Watch = true
	return client.Get().Resource(resource).VersionedParams(&options, c.parameters).Watch(ctx)
}
