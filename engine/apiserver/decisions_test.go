package apiserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"drydock/engine/decision"
)

func TestEveryWriteLeavesARecord(t *testing.T) {
	c := newCluster(t)
	pod := webPod("web")
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "rs", UID: "u", Controller: ptr.To(true)}}
	mustCreatePod(t, c, pod)
	pods := c.client.CoreV1().Pods("default")
	if err := pods.Bind(background, &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Target: corev1.ObjectReference{Name: "node-1"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod, err := pods.Get(background, "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase = corev1.PodRunning
	if _, err = pods.UpdateStatus(background, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := pods.Delete(background, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := pods.Delete(background, "web", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}); err != nil {
		t.Fatal(err)
	}
	object := decision.Object{Resource: "pods", Namespace: "default", Name: "web", UID: string(pod.UID)}
	owner := decision.Object{Resource: "replicasets", Namespace: "default", Name: "rs", UID: "u"}
	want := []decision.Record{
		{Actor: "apiserver", Object: object, Action: "Create", After: "Pending", Cause: owner},
		{Actor: "apiserver", Object: object, Action: "Bind", Before: "Pending", After: "Pending on node-1", Cause: owner},
		{Actor: "apiserver", Object: object, Action: "Update", Before: "Pending on node-1", After: "Running on node-1", Cause: owner},
		{Actor: "apiserver", Object: object, Action: "Delete", Before: "Running on node-1", After: "Terminating", Cause: owner},
		{Actor: "apiserver", Object: object, Action: "Delete", Before: "Terminating", Cause: owner},
	}
	var got []decision.Record
	records, _ := c.ring.Since(0)
	for _, rec := range records {
		if rec.Object == object {
			got = append(got, rec)
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(decision.Record{}, "Seq", "Time", "Details", "Message")); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if got[0].Details["client"] != "apiserver.test" || got[0].Details["user"] != "admin" {
		t.Errorf("details %v", got[0].Details)
	}
}

func TestDecisionsArePostedAndFollowed(t *testing.T) {
	c := newCluster(t)
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.config.Host+"/drydock/decisions?object=pods/default/web&watch=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body := `{"actor":"kubelet/node-1","object":{"resource":"pods","namespace":"default","name":"other"},"action":"RunPodSandbox"}
{"actor":"kubelet/node-1","object":{"resource":"pods","namespace":"default","name":"web","uid":"u"},"action":"RunPodSandbox"}`
	if code, text, _ := c.request(t, "POST", "/drydock/decisions", body); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, text)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Scan()
	var got decision.Record
	if err := json.Unmarshal(lines.Bytes(), &got); err != nil || got.Object.Name != "web" || got.Actor != "kubelet/node-1" || got.Seq == 0 {
		t.Errorf("%s, %v", lines.Text(), err)
	}
	if code, text, _ := c.request(t, "POST", "/drydock/decisions", "{"); code != 400 || !strings.Contains(text, "read a decision record") {
		t.Errorf("%d %s", code, text)
	}
	if code, _, _ := c.request(t, "GET", "/drydock/decisions", "", "Impersonate-User", "system:serviceaccount:default:default"); code != http.StatusForbidden {
		t.Errorf("a service account read decisions: %d", code)
	}
	proxy := []string{"Impersonate-User", "system:kube-proxy", "Impersonate-Group", "system:node-proxier"}
	if code, text, _ := c.request(t, "POST", "/drydock/decisions", body, proxy...); code != http.StatusNoContent {
		t.Errorf("a proxy posts: %d %s", code, text)
	}
	if code, _, _ := c.request(t, "GET", "/drydock/decisions", "", proxy...); code != http.StatusForbidden {
		t.Errorf("a proxy read decisions: %d", code)
	}
}
