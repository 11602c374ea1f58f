package apiserver_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Whatever the query says, the server answers, and never with a fault of its own.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1", "limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJkZWZhdWx0L2NcdTAwMDAifQ",
		"labelSelector=a%3Db,c!%3Dd,e in (f)", "fieldSelector=metadata.name%3Dx", "fieldSelector=status.phase!%3DRunning",
		"resourceVersion=0", "resourceVersion=1&resourceVersionMatch=Exact", "resourceVersion=-1", "pretty=true", "includeObject=None",
		"watch=1&timeoutSeconds=1&resourceVersion=1", "sendInitialEvents=true&watch=1", "limit=-1", "limit=9223372036854775807",
	} {
		f.Add(seed)
	}
	c := newCluster(f)
	mustCreatePod(f, c, webPod("web"))
	admin := c.server.Admin()
	f.Fuzz(func(t *testing.T, query string) {
		if values, err := url.ParseQuery(query); err != nil || values.Has("watch") {
			query = "limit=1&x=" + url.QueryEscape(query) // a watch lasts as long as it says
		}
		for _, accept := range []string{"application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"} {
			r := httptest.NewRequest(http.MethodGet, "/api/v1/pods", nil)
			r.URL.RawQuery = query
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			admin.ServeHTTP(w, r)
			if w.Code >= 500 && w.Code != http.StatusGatewayTimeout {
				t.Errorf("%s: %d %s", query, w.Code, w.Body)
			}
		}
	})
}
