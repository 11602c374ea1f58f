package controller

import (
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/decision"
)

// Config is what a controller is made of. The order is: every controller's New, which asks Informers for the kinds it
// watches; then Informers.Start; then every controller's Run, in any order.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory
	Decisions decision.Recorder
	// Metadata reads and deletes objects of any kind. Only garbagecollector and namespace need it.
	Metadata metadata.Interface
}

// Key names the object to reconcile: namespace and name, as namespace/name in text.
type Key = cache.ObjectName

// KeyOf returns the key of an object or of a cache.DeletedFinalStateUnknown, and whether obj was one of them.
func KeyOf(obj any) (Key, bool) {
	key, err := cache.DeletionHandlingObjectToName(obj)
	return key, err == nil
}

// Object returns what an informer's delete handler was given: the object, or the last known state of one whose deletion
// the watch has missed.
func Object[T any](obj any) (T, bool) {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	t, ok := obj.(T)
	return t, ok
}
