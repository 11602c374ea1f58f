package apiserver

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

// Where an object lies in the store: /registry/[group/]resource/[namespace/]name. The core group has no name, so its
// resources stand beside the groups, as in a real cluster's etcd.

func resourceKey(gr schema.GroupResource) string {
	if gr.Group == "" {
		return "/registry/" + gr.Resource + "/"
	}
	return "/registry/" + gr.Group + "/" + gr.Resource + "/"
}

// prefixKey is the beginning of the keys of all objects of a kind, or of those of one namespace. The closing slash keeps
// namespace "a" from reaching into "ab".
func prefixKey(kind *api.Resource, namespace string) string {
	prefix := resourceKey(kind.Storage.GroupResource())
	if kind.Namespaced && namespace != "" {
		prefix += namespace + "/"
	}
	return prefix
}

func objectKey(kind *api.Resource, namespace, name string) string {
	return prefixKey(kind, namespace) + name
}
