package serviceaccount

import (
	"context"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// The names that clients know.
const (
	accountName = "default"
	bundleName  = "kube-root-ca.crt"
	bundleKey   = "ca.crt"
)

// Controller gives every namespace its "default" ServiceAccount and its kube-root-ca.crt ConfigMap.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	accounts   corelisters.ServiceAccountLister
	bundles    corelisters.ConfigMapLister
	bundle     map[string]string
}

// New makes the controller; ca is the cluster's certificate authority in PEM. Nothing runs before Run.
func New(cfg controller.Config, ca []byte) (*Controller, error) {
	core := cfg.Informers.Core().V1()
	c := &Controller{
		client:     cfg.Client,
		namespaces: core.Namespaces().Lister(),
		accounts:   core.ServiceAccounts().Lister(),
		bundles:    core.ConfigMaps().Lister(),
		bundle:     map[string]string{bundleKey: string(ca)},
	}
	c.Loop = controller.NewLoop("service-account-controller", cfg, c.Reconcile)
	c.Resource = "namespaces"
	return c, errors.Join(
		c.FollowAll(core.Namespaces().Informer(), func(obj any) []controller.Key {
			return []controller.Key{{Name: obj.(*corev1.Namespace).Name}}
		}),
		c.FollowAll(core.ServiceAccounts().Informer(), named(accountName)),
		c.FollowAll(core.ConfigMaps().Informer(), named(bundleName)),
	)
}

// named is the namespaces of the objects with a name.
func named(name string) func(any) []controller.Key {
	return func(obj any) []controller.Key {
		if m, err := meta.Accessor(obj); err == nil && m.GetName() == name {
			return []controller.Key{{Name: m.GetNamespace()}}
		}
		return nil
	}
}

// Reconcile makes what one namespace lacks.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	ns, err := c.namespaces.Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && ns.Status.Phase == corev1.NamespaceTerminating {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(c.account(ctx, ns), c.rootBundle(ctx, ns))
}

func (c *Controller) account(ctx context.Context, ns *corev1.Namespace) error {
	if _, err := c.accounts.ServiceAccounts(ns.Name).Get(accountName); err == nil {
		return nil
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: accountName, Namespace: ns.Name}}
	_, err := c.client.CoreV1().ServiceAccounts(ns.Name).Create(ctx, account, metav1.CreateOptions{})
	return c.created(ns, "serviceaccounts", accountName, err)
}

func (c *Controller) rootBundle(ctx context.Context, ns *corev1.Namespace) error {
	bundle, err := c.bundles.ConfigMaps(ns.Name).Get(bundleName)
	if err == nil {
		if maps.Equal(bundle.Data, c.bundle) {
			return nil
		}
		bundle = bundle.DeepCopy()
		bundle.Data = maps.Clone(c.bundle)
		_, err := c.client.CoreV1().ConfigMaps(ns.Name).Update(ctx, bundle, metav1.UpdateOptions{})
		return err
	}
	bundle = &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name: bundleName, Namespace: ns.Name,
			Annotations: map[string]string{
				"kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
			},
		},
		Data: maps.Clone(c.bundle),
	}
	_, err = c.client.CoreV1().ConfigMaps(ns.Name).Create(ctx, bundle, metav1.CreateOptions{})
	return c.created(ns, "configmaps", bundleName, err)
}

// created judges the answer to a creation: that the object exists already, or the namespace is going, is well too.
func (c *Controller) created(ns *corev1.Namespace, resource, name string, err error) error {
	switch {
	case apierrors.IsAlreadyExists(err), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil
	case err != nil:
		return fmt.Errorf("create %s/%s: %w", resource, name, err)
	}
	c.Decide(decision.Record{
		Object: decision.Object{Resource: resource, Namespace: ns.Name, Name: name}, Action: "Create",
		Message: "every namespace has one", Cause: controller.Refer("namespaces", ns),
	})
	return nil
}
