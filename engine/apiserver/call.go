package apiserver

import (
	"context"
	"net/http"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"

	"drydock/engine/api"
)

// call is one request on its way through the chain, and what the chain has learnt about it. One goroutine owns it.
type call struct {
	w    http.ResponseWriter
	r    *http.Request
	info *apirequest.RequestInfo
	user user.Info
	real user.Info     // who sent it: another one than user only after kubectl --as
	kind *api.Resource // nil for paths that are not about objects
	form form          // how the client wants its answer

	warned map[string]bool
}

func (q *call) ctx() context.Context { return q.r.Context() }

func (q *call) groupResource() schema.GroupResource { return q.kind.GroupResource() }

// target is the object that the path names. A namespace's own path names it twice; the object lies in none.
func (q *call) target() target {
	t := target{kind: q.kind, namespace: q.info.Namespace, name: q.info.Name}
	if !q.kind.Namespaced {
		t.namespace = ""
	}
	return t
}

// warn sends the client a warning that kubectl prints: RFC 9111's warn-code 299. Each text is sent once.
func (q *call) warn(texts ...string) {
	for _, text := range texts {
		if q.warned[text] {
			continue
		}
		if q.warned == nil {
			q.warned = map[string]bool{}
		}
		q.warned[text] = true
		q.w.Header().Add("Warning", "299 - "+strconv.Quote(text))
	}
}
