package deployment

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// fences are how far the number of pods may be from the wanted one during a rolling update. Percentages of maxSurge are
// rounded up, of maxUnavailable down; both zero would forbid every step, so then one pod may be unavailable.
// With another strategy both are zero.
func fences(d *appsv1.Deployment) (surge, unavailable int32) {
	if d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType {
		return 0, 0
	}
	replicas := *d.Spec.Replicas
	if rolling := d.Spec.Strategy.RollingUpdate; rolling != nil {
		surge = share(rolling.MaxSurge, replicas, true)
		unavailable = share(rolling.MaxUnavailable, replicas, false)
	}
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, min(unavailable, replicas)
}

// share resolves a number or a percentage of replicas. Validation has let only these two through.
func share(value *intstr.IntOrString, replicas int32, up bool) int32 {
	n, err := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(value, intstr.FromInt32(0)), int(replicas), up)
	if err != nil {
		return 0
	}
	return int32(n)
}

// most is how many pods there may be.
func most(d *appsv1.Deployment) int32 {
	surge, _ := fences(d)
	return *d.Spec.Replicas + surge
}

// least is how many pods must be available.
func least(d *appsv1.Deployment) int32 {
	_, unavailable := fences(d)
	return *d.Spec.Replicas - unavailable
}
