package apiserver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Bounds of a token's life, in seconds, and what a client gets that does not say.
const (
	shortestToken = 10 * 60
	longestToken  = 1 << 32
	usualToken    = 60 * 60
)

// requestToken makes a token for a service account: kubectl create token, and the kubelet for a pod's volume.
func (s *Server) requestToken(q *call) error {
	gvk := authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")
	obj, err := q.decodeBody(gvk, q.r.URL.Query().Get("fieldValidation"))
	if err != nil {
		return err
	}
	request, ok := obj.(*authenticationv1.TokenRequest)
	if !ok {
		return wrongKind(obj.GetObjectKind().GroupVersionKind(), gvk)
	}
	account, err := s.stored(q.ctx(), target{serviceAccountKind, q.info.Namespace, q.info.Name})
	if err != nil {
		return err
	}
	if err := s.completeTokenRequest(q, request); err != nil {
		return err
	}
	if err := s.tokenForNode(q, request.Spec.BoundObjectRef); err != nil {
		return err
	}
	bound, err := s.bindToken(q, request)
	if err != nil {
		return err
	}
	bound.Namespace = q.info.Namespace
	bound.ServiceAccount = reference{Name: q.info.Name, UID: account.meta.GetUID()}
	if err := s.issue(request, bound); err != nil {
		return internalError(err)
	}
	request.Name, request.Namespace = q.info.Name, q.info.Namespace
	request.CreationTimestamp = metav1.Now()
	return q.respondObject(http.StatusCreated, request)
}

func (s *Server) completeTokenRequest(q *call, request *authenticationv1.TokenRequest) error {
	if request.Name != "" && request.Name != q.info.Name {
		return apierrors.NewBadRequest("the name of the object does not match the name on the URL")
	}
	spec := &request.Spec
	if len(spec.Audiences) == 0 {
		spec.Audiences = []string{s.options.Issuer}
	}
	if spec.ExpirationSeconds == nil {
		seconds := int64(usualToken)
		spec.ExpirationSeconds = &seconds
	}
	var errs field.ErrorList
	path := field.NewPath("spec", "expirationSeconds")
	if *spec.ExpirationSeconds < shortestToken {
		errs = append(errs, field.Invalid(path, *spec.ExpirationSeconds, "may not specify a duration less than 10 minutes"))
	}
	if *spec.ExpirationSeconds > longestToken {
		errs = append(errs, field.Invalid(path, *spec.ExpirationSeconds, "may not specify a duration larger than 2^32 seconds"))
	}
	if len(errs) > 0 {
		return apierrors.NewInvalid(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest").GroupKind(), q.info.Name, errs)
	}
	return nil
}

// bindToken ties the token to the pod, the secret or the node that the request names: when that goes, the token dies.
func (s *Server) bindToken(q *call, request *authenticationv1.TokenRequest) (kubernetesClaims, error) {
	var claims kubernetesClaims
	ref := request.Spec.BoundObjectRef
	if ref == nil {
		return claims, nil
	}
	t := target{podKind, q.info.Namespace, ref.Name}
	if ref.Kind == "Node" {
		t = target{kind: nodeKind, name: ref.Name}
	}
	if ref.Kind != "Pod" && ref.Kind != "Node" {
		return claims, apierrors.NewBadRequest(fmt.Sprintf("cannot bind token for serviceaccount %q to a type %s %s", q.info.Name, ref.APIVersion, ref.Kind))
	}
	e, err := s.stored(q.ctx(), t)
	if err != nil {
		return claims, err
	}
	uid := e.meta.GetUID()
	if ref.UID != "" && ref.UID != uid {
		return claims, apierrors.NewConflict(t.kind.GroupResource(), ref.Name, fmt.Errorf("the UID in the bound object reference (%s) does not match the UID in record. The object might have been deleted and then recreated", ref.UID))
	}
	if t.kind == nodeKind {
		claims.Node = &reference{Name: ref.Name, UID: uid}
		return claims, nil
	}
	pod := e.obj.(*corev1.Pod)
	if pod.Spec.ServiceAccountName != q.info.Name {
		return claims, apierrors.NewBadRequest(fmt.Sprintf("cannot bind token for serviceaccount %q to pod running with different serviceaccount name.", q.info.Name))
	}
	claims.Pod = &reference{Name: ref.Name, UID: uid}
	if node, err := s.stored(q.ctx(), target{kind: nodeKind, name: pod.Spec.NodeName}); err == nil {
		claims.Node = &reference{Name: pod.Spec.NodeName, UID: node.meta.GetUID()}
	}
	return claims, nil
}

func (s *Server) issue(request *authenticationv1.TokenRequest, bound kubernetesClaims) error {
	now := time.Now()
	expires := now.Add(time.Duration(*request.Spec.ExpirationSeconds) * time.Second)
	token, err := s.tokens.sign(claims{
		Audience: request.Spec.Audiences, Issuer: s.options.Issuer, ID: uuid.NewString(),
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expiry: expires.Unix(),
		Kubernetes: bound, Subject: serviceAccountUser(bound.Namespace, bound.ServiceAccount.Name),
	})
	if err != nil {
		return err
	}
	request.Status = authenticationv1.TokenRequestStatus{Token: token, ExpirationTimestamp: metav1.NewTime(expires)}
	return nil
}

// boundObjectsAlive refuses a token whose service account or pod is gone, or was made anew under the same name.
func (s *Server) boundObjectsAlive(c kubernetesClaims) error {
	ctx := context.Background()
	check := func(t target, uid types.UID) error {
		e, err := s.stored(ctx, t)
		if err != nil {
			return err
		}
		if e.meta.GetUID() != uid {
			return fmt.Errorf("%s %s is not the one the token was made for", t.kind.Singular, t.name)
		}
		return nil
	}
	if err := check(target{serviceAccountKind, c.Namespace, c.ServiceAccount.Name}, c.ServiceAccount.UID); err != nil {
		return err
	}
	if c.Pod != nil {
		return check(target{podKind, c.Namespace, c.Pod.Name}, c.Pod.UID)
	}
	return nil
}
