package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/api/errors"

	"drydock/engine/api"
)

func TestScaleRoundTrip(t *testing.T) {
	for _, name := range []string{"apps/v1/deployments", "apps/v1/replicasets"} {
		r := resource(t, name)
		obj := stored(t, r, goodDeployment)
		scale, err := r.Scale(obj)
		if err != nil {
			t.Fatal(err)
		}
		if scale.Spec.Replicas != 3 || scale.Status.Selector != "app=web" || scale.Name != "web" || scale.Kind != "Scale" {
			t.Errorf("%s: %+v", name, scale)
		}
		scale.Spec.Replicas = 7
		scale.ResourceVersion = "9"
		changed, err := r.WithScale(obj, scale)
		if err != nil {
			t.Fatal(err)
		}
		after, err := r.Scale(changed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(scale, after); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if again, _ := r.Scale(obj); again.Spec.Replicas != 3 {
			t.Errorf("%s: scaling changed the live object", name)
		}
	}
	if _, err := resource(t, "pods").Scale(resource(t, "pods").New()); !errors.IsMethodNotSupported(err) {
		t.Errorf("scale of a pod: %v", err)
	}
}

func TestScaleRefuses(t *testing.T) {
	r := resource(t, "apps/v1/deployments")
	obj := stored(t, r, goodDeployment)
	scale := func(edit func(s *autoscalingv1.Scale)) error {
		s, err := r.Scale(obj)
		if err != nil {
			t.Fatal(err)
		}
		edit(s)
		_, err = r.WithScale(obj, s)
		return err
	}
	err := scale(func(s *autoscalingv1.Scale) { s.Spec.Replicas = -1 })
	want := `Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`
	if !errors.IsInvalid(err) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := scale(func(s *autoscalingv1.Scale) { s.UID = "other" }); !errors.IsConflict(err) {
		t.Errorf("another object's uid: %v", err)
	}
}

// TestScaleTakesOwnership: kubectl scale becomes the owner of spec.replicas in the deployment.
func TestScaleTakesOwnership(t *testing.T) {
	r := resource(t, "apps/v1/deployments")
	live, err := apply(t, r, r.New(), appliedDeployment, "kubectl", false)
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.Scale(live)
	if err != nil {
		t.Fatal(err)
	}
	after := before.DeepCopy()
	after.Spec.Replicas = 9
	live, err = r.WithScale(live, scaledBy(t, r, before, after, "kubectl-scale"))
	if err != nil {
		t.Fatal(err)
	}
	if got := *live.(*appsv1.Deployment).Spec.Replicas; got != 9 {
		t.Errorf("%d replicas", got)
	}
	if diff := cmp.Diff([]string{"kubectl-scale Update apps/v1 scale"}, owners(t, live, "f:replicas")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func scaledBy(t *testing.T, r *api.Resource, before, after *autoscalingv1.Scale, manager string) *autoscalingv1.Scale {
	t.Helper()
	fields, err := r.FieldManager("scale")
	if err != nil {
		t.Fatal(err)
	}
	out, err := fields.Update(before, after, manager)
	if err != nil {
		t.Fatal(err)
	}
	return out.(*autoscalingv1.Scale)
}
