package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Describe is what discovery says of a row when it is served.
func Describe(r *Resource) []metav1.APIResource { return r.describe() }
