// Command kubectl is the real kubectl, as its own module builds it.
package main

import (
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"

	// Cluster access by cloud providers' plugins is left out on purpose: a lab is reached with a certificate.
	_ "k8s.io/client-go/plugin/pkg/client/auth/exec"

	"drydock/cmd/kubectl/quick" // also before any text is asked for
)

func main() {
	var command *cobra.Command
	build := func() { command = cmd.NewDefaultKubectlCommand() }
	if quick.Plain(os.Args[1:]) {
		quick.WithoutPlugins(build)
	} else {
		build()
	}
	if err := cli.RunNoErrOutput(command); err != nil {
		// CheckErr prints the error as kubectl does and exits with its status.
		util.CheckErr(err)
	}
	os.Exit(0)
}
