package api

import (
	"crypto/tls"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// secrets keep their type for life; a TLS pair that does not match is stored, with a warning.
var secrets = rules[*core.Secret]{
	validate: validation.ValidateSecret,
	warn:     secretWarnings,
	update: change[*core.Secret]{
		prepareFunc:  keepSecretType,
		validateFunc: validation.ValidateSecretUpdate,
		warnFunc:     func(obj, _ *core.Secret) []string { return secretWarnings(obj) },
	},
	fields: func(s *core.Secret) fields.Set { return fields.Set{"type": string(s.Type)} },
}

// keepSecretType lets a client that does not know the type leave it out of an update.
func keepSecretType(obj, old *core.Secret) {
	if obj.Type == "" {
		obj.Type = old.Type
	}
}

func secretWarnings(s *core.Secret) []string {
	if s.Type != core.SecretTypeTLS {
		return nil
	}
	if _, err := tls.X509KeyPair(s.Data[core.TLSCertKey], s.Data[core.TLSPrivateKeyKey]); err != nil {
		return []string{err.Error()}
	}
	return nil
}
