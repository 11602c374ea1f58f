package apiserver_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"drydock/engine/apiserver"
	"drydock/engine/decision"
	"drydock/engine/store"
)

// authority signs certificates for one test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key: key, cert: cert}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) issue(t *testing.T, name string, groups ...string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name, Organization: groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secured is a server behind TLS and HTTP/2, and the way to be somebody there.
type secured struct {
	front *httptest.Server
	ca    *authority
	admin *kubernetes.Clientset
}

func newSecured(t *testing.T, key crypto.Signer) *secured {
	t.Helper()
	st, err := store.Open(store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ca := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	server, err := apiserver.New(apiserver.Options{
		Store: st, Recorder: decision.NewRing(100), ServiceAccountKey: key, AdvertiseURL: "https://172.30.0.1:6443", ClientCAs: pool,
	})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(server)
	front.EnableHTTP2 = true
	front.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	front.StartTLS()
	t.Cleanup(front.Close)
	s := &secured{front: front, ca: ca}
	s.admin = s.as(t, ca.issue(t, "kubernetes-admin", "system:masters"))
	for _, name := range []string{"default", "other"} {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := s.admin.CoreV1().ServiceAccounts("default").Create(background, account, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *secured) config() *rest.Config {
	return &rest.Config{Host: s.front.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1}
}

func (s *secured) as(t *testing.T, cert tls.Certificate) *kubernetes.Clientset {
	t.Helper()
	config := s.config()
	config.CertData, config.KeyData = pemOf(t, cert)
	return clientset(t, config)
}

func pemOf(t *testing.T, cert tls.Certificate) (certificate, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (s *secured) withToken(t *testing.T, token string) *kubernetes.Clientset {
	t.Helper()
	config := s.config()
	config.BearerToken = token
	return clientset(t, config)
}

func TestWhoIsWho(t *testing.T) {
	s := newSecured(t, newKey(t))
	whoami := func(client *kubernetes.Clientset) (authenticationv1.UserInfo, error) {
		review, err := client.AuthenticationV1().SelfSubjectReviews().Create(background, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err != nil {
			return authenticationv1.UserInfo{}, err
		}
		return review.Status.UserInfo, nil
	}
	who, err := whoami(s.admin)
	if err != nil || who.Username != "kubernetes-admin" || strings.Join(who.Groups, " ") != "system:masters system:authenticated" {
		t.Errorf("admin: %+v, %v", who, err)
	}
	_, err = whoami(clientset(t, s.config()))
	if !apierrors.IsUnauthorized(err) || err.Error() != "Unauthorized" {
		t.Errorf("nobody: %v", err)
	}
	_, err = whoami(s.as(t, newAuthority(t).issue(t, "kubernetes-admin", "system:masters")))
	if !apierrors.IsUnauthorized(err) {
		t.Errorf("another authority: %v", err)
	}
	node := s.as(t, s.ca.issue(t, "system:node:node-1", "system:nodes"))
	if _, err := node.CoreV1().Pods("").List(background, metav1.ListOptions{}); err != nil {
		t.Errorf("node lists pods: %v", err)
	}
	_, err = node.CoreV1().Namespaces().Create(background, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "n"}}, metav1.CreateOptions{})
	if want := `namespaces is forbidden: User "system:node:node-1" cannot create resource "namespaces" in API group "" at the cluster scope`; !apierrors.IsForbidden(err) || err.Error() != want {
		t.Errorf("node creates a namespace: %v, want %s", err, want)
	}
}

func TestServiceAccountTokens(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"ES256": newKey(t), "RS256": rsaKey} {
		t.Run(name, func(t *testing.T) { testTokens(t, newSecured(t, key)) })
	}
}

func testTokens(t *testing.T, s *secured) {
	accounts := s.admin.CoreV1().ServiceAccounts("default")
	request, err := accounts.CreateToken(background, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token := request.Status.Token
	if left := time.Until(request.Status.ExpirationTimestamp.Time); left < 50*time.Minute || left > 61*time.Minute {
		t.Errorf("expires in %v", left)
	}
	client := s.withToken(t, token)
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(background, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil || review.Status.UserInfo.Username != "system:serviceaccount:default:default" {
		t.Fatalf("%+v, %v", review, err)
	}
	_, err = client.CoreV1().Pods("default").List(background, metav1.ListOptions{})
	if want := `pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	can, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(background, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods"}},
	}, metav1.CreateOptions{})
	if err != nil || can.Status.Allowed {
		t.Errorf("%+v, %v", can, err)
	}
	for what, bad := range map[string]string{
		"changed payload": forge(t, token, "other"), "no signature": token[:strings.LastIndex(token, ".")+1],
		"algorithm none": base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + token[strings.Index(token, "."):strings.LastIndex(token, ".")+1], "rubbish": "x",
	} {
		if _, err := s.withToken(t, bad).Discovery().ServerVersion(); !apierrors.IsUnauthorized(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	other, err := accounts.CreateToken(background, "default", &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"vault"}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.withToken(t, other.Status.Token).Discovery().ServerVersion(); !apierrors.IsUnauthorized(err) {
		t.Errorf("token for somebody else: %v", err)
	}
	if err := accounts.Delete(background, "default", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Discovery().ServerVersion(); !apierrors.IsUnauthorized(err) {
		t.Errorf("token of a deleted account: %v", err)
	}
}

// forge renames the account inside a token and keeps the signature.
func forge(t *testing.T, token, name string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.ReplaceAll(string(payload), `"name":"default"`, `"name":"`+name+`"`)))
	return strings.Join(parts, ".")
}

func TestBoundToken(t *testing.T) {
	s := newSecured(t, newKey(t))
	pods, accounts := s.admin.CoreV1().Pods("default"), s.admin.CoreV1().ServiceAccounts("default")
	pod, err := pods.Create(background, webPod("web"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec := authenticationv1.TokenRequestSpec{BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: "web", UID: pod.UID}}
	if _, err := accounts.CreateToken(background, "other", &authenticationv1.TokenRequest{Spec: spec}, metav1.CreateOptions{}); !apierrors.IsBadRequest(err) {
		t.Errorf("pod of another account: %v", err)
	}
	request, err := accounts.CreateToken(background, "default", &authenticationv1.TokenRequest{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client := s.withToken(t, request.Status.Token)
	if _, err := client.Discovery().ServerVersion(); err != nil {
		t.Errorf("while the pod lives: %v", err)
	}
	if err := pods.Delete(background, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Discovery().ServerVersion(); !apierrors.IsUnauthorized(err) {
		t.Errorf("after the pod: %v", err)
	}
}

func TestWatchOverHTTP2(t *testing.T) {
	s := newSecured(t, newKey(t))
	pods := s.admin.CoreV1().Pods("default")
	w, err := pods.Watch(background, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if _, err := pods.Create(background, webPod("web"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, w, watch.Added, "web", "")
}

// TestAccountOfTheIngressController: it may do its work and nothing else.
func TestAccountOfTheIngressController(t *testing.T) {
	s := newSecured(t, newKey(t))
	for _, test := range []struct {
		attributes authorizationv1.ResourceAttributes
		allowed    bool
	}{
		{authorizationv1.ResourceAttributes{Verb: "watch", Group: "networking.k8s.io", Resource: "ingresses"}, true},
		{authorizationv1.ResourceAttributes{Verb: "patch", Group: "networking.k8s.io", Resource: "ingresses", Subresource: "status"}, true},
		{authorizationv1.ResourceAttributes{Verb: "create", Resource: "events"}, true},
		{authorizationv1.ResourceAttributes{Verb: "patch", Group: "networking.k8s.io", Resource: "ingresses"}, false},
		{authorizationv1.ResourceAttributes{Verb: "update", Resource: "secrets"}, false},
		{authorizationv1.ResourceAttributes{Verb: "list", Resource: "configmaps"}, false},
	} {
		review, err := s.admin.AuthorizationV1().SubjectAccessReviews().Create(background, &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User: "system:serviceaccount:ingress:ingress", Groups: []string{"system:serviceaccounts"}, ResourceAttributes: &test.attributes,
			},
		}, metav1.CreateOptions{})
		if err != nil || review.Status.Allowed != test.allowed {
			t.Errorf("%+v: %+v, %v", test.attributes, review.Status, err)
		}
	}
}
