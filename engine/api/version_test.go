package api_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/version"

	"drydock/engine/api"
)

// TestVersionParses: clients compare the server's version with their own as a semantic version.
func TestVersionParses(t *testing.T) {
	parsed, err := version.ParseSemantic(api.Version().GitVersion)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Major() != 1 || parsed.Minor() != 37 || parsed.BuildMetadata() != "drydock" {
		t.Errorf("got %v", parsed)
	}
	info := api.Version()
	if info.Major != "1" || info.Minor != "37" || info.Platform == "" {
		t.Errorf("got %+v", info)
	}
}
