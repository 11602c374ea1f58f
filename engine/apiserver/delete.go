package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// delete answers a DELETE of one object: with the object when it stays for a while or is a pod, with a Status otherwise.
func (s *Server) delete(q *call) error {
	options, err := q.deleteOptions()
	if err != nil {
		return err
	}
	t := q.target()
	e, gone, err := s.deleteObject(q.ctx(), t, options, q.writer("", options.DryRun))
	if err != nil {
		return err
	}
	code := http.StatusOK
	if orphan := options.OrphanDependents; !gone && orphan != nil && !*orphan { //nolint:staticcheck // old clients still send it
		code = http.StatusAccepted
	}
	if gone && !q.kind.ReturnsDeleted {
		return q.respondStatus(code, &metav1.Status{
			Status: metav1.StatusSuccess,
			Details: &metav1.StatusDetails{
				Name: t.name, Group: q.kind.Group, Kind: q.kind.Resource, UID: e.meta.GetUID(),
			},
		})
	}
	return s.respondEntry(q, code, e)
}

func (q *call) respondStatus(code int, status *metav1.Status) error {
	status.Kind, status.APIVersion = "Status", "v1"
	form := q.form
	form.as = nil
	body, err := form.encode(status)
	if err != nil {
		return err
	}
	q.respond(code, form.contentType(), body)
	return nil
}

// deleteOptions come in the body, or, when there is none, in the query.
func (q *call) deleteOptions() (*metav1.DeleteOptions, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	options := &metav1.DeleteOptions{}
	if len(body) > 0 {
		err = q.decodeDeleteOptions(body, options)
	} else {
		err = deleteOptionsOfQuery(q, options)
	}
	if err != nil {
		return nil, err
	}
	if errs := metavalidation.ValidateDeleteOptions(options); len(errs) > 0 {
		return nil, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "DeleteOptions"}, "", errs)
	}
	return options, nil
}

// errDeleteNow ends the marking of an object that may go at once.
var errDeleteNow = errors.New("delete now")

// errAlreadyDeleting ends the marking of an object that is on its way out, no slower than asked.
var errAlreadyDeleting = errors.New("already deleting")

// deleteObject grants the wish that an object go. gone tells whether it has: a pod on a node is only marked, its kubelet
// stops the containers and deletes it again with grace period 0; an object with finalizers is marked, and goes when the
// last one is taken away.
func (s *Server) deleteObject(ctx context.Context, t target, options *metav1.DeleteOptions, by writer) (e *entry, gone bool, err error) {
	for {
		old, err := s.stored(ctx, t)
		if err != nil {
			return nil, false, err
		}
		e, gone, err = s.deleteOnce(ctx, t, old, options, by)
		if errors.Is(err, errRaced) && ctx.Err() == nil {
			continue
		}
		return e, gone, err
	}
}

func (s *Server) deleteOnce(ctx context.Context, t target, old *entry, options *metav1.DeleteOptions, by writer) (*entry, bool, error) {
	attributes := admission{kind: t.kind, namespace: t.namespace, name: t.name, operation: operationDelete, old: old.obj, by: by}
	if err := s.admit(ctx, attributes); err != nil {
		return nil, false, err
	}
	if err := checkPreconditions(t, old.meta, options.Preconditions); err != nil {
		return nil, false, err
	}
	obj := old.obj.DeepCopyObject()
	switch err := markDeleted(t, obj, options); {
	case errors.Is(err, errAlreadyDeleting):
		return old, false, nil
	case errors.Is(err, errDeleteNow):
		return s.deleteNow(ctx, t, old, by)
	case err != nil:
		return nil, false, err
	}
	if by.dryRun {
		e, err := unstored(t, obj, old)
		return e, false, err
	}
	e, err := s.overwrite(ctx, t, old, obj)
	if apierrors.IsConflict(err) {
		return nil, false, errRaced
	}
	if err != nil {
		return nil, false, err
	}
	if e != old {
		s.record(by, t, change{action: "Delete", before: old, after: e})
	}
	return e, false, nil
}

func (s *Server) deleteNow(ctx context.Context, t target, old *entry, by writer) (*entry, bool, error) {
	if by.dryRun {
		return old, true, nil
	}
	e, err := s.erase(ctx, t, old)
	if apierrors.IsConflict(err) {
		return nil, false, errRaced
	}
	if err != nil {
		return nil, false, err
	}
	s.releaseOf(old.obj)
	s.record(by, t, change{action: "Delete", before: old})
	return e, true, nil
}

func checkPreconditions(t target, current metav1.Object, wanted *metav1.Preconditions) error {
	if wanted == nil {
		return nil
	}
	gr := schema.GroupResource{Group: t.kind.Group, Resource: t.kind.Kind} // upstream names the kind here
	if uid := wanted.UID; uid != nil && *uid != current.GetUID() {
		return apierrors.NewConflict(gr, t.name, fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s). The object might have been deleted and then recreated", *uid, current.GetUID()))
	}
	if version := wanted.ResourceVersion; version != nil && *version != current.GetResourceVersion() {
		return apierrors.NewConflict(gr, t.name, fmt.Errorf("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). The object might have been modified", *version, current.GetResourceVersion()))
	}
	return nil
}
