package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
)

func (a *app) snapshotCommand() *cobra.Command {
	cmd := family(&cobra.Command{
		Use: "snapshot", Short: "Keep the whole lab as it is, and go back to it",
		Long: "A snapshot keeps the whole lab: every object of the cluster, the files that containers have written, their volumes, and\nyour workspace. Going back takes a moment; pods whose files are as they were do not even stop.\n\nThe memory of programs is not kept: a pod whose files changed since begins again, from the files it had.",
	})
	cmd.AddCommand(a.snapshotSaveCommand(), a.snapshotRestoreCommand(), a.snapshotListCommand(), a.snapshotRemoveCommand(), a.snapshotBranchCommand())
	return cmd
}

func (a *app) snapshotSaveCommand() *cobra.Command {
	var r control.SnapshotRequest
	cmd := &cobra.Command{
		Use: "save NAME", Short: "Keep the lab as it is now", Args: snapshotName,
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Name = args[0]
			s, err := a.save(cmd.Context(), r)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "saved %s: %d objects, %s\n", s.Name, s.Objects, size(s.Bytes))
			return err
		},
	}
	cmd.Flags().BoolVar(&r.Replace, "replace", false, "replace a snapshot of that name")
	cmd.Flags().StringVar(&r.Note, "note", "", "a few words that `snapshot ls` shows")
	return cmd
}

// snapshotName takes one name. Names that begin with a dot are those of lessons' worlds.
func snapshotName(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && strings.HasPrefix(args[0], ".") {
		return usage("%q is no name for a snapshot: use small letters, digits and dashes, like before-the-update", args[0])
	}
	return oneName("snapshot")(cmd, args)
}

func (a *app) save(ctx context.Context, r control.SnapshotRequest) (s control.Snapshot, err error) {
	err = a.ask(ctx, func(ctx context.Context, socket string) (err error) {
		s, err = control.SaveSnapshot(ctx, socket, r)
		return err
	})
	return s, err
}

func (a *app) snapshotRestoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore NAME", Short: "Take the lab back to a snapshot; a lab that is down is started", Args: snapshotName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.restore(cmd, args[0])
		},
	}
}

// restore takes the lab back and says what became of it.
func (a *app) restore(cmd *cobra.Command, name string) error {
	p, err := a.running(cmd.Context())
	if err != nil {
		return err
	}
	c, closeBook, err := a.openCourse(p)
	if err != nil {
		return err
	}
	// What was typed is noted before the shell's history goes back as well.
	if err := c.CatchUp(); err != nil {
		return errors.Join(err, closeBook())
	}
	began := time.Now()
	done, err := control.RestoreSnapshot(cmd.Context(), p.lab.Control(), control.SnapshotRequest{Name: name})
	if err != nil {
		return errors.Join(&codeError{exitNo, err}, closeBook())
	}
	if err := errors.Join(c.Restored(name), closeBook()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "back at %s in %d ms: %d objects made, %d changed, %d gone; %s\n",
		name, time.Since(began).Milliseconds(), done.Made, done.Changed, done.Gone, beginAgain(done.Again))
	return err
}

func beginAgain(pods int) string {
	switch pods {
	case 0:
		return "no pod had to begin again"
	case 1:
		return "1 pod begins again"
	}
	return fmt.Sprintf("%d pods begin again", pods)
}

func (a *app) snapshotListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List the lab's snapshots", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := a.snapshots(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return printSnapshots(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) snapshots(ctx context.Context) (all []control.Snapshot, err error) {
	all = []control.Snapshot{}
	err = a.ask(ctx, func(ctx context.Context, socket string) error {
		found, err := control.Snapshots(ctx, socket, control.SnapshotRequest{})
		all = append(all, found...)
		return err
	})
	return all, err
}

func printSnapshots(w io.Writer, all []control.Snapshot) error {
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "NAME\tTAKEN\tREVISION\tOBJECTS\tSIZE\tNOTE")
	for _, s := range all {
		note := s.Note
		if note == branchNote {
			note = "where a branch began"
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%s\t%s\n", s.Name, s.Taken.Local().Format(time.DateTime), s.Revision, s.Objects, size(s.Bytes), note)
	}
	return out.Flush()
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

func (a *app) snapshotRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Short: "Forget a snapshot", Args: snapshotName,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.remove(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "removed %s\n", args[0])
			return err
		},
	}
}

func (a *app) remove(ctx context.Context, name string) error {
	return a.ask(ctx, func(ctx context.Context, socket string) error {
		return control.RemoveSnapshot(ctx, socket, control.SnapshotRequest{Name: name})
	})
}

// branchNote marks the snapshots at which branches began.
const branchNote = "branch"

// snapshotBranchCommand: a branch is what happens after a snapshot until one knows whether it was a good idea.
func (a *app) snapshotBranchCommand() *cobra.Command {
	var drop, keep bool
	cmd := &cobra.Command{
		Use: "branch NAME | branch --drop | branch --keep", Short: "Try something: branch off, then keep what came of it or throw it away",
		Long: "`drydock snapshot branch NAME` notes where you are and goes on from there. When you have tried what you wanted to try,\n`drydock snapshot branch --drop` takes the lab back to where the branch began, and `drydock snapshot branch --keep` makes\nwhat came of it the lab. Branches may begin in branches: both speak of the newest.",
		Args: func(_ *cobra.Command, args []string) error {
			if drop && keep || (drop || keep) != (len(args) == 0) || len(args) > 1 || len(args) == 1 && strings.HasPrefix(args[0], ".") {
				return usage("`drydock snapshot branch` needs either the name of a new branch, or --drop, or --keep")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.branchOff(cmd, args[0])
			}
			return a.endBranch(cmd, drop)
		},
	}
	cmd.Flags().BoolVar(&drop, "drop", false, "throw the newest branch away: back to where it began")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep what came of the newest branch")
	return cmd
}

func (a *app) branchOff(cmd *cobra.Command, name string) error {
	if _, err := a.save(cmd.Context(), control.SnapshotRequest{Name: name, Note: branchNote}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "on branch %s now: try what you like, then `drydock snapshot branch --drop` or `--keep`\n", name)
	return err
}

func (a *app) endBranch(cmd *cobra.Command, drop bool) error {
	all, err := a.snapshots(cmd.Context())
	if err != nil {
		return err
	}
	name := ""
	for _, s := range all { // the newest is the last
		if s.Note == branchNote {
			name = s.Name
		}
	}
	if name == "" {
		return &codeError{exitNo, errors.New("there is no branch; `drydock snapshot branch NAME` begins one")}
	}
	if drop {
		if err := a.restore(cmd, name); err != nil {
			return err
		}
	}
	if err := a.remove(cmd.Context(), name); err != nil {
		return err
	}
	words := "branch %s is kept\n"
	if drop {
		words = "branch %s is thrown away\n"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), words, name)
	return err
}
