package api

import (
	"errors"
)

// ErrNoDocuments says that this binary was built without its OpenAPI documents: run "make generate".
var ErrNoDocuments = errors.New("this build carries no OpenAPI documents; run \"make generate\" and build again")

// Document is one OpenAPI document in the two forms that clients ask for.
type Document struct {
	JSON []byte
	// Proto is application/com.github.proto-openapi.spec.v2@v1.0+protobuf, or v3.
	Proto []byte
	// ETag is the hash of JSON, upper case hex: the answer's ETag in quotes, and the ?hash= of the index.
	ETag string
}

// OpenAPIV2 is /openapi/v2. Documents are unpacked on first use and kept.
func OpenAPIV2() (*Document, error) { return nil, ErrNoDocuments }

// OpenAPIV3Index is /openapi/v3 as JSON: which paths there are, each with its hash.
func OpenAPIV3Index() ([]byte, error) { return nil, ErrNoDocuments }

// OpenAPIV3 is /openapi/v3/<path>: "api/v1", "apis/apps/v1". Nil without an error when there is no such path.
func OpenAPIV3(path string) (*Document, error) { return nil, ErrNoDocuments }
