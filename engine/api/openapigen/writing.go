package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"drydock/engine/api"
)

// What a client looks up before it writes an object: may the kind be patched, and how, does the server check fields by itself,
// and by which keys are lists merged (kubectl's Validator and Patcher). That is a tenth of a document, and reading the
// whole of it is most of what an apply costs.

// forWriting cuts a v3 document of one version down to that. It leaves the document as it is.
func forWriting(spec object) object {
	paths, written := object{}, map[string]bool{}
	for path, item := range spec["paths"].(object) {
		patch, ok := item.(object)["patch"].(object)
		if !ok || strings.Contains(path, "{name}/") { // a subresource is of the same kind as its object, or of none that is applied
			continue
		}
		kind := patch[kindKey].(object)
		written[kindName(kind)] = true
		paths[path] = object{"patch": object{
			kindKey: kind, "parameters": namesOf(patch["parameters"]), "requestBody": object{"content": mediaOf(patch)},
		}}
	}
	out := object{"openapi": spec["openapi"], "info": spec["info"], "paths": paths}
	if schemas, ok := spec["components"].(object)["schemas"].(object); ok {
		out["components"] = object{"schemas": mergeable(schemas, written)}
	}
	return out
}

const (
	kindKey      = "x-kubernetes-group-version-kind"
	schemaPrefix = "#/components/schemas/"
)

func kindName(kind object) string {
	return fmt.Sprint(kind["group"], "/", kind["version"], "/", kind["kind"])
}

func namesOf(parameters any) []any {
	out := []any{}
	list, _ := parameters.([]any) // none: an empty list
	for _, p := range list {
		out = append(out, object{"name": p.(object)["name"], "in": p.(object)["in"]})
	}
	return out
}

func mediaOf(patch object) object {
	out := object{}
	for media := range patch["requestBody"].(object)["content"].(object) {
		out[media] = object{}
	}
	return out
}

// mergeable are the schemas of the kinds that are written, and those that these refer to, each with what tells how it is merged.
func mergeable(schemas object, written map[string]bool) object {
	kinds := object{}
	for name, schema := range schemas {
		list, _ := schema.(object)[kindKey].([]any) // none: not a kind
		if slices.ContainsFunc(list, func(kind any) bool { return written[kindName(kind.(object))] }) {
			kinds[name] = object{"$ref": schemaPrefix + name}
		}
	}
	kept := reachable(kinds, schemas, schemaPrefix)
	for name, schema := range kept {
		kept[name] = mergedBy(schema.(object))
	}
	return kept
}

// mergedBy is a schema with its merge keys, and where to read on. A field with one plain value is not looked up: whatever
// stands there is replaced.
func mergedBy(schema object) object {
	out := object{}
	for key, child := range schema {
		switch {
		case key == "properties":
			inside := object{}
			for name, property := range child.(object) {
				if p := property.(object); !plain(p) {
					inside[name] = mergedBy(p)
				}
			}
			out[key] = inside
		case key == "items", key == "additionalProperties":
			out[key] = mergedBy(child.(object))
		case key == "allOf": // around one reference, for the sake of what stands beside it
			out["$ref"] = child.([]any)[0].(object)["$ref"]
		case key == "$ref", key == kindKey, strings.HasPrefix(key, "x-kubernetes-patch-"):
			out[key] = child
		}
	}
	return out
}

// plain tells whether a schema's values are neither lists nor maps.
func plain(schema object) bool {
	switch schema["type"] {
	case "string", "integer", "number", "boolean":
		return true
	}
	return false
}

// forWriting adds the short form to the document that was written last, unless nothing in it can be patched.
func (w *writer) forWriting(spec object) error {
	short := forWriting(spec)
	if len(short["paths"].(object)) == 0 {
		return nil
	}
	data, err := json.Marshal(short)
	if err != nil {
		return err
	}
	last := &w.hashes[len(w.hashes)-1]
	last.Writing = api.ETag(data)
	return w.compress(last.File+".writing.zst", data)
}
