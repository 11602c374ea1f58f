package controllertest

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// Objects are those of one kind in one namespace: any typed client of client-go.
type Objects[T any] interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
	Update(ctx context.Context, obj T, opts metav1.UpdateOptions) (T, error)
}

// Get returns an object that must be there.
func Get[T any](t testing.TB, objects Objects[T], name string) T {
	t.Helper()
	obj, err := objects.Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// Edit changes an object as a person does: once more when somebody else was faster.
func Edit[T any](t testing.TB, objects Objects[T], name string, change func(T)) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		obj := Get(t, objects, name)
		change(obj)
		_, err := objects.Update(context.Background(), obj, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
