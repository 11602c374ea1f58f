package apiserver

import (
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"
)

// impersonate lets an administrator ask as somebody else: kubectl --as. Whoever is not one may not.
func (s *Server) impersonate(q *call) (user.Info, error) {
	header := q.r.Header
	name := header.Get("Impersonate-User")
	if name == "" {
		return q.user, nil
	}
	if !slices.Contains(q.user.GetGroups(), user.SystemPrivilegedGroup) {
		return nil, forbidden(q.user, attributes{verb: "impersonate", resource: "users", name: name})
	}
	who := &user.DefaultInfo{Name: name, UID: header.Get("Impersonate-Uid"), Groups: slices.Clone(header.Values("Impersonate-Group"))}
	if namespace, _, ok := splitServiceAccount(name); ok && len(who.Groups) == 0 {
		who.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace}
	}
	return withAuthenticated(who), nil
}

func splitServiceAccount(name string) (namespace, account string, ok bool) {
	rest, ok := strings.CutPrefix(name, "system:serviceaccount:")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ":")
}
