package main

import (
	"context"

	"drydock/engine/cluster/control"
	"drydock/sandbox/home"
)

// labSnapshots implements course.Snapshots and golden's by the control socket of a running lab.
type labSnapshots struct{ lab home.Lab }

func (s labSnapshots) Save(ctx context.Context, name, note string) error {
	_, err := control.SaveSnapshot(ctx, s.lab.Control(), control.SnapshotRequest{Name: name, Note: note, Replace: true, WithoutWorkspace: true})
	return err
}

func (s labSnapshots) Restore(ctx context.Context, name, note string) (bool, error) {
	all, err := control.Snapshots(ctx, s.lab.Control(), control.SnapshotRequest{All: true})
	if err != nil {
		return false, err
	}
	for _, about := range all {
		if about.Name == name && about.Note == note {
			_, err := control.RestoreSnapshot(ctx, s.lab.Control(), control.SnapshotRequest{Name: name})
			return err == nil, err
		}
	}
	return false, nil
}
