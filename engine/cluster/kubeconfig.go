package cluster

import (
	"encoding/base64"
	"fmt"
)

// kubeconfig is a client configuration file with one cluster, one user, one context, all data inside.
func kubeconfig(server, user string, ca []byte, p pair) []byte {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: drydock
  cluster:
    server: %s
    certificate-authority-data: %s
contexts:
- name: drydock
  context:
    cluster: drydock
    user: %s
current-context: drydock
users:
- name: %s
  user:
    client-certificate-data: %s
    client-key-data: %s
`, server, b64(ca), user, user, b64(p.cert), b64(p.key))
}
