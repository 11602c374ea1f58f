package proxy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
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
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, discoveryv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register API types: %w", err)
		}
	}
	config = rest.CopyConfig(config)
	config.UserAgent = "kube-proxy/v1.37.1"
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	group := func(gv schema.GroupVersion, path string) (rest.Interface, error) {
		c := rest.CopyConfig(config)
		c.GroupVersion, c.APIPath, c.QPS = &gv, path, -1
		c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
		c.ContentType = "application/vnd.kubernetes.protobuf"
		c.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
		return rest.RESTClientForConfigAndClient(c, httpClient)
	}
	client := &restClient{parameters: runtime.NewParameterCodec(scheme)}
	if client.core, err = group(corev1.SchemeGroupVersion, "/api"); err != nil {
		return nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	if client.discovery, err = group(discoveryv1.SchemeGroupVersion, "/apis"); err != nil {
		return nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	return client, nil
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
