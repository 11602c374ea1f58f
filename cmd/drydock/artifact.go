package main

import (
	"github.com/spf13/cobra"

	"drydock/lessons/pack"
	"drydock/lessons/plain"
)

// exactly wants so many arguments, and says what they are.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("`%s` needs %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// addArtifactCommands adds the verbs of packs that need no lab.
func (a *app) addArtifactCommands(parent *cobra.Command) {
	parent.AddCommand(
		a.packNewCommand(),
		a.packVerb("schema [pack|lesson]", "Print the JSON Schema of lesson.yaml, or of pack.yaml", cobra.MaximumNArgs(1),
			func(m plain.Mode, args []string) int { return m.PackSchema(append(args, "lesson")[0]) }),
		a.packVerb("diff OLDER NEWER", "Say what changed between two versions, and which results go stale", exactly(2, "two packs"),
			func(m plain.Mode, args []string) int { return m.PackDiff(args[0], args[1]) }),
		a.packVerb("keygen NAME", "Make a pair of keys to sign packs with", exactly(1, "a name for the files of the keys"),
			func(m plain.Mode, args []string) int { return m.PackKeygen(args[0]) }),
		a.packBuildCommand(), a.packVerifyCommand(), a.packInstallCommand(), a.packPushCommand(), a.packPullCommand(),
	)
}

func (a *app) packVerb(use, short string, args cobra.PositionalArgs, run func(plain.Mode, []string) int) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error { return exit(run(a.mode(cmd), args)) },
	}
}

func (a *app) packNewCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "new DIR", Short: "Write a small pack that already passes", Args: exactly(1, "the name of a folder to make"),
		Example: "  drydock pack new mypack\n  drydock pack new mypack --from a-rollout",
		RunE: func(cmd *cobra.Command, args []string) error {
			if from == "" {
				return exit(a.mode(cmd).PackNew(args[0]))
			}
			p, err := a.find()
			if err != nil {
				return err
			}
			known, err := a.loadPack(p)
			if err != nil {
				return err
			}
			return exit(a.mode(cmd).PackFrom(args[0], known, from))
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "a lesson to begin with a copy of: a bundled one, or one of --pack")
	return cmd
}

func (a *app) packBuildCommand() *cobra.Command {
	var o plain.BuildOptions
	cmd := &cobra.Command{
		Use: "build DIR", Short: "Make one file of a pack, to hand out", Args: exactly(1, "the directory of a pack"),
	}
	cmd.Flags().StringVarP(&o.File, "output", "o", "", "the file to write")
	grader := cmd.Flags().Bool("grader", false, "with the folder private, for those who grade; without it, for learners")
	buildFlags(cmd, &o)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Variant = pack.Student
		if *grader {
			o.Variant = pack.Grader
		}
		return exit(a.mode(cmd).PackBuild(cmd.Context(), args[0], o))
	}
	return cmd
}

func buildFlags(cmd *cobra.Command, o *plain.BuildOptions) {
	cmd.Flags().StringVar(&o.Key, "sign", "", "a private key to sign with")
	cmd.Flags().BoolVar(&o.Images, "with-images", false, "with the images that the pack names and drydock does not carry, for rooms without internet")
	cmd.Flags().StringSliceVar(&o.From, "images-from", nil, "where to look for images before their registries: oci:FOLDER or oci-archive:FILE")
}

// places are the forms of a place, for usage texts.
const places = "a place: HOST/NAME[:TAG] in a registry, oci:FOLDER[:TAG] or oci-archive:FILE[:TAG]"

func (a *app) packPushCommand() *cobra.Command {
	o := plain.BuildOptions{Variant: pack.Student}
	cmd := &cobra.Command{
		Use: "push PACK PLACE", Short: "Send a pack to a registry, or to an OCI layout", Args: exactly(2, "a pack, and "+places),
		Example: "  drydock pack push demo-1.0.0-student.dockpack ghcr.io/you/demo\n  drydock pack push demo oci:/media/stick/packs:demo",
		RunE: func(cmd *cobra.Command, args []string) error {
			return exit(a.mode(cmd).PackPush(cmd.Context(), args[0], args[1], o))
		},
	}
	buildFlags(cmd, &o)
	return cmd
}

func (a *app) packPullCommand() *cobra.Command {
	var output, key string
	cmd := &cobra.Command{
		Use: "pull PLACE", Short: "Fetch a pack as one file", Args: exactly(1, places),
		RunE: func(cmd *cobra.Command, args []string) error {
			return exit(a.mode(cmd).PackPull(cmd.Context(), args[0], output, key))
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write")
	cmd.Flags().StringVar(&key, "key", "", "the public key that must have signed it")
	return cmd
}

func (a *app) packVerifyCommand() *cobra.Command {
	var key string
	cmd := a.packVerb("verify FILE", "Say whether a built pack is whole, and who signed it", exactly(1, "a built pack"),
		func(m plain.Mode, args []string) int { return m.PackVerify(args[0], key) })
	cmd.Flags().StringVar(&key, "key", "", "the public key that must have signed it")
	return cmd
}

func (a *app) packInstallCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: "install FILE|PLACE", Short: "Keep a pack, for --pack ID", Args: exactly(1, "a built pack, or "+places),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.find()
			if err != nil {
				return err
			}
			return exit(a.mode(cmd).PackInstall(cmd.Context(), args[0], key, packsDir(p)))
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the public key that must have signed it")
	return cmd
}
