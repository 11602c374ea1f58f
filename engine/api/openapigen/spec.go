package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	openapi_v3 "github.com/google/gnostic-models/openapiv3"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

// object is a piece of a document: JSON is cut here without knowing all of its form.
type object = map[string]any

func writeV2(w *writer, specs string) error {
	spec, err := read(filepath.Join(specs, "swagger.json"))
	if err != nil {
		return err
	}
	paths := keepServed(spec["paths"].(object))
	dropCBOR(paths)
	spec["paths"] = paths
	spec["definitions"] = reachable(paths, spec["definitions"].(object), "#/definitions/")
	asJSON, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	document, err := openapi_v2.ParseDocument(asJSON)
	if err != nil {
		return fmt.Errorf("parse the cut v2 document: %w", err)
	}
	asProto, err := proto.MarshalOptions{Deterministic: true}.Marshal(document)
	if err != nil {
		return err
	}
	return w.document("v2", asJSON, asProto)
}

// writeV3 takes one file per path below /openapi/v3: "apis__apps__v1_openapi.json" is apis/apps/v1.
func writeV3(w *writer, specs string) error {
	files, err := filepath.Glob(filepath.Join(specs, "v3", "*_openapi.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no documents in %s/v3 (%w)", specs, err)
	}
	for _, file := range files {
		path := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), "_openapi.json"), "__", "/")
		if err := writeV3Path(w, file, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func writeV3Path(w *writer, file, path string) error {
	spec, err := read(file)
	if err != nil {
		return err
	}
	paths := keepServed(spec["paths"].(object))
	if len(paths) == 0 {
		return nil
	}
	dropCBOR(paths)
	spec["paths"] = paths
	components := spec["components"].(object)
	if schemas, ok := components["schemas"].(object); ok {
		components["schemas"] = reachable(paths, schemas, schemaPrefix)
	}
	asJSON, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	document, err := openapi_v3.ParseDocument(asJSON)
	if err != nil {
		return fmt.Errorf("parse the cut document: %w", err)
	}
	asProto, err := proto.MarshalOptions{Deterministic: true}.Marshal(document)
	if err != nil {
		return err
	}
	if err := w.document(path, asJSON, asProto); err != nil {
		return err
	}
	return w.forWriting(spec)
}

func read(file string) (object, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	spec := object{}
	if err := json.Unmarshal(data, &spec); err != nil {
		return nil, fmt.Errorf("parse %s: %w", file, err)
	}
	return spec, nil
}

func keepServed(paths object) object {
	kept := object{}
	for path, item := range paths {
		if served(path) {
			kept[path] = item
		}
	}
	return kept
}

// served tells whether a path template is answered: those of the table, and the documents about it.
func served(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case slices.Contains([]string{"/api/", "/apis/", "/version/", "/api/v1/"}, path):
		return true
	case parts[0] == "api" && len(parts) > 2:
		return servedResource(schema.GroupVersion{Version: parts[1]}, parts[2:])
	case parts[0] == "apis" && len(parts) == 2:
		return api.Group(parts[1]) != nil
	case parts[0] == "apis" && len(parts) >= 3:
		gv := schema.GroupVersion{Group: parts[1], Version: parts[2]}
		return api.Resources(gv) != nil && (len(parts) == 3 || servedResource(gv, parts[3:]))
	}
	return false
}

// servedResource looks at what follows the version: namespaces/{namespace}/pods/{name}/log. Discovery is the measure; the old
// watch/ paths are not in it.
func servedResource(gv schema.GroupVersion, parts []string) bool {
	if len(parts) > 2 && parts[0] == "namespaces" && parts[1] == "{namespace}" {
		parts = parts[2:]
	}
	name := parts[0]
	if len(parts) > 2 {
		name += "/" + parts[2]
	}
	list := api.Resources(gv)
	return list != nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == name })
}

// dropCBOR takes one encoding, which is not served, out of all lists of media types.
func dropCBOR(node any) {
	isCBOR := func(media string) bool { return strings.Contains(media, "cbor") }
	switch node := node.(type) {
	case object:
		for key, child := range node {
			if isCBOR(key) {
				delete(node, key)
				continue
			}
			if list, ok := child.([]any); ok && (key == "consumes" || key == "produces") {
				node[key] = slices.DeleteFunc(list, func(media any) bool { return isCBOR(media.(string)) })
				continue
			}
			dropCBOR(child)
		}
	case []any:
		for _, child := range node {
			dropCBOR(child)
		}
	}
}

// reachable keeps the definitions that the paths refer to, and those that these refer to.
func reachable(paths, definitions object, prefix string) object {
	kept := object{}
	var follow func(node any)
	follow = func(node any) {
		switch node := node.(type) {
		case object:
			for key, child := range node {
				name, ok := child.(string)
				if key != "$ref" || !ok {
					follow(child)
					continue
				}
				name = strings.TrimPrefix(name, prefix)
				if _, seen := kept[name]; !seen && definitions[name] != nil {
					kept[name] = definitions[name]
					follow(definitions[name])
				}
			}
		case []any:
			for _, child := range node {
				follow(child)
			}
		}
	}
	follow(paths)
	return kept
}
