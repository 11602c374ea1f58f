package api

import (
	"crypto/sha512"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// ErrNoDocuments says that this binary was built without its OpenAPI documents.
var ErrNoDocuments = errors.New("this build carries no OpenAPI documents; run \"make generate\" and build again")

// artefacts is what openapigen writes. The README alone is there before it has run.
//
//go:embed openapi
var artefacts embed.FS

// Document is one OpenAPI document in the two forms that clients ask for.
type Document struct {
	JSON []byte
	// Proto is application/com.github.proto-openapi.spec.v2@v1.0+protobuf, or v3.
	Proto []byte
	// ETag is the hash of JSON: the answer's ETag in quotes, and the ?hash= of the index.
	ETag string
}

// Form says how much of a document is asked for.
type Form int

// The forms. Writing holds what a client looks up before it writes an object: that the kind can be patched, with which
// parameters, and by which keys its lists are merged. There are no descriptions in it, and it is JSON only.
const (
	Full Form = iota
	Writing
)

// IndexEntry is one line of the index that openapigen writes.
type IndexEntry struct {
	Path string // "v2", or below /openapi/v3: "apis/apps/v1"
	File string // without .json.zst and .pb.zst
	ETag string
	// Writing is the hash of the short form; "" where there is none.
	Writing string `json:",omitempty"`
}

// ETag is upstream's: SHA-512 in upper case hex.
func ETag(document []byte) string {
	return fmt.Sprintf("%X", sha512.Sum512(document))
}

// openapiIndex reads the index once. Documents are unpacked when first asked for, and kept.
var openapiIndex = sync.OnceValues(func() (map[documentKey]func() (*Document, error), error) {
	entries, err := indexEntries()
	if err != nil {
		return nil, err
	}
	documents := map[documentKey]func() (*Document, error){}
	for _, entry := range entries {
		documents[documentKey{entry.Path, Full}] = sync.OnceValues(func() (*Document, error) { return unpack(entry) })
		if entry.Writing != "" {
			documents[documentKey{entry.Path, Writing}] = sync.OnceValues(func() (*Document, error) { return unpackWriting(entry) })
		}
	}
	return documents, nil
})

type documentKey struct {
	path string
	form Form
}

func indexEntries() ([]IndexEntry, error) {
	data, err := artefacts.ReadFile("openapi/index.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoDocuments
	}
	if err != nil {
		return nil, err
	}
	var entries []IndexEntry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, fmt.Errorf("read the index of OpenAPI documents: %w", err)
	}
	return entries, nil
}

func unpack(entry IndexEntry) (*Document, error) {
	document := &Document{ETag: entry.ETag}
	return document, unpackInto(entry, map[string]*[]byte{".json.zst": &document.JSON, ".pb.zst": &document.Proto})
}

func unpackWriting(entry IndexEntry) (*Document, error) {
	document := &Document{ETag: entry.Writing}
	return document, unpackInto(entry, map[string]*[]byte{".writing.zst": &document.JSON})
}

func unpackInto(entry IndexEntry, targets map[string]*[]byte) error {
	for suffix, target := range targets {
		packed, err := artefacts.ReadFile("openapi/" + entry.File + suffix)
		if err != nil {
			return fmt.Errorf("OpenAPI document %s: %w", entry.Path, err)
		}
		if *target, err = inflate(packed); err != nil {
			return fmt.Errorf("unpack OpenAPI document %s: %w", entry.Path, err)
		}
	}
	return nil
}

func inflate(packed []byte) ([]byte, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	return decoder.DecodeAll(packed, nil)
}

// OpenAPIV2 is /openapi/v2. kubectl asks for it as protobuf.
func OpenAPIV2() (*Document, error) {
	documents, err := openapiIndex()
	if err != nil {
		return nil, err
	}
	return documents[documentKey{"v2", Full}]()
}

// OpenAPIV3 is /openapi/v3/<path>: "api/v1", "apis/apps/v1". Nil without an error when there is no such path.
func OpenAPIV3(path string, form Form) (*Document, error) {
	documents, err := openapiIndex()
	if err != nil {
		return nil, err
	}
	document, ok := documents[documentKey{path, form}]
	if !ok || path == "v2" {
		return nil, nil
	}
	return document()
}

// OpenAPIV3Index is /openapi/v3 as JSON: which paths there are, each with its hash, so that clients fetch a document once.
// The index of short forms leads to the whole document where there is no other.
func OpenAPIV3Index(form Form) (*Document, error) { return openapiV3Indexes[form]() }

var openapiV3Indexes = map[Form]func() (*Document, error){
	Full:    sync.OnceValues(func() (*Document, error) { return makeV3Index(Full) }),
	Writing: sync.OnceValues(func() (*Document, error) { return makeV3Index(Writing) }),
}

func makeV3Index(form Form) (*Document, error) {
	entries, err := indexEntries()
	if err != nil {
		return nil, err
	}
	type link struct {
		ServerRelativeURL string `json:"serverRelativeURL"`
	}
	paths := map[string]link{}
	for _, entry := range entries {
		switch {
		case entry.Path == "v2":
		case form == Writing && entry.Writing != "":
			paths[entry.Path] = link{"/openapi/v3/" + entry.Path + "?for=" + ForWriting + "&hash=" + entry.Writing}
		default:
			paths[entry.Path] = link{"/openapi/v3/" + entry.Path + "?hash=" + entry.ETag}
		}
	}
	data, err := json.Marshal(map[string]any{"paths": paths})
	return &Document{JSON: data, ETag: ETag(data)}, err
}

// ForWriting is the value of the parameter "for" in the address of a short form.
const ForWriting = "writing"
