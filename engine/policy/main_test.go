package policy_test

import (
	"os"
	"testing"

	"drydock/engine/internal/nettest"
)

func TestMain(m *testing.M) { os.Exit(nettest.Main(m)) }
