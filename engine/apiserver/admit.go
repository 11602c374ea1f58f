package apiserver

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/api"
)

type operation string

const (
	operationCreate operation = "CREATE"
	operationUpdate operation = "UPDATE"
	operationDelete operation = "DELETE"
)

// admission is a write that asks to be let in. Plugins may change obj, which is nil for a delete.
type admission struct {
	kind      *api.Resource
	namespace string
	name      string
	operation operation
	obj, old  runtime.Object
	by        writer
}

// admit asks each plugin in turn, in upstream's order; the first that refuses ends the write. Writes to subresources pass.
func (s *Server) admit(ctx context.Context, a admission) error {
	if a.by.subresource != "" {
		return nil
	}
	for _, plugin := range []func(context.Context, admission) error{
		s.admitNamespace, s.admitServiceAccount, s.admitPriority, admitTolerations,
	} {
		if err := plugin(ctx, a); err != nil {
			return err
		}
	}
	return nil
}
