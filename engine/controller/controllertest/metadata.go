package controllertest

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/runtime/schema"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	clienttesting "k8s.io/client-go/testing"
)

// metadataClient shows the tracker's objects without spec and status.
type metadataClient struct {
	tracker   *tracker
	resource  resource
	namespace string
}

// Metadata is a client of the cluster that reads any kind.
func (c *Cluster) Metadata() metadata.Interface { return metadataClient{tracker: c.tracker} }

// Resource implements metadata.Interface.
func (m metadataClient) Resource(gvr schema.GroupVersionResource) metadata.Getter {
	m.resource = gvr
	return m
}

// Namespace implements metadata.Getter.
func (m metadataClient) Namespace(ns string) metadata.ResourceInterface {
	m.namespace = ns
	return m
}

// Delete implements metadata.ResourceInterface.
func (m metadataClient) Delete(_ context.Context, name string, opts metav1.DeleteOptions, _ ...string) error {
	return m.tracker.Delete(m.resource, m.namespace, name, opts)
}

// DeleteCollection implements metadata.ResourceInterface.
func (m metadataClient) DeleteCollection(ctx context.Context, opts metav1.DeleteOptions, list metav1.ListOptions) error {
	objects, err := m.List(ctx, list)
	if err != nil {
		return err
	}
	var errs []error
	for _, obj := range objects.Items {
		errs = append(errs, m.Delete(ctx, obj.Name, opts))
	}
	return errors.Join(errs...)
}

// Get implements metadata.ResourceInterface.
func (m metadataClient) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*metav1.PartialObjectMetadata, error) {
	obj, err := m.tracker.Get(m.resource, m.namespace, name)
	if err != nil {
		return nil, err
	}
	return partial(obj), nil
}

// List implements metadata.ResourceInterface.
func (m metadataClient) List(context.Context, metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
	m.tracker.mu.Lock()
	defer m.tracker.mu.Unlock()
	list := &metav1.PartialObjectMetadataList{}
	for key, obj := range m.tracker.objects[m.resource] {
		if m.namespace == "" || key.namespace == m.namespace {
			list.Items = append(list.Items, *partial(obj))
		}
	}
	return list, nil
}

// Watch implements metadata.ResourceInterface.
func (m metadataClient) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return nil, errors.New("controllertest: watching metadata is left out")
}

// Patch implements metadata.ResourceInterface.
func (m metadataClient) Patch(_ context.Context, name string, kind types.PatchType, data []byte, _ metav1.PatchOptions, _ ...string) (*metav1.PartialObjectMetadata, error) {
	_, obj, err := clienttesting.ObjectReaction(m.tracker)(clienttesting.NewPatchAction(m.resource, m.namespace, name, kind, data))
	if err != nil {
		return nil, err
	}
	return partial(obj), nil
}

func partial(obj runtime.Object) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: *accessor(obj).(metav1.ObjectMetaAccessor).GetObjectMeta().(*metav1.ObjectMeta).DeepCopy()}
}
