package apiserver

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dedupOwners drops owner references that are there twice, with upstream's warning.
func dedupOwners(accessor metav1.Object, warn func(...string), afterAdmission bool) {
	var kept []metav1.OwnerReference
	var doubled []string
	for _, ref := range accessor.GetOwnerReferences() {
		if containsOwner(kept, ref) {
			doubled = append(doubled, string(ref.UID))
			continue
		}
		kept = append(kept, ref)
	}
	if len(doubled) == 0 {
		return
	}
	when := ""
	if afterAdmission {
		when = " after mutating admission happens"
	}
	warn(fmt.Sprintf(".metadata.ownerReferences contains duplicate entries%s; API server dedups owner references in 1.20+, "+
		"and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: %v", when, doubled))
	accessor.SetOwnerReferences(kept)
}

func containsOwner(refs []metav1.OwnerReference, ref metav1.OwnerReference) bool {
	return slices.ContainsFunc(refs, func(r metav1.OwnerReference) bool { return equality.Semantic.DeepEqual(r, ref) })
}
