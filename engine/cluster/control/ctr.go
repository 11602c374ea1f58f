package control

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"drydock/sandbox/lab"
)

// VerbCtr runs `docknode ctr` on a node, on the three descriptors that come beside it; like VerbNodeExec, but harmless enough
// for the learner's shell.
const VerbCtr = "ctr"

// CtrRequest is the body of VerbCtr.
type CtrRequest struct {
	Node string   `json:"node"`
	Args []string `json:"args"`
}

// RunCtr looks after containers without Kubernetes on a node and returns the exit code.
func RunCtr(ctx context.Context, socket string, r CtrRequest, files [3]*os.File) (int, error) {
	exited := Exited{Code: -1}
	err := lab.Ask(ctx, socket, VerbCtr, r, lab.WithFiles(files[:]...), lab.Each(func(body json.RawMessage) error {
		return json.Unmarshal(body, &exited)
	}))
	if err != nil {
		return -1, fmt.Errorf("look after containers on %s: %w", r.Node, err)
	}
	return exited.Code, nil
}
