package apiserver_test

import (
	"net/http"
	"slices"
	"testing"

	"k8s.io/client-go/kubernetes"

	"drydock/engine/decision"
)

// Who asks as somebody else is named in the record, and what a person says of the cluster is recorded.
func TestRecordsWhoIsBehind(t *testing.T) {
	c := newCluster(t)
	node := []string{"Impersonate-User", "system:node:node-1", "Impersonate-Group", "system:nodes", "Content-Type", "application/json"}
	event := `{"apiVersion":"v1","kind":"Event","metadata":{"name":"lie"},"involvedObject":{"kind":"Pod","namespace":"default","name":"web"},"reason":"Failed"}`
	if code, text, _ := c.request(t, http.MethodPost, "/api/v1/namespaces/default/events", event, node...); code != http.StatusCreated {
		t.Fatalf("%d %s", code, text)
	}
	records, _ := c.ring.Since(0)
	at := slices.IndexFunc(records, func(r decision.Record) bool { return r.Object.Resource == "events" })
	if at < 0 {
		t.Fatal("an Event that a person wrote as a node is not recorded")
	}
	if got := records[at].Details; got["user"] != "system:node:node-1" || got["impersonator"] != "admin" {
		t.Errorf("the record says %v, want the node as user and admin behind it", got)
	}
}

// What happened is told by those who saw it: not by a person, whatever their certificate lets them do.
func TestPeopleTellNoDecisions(t *testing.T) {
	s := newSecured(t, newKey(t))
	said := []byte(`{"actor":"scheduler","action":"Bind","object":{"resource":"pods","namespace":"default","name":"web"}}`)
	for name, c := range map[string]struct {
		client *kubernetes.Clientset
		as     []string
		may    bool
	}{
		"a person":           {s.admin, nil, false},
		"a person as a node": {s.admin, []string{"system:node:node-1", "system:nodes"}, false},
		"a node":             {s.as(t, s.ca.issue(t, "system:node:node-1", "system:nodes")), nil, true},
		"a proxy":            {s.as(t, s.ca.issue(t, "system:kube-proxy", "system:node-proxier")), nil, true},
	} {
		request := c.client.CoreV1().RESTClient().Post().AbsPath("/drydock/decisions").Body(said)
		if c.as != nil {
			request = request.SetHeader("Impersonate-User", c.as[0]).SetHeader("Impersonate-Group", c.as[1])
		}
		if err := request.Do(background).Error(); (err == nil) != c.may {
			t.Errorf("%s told a decision: %v", name, err)
		}
	}
}
