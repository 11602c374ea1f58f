package conformance_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// services is a typed client with the one verb that the ready-made one leaves out.
type services struct {
	corev1client.ServiceInterface
	r *room
}

func (s services) DeleteCollection(ctx context.Context, opts metav1.DeleteOptions, list metav1.ListOptions) error {
	return s.r.CoreV1().RESTClient().Delete().Namespace(s.r.ns).Resource("services").VersionedParams(&list, scheme.ParameterCodec).Body(&opts).Do(ctx).Error()
}

func (r *room) services() services { return services{r.CoreV1().Services(r.ns), r} }

// service is one for pods of the same name, from port 80 to 8080.
func (r *room) service(name string, edits ...func(*corev1.ServiceSpec)) *corev1.Service {
	r.Helper()
	spec := corev1.ServiceSpec{
		Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: port(8080)}},
	}
	for _, edit := range edits {
		edit(&spec)
	}
	return must(r.services().Create(r.ctx, &corev1.Service{ObjectMeta: r.meta(name), Spec: spec}, metav1.CreateOptions{}))(r)
}

func nodePort(s *corev1.ServiceSpec) { s.Type = corev1.ServiceTypeNodePort }

// client starts a pod from which the test asks.
func (r *room) client() {
	r.Helper()
	r.pod("client", sh("sleep 1000"))
	r.awaitPod("client", ready)
}

// until runs a shell's condition in the client until it holds; the test's patience ends it.
func (r *room) until(condition string) {
	r.Helper()
	r.exec("client", "main", "sh", "-c", "until "+condition+"; do sleep 0.2; done")
}

// finds waits until a page that the client asks for is what it should be.
func (r *room) finds(url, want string) {
	r.Helper()
	r.until(fmt.Sprintf(`[ "$(curl -s -m 2 %s)" = "%s" ]`, url, want))
}

// nobody waits until nobody answers.
func (r *room) nobody(url string) {
	r.Helper()
	r.until(fmt.Sprintf("! curl -s -m 1 %s", url))
}

// nodeAddress is that of some node.
func (r *room) nodeAddress() string {
	r.Helper()
	nodes := must(r.CoreV1().Nodes().List(r.ctx, metav1.ListOptions{}))(r)
	return nodes.Items[0].Status.Addresses[0].Address
}

func TestServiceServesABasicEndpoint(t *testing.T) {
	r := enter(t)
	r.service("web")
	r.client()
	r.nobody("http://web/hostname")
	r.pod("web", server(web))
	r.finds("http://web/hostname", "web")
	r.ok(r.pods().Delete(r.ctx, "web", metav1.DeleteOptions{}))
	r.nobody("http://web/hostname")
}

func TestServiceOfSeveralPorts(t *testing.T) {
	r := enter(t)
	spec := server(web)
	spec.Containers = append(spec.Containers, corev1.Container{Name: "other", Image: web2, Env: []corev1.EnvVar{{Name: "PORT", Value: "9090"}}})
	r.pod("web", spec)
	r.service("web", func(s *corev1.ServiceSpec) {
		s.Ports = append(s.Ports, corev1.ServicePort{Name: "other", Port: 81, TargetPort: port(9090)})
	})
	r.client()
	r.finds("http://web/version", "1")
	r.finds("http://web:81/version", "2")
}

func TestServiceOfSeveralProtocolsOnOnePort(t *testing.T) {
	r := enter(t)
	spec := server(web)
	spec.Containers = append(spec.Containers, corev1.Container{Name: "udp", Image: base, Command: []string{"nc", "-u", "-l", "-k", "-p", "8080"}, Stdin: true})
	r.pod("web", spec)
	made := r.service("web", func(s *corev1.ServiceSpec) {
		s.Ports = append(s.Ports, corev1.ServicePort{Name: "udp", Protocol: corev1.ProtocolUDP, Port: 80, TargetPort: port(8080)})
	})
	r.client()
	r.finds("http://web/hostname", "web")
	r.hears("client", "web", "udp", made.Spec.ClusterIP, 80)
	change(r, r.services(), "web", func(s *corev1.Service) { s.Spec.Ports = s.Spec.Ports[1:] })
	r.nobody("http://web/hostname")
	r.hears("client", "web", "udp", made.Spec.ClusterIP, 80)
}

// hears sends datagrams from a pod until a pod's container, which prints what it hears, has printed a new one.
func (r *room) hears(from, pod, container, address string, port int) {
	r.Helper()
	before := r.containerLogs(pod, container)
	for r.ctx.Err() == nil {
		r.exec(from, "main", "sh", "-c", fmt.Sprintf("echo hello | nc -u -w 1 %s %d || true", address, port))
		if r.containerLogs(pod, container) != before {
			return
		}
	}
	r.Fatalf("%s of %s heard nothing of what was sent to %s, port %d", container, pod, address, port)
}

func (r *room) containerLogs(pod, container string) string {
	r.Helper()
	return string(must(r.pods().GetLogs(pod, &corev1.PodLogOptions{Container: container}).DoRaw(r.ctx))(r))
}

func TestServiceNodePort(t *testing.T) {
	r := enter(t)
	r.pod("web", server(web))
	made := r.service("web", nodePort)
	r.client()
	r.finds(fmt.Sprintf("http://%s:%d/hostname", r.nodeAddress(), made.Spec.Ports[0].NodePort), "web")
	r.finds("http://web/hostname", "web")
}

func TestServiceTypesChange(t *testing.T) {
	r := enter(t)
	r.pod("web", server(web))
	r.pod("target", server(web2))
	r.service("target", func(s *corev1.ServiceSpec) { s.Ports[0].Port = 8080 })
	external := func(s *corev1.Service) {
		s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "target."+r.ns+".svc.cluster.local"
		s.Spec.ClusterIP, s.Spec.ClusterIPs = "", nil
	}
	own := func(kind corev1.ServiceType) func(*corev1.Service) {
		return func(s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalName = kind, ""
			s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 8080, TargetPort: port(8080)}}
		}
	}
	r.service("web", func(s *corev1.ServiceSpec) { s.Ports[0].Port = 8080 })
	r.client()
	const page = "http://web:8080/version"
	r.finds(page, "1")
	change(r, r.services(), "web", external) // from ClusterIP
	r.finds(page, "2")
	change(r, r.services(), "web", own(corev1.ServiceTypeClusterIP))
	r.finds(page, "1")
	change(r, r.services(), "web", external)
	r.finds(page, "2")
	made := change(r, r.services(), "web", own(corev1.ServiceTypeNodePort))
	r.finds(page, "1")
	r.finds(fmt.Sprintf("http://%s:%d/version", r.nodeAddress(), made.Spec.Ports[0].NodePort), "1")
	if made = change(r, r.services(), "web", external); made.Spec.ClusterIP != "" {
		r.Errorf("an ExternalName has the cluster address %s", made.Spec.ClusterIP)
	}
	r.finds(page, "2")
}

// TestServiceAffinity: with it one endpoint answers always, without it all do, at both kinds of address; it can be switched.
func TestServiceAffinity(t *testing.T) {
	r := enter(t)
	r.deploy(r.deployment("web", 3))
	r.awaitReady("app=web", 3)
	made := r.service("web", nodePort, func(s *corev1.ServiceSpec) { s.SessionAffinity = corev1.ServiceAffinityClientIP })
	r.client()
	// Nobody is asked before all three are known: the first answer would be the only one ever.
	awaitAll(r, r.DiscoveryV1().EndpointSlices(r.ns), labelled("kubernetes.io/service-name=web"), func(slices []*discoveryv1.EndpointSlice) bool {
		return len(slices) == 1 && len(slices[0].Endpoints) == 3
	})
	for _, base := range []string{"http://web", fmt.Sprintf("http://%s:%d", r.nodeAddress(), made.Spec.Ports[0].NodePort)} {
		answering := func(count string) string {
			return fmt.Sprintf(`[ "$(for i in $(seq 20); do curl -s -m 2 %s/hostname; done | sort -u | wc -l)" %s ]`, base, count)
		}
		r.until(answering("-eq 1"))
		change(r, r.services(), "web", func(s *corev1.Service) { s.Spec.SessionAffinity = corev1.ServiceAffinityNone })
		r.until(answering("-gt 1"))
		change(r, r.services(), "web", func(s *corev1.Service) { s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP })
		r.until(answering("-eq 1"))
	}
}

func TestServiceStatusLifecycle(t *testing.T) {
	r := enter(t)
	r.service("web")
	conditions := func(s *corev1.Service) (all []string) {
		for _, c := range s.Status.Conditions {
			all = append(all, c.Type)
		}
		return all
	}
	keepsConditions(r, r.services(), "web", conditions, func(s *corev1.Service, kind string) {
		s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: "Told", Message: "by us", LastTransitionTime: metav1.Now(),
		})
	})
	r.ok(r.services().Delete(r.ctx, "web", metav1.DeleteOptions{}))
	gone[*corev1.Service](r, r.services(), named("web"))
}

func TestServiceCollection(t *testing.T) {
	r := enter(t)
	collection(r, r.services(), func(name string) *corev1.Service {
		return &corev1.Service{ObjectMeta: r.meta(name), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	})
}

func TestServiceIsOnTheListOfAllNamespaces(t *testing.T) {
	r := enter(t)
	r.service("web")
	all := must(r.CoreV1().Services("").List(r.ctx, metav1.ListOptions{}))(r)
	found := 0
	for _, s := range all.Items {
		if s.Name == "web" && s.Namespace == r.ns || s.Name == "kubernetes" && s.Namespace == "default" {
			found++
		}
	}
	if found != 2 {
		r.Errorf("%d of 2 Services are on the list", found)
	}
}

// TestServiceEndpointsComeSoon: upstream allows half of them 20 seconds and all but one in a hundred 50; ours need a moment.
func TestServiceEndpointsComeSoon(t *testing.T) {
	r := enter(t)
	r.pod("web", server(web))
	r.awaitPod("web", ready)
	for i := range 20 {
		name := fmt.Sprintf("web-%d", i)
		r.service(name, func(s *corev1.ServiceSpec) { s.Selector = map[string]string{"app": "web"} })
		awaitAll(r, r.DiscoveryV1().EndpointSlices(r.ns), labelled("kubernetes.io/service-name="+name), func(slices []*discoveryv1.EndpointSlice) bool {
			return len(slices) == 1 && len(slices[0].Endpoints) == 1
		})
	}
}

// TestMasterService: the Service kubernetes leads to the API server, also says its slice; it answers over TLS.
func TestMasterService(t *testing.T) {
	r := enter(t)
	s := must(r.CoreV1().Services("default").Get(r.ctx, "kubernetes", metav1.GetOptions{}))(r)
	if len(s.Spec.Ports) != 1 || s.Spec.Ports[0].Port != 443 || s.Spec.Ports[0].Name != "https" {
		r.Errorf("ports of the Service kubernetes: %v", s.Spec.Ports)
	}
	slices := must(r.DiscoveryV1().EndpointSlices("default").List(r.ctx, labelled("kubernetes.io/service-name=kubernetes")))(r)
	if len(slices.Items) != 1 || len(slices.Items[0].Endpoints) == 0 {
		r.Fatalf("slices of the Service kubernetes: %v", slices.Items)
	}
	r.client()
	out := r.exec("client", "main", "sh", "-c",
		`curl -s -k -m 10 -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" https://kubernetes.default/version`)
	if !strings.Contains(out, "gitVersion") {
		r.Errorf("the API server says %q", out)
	}
}

// TestServicePublishesNotReadyAddresses: no behaviour of the suite, but one that people rely on to let members of a cluster meet
// before they are ready.
func TestServicePublishesNotReadyAddresses(t *testing.T) {
	r := enter(t)
	spec := server(web)
	spec.Containers[0].ReadinessProbe = often(command("false"))
	r.pod("web", spec)
	r.awaitPod("web", running)
	r.service("web")
	r.client()
	r.nobody("http://web/hostname")
	change(r, r.services(), "web", func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true })
	r.finds("http://web/hostname", "web")
}
