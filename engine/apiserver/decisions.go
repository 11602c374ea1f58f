package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"

	"drydock/engine/decision"
)

// serveDecisions is the flight recorder's door: nodes post records, people and programs read and follow them.
func (s *Server) serveDecisions(q *call) error {
	if !mayUseDecisions(q.user, q.r.Method) || q.r.Method == http.MethodPost && !mayTell(q.real) {
		return forbidden(q.user, attributesOf(q.info))
	}
	switch q.r.Method {
	case http.MethodPost:
		return s.takeDecisions(q)
	case http.MethodGet:
		return s.streamDecisions(q)
	}
	return methodNotAllowed()
}

// proxierGroup is what a node's proxy belongs to; its certificate is no node's.
const proxierGroup = "system:node-proxier"

// mayUseDecisions: administrators and nodes read and write, a node's proxy writes.
func mayUseDecisions(who user.Info, method string) bool {
	groups := who.GetGroups()
	if slices.Contains(groups, user.SystemPrivilegedGroup) || slices.Contains(groups, user.NodesGroup) {
		return true
	}
	return method == http.MethodPost && slices.Contains(groups, proxierGroup)
}

// mayTell: what happened is told by those who saw it, not by a person with the administrator's certificate, nor by one who asks as
// a node. Our own programs, which need no certificate, may try it out.
func mayTell(who user.Info) bool {
	groups := who.GetGroups()
	return who.GetName() == socketUser || slices.Contains(groups, user.NodesGroup) || slices.Contains(groups, proxierGroup)
}

// takeDecisions reads records, one JSON object after the other, as long as the client sends.
func (s *Server) takeDecisions(q *call) error {
	decoder := json.NewDecoder(q.r.Body)
	for {
		var rec decision.Record
		switch err := decoder.Decode(&rec); {
		case errors.Is(err, io.EOF):
			q.w.WriteHeader(http.StatusNoContent)
			return nil
		case err != nil:
			return apierrors.NewBadRequest(fmt.Sprintf("read a decision record: %v", err))
		}
		s.options.Recorder.Record(rec)
	}
}

// streamDecisions sends the remembered records as JSON lines: those of one object (?object=pods/default/web) or all, and
// with ?watch=1 those to come.
func (s *Server) streamDecisions(q *call) error {
	query := q.r.URL.Query()
	wanted, filter := decision.Object{}, query.Get("object") != ""
	if filter {
		var err error
		if wanted, err = decision.ParseObject(query.Get("object")); err != nil {
			return apierrors.NewBadRequest(err.Error())
		}
	}
	startHeaders(q.w, "application/jsonl")
	encoder := json.NewEncoder(q.w)
	send := func(rec decision.Record) error {
		o := rec.Object
		o.UID = ""
		if filter && o != wanted {
			return nil
		}
		return encoder.Encode(rec)
	}
	controller := http.NewResponseController(q.w)
	seq := uint64(0)
	for {
		records, grown := s.options.Recorder.Since(seq)
		for _, rec := range records {
			if send(rec) != nil {
				return nil // the reader has gone
			}
			seq = rec.Seq
		}
		if controller.Flush() != nil || query.Get("watch") == "" {
			return nil
		}
		select {
		case <-q.ctx().Done():
			return nil
		case <-grown:
		}
	}
}
