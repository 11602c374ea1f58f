package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

var podKind = corev1.SchemeGroupVersion.WithKind("Pod")

func TestDecodeEveryMediaType(t *testing.T) {
	if len(api.Serializers()) != 3 {
		t.Fatalf("%d media types", len(api.Serializers()))
	}
	pod := manifest(t, resource(t, "pods"), goodPod)
	for _, info := range api.Serializers() {
		body, err := api.Encode(pod, podKind, info)
		if err != nil {
			t.Fatal(err)
		}
		obj, warnings, err := api.Decode(body, info.MediaType+"; charset=utf-8", podKind, metav1.FieldValidationStrict)
		if err != nil || warnings != nil {
			t.Fatalf("%s: %v, %v", info.MediaType, warnings, err)
		}
		if diff := cmp.Diff(pod, obj); diff != "" {
			t.Errorf("%s (-want +got):\n%s", info.MediaType, diff)
		}
	}
}

const oddPod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","name":"b"},"spec":{"containerz":[]}}`

func TestFieldValidation(t *testing.T) {
	_, _, err := api.Decode([]byte(oddPod), "application/json", podKind, metav1.FieldValidationStrict)
	want := `Pod in version "v1" cannot be handled as a Pod: strict decoding error: duplicate field "metadata.name", unknown field "spec.containerz"`
	if !errors.IsBadRequest(err) || err.Error() != want {
		t.Errorf("strict:\ngot  %v\nwant %s", err, want)
	}
	obj, warnings, err := api.Decode([]byte(oddPod), "", podKind, "")
	if diff := cmp.Diff([]string{`duplicate field "metadata.name"`, `unknown field "spec.containerz"`}, warnings); err != nil || diff != "" {
		t.Errorf("warn: %v (-want +got):\n%s", err, diff)
	}
	if name := obj.(*corev1.Pod).Name; name != "b" {
		t.Errorf("of two names the last counts, got %q", name)
	}
	if _, warnings, err = api.Decode([]byte(oddPod), "", podKind, metav1.FieldValidationIgnore); warnings != nil || err != nil {
		t.Errorf("ignore: %v, %v", warnings, err)
	}
	yamlPod := "kind: Pod\napiVersion: v1\nspec:\n  hostNetwork: true\n  hostNetwork: true\n"
	_, _, err = api.Decode([]byte(yamlPod), "application/yaml", podKind, metav1.FieldValidationStrict)
	if err == nil || !strings.Contains(err.Error(), `strict decoding error: yaml: unmarshal errors:`) || !strings.Contains(err.Error(), `key "hostNetwork" already set in map`) {
		t.Errorf("strict YAML: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct{ name, body, media, want string }{
		{"empty", "", "", "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"},
		{"not JSON", "hello", "", "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: invalid character 'h' looking for beginning of value (68656c6c6f)"},
		{"another kind", `{"kind":"Service","apiVersion":"v1"}`, "", `Service in version "v1" cannot be handled as a Pod: converting (v1.Service) to (core.Pod): unknown conversion`},
		{"another version", `{"kind":"Pod","apiVersion":"v2"}`, "", `Pod in version "v2" cannot be handled as a Pod: no kind "Pod" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"`},
		{"a wrong type", `{"kind":"Pod","apiVersion":"v1","spec":{"containers":"web"}}`, "", `Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container`},
		{"media type", "{}", "text/plain", "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"},
	} {
		_, _, err := api.Decode([]byte(test.body), test.media, podKind, "")
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", test.name, err, test.want)
		}
		if reason := errors.ReasonForError(err); reason != metav1.StatusReasonBadRequest && reason != metav1.StatusReasonUnsupportedMediaType {
			t.Errorf("%s: reason %q", test.name, reason)
		}
	}
}

func TestDecodeAssumesTheKind(t *testing.T) {
	obj, _, err := api.Decode([]byte(`{"metadata":{"name":"a"}}`), "", podKind, "")
	if err != nil || obj.GetObjectKind().GroupVersionKind() != podKind {
		t.Errorf("%v, %v", obj, err)
	}
	options := schema.GroupVersionKind{Version: "v1", Kind: "DeleteOptions"}
	if _, _, err := api.Decode([]byte(`{"kind":"DeleteOptions","apiVersion":"apps/v1","gracePeriodSeconds":0}`), "", options, ""); err != nil {
		t.Errorf("delete options of another group: %v", err)
	}
}

// FuzzDecode: whatever a client sends, the answer is an object of the kind or a status error.
func FuzzDecode(f *testing.F) {
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	for i, info := range api.Serializers() {
		body, err := api.Encode(pod, podKind, info)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, uint8(i))
	}
	f.Add([]byte(oddPod), uint8(0))
	f.Add([]byte("a: &a [*a, *a]\n---\n{}"), uint8(1))
	f.Add([]byte("k8s\x00\x0a\xff\xff\xff\xff\x0f"), uint8(2))
	f.Fuzz(func(t *testing.T, body []byte, media uint8) {
		info := api.Serializers()[int(media)%3]
		for _, validation := range []string{metav1.FieldValidationStrict, metav1.FieldValidationIgnore} {
			obj, _, err := api.Decode(body, info.MediaType, podKind, validation)
			if err != nil {
				if errors.ReasonForError(err) == metav1.StatusReasonUnknown {
					t.Errorf("not a status error: %v", err)
				}
				continue
			}
			if _, ok := obj.(*corev1.Pod); !ok {
				t.Errorf("got a %T", obj)
			}
			checkHandling(obj)
		}
	})
}

// checkHandling runs what the server does next; it must not panic either.
func checkHandling(obj runtime.Object) {
	r := api.LookupKind(podKind)
	r.Default(obj)
	_, _ = r.BeforeCreate("default", obj)
	_, _ = r.Table(obj, nil)
}

// TestDecodeEveryBody: whatever a path of the table takes can be read.
func TestDecodeEveryBody(t *testing.T) {
	kinds := []schema.GroupVersionKind{
		{Version: "v1", Kind: "DeleteOptions"},
		{Group: "authentication.k8s.io", Version: "v1", Kind: "TokenReview"},
		{Group: "authorization.k8s.io", Version: "v1", Kind: "SelfSubjectAccessReview"},
	}
	for _, r := range api.All() {
		kinds = append(kinds, r.GVK())
		for _, sub := range r.Subresources {
			kinds = append(kinds, sub.Kind)
		}
	}
	for _, kind := range kinds {
		obj, _, err := api.Decode([]byte("{}"), "", kind, metav1.FieldValidationStrict)
		if err != nil || obj.GetObjectKind().GroupVersionKind() != kind {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
