package controller_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/controller"
)

func TestTemplateHash(t *testing.T) {
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}}}
	first, one := controller.TemplateHash(template, nil), int32(1)
	if again := controller.TemplateHash(template.DeepCopy(), nil); again != first {
		t.Errorf("the same template has the hashes %s and %s", first, again)
	}
	if other := controller.TemplateHash(template, &one); other == first {
		t.Error("a collision does not change the hash")
	}
	template.Spec.Containers[0].Image = "web:2"
	if other := controller.TemplateHash(template, nil); other == first {
		t.Error("another image does not change the hash")
	}
}
