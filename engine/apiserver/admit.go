package apiserver

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/api"
)

type operation string

const (
	operationCreate operation = "CREATE"
	operationUpdate operation = "UPDATE"
	operationDelete operation = "DELETE"
)

// admission is a write that asks to be let in. Plugins may change obj, which is nil for a delete, in admit but not in approve.
type admission struct {
	kind      *api.Resource
	namespace string
	name      string
	operation operation
	obj, old  runtime.Object
	by        writer
}

type plugin func(context.Context, admission) error

// admit asks each plugin in turn, in upstream's order, before the kind's own rules see the object; the first that refuses ends
// the write. Writes to subresources pass, but for a node's.
func (s *Server) admit(ctx context.Context, a admission) error {
	if err := s.admitFromNode(ctx, a); err != nil || a.by.subresource != "" {
		return err
	}
	return ask(ctx, a, []plugin{
		s.admitNamespace, s.defaultLimits, s.admitServiceAccount, taintNewNode, s.admitPriority, admitTolerations,
		s.defaultStorageClass, protectStorage, s.admitRuntimeClass, s.defaultIngressClass,
	})
}

// approve asks those who look at the object as it will be stored. Quota comes last: it is the only one that counts what it lets in.
func (s *Server) approve(ctx context.Context, a admission) error {
	switch a.by.subresource {
	case "":
		return ask(ctx, a, []plugin{s.checkLimits, s.checkDefaultPriority, s.checkGrowth, s.checkOverhead, s.chargeQuotas})
	case "resize":
		return ask(ctx, a, []plugin{s.checkLimits, s.chargeQuotas})
	}
	return nil
}

func ask(ctx context.Context, a admission, plugins []plugin) error {
	for _, p := range plugins {
		if err := p(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// forbid refuses the write with a reason. Before a name has been made up, the object goes by what it will be made from.
func (a admission) forbid(reason error) error {
	name := a.name
	if accessor, err := meta.Accessor(a.obj); name == "" && err == nil {
		name = accessor.GetName()
		if name == "" {
			name = accessor.GetGenerateName()
		}
	}
	if name == "" {
		name = "Unknown"
	}
	return apierrors.NewForbidden(a.kind.GroupResource(), name, reason)
}

// created tells whether the write brings a new object of type T, and returns it.
func created[T runtime.Object](a admission) (T, bool) {
	obj, ok := a.obj.(T)
	return obj, ok && a.operation == operationCreate
}
