package api

import (
	"fmt"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/networking/install" // the printers need all other groups, and install them
	_ "k8s.io/kubernetes/pkg/apis/node/install"
)

// Scheme holds the external types of all groups, and those of meta.k8s.io. It is client-go's, which every client in this
// process has already paid for; internal types are not in it.
var Scheme = clientscheme.Scheme

// Codecs encodes and decodes external types without converting or defaulting: JSON, YAML and protobuf.
var Codecs = clientscheme.Codecs

// ParameterCodec reads query parameters into ListOptions, PodLogOptions and the like, and writes them.
var ParameterCodec = clientscheme.ParameterCodec

// internal knows external and internal types and the way between them. Upstream's packages register there when imported.
var internal = legacyscheme.Scheme

func init() {
	// Tables and partial metadata are kinds of meta.k8s.io/v1 that a client may ask any object to be shown as.
	if err := metav1.AddMetaToScheme(Scheme); err != nil {
		panic(fmt.Sprintf("register meta.k8s.io: %v", err))
	}
	if err := apidiscoveryv2.AddToScheme(Scheme); err != nil {
		panic(fmt.Sprintf("register apidiscovery.k8s.io: %v", err))
	}
}

// newObject makes an external object of a kind in the table.
func newObject(gvk schema.GroupVersionKind) runtime.Object {
	obj, err := Scheme.New(gvk)
	if err != nil {
		panic(fmt.Sprintf("the table names a kind that no scheme knows: %v", err))
	}
	obj.GetObjectKind().SetGroupVersionKind(gvk)
	return obj
}
