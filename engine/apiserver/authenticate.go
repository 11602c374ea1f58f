package apiserver

import (
	"context"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
)

// errNoCredentials is every authentication failure a client may learn of; which proof was wrong is nobody's business.
var errNoCredentials = apierrors.NewUnauthorized("Unauthorized")

// credentialID is the name under which a user's extra carries which certificate or token proved it.
const credentialID = "authentication.kubernetes.io/credential-id"

type adminKey struct{}

// Admin serves every request as user "admin" of group system:masters. It is for a listener that only the owner of the lab
// can reach, such as api.sock.
func (s *Server) Admin() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), adminKey{}, true)))
	})
}

// socketUser is who comes over the lab's own socket, without a certificate.
const socketUser = "admin"

// authenticate says who sent r: the owner of the lab, the holder of a client certificate, or a service account.
func (s *Server) authenticate(r *http.Request) (user.Info, error) {
	if r.Context().Value(adminKey{}) != nil {
		return withAuthenticated(&user.DefaultInfo{Name: socketUser, Groups: []string{user.SystemPrivilegedGroup}}), nil
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 && s.options.ClientCAs != nil {
		// A certificate that proves nothing is no harm to a client that also has a token.
		if who, err := s.certificates.user(r.TLS.PeerCertificates, s.options.ClientCAs); err == nil {
			return withAuthenticated(who), nil
		}
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		who, err := s.tokens.verify(strings.TrimSpace(token), []string{s.options.Issuer})
		if err != nil {
			return nil, errNoCredentials
		}
		return withAuthenticated(who), nil
	}
	return nil, errNoCredentials
}

func withAuthenticated(who *user.DefaultInfo) user.Info {
	if !slices.Contains(who.Groups, user.AllAuthenticated) {
		who.Groups = append(who.Groups, user.AllAuthenticated)
	}
	return who
}
