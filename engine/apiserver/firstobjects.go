package apiserver

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/utils/ptr"

	"drydock/engine/api"
)

var endpointsKind = api.Lookup(corev1.SchemeGroupVersion.WithResource("endpoints"))

var endpointSliceKind = api.Lookup(discoveryv1.SchemeGroupVersion.WithResource("endpointslices"))

// writeFirstObjects creates what every cluster has from its first moment and a person may not have deleted.
func (s *Server) writeFirstObjects() error {
	for _, name := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := s.ensure(namespaceKind, "", namespace); err != nil {
			return err
		}
	}
	for _, class := range systemClasses() {
		if err := s.ensure(priorityClassKind, "", class); err != nil {
			return err
		}
	}
	address, port, err := s.advertised()
	if err != nil {
		return err
	}
	if err := s.ensure(serviceCIDRKind, "", s.defaultServiceCIDR()); err != nil {
		return err
	}
	if err := s.ensure(serviceKind, metav1.NamespaceDefault, s.apiService(port)); err != nil {
		return err
	}
	if err := s.ensure(endpointSliceKind, metav1.NamespaceDefault, apiEndpoints(address, port)); err != nil {
		return err
	}
	return s.ensure(endpointsKind, metav1.NamespaceDefault, oldAPIEndpoints(address, port))
}

// advertised is where the server can be reached, from AdvertiseURL.
func (s *Server) advertised() (netip.Addr, int32, error) {
	where, err := url.Parse(s.options.AdvertiseURL)
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("advertise URL: %w", err)
	}
	address, err := netip.ParseAddr(where.Hostname())
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("advertise URL %q: want an address: %w", s.options.AdvertiseURL, err)
	}
	port, err := strconv.ParseInt(where.Port(), 10, 32)
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("advertise URL %q: want a port: %w", s.options.AdvertiseURL, err)
	}
	return address, int32(port), nil
}

// ensure creates obj unless an object of its name is there.
func (s *Server) ensure(kind *api.Resource, namespace string, obj runtime.Object) error {
	name, err := meta.NewAccessor().Name(obj)
	if err != nil {
		return fmt.Errorf("name the cluster's first %s: %w", kind.Resource, err)
	}
	// Looked up rather than tried: after a restart the Service's address is allocated already, to itself.
	if there, err := s.exists(context.Background(), target{kind, namespace, name}); there || err != nil {
		return err
	}
	obj.GetObjectKind().SetGroupVersionKind(kind.GVK())
	kind.Default(obj)
	by := writer{
		user:  &user.DefaultInfo{Name: user.APIServerUser, Groups: []string{user.SystemPrivilegedGroup}},
		actor: "apiserver", manager: "kube-apiserver", warn: func(...string) {},
	}
	_, err = s.createObject(context.Background(), kind, namespace, obj, by)
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create the cluster's first %s: %w", kind.Resource, err)
	}
	return nil
}

// apiService is what programs inside the cluster call kubernetes.default.svc. It has the first address of the range.
func (s *Server) apiService(port int32) *corev1.Service {
	address := s.options.ServiceCIDR.Masked().Addr().Next().String()
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name: "kubernetes", Namespace: metav1.NamespaceDefault,
			Labels: map[string]string{"provider": "kubernetes", "component": "apiserver"},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: address, ClusterIPs: []string{address},
			Ports: []corev1.ServicePort{{Name: "https", Protocol: corev1.ProtocolTCP, Port: 443, TargetPort: intstr.FromInt32(port)}},
		},
	}
}

func apiEndpoints(address netip.Addr, port int32) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: "kubernetes", Namespace: metav1.NamespaceDefault,
			Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{address.String()}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		}},
		Ports: []discoveryv1.EndpointPort{{Name: ptr.To("https"), Protocol: ptr.To(corev1.ProtocolTCP), Port: &port}},
	}
}

// oldAPIEndpoints says the same in the older kind. The label keeps it from being mirrored into a second slice.
func oldAPIEndpoints(address netip.Addr, port int32) *corev1.Endpoints { //nolint:staticcheck // who reads the old kind must find it
	return &corev1.Endpoints{ //nolint:staticcheck // see above
		ObjectMeta: metav1.ObjectMeta{
			Name: "kubernetes", Namespace: metav1.NamespaceDefault, Labels: map[string]string{discoveryv1.LabelSkipMirror: "true"},
		},
		Subsets: []corev1.EndpointSubset{{ //nolint:staticcheck // see above
			Addresses: []corev1.EndpointAddress{{IP: address.String()}},
			Ports:     []corev1.EndpointPort{{Name: "https", Port: port, Protocol: corev1.ProtocolTCP}},
		}},
	}
}
