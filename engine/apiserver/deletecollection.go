package apiserver

import (
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	internalscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

// deleteCollection deletes what a list would show, one object after the other, and answers with the list. Who comes in
// between may escape; the caller lists again.
func (s *Server) deleteCollection(q *call) error {
	listOptions, err := q.listOptions()
	if err != nil {
		return err
	}
	options, err := q.deleteOptions()
	if err != nil {
		return err
	}
	items, header, err := s.listPage(q.ctx(), selectionOf(q, listOptions), listOptions)
	if err != nil {
		return err
	}
	by := q.writer("", options.DryRun)
	var deleted []*entry
	for _, item := range items {
		t := target{q.kind, item.meta.GetNamespace(), item.meta.GetName()}
		e, _, err := s.deleteObject(q.ctx(), t, options.DeepCopy(), by)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		deleted = append(deleted, e)
	}
	return s.respondList(q, deleted, header)
}

func (s *Server) respondList(q *call, items []*entry, header *metav1.ListMeta) error {
	if q.form.as != nil {
		return s.respondTransformed(q, http.StatusOK, items, header)
	}
	gvk := q.kind.GVK()
	gvk.Kind += "List"
	body, err := q.form.encodeList(gvk, *header, items)
	if err != nil {
		return err
	}
	q.respond(http.StatusOK, q.form.contentType(), body)
	return nil
}

// decodeDeleteOptions reads options from a body: of meta.k8s.io/v1, of "v1", or of the resource's own group, as clients of
// all ages send them.
func (q *call) decodeDeleteOptions(body []byte, into *metav1.DeleteOptions) error {
	media, err := inputMedia(q.r)
	if err != nil {
		return err
	}
	info, ok := runtime.SerializerInfoForMediaType(api.Serializers(), media)
	if !ok {
		return unsupportedMediaType(ours)
	}
	defaults := schema.GroupVersionKind{Version: "v1", Kind: "DeleteOptions"}
	if _, _, err := info.Serializer.Decode(body, &defaults, into); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	return nil
}

func deleteOptionsOfQuery(q *call, into *metav1.DeleteOptions) error {
	err := internalscheme.ParameterCodec.DecodeParameters(q.r.URL.Query(), metav1.SchemeGroupVersion, into)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	return nil
}
