package policy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
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
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register API types: %w", err)
		}
	}
	config = rest.CopyConfig(config)
	config.UserAgent = "network-policy"
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
	if client.networking, err = group(networkingv1.SchemeGroupVersion, "/apis"); err != nil {
		return nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	return client, nil
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
