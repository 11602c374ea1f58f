package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// measureSizes weighs the one file that people get, and names what is in it.
func measureSizes(context.Context, *workshop) ([]row, error) {
	var inside []string
	for _, name := range []string{"dockplane", "docknode", "dockkeep", "dockboot", "dockinit", "dockbox", "kubectl", "images.tar"} {
		info, err := os.Stat("bin/" + name)
		if err != nil {
			return nil, err
		}
		inside = append(inside, fmt.Sprintf("%s %s", name, mb(info.Size())))
	}
	info, err := os.Stat("bin/drydock")
	if err != nil {
		return nil, err
	}
	return []row{{what: "size of bin/drydock", budget: "120 MB", measured: mb(info.Size()), floor: "carries, packed: " + strings.Join(inside, ", "), kept: within(info.Size(), 120e6)}}, nil
}
