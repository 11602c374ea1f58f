package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	listSize   = 1000
	listRounds = 50
)

// measureLists reads a thousand objects over the network with TLS, as any client does, without decoding them.
func measureLists(ctx context.Context, w *workshop) ([]row, error) {
	client, err := w.api(ctx)
	if err != nil {
		return nil, err
	}
	const where = "bench-list"
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: where}}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for i := range listSize {
		_, err := client.CoreV1().ConfigMaps(where).Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("c%04d", i)}, Data: map[string]string{"key": "value"},
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, err
		}
	}
	created := time.Since(began)
	rows := []row{{what: fmt.Sprintf("create %d ConfigMaps, one after the other", listSize), measured: fmt.Sprintf("%s, %s each", ms(created), ms(created/listSize))}}
	get, err := fetch(ctx, client, "/api/v1/namespaces/"+where+"/configmaps/c0001", "application/json")
	if err != nil {
		return rows, err
	}
	for _, media := range []string{"json", "vnd.kubernetes.protobuf"} {
		list, err := fetch(ctx, client, "/api/v1/namespaces/"+where+"/configmaps", "application/"+media)
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{what: fmt.Sprintf("LIST %d ConfigMaps, %s", listSize, media), measured: list.String(), floor: ms(get.p50()) + " p50, GET of one"})
	}
	return rows, client.CoreV1().Namespaces().Delete(ctx, where, metav1.DeleteOptions{})
}

func fetch(ctx context.Context, client *kubernetes.Clientset, path, media string) (times, error) {
	var took times
	for range listRounds {
		began := time.Now()
		if _, err := client.RESTClient().Get().AbsPath(path).SetHeader("Accept", media).DoRaw(ctx); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
