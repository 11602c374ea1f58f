package api

import (
	"fmt"

	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// mountableSecretsAnnotation once limited a service account's pods to the secrets it lists.
const mountableSecretsAnnotation = "kubernetes.io/enforce-mountable-secrets" //nolint:gosec // the name of an annotation, not a secret

// serviceAccounts refer to secrets by name only.
var serviceAccounts = rules[*core.ServiceAccount]{
	create:   namesOnly,
	validate: validation.ValidateServiceAccount,
	warn:     func(sa *core.ServiceAccount) []string { return mountableSecretsWarning(sa, nil) },
	update: change[*core.ServiceAccount]{
		prepareFunc:  func(obj, _ *core.ServiceAccount) { namesOnly(obj) },
		validateFunc: validation.ValidateServiceAccountUpdate,
		warnFunc:     mountableSecretsWarning,
	},
}

func namesOnly(sa *core.ServiceAccount) {
	for i, secret := range sa.Secrets {
		sa.Secrets[i] = core.ObjectReference{Name: secret.Name}
	}
}

func mountableSecretsWarning(obj, old *core.ServiceAccount) []string {
	if old != nil {
		if _, had := old.Annotations[mountableSecretsAnnotation]; had {
			return nil
		}
	}
	if _, has := obj.Annotations[mountableSecretsAnnotation]; !has {
		return nil
	}
	return []string{fmt.Sprintf(
		"metadata.annotations[%s]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets",
		mountableSecretsAnnotation)}
}
