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

// IndexEntry is one line of the index that openapigen writes.
type IndexEntry struct {
	Path string // "v2", or below /openapi/v3: "apis/apps/v1"
	File string // without .json.zst and .pb.zst
	ETag string
}

// ETag is upstream's: SHA-512 in upper case hex.
func ETag(document []byte) string {
	return fmt.Sprintf("%X", sha512.Sum512(document))
}

// openapiIndex reads the index once. Documents are unpacked when first asked for, and kept.
var openapiIndex = sync.OnceValues(func() (map[string]func() (*Document, error), error) {
	entries, err := indexEntries()
	if err != nil {
		return nil, err
	}
	documents := map[string]func() (*Document, error){}
	for _, entry := range entries {
		documents[entry.Path] = sync.OnceValues(func() (*Document, error) { return unpack(entry) })
	}
	return documents, nil
})

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
	for suffix, target := range map[string]*[]byte{".json.zst": &document.JSON, ".pb.zst": &document.Proto} {
		packed, err := artefacts.ReadFile("openapi/" + entry.File + suffix)
		if err != nil {
			return nil, fmt.Errorf("OpenAPI document %s: %w", entry.Path, err)
		}
		if *target, err = inflate(packed); err != nil {
			return nil, fmt.Errorf("unpack OpenAPI document %s: %w", entry.Path, err)
		}
	}
	return document, nil
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
	return documents["v2"]()
}

// OpenAPIV3 is /openapi/v3/<path>: "api/v1", "apis/apps/v1". Nil without an error when there is no such path.
func OpenAPIV3(path string) (*Document, error) {
	documents, err := openapiIndex()
	if err != nil {
		return nil, err
	}
	document, ok := documents[path]
	if !ok || path == "v2" {
		return nil, nil
	}
	return document()
}

// OpenAPIV3Index is /openapi/v3 as JSON: which paths there are, each with its hash, so that clients fetch a document once.
func OpenAPIV3Index() ([]byte, error) {
	entries, err := indexEntries()
	if err != nil {
		return nil, err
	}
	type link struct {
		ServerRelativeURL string `json:"serverRelativeURL"`
	}
	paths := map[string]link{}
	for _, entry := range entries {
		if entry.Path != "v2" {
			paths[entry.Path] = link{"/openapi/v3/" + entry.Path + "?hash=" + entry.ETag}
		}
	}
	return json.Marshal(map[string]any{"paths": paths})
}
