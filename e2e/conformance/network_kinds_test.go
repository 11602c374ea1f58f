package conformance_test

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestIngressOperations(t *testing.T) {
	r := enter(t)
	ingresses := r.NetworkingV1().Ingresses(r.ns)
	prefix := networkingv1.PathTypePrefix
	make := func(name string) *networkingv1.Ingress {
		backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}
		class := "nobody"
		return &networkingv1.Ingress{ObjectMeta: r.meta(name), Spec: networkingv1.IngressSpec{
			IngressClassName: &class,
			Rules: []networkingv1.IngressRule{{Host: "shop.test", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: &prefix, Backend: backend}},
			}}}},
		}}
	}
	lifecycle(r, ingresses, make("shop"))
	must(ingresses.Create(r.ctx, make("told"), metav1.CreateOptions{}))(r)
	patch(r, ingresses, "told", map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": []any{map[string]any{"ip": "169.1.1.1"}}}}}, "status")
	told := must(ingresses.Get(r.ctx, "told", metav1.GetOptions{}))(r)
	if got := told.Status.LoadBalancer.Ingress; len(got) != 1 || got[0].IP != "169.1.1.1" {
		r.Errorf("the status that was written: %v", got)
	}
	told.Status.LoadBalancer.Ingress[0].IP = "169.1.1.2"
	must(ingresses.UpdateStatus(r.ctx, told, metav1.UpdateOptions{}))(r)
	r.ok(ingresses.Delete(r.ctx, "told", metav1.DeleteOptions{}))
	collection(r, ingresses, make)
}

func TestIngressClassOperations(t *testing.T) {
	r := enter(t)
	make := func(name string) *networkingv1.IngressClass {
		return &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: r.ns + "-" + name}, Spec: networkingv1.IngressClassSpec{Controller: "example.test/" + name},
		}
	}
	lifecycle(r, r.NetworkingV1().IngressClasses(), make("lone"))
	collection(r, r.NetworkingV1().IngressClasses(), make)
}
