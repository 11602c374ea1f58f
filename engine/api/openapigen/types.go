package main

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/validation/spec"
	mergeschema "sigs.k8s.io/structured-merge-diff/v6/schema"

	"drydock/engine/api"
)

// writeTypes makes the schema that field managers merge by, from the same documents and by the same code as kube-apiserver does
// when it starts, cut down to what our kinds are made of, in a form that is quick to read.
func writeTypes(w *writer, specs string) error {
	models, err := readModels(specs)
	if err != nil {
		return err
	}
	all, err := schemaconv.ToSchemaFromOpenAPI(models, false)
	if err != nil {
		return fmt.Errorf("make a merge schema of the OpenAPI models: %w", err)
	}
	kept := &mergeschema.Schema{}
	seen := map[string]bool{}
	for _, obj := range api.ManagedObjects() {
		name, err := api.Scheme.ToOpenAPIDefinitionName(obj.GetObjectKind().GroupVersionKind())
		if err != nil {
			return err
		}
		if _, ok := all.FindNamedType(name); !ok {
			return fmt.Errorf("no OpenAPI model %s", name)
		}
		collect(all, mergeschema.TypeRef{NamedType: &name}, kept, seen)
	}
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(kept); err != nil {
		return fmt.Errorf("encode the merge schema: %w", err)
	}
	if err := readsBack(out.Bytes(), kept); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "types.gob"), out.Bytes(), 0o644)
}

// readsBack holds that nothing is lost on the way: gob leaves out what is zero.
func readsBack(encoded []byte, want *mergeschema.Schema) error {
	got := &mergeschema.Schema{}
	if err := gob.NewDecoder(bytes.NewReader(encoded)).Decode(got); err != nil {
		return fmt.Errorf("read the merge schema back: %w", err)
	}
	if !reflect.DeepEqual(got.Types, want.Types) {
		return errors.New("the merge schema does not read back as it was written")
	}
	return nil
}

// readModels reads the models of all v3 documents; those that several of them carry are the same.
func readModels(specs string) (map[string]*spec.Schema, error) {
	files, err := filepath.Glob(filepath.Join(specs, "v3", "*.json"))
	if err != nil {
		return nil, err
	}
	models := map[string]*spec.Schema{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var document struct {
			Components struct{ Schemas map[string]*spec.Schema }
		}
		if err := json.Unmarshal(data, &document); err != nil {
			return nil, fmt.Errorf("parse %s: %w", file, err)
		}
		for name, model := range document.Components.Schemas {
			models[name] = model
		}
	}
	return models, nil
}

// collect adds to kept what ref names, and what that is made of.
func collect(all *mergeschema.Schema, ref mergeschema.TypeRef, kept *mergeschema.Schema, seen map[string]bool) {
	if ref.NamedType == nil {
		collectAtom(all, ref.Inlined, kept, seen)
		return
	}
	if seen[*ref.NamedType] {
		return
	}
	seen[*ref.NamedType] = true
	if definition, ok := all.FindNamedType(*ref.NamedType); ok {
		kept.Types = append(kept.Types, definition)
		collectAtom(all, definition.Atom, kept, seen)
	}
}

func collectAtom(all *mergeschema.Schema, atom mergeschema.Atom, kept *mergeschema.Schema, seen map[string]bool) {
	if atom.List != nil {
		collect(all, atom.List.ElementType, kept, seen)
	}
	if atom.Map != nil {
		collect(all, atom.Map.ElementType, kept, seen)
		for _, field := range atom.Map.Fields {
			collect(all, field.Type, kept, seen)
		}
	}
}
