package api

import (
	"bytes"
	"encoding/gob"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

func init() {
	// Defaults in the merge schema are of any JSON type; gob must know the ones that are not basic.
	gob.Register(map[string]any{})
	gob.Register([]any{})
}

// typeConverter knows the merge keys and list types of every kind that can be written. The artefact of openapigen is what
// kube-apiserver works out from its OpenAPI models, cut down to our kinds. Builds without it, or with an outdated one, use
// client-go's schema, which says the same but takes 50 ms to parse.
var typeConverter = sync.OnceValue(func() managedfields.TypeConverter {
	if types, ok := generatedTypes(); ok {
		return managedfields.NewSchemeTypeConverter(Scheme, types)
	}
	return applyconfigurations.NewTypeConverter(Scheme)
})

// generatedTypes reads the artefact, if it is there and knows all our kinds.
func generatedTypes() (*typed.Parser, bool) {
	packed, err := artefacts.ReadFile("openapi/types.gob")
	if err != nil {
		return nil, false
	}
	types := &typed.Parser{}
	if err := gob.NewDecoder(bytes.NewReader(packed)).Decode(&types.Schema); err != nil {
		return nil, false
	}
	for _, obj := range ManagedObjects() {
		name, err := Scheme.ToOpenAPIDefinitionName(obj.GetObjectKind().GroupVersionKind())
		if err != nil {
			return nil, false
		}
		if _, ok := types.Schema.FindNamedType(name); !ok {
			return nil, false
		}
	}
	return types, true
}

// ManagedObjects lists an empty object of every kind whose fields have owners: those of the table, and Scale.
func ManagedObjects() []runtime.Object {
	objects := []runtime.Object{newObject(scaleKind)}
	for _, r := range table().rows {
		objects = append(objects, r.New())
	}
	return objects
}
