package listwatch

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

// Group is a group of the API with the types that are needed of it.
type Group struct {
	Version schema.GroupVersion
	Add     func(*runtime.Scheme) error // makes the types known
}

// Clients makes a client for each group, which speak protobuf over one connection and are not slowed down; and the codec for what
// goes into the query. client-go's ready-made set of clients links every group there is.
func Clients(config *rest.Config, agent string, groups ...Group) ([]rest.Interface, runtime.ParameterCodec, error) {
	scheme := runtime.NewScheme()
	for _, g := range groups {
		if err := g.Add(scheme); err != nil {
			return nil, nil, fmt.Errorf("register API types: %w", err)
		}
	}
	config = rest.CopyConfig(config)
	config.UserAgent = agent
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, nil, fmt.Errorf("make the API client of %s: %w", config.Host, err)
	}
	var clients []rest.Interface
	for _, g := range groups {
		c := rest.CopyConfig(config)
		c.GroupVersion, c.APIPath, c.QPS = &g.Version, "/apis", -1
		if g.Version.Group == "" {
			c.APIPath = "/api"
		}
		c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
		c.ContentType = "application/vnd.kubernetes.protobuf"
		c.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
		client, err := rest.RESTClientForConfigAndClient(c, httpClient)
		if err != nil {
			return nil, nil, fmt.Errorf("make the API client of %s for %s: %w", config.Host, g.Version, err)
		}
		clients = append(clients, client)
	}
	return clients, runtime.NewParameterCodec(scheme), nil
}
