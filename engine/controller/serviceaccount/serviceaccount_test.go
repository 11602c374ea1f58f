package serviceaccount_test

import (
	"context"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/serviceaccount"
)

func TestNamespacesGetWhatTheyNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		going := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "going"}, Status: corev1.NamespaceStatus{Phase: corev1.NamespaceTerminating}}
		c := controllertest.New(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, going)
		sac, err := serviceaccount.New(c.Config(), []byte("PEM"))
		if err != nil {
			t.Fatal(err)
		}
		c.Start(sac)
		c.Settle()
		core := c.Client.CoreV1()
		check := func() {
			t.Helper()
			c.Settle()
			if _, err := core.ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
				t.Error(err)
			}
			bundle, err := core.ConfigMaps("default").Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
			if err != nil || bundle.Data["ca.crt"] != "PEM" {
				t.Errorf("bundle %v, %v", bundle, err)
			}
		}
		check()
		if err := core.ServiceAccounts("default").Delete(ctx, "default", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		check()
		forged := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt"}, Data: map[string]string{"ca.crt": "other"}}
		if _, err := core.ConfigMaps("default").Update(ctx, forged, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		check()
		if err := core.ConfigMaps("default").Delete(ctx, "kube-root-ca.crt", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		check()
		if _, err := core.ServiceAccounts("going").Get(ctx, "default", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("in a namespace that is going: %v, want not found", err)
		}
	})
}
