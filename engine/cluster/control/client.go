package control

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
	return config, nil
}
