package main

import (
	"context"

	"drydock/sandbox/machine"
)

// boot builds the machine's root and becomes its first program.
func boot(context.Context, []string) error { return machine.Boot() }
