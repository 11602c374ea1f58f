package ingress_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/ingress"
)

// world has the Services a, b and c, each with two ready endpoints, and the given Ingresses, each a second younger than the one before.
func world(t *testing.T, ingresses ...string) ingress.World {
	t.Helper()
	w := ingress.World{
		Classes: map[string]*ingress.Class{
			"/ours":   read[ingress.Class](t, `{"metadata":{"name":"ours"},"spec":{"controller":"drydock.dev/ingress"}}`),
			"/theirs": read[ingress.Class](t, `{"metadata":{"name":"theirs"},"spec":{"controller":"example.com/other"}}`),
		},
		Ingresses: map[string]*ingress.Ingress{}, Services: map[string]*ingress.Service{}, Slices: map[string]*ingress.Slice{},
		Secrets: map[string]*ingress.Secret{},
	}
	for i, name := range []string{"a", "b", "c"} {
		w.Services["default/"+name] = read[ingress.Service](t, fmt.Sprintf(
			`{"metadata":{"namespace":"default","name":%q},"spec":{"ports":[{"name":"http","port":80}]}}`, name))
		w.Slices["default/"+name] = read[ingress.Slice](t, fmt.Sprintf(
			`{"metadata":{"namespace":"default","name":"%[1]s-1","labels":{"kubernetes.io/service-name":%[1]q}},"ports":[{"name":"http","port":8080}],
			"endpoints":[{"addresses":["10.0.%[2]d.1"],"conditions":{"ready":true}},{"addresses":["10.0.%[2]d.2"],"conditions":{"ready":true}},
			{"addresses":["10.0.%[2]d.3"],"conditions":{"ready":false,"serving":true}}]}`, name, i))
	}
	for i, text := range ingresses {
		in := read[ingress.Ingress](t, text)
		in.Namespace, in.Name, in.CreationTimestamp = "default", fmt.Sprintf("in-%d", i), time.Unix(int64(i), 0)
		w.Ingresses[in.Key()] = in
	}
	return w
}

// rules is an Ingress of a class with one host and "path type service" triples.
func rules(class, host string, paths ...[3]string) string {
	text := fmt.Sprintf(`{"spec":{"ingressClassName":%q,"rules":[{"host":%q,"http":{"paths":[`, class, host)
	for i, p := range paths {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`{"path":%q,"pathType":%q,"backend":{"service":{"name":%q,"port":{"number":80}}}}`, p[0], p[1], p[2])
	}
	return text + `]}}]}}`
}

// TestPaths is the table of examples of the Ingress documentation, and the ranks between kinds.
func TestPaths(t *testing.T) {
	for _, test := range []struct {
		paths [][3]string
		path  string
		want  string // the Service, "" for nobody
	}{
		{[][3]string{{"/", "Prefix", "a"}}, "/anything/below", "a"},
		{[][3]string{{"/foo", "Exact", "a"}}, "/foo", "a"},
		{[][3]string{{"/foo", "Exact", "a"}}, "/bar", ""},
		{[][3]string{{"/foo", "Exact", "a"}}, "/foo/", ""},
		{[][3]string{{"/foo/", "Exact", "a"}}, "/foo", ""},
		{[][3]string{{"/foo", "Prefix", "a"}}, "/foo/", "a"},
		{[][3]string{{"/foo/", "Prefix", "a"}}, "/foo", "a"},
		{[][3]string{{"/aaa/bb", "Prefix", "a"}}, "/aaa/bbb", ""},
		{[][3]string{{"/aaa/bbb", "Prefix", "a"}}, "/aaa/bbb/ccc", "a"},
		{[][3]string{{"/aaa/bbb", "Prefix", "a"}}, "/aaa/bbbxyz", ""},
		{[][3]string{{"/", "Prefix", "a"}, {"/aaa", "Prefix", "b"}}, "/aaa/ccc", "b"},
		{[][3]string{{"/aaa", "Prefix", "b"}, {"/", "Prefix", "a"}}, "/ccc", "a"},
		{[][3]string{{"/foo", "Prefix", "a"}, {"/foo", "Exact", "b"}}, "/foo", "b"},
		{[][3]string{{"/foo", "Prefix", "a"}, {"/foo", "Exact", "b"}}, "/foo/x", "a"},
		{[][3]string{{"/foo", "ImplementationSpecific", "a"}}, "/foo/x", "a"},
		{[][3]string{{"", "ImplementationSpecific", "a"}}, "/x", "a"},
		{[][3]string{{"/Foo", "Prefix", "a"}}, "/foo", ""},
	} {
		table, problems := ingress.Build(world(t, rules("ours", "shop.example", test.paths...)))
		if len(problems) > 0 {
			t.Errorf("%v: %v", test.paths, problems)
		}
		if got := service(table.Find("shop.example", test.path)); got != test.want {
			t.Errorf("%v, path %s: went to %q, want %q", test.paths, test.path, got, test.want)
		}
	}
}

func service(target *ingress.Target) string {
	if target == nil {
		return ""
	}
	return target.Service[:1]
}

func TestHosts(t *testing.T) {
	all := [3]string{"/", "Prefix", "a"}
	table, _ := ingress.Build(world(t,
		rules("ours", "*.example", [3]string{"/", "Prefix", "b"}), rules("ours", "shop.example", all), rules("theirs", "other.example", all),
		rules("ours", "narrow.example", [3]string{"/only", "Prefix", "a"}),
	))
	for host, want := range map[string]string{
		"shop.example": "a", "SHOP.example.": "a", "shop.example:8080": "a", "any.example": "b", "a.b.example": "", "example": "",
		"other.example": "b", // the rule for it is not ours to serve
	} {
		if got := service(table.Find(host, "/")); got != want {
			t.Errorf("host %s: went to %q, want %q", host, got, want)
		}
	}
	if got := service(table.Find("narrow.example", "/else")); got != "" {
		t.Errorf("a path that the host's own rules do not know went to %q, the Service of a wider host", got)
	}
}

func TestDefaultBackends(t *testing.T) {
	table, _ := ingress.Build(world(t,
		`{"spec":{"ingressClassName":"ours","defaultBackend":{"service":{"name":"a","port":{"name":"http"}}}}}`,
		`{"spec":{"ingressClassName":"ours","defaultBackend":{"service":{"name":"b","port":{"number":80}}},"rules":[{"host":"b.example"}]}}`,
	))
	if got := service(table.Find("nobody.example", "/")); got != "a" {
		t.Errorf("a host that nobody has went to %q, want the oldest default backend", got)
	}
	if got := service(table.Find("b.example", "/x")); got != "b" {
		t.Errorf("a host with a default backend of its own went to %q", got)
	}
}

// TestEndpoints: the ready ones; those that end only when no other is left; what stands in the way is said.
func TestEndpoints(t *testing.T) {
	w := world(t, rules("ours", "x", [3]string{"/", "Prefix", "a"}))
	table, _ := ingress.Build(w)
	if diff := cmp.Diff([]string{"10.0.0.1:8080", "10.0.0.2:8080"}, table.Find("x", "/").Endpoints); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
	no := false
	for i := range w.Slices["default/a"].Endpoints {
		w.Slices["default/a"].Endpoints[i].Conditions.Ready = &no
	}
	table, _ = ingress.Build(w)
	if diff := cmp.Diff([]string{"10.0.0.3:8080"}, table.Find("x", "/").Endpoints); diff != "" {
		t.Errorf("endpoints when none is ready (-want +got):\n%s", diff)
	}
}

func TestProblems(t *testing.T) {
	one := rules("ours", "x", [3]string{"/", "Prefix", "a"})
	for _, test := range []struct {
		name      string
		ingresses []string
		want      []string
	}{
		{"no such Service", []string{rules("ours", "x", [3]string{"/", "Prefix", "z"})}, []string{`in-0 BackendNotFound: there is no Service "z" in namespace "default"`}},
		{
			"no such port",
			[]string{`{"spec":{"ingressClassName":"ours","defaultBackend":{"service":{"name":"a","port":{"number":81}}}}}`},
			[]string{`in-0 BackendNotFound: the Service "a" has no port 81`},
		},
		{"the same path twice", []string{one, one}, []string{`in-1 Rejected: path "/" is served by Ingress default/in-0 already, which is older`}},
		{
			"another object",
			[]string{`{"spec":{"ingressClassName":"ours","defaultBackend":{"resource":{"kind":"Bucket","name":"x"}}}}`},
			[]string{"in-0 Unsupported: a backend must be a Service; this controller serves no other"},
		},
		{
			"no such Secret",
			[]string{`{"spec":{"ingressClassName":"ours","tls":[{"hosts":["x"],"secretName":"s"}]}}`},
			[]string{`in-0 BadCertificate: there is no Secret "s" of type kubernetes.io/tls in namespace "default"`},
		},
		{"not ours", []string{rules("theirs", "x", [3]string{"/", "Prefix", "z"}), `{"spec":{}}`}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := ingress.Build(world(t, test.ingresses...))
			var got []string
			for _, p := range problems {
				got = append(got, fmt.Sprintf("%s %s: %s", p.Ingress.Name, p.Reason, p.Message))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
