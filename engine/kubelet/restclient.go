package kubelet

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// restClient is Client over the wire. It is client-go's REST machinery with a scheme of four groups instead of the typed
// clientset with fifty: the clientset's package initialisation costs every node's start.
type restClient struct {
	core, coordination, storage rest.Interface
	parameters                  runtime.ParameterCodec
}

// NewClient makes a Client for the API server that config describes. Bodies travel as protobuf; there is no rate limit,
// because a node of a lab may start a hundred pods at once.
func NewClient(config *rest.Config) (Client, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, coordinationv1.AddToScheme, authenticationv1.AddToScheme, storagev1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register API types: %w", err)
		}
	}
	config = rest.CopyConfig(config)
	config.UserAgent = "kubelet/" + kubeletVersion
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	group := func(gv schema.GroupVersion, path string) (rest.Interface, error) {
		c := rest.CopyConfig(config)
		c.GroupVersion, c.APIPath = &gv, path
		c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
		c.ContentType = "application/vnd.kubernetes.protobuf"
		c.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
		c.QPS = -1
		return rest.RESTClientForConfigAndClient(c, httpClient)
	}
	client := &restClient{parameters: runtime.NewParameterCodec(scheme)}
	if client.core, err = group(corev1.SchemeGroupVersion, "/api"); err != nil {
		return nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	if client.coordination, err = group(coordinationv1.SchemeGroupVersion, "/apis"); err != nil {
		return nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	if client.storage, err = group(storagev1.SchemeGroupVersion, "/apis"); err != nil {
		return nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	return client, nil
}

func (c *restClient) Node(ctx context.Context, name string) (*corev1.Node, error) {
	node := &corev1.Node{}
	return node, c.core.Get().Resource("nodes").Name(name).Do(ctx).Into(node)
}

func (c *restClient) CreateNode(ctx context.Context, node *corev1.Node) (*corev1.Node, error) {
	created := &corev1.Node{}
	return created, c.core.Post().Resource("nodes").Body(node).Do(ctx).Into(created)
}

func (c *restClient) PatchNode(ctx context.Context, name string, patch []byte) (*corev1.Node, error) {
	node := &corev1.Node{}
	return node, c.core.Patch(types.StrategicMergePatchType).Resource("nodes").Name(name).Body(patch).Do(ctx).Into(node)
}

func (c *restClient) PatchNodeStatus(ctx context.Context, name string, patch []byte) (*corev1.Node, error) {
	node := &corev1.Node{}
	request := c.core.Patch(types.StrategicMergePatchType).Resource("nodes").Name(name).SubResource("status")
	return node, request.Body(patch).Do(ctx).Into(node)
}

func (c *restClient) Lease(ctx context.Context, namespace, name string) (*coordinationv1.Lease, error) {
	lease := &coordinationv1.Lease{}
	return lease, c.coordination.Get().Namespace(namespace).Resource("leases").Name(name).Do(ctx).Into(lease)
}

func (c *restClient) CreateLease(ctx context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error) {
	created := &coordinationv1.Lease{}
	return created, c.coordination.Post().Namespace(lease.Namespace).Resource("leases").Body(lease).Do(ctx).Into(created)
}

func (c *restClient) UpdateLease(ctx context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error) {
	updated := &coordinationv1.Lease{}
	request := c.coordination.Put().Namespace(lease.Namespace).Resource("leases").Name(lease.Name)
	return updated, request.Body(lease).Do(ctx).Into(updated)
}

func onNode(node string, options metav1.ListOptions) metav1.ListOptions {
	options.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", node).String()
	return options
}

func (c *restClient) Pods(ctx context.Context, node string) (*corev1.PodList, error) {
	list := &corev1.PodList{}
	options := onNode(node, metav1.ListOptions{})
	return list, c.core.Get().Resource("pods").VersionedParams(&options, c.parameters).Do(ctx).Into(list)
}

func (c *restClient) WatchPods(ctx context.Context, node string, options metav1.ListOptions) (watch.Interface, error) {
	options = onNode(node, options)
	options.Watch = true
	return c.core.Get().Resource("pods").VersionedParams(&options, c.parameters).Watch(ctx)
}

func (c *restClient) Pod(ctx context.Context, namespace, name string) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	return pod, c.core.Get().Namespace(namespace).Resource("pods").Name(name).Do(ctx).Into(pod)
}

func (c *restClient) PatchPodStatus(ctx context.Context, namespace, name string, patch []byte) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	request := c.core.Patch(types.StrategicMergePatchType).Namespace(namespace).Resource("pods").Name(name).SubResource("status")
	return pod, request.Body(patch).Do(ctx).Into(pod)
}

func (c *restClient) CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	created := &corev1.Pod{}
	return created, c.core.Post().Namespace(pod.Namespace).Resource("pods").Body(pod).Do(ctx).Into(created)
}

func (c *restClient) DeletePod(ctx context.Context, namespace, name string, options metav1.DeleteOptions) error {
	return c.core.Delete().Namespace(namespace).Resource("pods").Name(name).Body(&options).Do(ctx).Error()
}

func (c *restClient) Services(ctx context.Context) (*corev1.ServiceList, error) {
	list := &corev1.ServiceList{}
	return list, c.core.Get().Resource("services").Do(ctx).Into(list)
}

func (c *restClient) WatchServices(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.Watch = true
	return c.core.Get().Resource("services").VersionedParams(&options, c.parameters).Watch(ctx)
}

func (c *restClient) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	object := &corev1.ConfigMap{}
	return object, c.core.Get().Namespace(namespace).Resource("configmaps").Name(name).Do(ctx).Into(object)
}

func (c *restClient) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	object := &corev1.Secret{}
	return object, c.core.Get().Namespace(namespace).Resource("secrets").Name(name).Do(ctx).Into(object)
}

func (c *restClient) PersistentVolumeClaim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	object := &corev1.PersistentVolumeClaim{}
	return object, c.core.Get().Namespace(namespace).Resource("persistentvolumeclaims").Name(name).Do(ctx).Into(object)
}

func (c *restClient) PersistentVolume(ctx context.Context, name string) (*corev1.PersistentVolume, error) {
	object := &corev1.PersistentVolume{}
	return object, c.core.Get().Resource("persistentvolumes").Name(name).Do(ctx).Into(object)
}

func (c *restClient) CSIDriver(ctx context.Context, name string) (*storagev1.CSIDriver, error) {
	object := &storagev1.CSIDriver{}
	return object, c.storage.Get().Resource("csidrivers").Name(name).Do(ctx).Into(object)
}

func (c *restClient) CSINode(ctx context.Context, name string) (*storagev1.CSINode, error) {
	object := &storagev1.CSINode{}
	return object, c.storage.Get().Resource("csinodes").Name(name).Do(ctx).Into(object)
}

func (c *restClient) CreateCSINode(ctx context.Context, node *storagev1.CSINode) (*storagev1.CSINode, error) {
	created := &storagev1.CSINode{}
	return created, c.storage.Post().Resource("csinodes").Body(node).Do(ctx).Into(created)
}

func (c *restClient) UpdateCSINode(ctx context.Context, node *storagev1.CSINode) (*storagev1.CSINode, error) {
	updated := &storagev1.CSINode{}
	return updated, c.storage.Put().Resource("csinodes").Name(node.Name).Body(node).Do(ctx).Into(updated)
}

func (c *restClient) CreateToken(ctx context.Context, namespace, serviceAccount string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	answer := &authenticationv1.TokenRequest{}
	post := c.core.Post().Namespace(namespace).Resource("serviceaccounts").Name(serviceAccount).SubResource("token")
	return answer, post.Body(request).Do(ctx).Into(answer)
}

func (c *restClient) CreateEvent(ctx context.Context, event *corev1.Event) error {
	return c.core.Post().Namespace(event.Namespace).Resource("events").Body(event).Do(ctx).Error()
}

func (c *restClient) PatchEvent(ctx context.Context, namespace, name string, patchType types.PatchType, patch []byte) error {
	return c.core.Patch(patchType).Namespace(namespace).Resource("events").Name(name).Body(patch).Do(ctx).Error()
}
