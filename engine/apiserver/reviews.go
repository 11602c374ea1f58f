package apiserver

import (
	"net/http"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
)

// Reviews are questions put as objects: they are created, answered, and kept nowhere.

// virtual is the handler of a kind that is not in the store; nil when there is none.
func (s *Server) virtual(resource schema.GroupVersionResource) func(*call) error {
	if metricsKinds[resource] {
		return s.serveMetrics
	}
	switch resource {
	case authenticationv1.SchemeGroupVersion.WithResource("selfsubjectreviews"):
		return review(authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview"), s.whoAmI)
	case authenticationv1.SchemeGroupVersion.WithResource("tokenreviews"):
		return review(authenticationv1.SchemeGroupVersion.WithKind("TokenReview"), s.reviewToken)
	case authorizationv1.SchemeGroupVersion.WithResource("selfsubjectaccessreviews"):
		return review(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"), s.canI)
	case authorizationv1.SchemeGroupVersion.WithResource("subjectaccessreviews"):
		return review(authorizationv1.SchemeGroupVersion.WithKind("SubjectAccessReview"), s.canSubject)
	case authorizationv1.SchemeGroupVersion.WithResource("selfsubjectrulesreviews"):
		return review(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectRulesReview"), s.myRules)
	case schema.GroupVersionResource{Version: "v1", Resource: "bindings"}:
		return s.bindByBody
	case schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}:
		return noDefinitions
	}
	return nil
}

// noDefinitions is the list of custom resources, which is always empty. It is in no discovery document, but kubectl asks for
// it before it says that there is no such kind.
func noDefinitions(q *call) error {
	if q.r.Method != http.MethodGet || q.info.Name != "" {
		return unknownResource(q)
	}
	const empty = `{"kind":"CustomResourceDefinitionList","apiVersion":"apiextensions.k8s.io/v1","metadata":{"resourceVersion":""},"items":[]}`
	q.respond(http.StatusOK, mediaJSON, []byte(empty+"\n"))
	return nil
}

// review reads a question, has it answered in place, and sends it back.
func review[T runtime.Object](gvk schema.GroupVersionKind, answer func(*call, T)) func(*call) error {
	return func(q *call) error {
		if q.r.Method != http.MethodPost {
			return methodNotAllowed()
		}
		return q.negotiated(func(q *call) error {
			obj, err := q.decodeBody(gvk, q.r.URL.Query().Get("fieldValidation"))
			if err != nil {
				return err
			}
			question, ok := obj.(T)
			if !ok {
				return wrongKind(obj.GetObjectKind().GroupVersionKind(), gvk)
			}
			answer(q, question)
			return q.respondObject(http.StatusCreated, question)
		})
	}
}

// respondObject answers with an object that is not stored.
func (q *call) respondObject(code int, obj runtime.Object) error {
	form := q.form
	form.as = nil
	body, err := form.encode(obj)
	if err != nil {
		return err
	}
	q.respond(code, form.contentType(), body)
	return nil
}

func (s *Server) whoAmI(q *call, review *authenticationv1.SelfSubjectReview) {
	review.CreationTimestamp = metav1.NewTime(time.Now())
	review.Status.UserInfo = userInfo(q.user)
}

func userInfo(who user.Info) authenticationv1.UserInfo {
	info := authenticationv1.UserInfo{Username: who.GetName(), UID: who.GetUID(), Groups: who.GetGroups()}
	for key, values := range who.GetExtra() {
		if info.Extra == nil {
			info.Extra = map[string]authenticationv1.ExtraValue{}
		}
		info.Extra[key] = values
	}
	return info
}

func (s *Server) reviewToken(_ *call, review *authenticationv1.TokenReview) {
	audiences := review.Spec.Audiences
	if len(audiences) == 0 {
		audiences = []string{s.options.Issuer}
	}
	who, err := s.tokens.verify(review.Spec.Token, audiences)
	if err != nil {
		review.Status = authenticationv1.TokenReviewStatus{Error: "invalid bearer token"}
		return
	}
	review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: userInfo(withAuthenticated(who)), Audiences: audiences}
}

func (s *Server) canI(q *call, review *authorizationv1.SelfSubjectAccessReview) {
	review.Status = accessStatus(q.user, review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes)
}

func (s *Server) canSubject(_ *call, review *authorizationv1.SubjectAccessReview) {
	who := &user.DefaultInfo{Name: review.Spec.User, UID: review.Spec.UID, Groups: review.Spec.Groups}
	review.Status = accessStatus(who, review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes)
}

func accessStatus(who user.Info, resource *authorizationv1.ResourceAttributes, path *authorizationv1.NonResourceAttributes) authorizationv1.SubjectAccessReviewStatus {
	var a attributes
	switch {
	case resource != nil:
		a = attributes{
			verb: resource.Verb, group: resource.Group, resource: resource.Resource, subresource: resource.Subresource,
			namespace: resource.Namespace, name: resource.Name,
		}
	case path != nil:
		a = attributes{verb: path.Verb, path: path.Path}
	}
	return authorizationv1.SubjectAccessReviewStatus{Allowed: allowed(who, a)}
}

// myRules answers kubectl auth can-i --list.
func (s *Server) myRules(q *call, review *authorizationv1.SelfSubjectRulesReview) {
	everything := attributes{verb: "create", resource: "pods", namespace: review.Spec.Namespace}
	all := []string{"*"}
	status := &review.Status
	status.ResourceRules = append(status.ResourceRules, authorizationv1.ResourceRule{
		Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews"},
	})
	status.NonResourceRules = append(status.NonResourceRules, authorizationv1.NonResourceRule{
		Verbs: []string{"get"}, NonResourceURLs: []string{"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"},
	})
	if allowed(q.user, everything) && allowed(q.user, attributes{verb: "delete", resource: "namespaces"}) {
		status.ResourceRules = append(status.ResourceRules, authorizationv1.ResourceRule{Verbs: all, APIGroups: all, Resources: all})
		status.NonResourceRules = append(status.NonResourceRules, authorizationv1.NonResourceRule{Verbs: all, NonResourceURLs: all})
	}
}
