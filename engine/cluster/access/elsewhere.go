package access

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Cluster is the way to a cluster that is not drydock's own.
type Cluster struct {
	REST *rest.Config

	// set once in Other
	config clientcmdapi.Config
}

// Other reads a kubeconfig. Its current context says which cluster is meant. Requests are held back a little: others work with
// that server too.
func Other(file string) (*Cluster, error) {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: file}
	config, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig %s: %w", file, err)
	}
	if config.Contexts[config.CurrentContext] == nil {
		return nil, fmt.Errorf("read the kubeconfig %s: its current-context %q is none of its contexts", file, config.CurrentContext)
	}
	r, err := clientcmd.NewDefaultClientConfig(*config, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig %s: %w", file, err)
	}
	return &Cluster{REST: r, config: *config}, nil
}

// WriteKubeconfig writes a kubeconfig for the same cluster and user, which works in a namespace. Only its owner can read it.
func (c *Cluster) WriteKubeconfig(namespace, file string) error {
	out := c.config.DeepCopy()
	out.Contexts[out.CurrentContext].Namespace = namespace
	if err := clientcmdapi.MinifyConfig(out); err != nil {
		return fmt.Errorf("pick the current context: %w", err)
	}
	text, err := clientcmd.Write(*out)
	if err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	temporary := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}
