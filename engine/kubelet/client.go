package kubelet

import (
	"context"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// Client is what a kubelet asks of the API server, and nothing more. NewClient speaks to a real one. Errors are those of
// k8s.io/apimachinery/pkg/api/errors. All methods may be called at the same time; what they return belongs to the caller.
type Client interface {
	Node(ctx context.Context, name string) (*corev1.Node, error)
	CreateNode(ctx context.Context, node *corev1.Node) (*corev1.Node, error)
	// PatchNode applies a strategic merge patch to the node itself, PatchNodeStatus to its status.
	PatchNode(ctx context.Context, name string, patch []byte) (*corev1.Node, error)
	PatchNodeStatus(ctx context.Context, name string, patch []byte) (*corev1.Node, error)

	Lease(ctx context.Context, namespace, name string) (*coordinationv1.Lease, error)
	CreateLease(ctx context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error)
	UpdateLease(ctx context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error)

	// Pods lists the pods bound to the node, WatchPods follows them.
	Pods(ctx context.Context, node string) (*corev1.PodList, error)
	WatchPods(ctx context.Context, node string, options metav1.ListOptions) (watch.Interface, error)
	Pod(ctx context.Context, namespace, name string) (*corev1.Pod, error)
	CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error)
	// PatchPodStatus applies a strategic merge patch to the status subresource.
	PatchPodStatus(ctx context.Context, namespace, name string, patch []byte) (*corev1.Pod, error)
	DeletePod(ctx context.Context, namespace, name string, options metav1.DeleteOptions) error

	Services(ctx context.Context) (*corev1.ServiceList, error)
	WatchServices(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)

	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	CreateToken(ctx context.Context, namespace, serviceAccount string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error)

	PersistentVolumeClaim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error)
	PersistentVolume(ctx context.Context, name string) (*corev1.PersistentVolume, error)
	CSIDriver(ctx context.Context, name string) (*storagev1.CSIDriver, error)
	CSINode(ctx context.Context, name string) (*storagev1.CSINode, error)
	CreateCSINode(ctx context.Context, node *storagev1.CSINode) (*storagev1.CSINode, error)
	UpdateCSINode(ctx context.Context, node *storagev1.CSINode) (*storagev1.CSINode, error)

	CreateEvent(ctx context.Context, event *corev1.Event) error
	PatchEvent(ctx context.Context, namespace, name string, patchType types.PatchType, patch []byte) error
}
