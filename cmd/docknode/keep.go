package main

import (
	"context"
	"path/filepath"

	"drydock/engine/cluster/control"
	"drydock/engine/kubelet"
	"drydock/sandbox/cri"
	"drydock/sandbox/lab"
)

// podsDir is where the kubelet keeps what belongs to its pods.
var podsDir = filepath.Join(kubelet.DefaultRootDir, "pods")

// keeping are the orders about what pods have written. Each names a snapshot of the lab; what it keeps lies below dir.
func keeping(server *cri.Server, dir string) map[string]lab.Handler {
	with := func(do func(ctx context.Context, call *lab.Call, order control.NodeKeep, dir string) error) lab.Handler {
		return func(ctx context.Context, call *lab.Call) error {
			var order control.NodeKeep
			if err := call.Decode(&order); err != nil {
				return err
			}
			return do(ctx, call, order, filepath.Join(dir, filepath.Base(order.Snapshot)))
		}
	}
	return map[string]lab.Handler{
		"keep": with(func(ctx context.Context, _ *lab.Call, _ control.NodeKeep, dir string) error {
			return server.Keep(ctx, dir)
		}),
		"unchanged": with(func(ctx context.Context, call *lab.Call, _ control.NodeKeep, dir string) error {
			uids, err := server.Unchanged(ctx, dir)
			if err != nil {
				return err
			}
			return call.Send(uids)
		}),
		"renew": with(func(_ context.Context, _ *lab.Call, order control.NodeKeep, dir string) error {
			pods := make([]cri.Renewal, len(order.Pods))
			for i, p := range order.Pods {
				logs := filepath.Join(kubelet.DefaultLogDir, p.Namespace+"_"+p.Name+"_"+p.To)
				pods[i] = cri.Renewal{From: p.From, To: p.To, Logs: logs, Restarts: p.Restarts}
			}
			return server.Renew(dir, pods)
		}),
		"kill": with(func(ctx context.Context, _ *lab.Call, order control.NodeKeep, _ string) error {
			return server.Kill(ctx, order.Ended)
		}),
	}
}
