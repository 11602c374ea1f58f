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
		a.packVerb("new DIR", "Write a small pack that already passes", exactly(1, "the name of a folder to make"),
			func(m plain.Mode, args []string) int { return m.PackNew(args[0]) }),
		a.packVerb("schema [pack|lesson]", "Print the JSON Schema of lesson.yaml, or of pack.yaml", cobra.MaximumNArgs(1),
			func(m plain.Mode, args []string) int { return m.PackSchema(append(args, "lesson")[0]) }),
		a.packVerb("diff OLDER NEWER", "Say what changed between two versions, and which results go stale", exactly(2, "two packs"),
			func(m plain.Mode, args []string) int { return m.PackDiff(args[0], args[1]) }),
		a.packVerb("keygen NAME", "Make a pair of keys to sign packs with", exactly(1, "a name for the files of the keys"),
			func(m plain.Mode, args []string) int { return m.PackKeygen(args[0]) }),
		a.packBuildCommand(), a.packVerifyCommand(), a.packInstallCommand(),
	)
}

func (a *app) packVerb(use, short string, args cobra.PositionalArgs, run func(plain.Mode, []string) int) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error { return exit(run(a.mode(cmd), args)) },
	}
}

func (a *app) packBuildCommand() *cobra.Command {
	var output, key string
	var grader bool
	cmd := a.packVerb("build DIR", "Make one file of a pack, to hand out", exactly(1, "the directory of a pack"),
		func(m plain.Mode, args []string) int {
			variant := pack.Student
			if grader {
				variant = pack.Grader
			}
			return m.PackBuild(args[0], output, variant, key)
		})
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write")
	cmd.Flags().BoolVar(&grader, "grader", false, "with the folder private, for those who grade; without it, for learners")
	cmd.Flags().StringVar(&key, "sign", "", "a private key to sign with")
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
		Use: "install FILE", Short: "Keep a built pack, for --pack ID", Args: exactly(1, "a built pack"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.find()
			if err != nil {
				return err
			}
			return exit(a.mode(cmd).PackInstall(args[0], key, packsDir(p)))
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the public key that must have signed it")
	return cmd
}
