package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	"drydock/cmd/userland/shell"
)

var _ = register("sh", shell.Usage, sh) && register("ash", shell.Usage, sh) && register("bash", shell.Usage, sh)

func sh(p *process) int {
	return shell.Run(shell.Config{
		Name: p.name, Login: filepath.Base(os.Args[0])[0] == '-', Args: p.args, Programs: slices.Collect(maps.Keys(applets)),
	})
}
