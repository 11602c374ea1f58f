package apiserver

import (
	"context"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"

	"drydock/engine/api"
)

// writer is who writes, and how: what every kind of write needs to know beside the object.
type writer struct {
	user        user.Info
	real        user.Info // who stands behind user: another one only after kubectl --as
	actor       string    // for decision records: the user agent's program
	manager     string    // for metadata.managedFields
	dryRun      bool
	subresource string
	warn        func(...string)
}

func (q *call) writer(manager string, dryRun []string) writer {
	actor := programOf(q.r.UserAgent())
	if manager == "" {
		manager = actor
	}
	return writer{user: q.user, real: q.real, actor: actor, manager: manager, dryRun: isDryRun(dryRun), subresource: q.info.Subresource, warn: q.warn}
}

// programOf is the name before the first slash of a user agent: "kubectl", "drydock-scheduler".
func programOf(agent string) string {
	name, _, _ := strings.Cut(agent, "/")
	var out strings.Builder
	for _, r := range name {
		if !unicode.IsPrint(r) {
			continue
		}
		if out.Len()+utf8.RuneLen(r) > metavalidation.FieldManagerMaxLength {
			break
		}
		out.WriteRune(r)
	}
	return out.String()
}

func (s *Server) create(q *call) error {
	options := &metav1.CreateOptions{}
	check := func() field.ErrorList { return metavalidation.ValidateCreateOptions(options) }
	if err := q.query(options, check, "CreateOptions"); err != nil {
		return err
	}
	obj, err := q.decodeObject(options.FieldValidation)
	if err != nil {
		return err
	}
	e, err := s.createObject(q.ctx(), q.kind, q.info.Namespace, obj, q.writer(options.FieldManager, options.DryRun))
	if err != nil {
		return err
	}
	return s.respondEntry(q, http.StatusCreated, e)
}

// nameAttempts is how often a name is made up from generateName before we give in: five random letters collide once in
// eleven million, but a namespace may be full of them.
const nameAttempts = 8

// createObject brings a new, defaulted object of a kind into the store. It may change obj.
func (s *Server) createObject(ctx context.Context, kind *api.Resource, namespace string, obj runtime.Object, by writer) (*entry, error) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, internalError(err)
	}
	generated := accessor.GetName() == "" && accessor.GetGenerateName() != ""
	for attempt := 1; ; attempt++ {
		candidate := obj
		if generated {
			candidate = obj.DeepCopyObject()
		}
		e, err := s.createOnce(ctx, kind, namespace, candidate, by)
		if err == nil || !generated || !apierrors.IsAlreadyExists(err) || attempt == nameAttempts {
			return e, generatedNameError(err, kind, generated)
		}
	}
}

func generatedNameError(err error, kind *api.Resource, generated bool) error {
	if !generated || !apierrors.IsAlreadyExists(err) {
		return err
	}
	return apierrors.NewGenerateNameConflict(kind.GroupResource(), "", 1)
}

func (s *Server) createOnce(ctx context.Context, kind *api.Resource, namespace string, obj runtime.Object, by writer) (*entry, error) {
	obj, err := s.prepareCreate(ctx, kind, namespace, obj, by)
	if err != nil {
		return nil, err
	}
	settle, err := s.allocate(obj, nil, by)
	if err != nil {
		return nil, err
	}
	e, err := s.finishCreate(ctx, kind, namespace, obj, by)
	settle(err == nil && !by.dryRun)
	return e, err
}

// prepareCreate does what comes before the kind's own strategy: metadata, ownership of fields, admission.
func (s *Server) prepareCreate(ctx context.Context, kind *api.Resource, namespace string, obj runtime.Object, by writer) (runtime.Object, error) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, internalError(err)
	}
	wipeSystemFields(accessor)
	if err := matchNamespace(kind, namespace, accessor); err != nil {
		return nil, err
	}
	dedupOwners(accessor, by.warn, false)
	manager, err := kind.FieldManager("")
	if err != nil {
		return nil, internalError(err)
	}
	obj = manager.UpdateNoErrors(kind.New(), obj, by.manager)
	attributes := admission{kind: kind, namespace: namespace, name: accessor.GetName(), operation: operationCreate, obj: obj, by: by}
	return obj, s.admit(ctx, attributes)
}

// finishCreate runs the kind's strategy, asks for approval, and stores the object.
func (s *Server) finishCreate(ctx context.Context, kind *api.Resource, namespace string, obj runtime.Object, by writer) (*entry, error) {
	warnings, err := kind.BeforeCreate(namespace, obj)
	if err != nil {
		return nil, err
	}
	by.warn(warnings...)
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, internalError(err)
	}
	t := target{kind: kind, namespace: accessor.GetNamespace(), name: accessor.GetName()}
	err = s.approve(ctx, admission{kind: kind, namespace: t.namespace, name: t.name, operation: operationCreate, obj: obj, by: by})
	if err != nil {
		return nil, err
	}
	if by.dryRun {
		if there, err := s.exists(ctx, t); err != nil || there {
			return nil, s.alreadyExists(ctx, t, err)
		}
		return unstored(t, obj, nil)
	}
	e, err := s.insert(ctx, t, obj)
	if apierrors.IsAlreadyExists(err) {
		return nil, s.alreadyExists(ctx, t, nil)
	}
	if err != nil {
		return nil, err
	}
	s.record(by, t, change{action: "Create", after: e})
	return e, nil
}

// alreadyExists says so, and also when the object in the way is on its way out.
func (s *Server) alreadyExists(ctx context.Context, t target, err error) error {
	if err != nil {
		return err
	}
	exists := apierrors.NewAlreadyExists(t.kind.GroupResource(), t.name)
	if e, err := s.stored(ctx, t); err == nil && e.meta.GetDeletionTimestamp() != nil {
		exists.ErrStatus.Message = "object is being deleted: " + exists.ErrStatus.Message
	}
	return exists
}

// wipeSystemFields clears what a client may not choose, so that ownership of fields does not see it.
func wipeSystemFields(accessor metav1.Object) {
	accessor.SetCreationTimestamp(metav1.Time{})
	accessor.SetUID("")
	accessor.SetDeletionTimestamp(nil)
	accessor.SetDeletionGracePeriodSeconds(nil)
	accessor.SetSelfLink("")
	accessor.SetResourceVersion("")
}

func matchNamespace(kind *api.Resource, namespace string, accessor metav1.Object) error {
	if !kind.Namespaced {
		accessor.SetNamespace("")
		return nil
	}
	switch accessor.GetNamespace() {
	case "":
		accessor.SetNamespace(namespace)
	case namespace:
	default:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	return nil
}
