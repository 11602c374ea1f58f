// Package ingress leads HTTP requests from outside to Services, by the host and the path they ask for.
//
// # Part played
//
// An ingress controller: a program in a pod that reads Ingress objects and is the web server they describe. A cluster has none of
// its own; `drydock addon add ingress` installs this one, as a Deployment of the image drydock/ingress:1.
//
// # How it works
//
// Ingress default/shop says that shop.example/cart goes to port 80 of the Service cart. Run follows IngressClasses, Ingresses, Services,
// EndpointSlices and TLS Secrets with the token of its ServiceAccount, over plain HTTPS and JSON: a list, then a watch. After
// each change it builds a new Table from everything it knows and puts it in place of the old one in one step. The request GET /cart/7
// for shop.example arrives: the table finds the site of that host (the exact name before *.example before any), in it the longest
// path that matches, and there the ready endpoints of cart. The request goes to one of them in turn, past the Service's address; one
// that does not accept the connection is passed over for the next. Who comes by HTTPS is shown the certificate of the
// Secret that an Ingress names for the host.
//
// Only Ingresses whose class has the controller drydock.dev/ingress are served. Into the status of each goes the address of
// the Service that stands before the controller; what is wrong with one is said in an Event on it.
//
// # Left out
//
// Annotations that change requests (rewrites, redirects to HTTPS, limits), backends that are not Services, parameters of classes,
// election of a leader (several replicas write the same status), and taking the address off an Ingress that changes to another class.
// ImplementationSpecific paths are prefixes.
//
// # In Kubernetes
//
// Outside of it: kubernetes/ingress-nginx, traefik. The rules are those of k8s.io/api/networking/v1, types.go.
package ingress
