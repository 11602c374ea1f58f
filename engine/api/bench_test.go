package api_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/api"
)

func TestFirstUse(t *testing.T) {
	t0 := time.Now()
	r := api.LookupKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	t.Log("lookup", time.Since(t0))
	t0 = time.Now()
	_, err := r.FieldManager("")
	t.Log("fm", time.Since(t0), err)
	t0 = time.Now()
	_, err = r.FieldManager("status")
	t.Log("fm2", time.Since(t0), err)
	t0 = time.Now()
	_, err = r.Table(r.New(), nil)
	t.Log("table", time.Since(t0), err)
	t0 = time.Now()
	_, err = r.Table(r.New(), nil)
	t.Log("table", time.Since(t0), err)
	t0 = time.Now()
	d, err := api.OpenAPIV2()
	t.Log("v2", time.Since(t0), err, len(d.JSON), len(d.Proto))
	t0 = time.Now()
	d, err = api.OpenAPIV3("apis/apps/v1")
	t.Log("v3", time.Since(t0), err, len(d.JSON), len(d.Proto))
}
