package api

import (
	"runtime"

	"k8s.io/apimachinery/pkg/version"
)

// Version answers GET /version: the Kubernetes whose rules these are, with a word of our own where semantic versions allow one.
func Version() version.Info {
	return version.Info{
		Major: "1", Minor: "37", EmulationMajor: "1", EmulationMinor: "37", MinCompatibilityMajor: "1", MinCompatibilityMinor: "36",
		GitVersion: "v1.37.1+drydock", GitTreeState: "clean",
		GoVersion: runtime.Version(), Compiler: runtime.Compiler, Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
}
