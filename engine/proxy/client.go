package proxy

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"drydock/engine/listwatch"
)

// Client is what a proxy asks of the API server. All methods may be called at the same time; what they return belongs to the
// caller.
type Client interface {
	Services(ctx context.Context) (*corev1.ServiceList, error)
	WatchServices(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
	EndpointSlices(ctx context.Context) (*discoveryv1.EndpointSliceList, error)
	WatchEndpointSlices(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
}

type restClient struct {
	core, discovery rest.Interface
	parameters      runtime.ParameterCodec
}

// NewClient makes a Client for the API server that config describes.
func NewClient(config *rest.Config) (Client, error) {
	clients, parameters, err := listwatch.Clients(config, "kube-proxy/v1.37.1",
		listwatch.Group{Version: corev1.SchemeGroupVersion, Add: corev1.AddToScheme},
		listwatch.Group{Version: discoveryv1.SchemeGroupVersion, Add: discoveryv1.AddToScheme})
	if err != nil {
		return nil, err
	}
	return &restClient{core: clients[0], discovery: clients[1], parameters: parameters}, nil
}

func (c *restClient) Services(ctx context.Context) (*corev1.ServiceList, error) {
	list := &corev1.ServiceList{}
	return list, c.core.Get().Resource("services").Do(ctx).Into(list)
}

func (c *restClient) WatchServices(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.Watch = true
	return c.core.Get().Resource("services").VersionedParams(&options, c.parameters).Watch(ctx)
}

func (c *restClient) EndpointSlices(ctx context.Context) (*discoveryv1.EndpointSliceList, error) {
	list := &discoveryv1.EndpointSliceList{}
	return list, c.discovery.Get().Resource("endpointslices").Do(ctx).Into(list)
}

func (c *restClient) WatchEndpointSlices(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.Watch = true
	return c.discovery.Get().Resource("endpointslices").VersionedParams(&options, c.parameters).Watch(ctx)
}
