// Package access is the way from outside to a lab's API server.
//
// # Part played
//
// The kubeconfig in a person's home directory, for drydock's own programs.
//
// # How it works
//
// RESTConfig reads the kubeconfig that the lab wrote, with its client certificate, and takes the client's own limits off.
// It is apart from package control because it links client-go, which the keeper must not: a keeper waits beside each lab
// for as long as that lives.
//
// # Left out
//
// Choosing among several contexts: a lab's kubeconfig has one.
//
// # In Kubernetes
//
// k8s.io/client-go/tools/clientcmd, which does the reading here as well.
package access

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"drydock/sandbox/home"
)

// RESTConfig is how a program outside the lab reaches its API server, as the lab's kubeconfig says.
func RESTConfig(l home.Lab) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", l.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("read the lab's kubeconfig: %w", err)
	}
	config.QPS = -1 // the server is this machine's own; nobody needs protection
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}
