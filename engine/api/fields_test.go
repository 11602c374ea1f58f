package api_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
)

func TestFieldSelectors(t *testing.T) {
	for _, test := range []struct {
		resource, selector, manifest string
		match                        bool
		err                          string
	}{
		{"pods", "spec.nodeName=node-1", "metadata: {name: a}\nspec: {nodeName: node-1}", true, ""},
		{"pods", "spec.host=node-1", "metadata: {name: a}\nspec: {nodeName: node-1}", true, ""},
		{"pods", "status.phase!=Running", "metadata: {name: a}\nstatus: {phase: Running}", false, ""},
		{"pods", "metadata.name=a,metadata.namespace=b", "metadata: {name: a, namespace: b}", true, ""},
		{"pods", "spec.image=a", "", false, "field label not supported: spec.image"},
		{"nodes", "spec.unschedulable=true", "metadata: {name: a}\nspec: {unschedulable: true}", true, ""},
		{"namespaces", "status.phase=Active", "metadata: {name: a}\nstatus: {phase: Terminating}", false, ""},
		{"secrets", "type=Opaque", "metadata: {name: a}\ntype: Opaque", true, ""},
		{"services", "spec.type=NodePort", "metadata: {name: a}\nspec: {type: ClusterIP}", false, ""},
		{"events", "involvedObject.name=web,reason=Started", "involvedObject: {name: web}\nreason: Started", true, ""},
		{"events.k8s.io/v1/events", "regarding.name=web,reason=Started", "regarding: {name: web}\nreason: Started", true, ""},
		{"apps/v1/replicasets", "metadata.name!=a", "metadata: {name: a}", false, ""},
		{"apps/v1/deployments", "spec.replicas=1", "", false, `"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"`},
		{"configmaps", "metadata.name=a", "metadata: {name: a}", true, ""},
	} {
		t.Run(test.resource+" "+test.selector, func(t *testing.T) {
			r := resource(t, test.resource)
			parsed, err := fields.ParseSelector(test.selector)
			if err != nil {
				t.Fatal(err)
			}
			selector, err := r.FieldSelector(parsed)
			if test.err != "" {
				if !errors.IsBadRequest(err) || err.Error() != test.err {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			set, err := r.SelectableFields(manifest(t, r, test.manifest))
			if err != nil {
				t.Fatal(err)
			}
			if got := selector.Matches(set); got != test.match {
				t.Errorf("matches: %v; %v", got, set)
			}
		})
	}
}
