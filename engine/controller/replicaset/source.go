package replicaset

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

// Source is where the sets come from: ReplicaSets, or another kind that means the same and can be shown as one.
type Source struct {
	Name string // of the controller: "replicaset-controller"
	Kind schema.GroupVersionKind
	// CountsTerminating says whether the status has a place for the number of terminating pods.
	CountsTerminating bool
	Informer          cache.SharedIndexInformer
	// Show is an object of the informer as a ReplicaSet. It must not be changed.
	Show func(obj any) *appsv1.ReplicaSet
	// Hide is the way back: Events are about what it returns.
	Hide func(*appsv1.ReplicaSet) controller.Owner
	// Read and WriteStatus go to the API server.
	Read        func(ctx context.Context, key controller.Key) (*appsv1.ReplicaSet, error)
	WriteStatus func(context.Context, *appsv1.ReplicaSet) (*appsv1.ReplicaSet, error)
}

func replicaSets(cfg controller.Config) Source {
	client := cfg.Client.AppsV1()
	return Source{
		Name: "replicaset-controller", Kind: appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), CountsTerminating: true,
		Informer: cfg.Informers.Apps().V1().ReplicaSets().Informer(),
		Show:     func(obj any) *appsv1.ReplicaSet { return obj.(*appsv1.ReplicaSet) },
		Hide:     func(rs *appsv1.ReplicaSet) controller.Owner { return rs },
		Read: func(ctx context.Context, key controller.Key) (*appsv1.ReplicaSet, error) {
			return client.ReplicaSets(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
		},
		WriteStatus: func(ctx context.Context, rs *appsv1.ReplicaSet) (*appsv1.ReplicaSet, error) {
			return client.ReplicaSets(rs.Namespace).UpdateStatus(ctx, rs, metav1.UpdateOptions{})
		},
	}
}

// get reads one set from the local copy.
func (s Source) get(key controller.Key) (*appsv1.ReplicaSet, error) {
	obj, exists, err := s.Informer.GetStore().GetByKey(key.String())
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: s.Kind.Group, Resource: s.Kind.Kind}, key.Name)
	}
	return s.Show(obj), nil
}

// list reads the sets of a namespace from the local copy.
func (s Source) list(namespace string) ([]*appsv1.ReplicaSet, error) {
	var sets []*appsv1.ReplicaSet
	err := cache.ListAllByNamespace(s.Informer.GetIndexer(), namespace, labels.Everything(), func(obj any) { sets = append(sets, s.Show(obj)) })
	return sets, err
}
