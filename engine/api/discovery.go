package api

import (
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// CoreVersions answers GET /api. address is where the client reached the server, "127.0.0.1:6443".
func CoreVersions(address string) *metav1.APIVersions { return nil }

// Groups answers GET /apis.
func Groups() *metav1.APIGroupList { return nil }

// Group answers GET /apis/apps; nil when there is no such group.
func Group(name string) *metav1.APIGroup { return nil }

// Resources answers GET /api/v1 and GET /apis/apps/v1; nil when there is no such version.
func Resources(gv schema.GroupVersion) *metav1.APIResourceList { return nil }

// AggregatedCore answers GET /api for clients that accept application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList.
func AggregatedCore() *apidiscoveryv2.APIGroupDiscoveryList { return nil }

// AggregatedGroups answers GET /apis for the same clients.
func AggregatedGroups() *apidiscoveryv2.APIGroupDiscoveryList { return nil }
