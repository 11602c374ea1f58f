package ingress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// event writes an Event on an Ingress, once for each text and state of the Ingress.
func (w *Watcher) event(ctx context.Context, p Problem, kind string, tell func(error)) {
	key := p.Ingress.UID + " " + p.Reason + " " + p.Message
	if w.told[key] {
		return
	}
	now := time.Now().UTC().Format(time.RFC3339)
	body := map[string]any{
		"metadata": map[string]any{"namespace": p.Ingress.Namespace, "name": fmt.Sprintf("%s.%x", p.Ingress.Name, time.Now().UnixNano())},
		"involvedObject": map[string]any{
			"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "namespace": p.Ingress.Namespace, "name": p.Ingress.Name,
			"uid": p.Ingress.UID, "resourceVersion": p.Ingress.ResourceVersion,
		},
		"reason": p.Reason, "message": p.Message, "type": kind, "count": 1, "firstTimestamp": now, "lastTimestamp": now,
		"source": map[string]any{"component": "drydock-ingress-controller"},
	}
	err := gone(w.opts.API.send(ctx, http.MethodPost, "/api/v1/namespaces/"+p.Ingress.Namespace+"/events", body))
	if err != nil {
		tell(err) // the next change tries again
		return
	}
	w.told[key] = true
}

// gone takes the sting out of an answer about an object that is not there any more.
func gone(err error) error {
	var status *statusError
	if errors.As(err, &status) && (status.code == http.StatusNotFound || status.code == http.StatusConflict) {
		return nil
	}
	return err
}
