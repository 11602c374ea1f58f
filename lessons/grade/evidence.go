package grade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"drydock/checks"
)

// largestEvidence bounds each file of the evidence, in bytes.
const largestEvidence = 4 << 20

// evidence keeps what a person needs to see why a row says what it says. What cannot be had is left out: the row counts,
// and errors.txt says what is missing.
func (j *job) evidence(ctx context.Context, lab Lab, row Row, output string) {
	if j.cfg.Out == "" {
		return
	}
	e := &collector{dir: filepath.Join(j.cfg.Out, row.Learner, row.Lesson), ctx: ctx, rest: lab.RESTConfig()}
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return // the ledger in the same folder tells of the same trouble
	}
	record, err := json.MarshalIndent(row, "", "  ")
	e.keep("record.json", record, err)
	e.keep("output.txt", []byte(output), nil)
	e.objects()
	decisions, err := e.get("/drydock/decisions", nil)
	e.keep("decisions.jsonl", decisions, err)
	if len(e.missing) > 0 {
		e.keep("errors.txt", []byte(strings.Join(e.missing, "\n")+"\n"), nil)
	}
}

type collector struct {
	dir     string
	ctx     context.Context
	rest    *rest.Config
	missing []string
}

func (e *collector) keep(name string, data []byte, err error) {
	if err == nil {
		if len(data) > largestEvidence {
			data = data[:largestEvidence]
		}
		path := filepath.Join(e.dir, name)
		err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600))
	}
	if err != nil {
		e.missing = append(e.missing, name+": "+err.Error())
	}
}

// objects keeps every object outside the cluster's own namespaces, the Events, and the logs of pods.
func (e *collector) objects() {
	resources, err := checks.NewResources(e.rest)
	if err != nil {
		e.missing = append(e.missing, err.Error())
		return
	}
	all, err := resources.All(e.ctx)
	if err != nil {
		e.missing = append(e.missing, err.Error())
		return
	}
	var dump, events strings.Builder
	for _, res := range all {
		if !res.Can("list") || res.Kind.Kind == "Lease" {
			continue
		}
		list, err := resources.Client().Resource(res.Resource).List(e.ctx, metav1.ListOptions{})
		if err != nil {
			continue // some kinds are listed in discovery only
		}
		for i := range list.Items {
			o := &list.Items[i]
			switch {
			case strings.HasPrefix(o.GetNamespace(), "kube-"):
			case res.Kind.Kind == "Event":
				events.WriteString(eventLine(o))
			default:
				dump.WriteString(objectText(o))
			}
			if res.Kind.Kind == "Pod" && !strings.HasPrefix(o.GetNamespace(), "kube-") {
				e.logs(o)
			}
		}
	}
	e.keep("objects.yaml", []byte(dump.String()), nil)
	e.keep("events.txt", []byte(events.String()), nil)
}

func objectText(o *unstructured.Unstructured) string {
	o = o.DeepCopy()
	o.SetManagedFields(nil)
	text, err := yaml.Marshal(o.Object)
	if err != nil {
		return fmt.Sprintf("# %s %s: %v\n", o.GetKind(), o.GetName(), err)
	}
	return "---\n" + string(text)
}

func eventLine(o *unstructured.Unstructured) string {
	field := func(path ...string) string {
		s, _, _ := unstructured.NestedString(o.Object, path...)
		return s
	}
	return strings.Join([]string{
		field("lastTimestamp"), field("type"), field("reason"), field("involvedObject", "kind") + "/" + field("involvedObject", "name"), field("message"),
	}, "\t") + "\n"
}

func (e *collector) logs(pod *unstructured.Unstructured) {
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	for _, c := range containers {
		m, _ := c.(map[string]any)
		name, _ := m["name"].(string)
		path := "/api/v1/namespaces/" + pod.GetNamespace() + "/pods/" + pod.GetName() + "/log"
		data, err := e.get(path, url.Values{"container": {name}, "limitBytes": {"262144"}})
		if err == nil {
			e.keep(filepath.Join("logs", pod.GetNamespace()+"_"+pod.GetName()+"_"+name+".txt"), data, nil)
		}
	}
}

func (e *collector) get(path string, query url.Values) ([]byte, error) {
	client, err := rest.HTTPClientFor(e.rest)
	if err != nil {
		return nil, err
	}
	target := strings.TrimSuffix(e.rest.Host, "/") + path + "?" + query.Encode()
	req, err := http.NewRequestWithContext(e.ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errors.New(res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, largestEvidence))
}
