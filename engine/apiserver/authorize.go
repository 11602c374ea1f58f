package apiserver

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
)

// attributes is what a request wants to do, as far as permission goes.
type attributes struct {
	verb        string
	group       string
	resource    string
	subresource string
	namespace   string
	name        string
	path        string // of requests that are not about objects
}

func attributesOf(info *apirequest.RequestInfo) attributes {
	a := attributes{verb: info.Verb}
	if !info.IsResourceRequest {
		a.path = info.Path
		return a
	}
	a.group, a.resource, a.subresource = info.APIGroup, info.Resource, info.Subresource
	a.namespace, a.name = info.Namespace, info.Name
	return a
}

// authorize answers a request that the user may not make with Forbidden.
func authorize(who user.Info, a attributes) error {
	if allowed(who, a) {
		return nil
	}
	return forbidden(who, a)
}

// allowed is the whole of the rules: service accounts see discovery and themselves (and those of accountRules their work), nodes what a kubelet works with,
// everybody else everything.
//
// Kubernetes: RBAC and the node authorizer, which also ties a node to its own pods.
func allowed(who user.Info, a attributes) bool {
	groups := who.GetGroups()
	switch {
	case slices.Contains(groups, user.SystemPrivilegedGroup):
		return true
	case openToAll(a):
		return true
	case slices.Contains(groups, "system:serviceaccounts"):
		return slices.Contains(accountRules[who.GetName()][a.what()], a.verb)
	case slices.Contains(groups, user.NodesGroup):
		return slices.Contains(nodeRules[a.what()], a.verb)
	}
	return true
}

// openToAll is what upstream's roles system:discovery and system:basic-user give to anyone who has a name.
func openToAll(a attributes) bool {
	if a.path != "" {
		if a.verb != "get" && a.verb != "head" {
			return a.path == "/drydock/decisions" // decides for itself
		}
		for _, open := range []string{"/api", "/apis", "/openapi", "/openid", "/version", "/healthz", "/livez", "/readyz", "/.well-known", "/drydock/decisions"} {
			if a.path == open || strings.HasPrefix(a.path, open+"/") {
				return true
			}
		}
		return a.path == "/"
	}
	self := []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
	return a.verb == "create" && slices.Contains(self, a.resource)
}

// nodeRules are the verbs a kubelet and a proxy use, by group and resource.
var nodeRules = map[string][]string{
	"nodes":                                     {"get", "list", "watch", "create", "update", "patch"},
	"nodes/status":                              {"update", "patch"},
	"pods":                                      {"get", "list", "watch", "create", "delete"},
	"pods/status":                               {"update", "patch"},
	"pods/eviction":                             {"create"},
	"services":                                  {"get", "list", "watch"},
	"configmaps":                                {"get", "list", "watch"},
	"secrets":                                   {"get", "list", "watch"},
	"serviceaccounts":                           {"get", "list", "watch"},
	"serviceaccounts/token":                     {"create"},
	"persistentvolumeclaims":                    {"get", "list", "watch"},
	"persistentvolumeclaims/status":             {"get", "update", "patch"},
	"persistentvolumes":                         {"get", "list", "watch"},
	"namespaces":                                {"get", "list", "watch"},
	"events":                                    {"create", "update", "patch"},
	"events.k8s.io/events":                      {"create", "update", "patch"},
	"coordination.k8s.io/leases":                {"get", "create", "update", "patch", "delete"},
	"discovery.k8s.io/endpointslices":           {"get", "list", "watch"},
	"networking.k8s.io/networkpolicies":         {"get", "list", "watch"},
	"storage.k8s.io/csidrivers":                 {"get", "list", "watch"},
	"storage.k8s.io/csinodes":                   {"get", "create", "update", "patch", "delete"},
	"storage.k8s.io/volumeattachments":          {"get", "list", "watch"},
	"node.k8s.io/runtimeclasses":                {"get", "list", "watch"},
	"authentication.k8s.io/tokenreviews":        {"create"},
	"authorization.k8s.io/subjectaccessreviews": {"create"},
}

// accountRules is the same for the service accounts of what drydock itself installs into a cluster.
//
// Kubernetes: ClusterRoles, which come with the manifests.
var accountRules = map[string]map[string][]string{
	"system:serviceaccount:ingress:ingress": {
		"services":                           {"get", "list", "watch"},
		"secrets":                            {"get", "list", "watch"},
		"discovery.k8s.io/endpointslices":    {"get", "list", "watch"},
		"networking.k8s.io/ingressclasses":   {"get", "list", "watch"},
		"networking.k8s.io/ingresses":        {"get", "list", "watch"},
		"networking.k8s.io/ingresses/status": {"update", "patch"},
		"events":                             {"create", "patch"},
	},
}

// what is the key of the rules: group/resource/subresource.
func (a attributes) what() string {
	resource := a.resource
	if a.subresource != "" {
		resource += "/" + a.subresource
	}
	if a.group != "" {
		resource = a.group + "/" + resource
	}
	return resource
}

// forbidden says in upstream's words who wanted what.
func forbidden(who user.Info, a attributes) error {
	if a.path != "" {
		return apierrors.NewForbidden(schema.GroupResource{}, "", fmt.Errorf("User %q cannot %s path %q", who.GetName(), a.verb, a.path)) //nolint:staticcheck // upstream's text
	}
	resource := a.resource
	if a.subresource != "" {
		resource += "/" + a.subresource
	}
	text := fmt.Sprintf("User %q cannot %s resource %q in API group %q", who.GetName(), a.verb, resource, a.group)
	if a.namespace != "" {
		text += fmt.Sprintf(" in the namespace %q", a.namespace)
	} else {
		text += " at the cluster scope"
	}
	return apierrors.NewForbidden(schema.GroupResource{Group: a.group, Resource: a.resource}, a.name, errors.New(text))
}
