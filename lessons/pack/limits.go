package pack

import (
	"k8s.io/apimachinery/pkg/api/resource"

	"drydock/checks"
)

// Limits is what all pods of a world may use together. What is not given has no limit.
type Limits struct {
	CPU    string `yaml:"cpu"`    // as Kubernetes writes quantities: "1", "500m"
	Memory string `yaml:"memory"` // "512Mi"
	Pods   int    `yaml:"pods"`
}

// None reports whether there are no limits.
func (l Limits) None() bool { return l == Limits{} }

// LimitsName is the name of the objects that keep a world's limits.
const LimitsName = "lesson-limits"

// limits takes the limits of the world, and makes the lesson wait until they are in force: until the cluster has counted what there
// is, it refuses whatever is made.
func (f *lessonFile) limits(w *World) {
	w.Limits = f.raw.World.Limits
	for key, text := range map[string]string{"cpu": w.Limits.CPU, "memory": w.Limits.Memory} {
		if q, err := resource.ParseQuantity(text); text != "" && (err != nil || q.Sign() <= 0) {
			f.problem(f.at("world", "limits", key), "%s %q: a quantity above zero is expected, like 500m or 256Mi", key, text)
		}
	}
	if w.Limits.Pods < 0 {
		f.problem(f.at("world", "limits", "pods"), "pods %d: use a number above zero", w.Limits.Pods)
	}
	if !w.Limits.None() {
		w.Until = append(w.Until[:len(w.Until):len(w.Until)], checks.Spec{Object: &checks.ObjectSpec{
			Kind: "ResourceQuota", Name: LimitsName, That: []checks.Condition{{CEL: "has(object.status.hard)"}},
		}})
	}
}
