package apiserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
)

func createConfigMaps(t testing.TB, c *cluster, n int) {
	t.Helper()
	for i := range n {
		cm := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("c%04d", i), Labels: map[string]string{"even": fmt.Sprint(i%2 == 0)}},
			Data:       map[string]string{"key": strings.Repeat("v", 100)},
		}
		if _, err := c.client.CoreV1().ConfigMaps("default").Create(background, cm, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAllFormsShowTheSameObjects(t *testing.T) {
	c := newCluster(t)
	createConfigMaps(t, c, 5)
	viaJSON, err := c.client.CoreV1().ConfigMaps("default").List(background, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	viaProtobuf, err := c.protobuf.CoreV1().ConfigMaps("default").List(background, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(viaJSON.Items) != 5 {
		t.Fatalf("%d items", len(viaJSON.Items))
	}
	if diff := cmp.Diff(viaJSON, viaProtobuf); diff != "" {
		t.Errorf("list (-JSON +protobuf):\n%s", diff)
	}
	one, err := c.protobuf.CoreV1().ConfigMaps("default").Get(background, "c0001", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&viaJSON.Items[1], one); diff != "" {
		t.Errorf("get (-list +get):\n%s", diff)
	}
	partial, err := metadata.NewForConfigOrDie(c.config).Resource(corev1.SchemeGroupVersion.WithResource("configmaps")).Namespace("default").List(background, metav1.ListOptions{})
	if err != nil || len(partial.Items) != 5 || partial.Items[1].UID != one.UID {
		t.Errorf("metadata: %+v, %v", partial, err)
	}
	untyped, err := dynamic.NewForConfigOrDie(c.config).Resource(corev1.SchemeGroupVersion.WithResource("configmaps")).Namespace("default").Get(background, "c0001", metav1.GetOptions{})
	if err != nil || untyped.GetUID() != one.UID || untyped.GetKind() != "ConfigMap" {
		t.Errorf("dynamic: %+v, %v", untyped, err)
	}
	_, body, header := c.request(t, "GET", "/api/v1/namespaces/default/configmaps/c0001", "", "Accept", "application/yaml")
	if !strings.HasPrefix(body, "apiVersion: v1\ndata:\n  key: vvv") || header.Get("Content-Type") != "application/yaml" {
		t.Errorf("YAML: %s", body)
	}
	_, body, _ = c.request(t, "GET", "/api/v1/namespaces/default/configmaps/c0001?pretty=true", "")
	if !strings.HasPrefix(body, "{\n  \"kind\": \"ConfigMap\",\n  \"apiVersion\": \"v1\",") {
		t.Errorf("pretty: %s", body)
	}
	_, body, _ = c.request(t, "GET", "/api/v1/namespaces/default/configmaps?labelSelector=none%3Dsuch", "")
	if !strings.Contains(body, `"items":[]`) {
		t.Errorf("empty list: %s", body)
	}
}

func TestTable(t *testing.T) {
	c := newCluster(t)
	mustCreatePod(t, c, webPod("web"))
	for _, version := range []string{"v1", "v1beta1"} {
		_, body, _ := c.request(t, "GET", "/api/v1/namespaces/default/pods", "", "Accept", "application/json;as=Table;v="+version+";g=meta.k8s.io")
		var table metav1.Table
		if err := json.Unmarshal([]byte(body), &table); err != nil {
			t.Fatal(err)
		}
		if table.APIVersion != "meta.k8s.io/"+version || len(table.Rows) != 1 || table.Rows[0].Cells[0] != "web" || table.ColumnDefinitions[2].Name != "Status" {
			t.Errorf("%s: %s", version, body)
		}
		if !strings.Contains(body, `"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/`+version+`"`) {
			t.Errorf("%s: rows %s", version, body)
		}
	}
}

func TestPagesReadOneMoment(t *testing.T) {
	c := newCluster(t)
	createConfigMaps(t, c, 10)
	cms := c.client.CoreV1().ConfigMaps("default")
	var names []string
	options := metav1.ListOptions{Limit: 3}
	first := ""
	for {
		page, err := cms.List(background, options)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = page.ResourceVersion
			if *page.RemainingItemCount != 7 {
				t.Errorf("remaining %d", *page.RemainingItemCount)
			}
			// What happens now is after the moment that the pages show.
			if err := cms.Delete(background, "c0009", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if page.ResourceVersion != first {
			t.Errorf("page of revision %s, the first of %s", page.ResourceVersion, first)
		}
		for _, cm := range page.Items {
			names = append(names, cm.Name)
		}
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	if len(names) != 10 || names[9] != "c0009" {
		t.Errorf("names %v", names)
	}
	exact, err := cms.List(background, metav1.ListOptions{ResourceVersion: first, ResourceVersionMatch: metav1.ResourceVersionMatchExact})
	if err != nil || len(exact.Items) != 10 {
		t.Errorf("%d items at revision %s, %v", len(exact.Items), first, err)
	}
	selected, err := cms.List(background, metav1.ListOptions{Limit: 2, LabelSelector: "even=true"})
	if err != nil || len(selected.Items) != 2 || selected.Items[1].Name != "c0002" || selected.Continue == "" || selected.RemainingItemCount != nil {
		t.Errorf("%+v, %v", selected, err)
	}
	one, err := cms.List(background, metav1.ListOptions{FieldSelector: "metadata.name=c0003"})
	if err != nil || len(one.Items) != 1 || one.Items[0].Name != "c0003" {
		t.Errorf("%+v, %v", one, err)
	}
}

func TestWatchFollowsASelection(t *testing.T) {
	c := newCluster(t)
	pods := c.client.CoreV1().Pods("default")
	w, err := pods.Watch(background, metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	mustCreatePod(t, c, webPod("other"))
	pod := mustCreatePod(t, c, webPod("web"))
	want(t, w, watch.Added, "web", pod.ResourceVersion)
	pod.Annotations = map[string]string{"a": "b"}
	if pod, err = pods.Update(background, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, w, watch.Modified, "web", pod.ResourceVersion)
	pod.Labels["app"] = "gone"
	if pod, err = pods.Update(background, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, w, watch.Deleted, "web", pod.ResourceVersion)
	pod.Labels["app"] = "web"
	if pod, err = pods.Update(background, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, w, watch.Added, "web", pod.ResourceVersion)
	if err := pods.Delete(background, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, w, watch.Deleted, "web", "")
}

// want reads the next event and compares; an empty version matches any.
func want(t *testing.T, w watch.Interface, kind watch.EventType, name, version string) {
	t.Helper()
	select {
	case event := <-w.ResultChan():
		accessor, ok := event.Object.(metav1.Object)
		if !ok {
			t.Fatalf("event %s %+v", event.Type, event.Object)
		}
		if event.Type != kind || accessor.GetName() != name || (version != "" && accessor.GetResourceVersion() != version) {
			t.Errorf("event %s %s at %s, want %s %s at %s", event.Type, accessor.GetName(), accessor.GetResourceVersion(), kind, name, version)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("no event, want %s %s", kind, name)
	}
}

func TestWatchFromAnOldRevision(t *testing.T) {
	c := newCluster(t)
	pod := mustCreatePod(t, c, webPod("a"))
	mustCreatePod(t, c, webPod("b"))
	for name, client := range map[string]watch.Interface{
		"JSON": mustWatch(t, c, false, pod.ResourceVersion), "protobuf": mustWatch(t, c, true, pod.ResourceVersion),
	} {
		t.Run(name, func(t *testing.T) { want(t, client, watch.Added, "b", "") })
	}
}

func mustWatch(t *testing.T, c *cluster, protobuf bool, version string) watch.Interface {
	t.Helper()
	client := c.client
	if protobuf {
		client = c.protobuf
	}
	w, err := client.CoreV1().Pods("default").Watch(background, metav1.ListOptions{ResourceVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

func TestForgottenRevisionIsGone(t *testing.T) {
	c := newClusterWith(t, smallWindow)
	createConfigMaps(t, c, 50)
	cms := c.client.CoreV1().ConfigMaps("default")
	w, err := cms.Watch(background, metav1.ListOptions{ResourceVersion: "3"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	event := <-w.ResultChan()
	if err := apierrors.FromObject(event.Object); event.Type != watch.Error || !apierrors.IsResourceExpired(err) || !strings.HasPrefix(err.Error(), "too old resource version: 3 (") {
		t.Errorf("event %+v", event)
	}
	if _, err := cms.List(background, metav1.ListOptions{ResourceVersion: "3", ResourceVersionMatch: metav1.ResourceVersionMatchExact}); !apierrors.IsResourceExpired(err) {
		t.Errorf("list: %v", err)
	}
	page, err := cms.List(background, metav1.ListOptions{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		mustCreatePod(t, c, func() *corev1.Pod { p := webPod(""); p.GenerateName = "p-"; return p }())
	}
	_, err = cms.List(background, metav1.ListOptions{Limit: 10, Continue: page.Continue})
	var status apierrors.APIStatus
	if !apierrors.IsResourceExpired(err) || !errors.As(err, &status) || status.Status().Continue == "" {
		t.Fatalf("continue: %v", err)
	}
	rest, err := cms.List(background, metav1.ListOptions{Limit: 10, Continue: status.Status().Continue})
	if err != nil || rest.Items[0].Name != "c0010" {
		t.Errorf("inconsistent continue: %v", err)
	}
}

func TestWatchListEndsWithABookmark(t *testing.T) {
	c := newCluster(t)
	createConfigMaps(t, c, 2)
	yes := true
	w, err := c.client.CoreV1().ConfigMaps("default").Watch(background, metav1.ListOptions{
		SendInitialEvents: &yes, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	want(t, w, watch.Added, "c0000", "")
	want(t, w, watch.Added, "c0001", "")
	event := <-w.ResultChan()
	cm, ok := event.Object.(*corev1.ConfigMap)
	if event.Type != watch.Bookmark || !ok || cm.Annotations[metav1.InitialEventsAnnotationKey] != "true" || cm.ResourceVersion == "" {
		t.Errorf("event %+v", event)
	}
}

func TestBookmarksAndTimeout(t *testing.T) {
	c := newCluster(t)
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.config.Host+"/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=3&resourceVersion=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	var got []string
	for lines.Scan() {
		got = append(got, lines.Text())
	}
	// One second in, two before the end; then the end of the stream is no error.
	if lines.Err() != nil || len(got) == 0 || !strings.HasPrefix(got[0], `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"`) {
		t.Errorf("%q, %v", got, lines.Err())
	}
}

func TestTableWatch(t *testing.T) {
	c := newCluster(t)
	mustCreatePod(t, c, webPod("a"))
	mustCreatePod(t, c, webPod("b"))
	_, body, _ := c.request(t, "GET", "/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1", "", "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	lines := strings.Split(strings.TrimSpace(body), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"columnDefinitions":[{`) || strings.Contains(lines[1], `"columnDefinitions":[{`) || !strings.Contains(lines[1], `"cells":["b"`) {
		t.Errorf("%s", body)
	}
}

func TestInformerKeepsUp(t *testing.T) {
	c := newCluster(t)
	createConfigMaps(t, c, 20)
	factory := informers.NewSharedInformerFactoryWithOptions(c.protobuf, 0, informers.WithNamespace("default"))
	informer := factory.Core().V1().ConfigMaps()
	seen := make(chan string, 100)
	if _, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { seen <- "add " + obj.(*corev1.ConfigMap).Name },
		DeleteFunc: func(obj any) { seen <- "delete " + obj.(*corev1.ConfigMap).Name },
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(background)
	defer factory.Shutdown()
	defer cancel()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.Informer().HasSynced) {
		t.Fatal("no sync")
	}
	for range 20 {
		<-seen
	}
	if err := c.client.CoreV1().ConfigMaps("default").Delete(background, "c0007", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "delete c0007" {
		t.Errorf("saw %s", got)
	}
}

func TestEventsHaveTwoDoors(t *testing.T) {
	c := newCluster(t)
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: "e", Namespace: "default"},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "default", Name: "web"},
		Reason:         "Testing", Message: "hello", Type: "Normal", Source: corev1.EventSource{Component: "test"},
	}
	if _, err := c.client.CoreV1().Events("default").Create(background, event, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	other, err := c.client.EventsV1().Events("default").List(background, metav1.ListOptions{})
	if err != nil || len(other.Items) != 1 || other.Items[0].Regarding.Name != "web" || other.Items[0].Note != "hello" {
		t.Errorf("%+v, %v", other, err)
	}
	selected, err := c.client.CoreV1().Events("default").List(background, metav1.ListOptions{FieldSelector: "involvedObject.name=web"})
	if err != nil || len(selected.Items) != 1 {
		t.Errorf("%+v, %v", selected, err)
	}
}

func TestBigAnswersAreCompressed(t *testing.T) {
	c := newCluster(t)
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "big"}, Data: map[string]string{"k": strings.Repeat("word ", 40000)}}
	if _, err := c.protobuf.CoreV1().ConfigMaps("default").Create(background, cm, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, body, header := c.request(t, "GET", "/api/v1/namespaces/default/configmaps/big", "", "Accept-Encoding", "gzip")
	if header.Get("Content-Encoding") != "gzip" || len(body) > 10000 {
		t.Errorf("%d bytes, encoding %q", len(body), header.Get("Content-Encoding"))
	}
	if got, err := c.client.CoreV1().ConfigMaps("default").Get(background, "big", metav1.GetOptions{}); err != nil || got.Data["k"] != cm.Data["k"] {
		t.Errorf("%v", err)
	}
	cm.Name, cm.Data["k"] = "huge", strings.Repeat("x", 4<<20)
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(background, cm, metav1.CreateOptions{}); !apierrors.IsRequestEntityTooLargeError(err) {
		t.Errorf("4 MiB: %v", err)
	}
}

func TestPathsThatAreNotObjects(t *testing.T) {
	c := newCluster(t)
	for path, want := range map[string]string{
		"/healthz": "ok", "/livez": "ok", "/readyz?verbose": "readyz check passed", "/version": `"gitVersion": "v1.37.1`,
		"/apis/apps": `"kind":"APIGroup"`, "/apis/apps/v1": `"kind":"APIResourceList"`, "/api": `"kind":"APIVersions"`,
		"/.well-known/openid-configuration": "jwks_uri", "/openid/v1/jwks": `"kty":"EC"`,
	} {
		if code, body, _ := c.request(t, "GET", path, ""); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.300s", path, code, body)
		}
	}
	if code, _, _ := c.request(t, "GET", "/apis/apps/v7", ""); code != 404 {
		t.Errorf("unknown version: %d", code)
	}
	accept := "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
	_, _, header := c.request(t, "GET", "/apis", "", "Accept", accept)
	if header.Get("Content-Type") != "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" {
		t.Errorf("aggregated: %v", header)
	}
	if code, _, _ := c.request(t, "GET", "/apis", "", "Accept", accept, "If-None-Match", header.Get("Etag")); code != 304 {
		t.Errorf("known already: %d", code)
	}
}

func TestMetadataWatch(t *testing.T) {
	c := newCluster(t)
	pod := mustCreatePod(t, c, webPod("web"))
	for _, media := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		config := metadata.ConfigFor(c.config)
		config.AcceptContentTypes, config.ContentType = media+";as=PartialObjectMetadata;g=meta.k8s.io;v=v1", media
		client := metadata.NewForConfigOrDie(config)
		w, err := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace("default").Watch(background, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want(t, w, watch.Added, "web", pod.ResourceVersion)
		w.Stop()
	}
}

func TestErrorsInProtobuf(t *testing.T) {
	c := newCluster(t)
	_, err := c.protobuf.CoreV1().Pods("default").Get(background, "nope", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) || err.Error() != `pods "nope" not found` {
		t.Errorf("%v", err)
	}
}
