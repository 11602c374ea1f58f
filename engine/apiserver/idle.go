package apiserver

import (
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// forgetIdleTimes keeps the times in managedFields when nothing else changed, so that a write of the same again is no
// change at all and does not wake watchers.
func forgetIdleTimes(accessor metav1.Object, obj runtime.Object, old *entry) {
	fields, before := accessor.GetManagedFields(), old.meta.GetManagedFields()
	if len(fields) != len(before) {
		return
	}
	for i := range fields {
		a, b := fields[i], before[i]
		a.Time, b.Time = nil, nil
		if !equality.Semantic.DeepEqual(a, b) {
			return
		}
	}
	accessor.SetManagedFields(before)
	if !equality.Semantic.DeepEqual(obj, old.obj) {
		accessor.SetManagedFields(fields)
	}
}
