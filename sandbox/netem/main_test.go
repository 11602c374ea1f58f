package netem_test

import (
	"os"
	"testing"

	"drydock/sandbox/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m, nil)) }
