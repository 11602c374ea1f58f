// Command openapigen makes the build artefacts of engine/api: the OpenAPI documents it serves and the schema its field
// managers merge by. Both come from modules that go.mod pins, cut down to the kinds in engine/api's table.
//
//	go run ./engine/api/openapigen        # from the repository's root; writes engine/api/openapi
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"drydock/engine/api"
)

func main() {
	out := flag.String("out", filepath.Join("engine", "api", "openapi"), "the directory to write to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "openapigen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	specs, err := specDirectory()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	w := &writer{dir: out}
	if err := w.clear(); err != nil {
		return err
	}
	if err := writeV2(w, specs); err != nil {
		return err
	}
	if err := writeV3(w, specs); err != nil {
		return err
	}
	if err := writeTypes(w, specs); err != nil {
		return err
	}
	return w.index()
}

// specDirectory finds api/openapi-spec of the Kubernetes module this one is pinned to.
func specDirectory() (string, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes").Output()
	if err != nil {
		return "", fmt.Errorf("find the module k8s.io/kubernetes: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "api", "openapi-spec"), nil
}

// writer compresses documents into a directory and remembers their hashes.
type writer struct {
	dir    string
	hashes []api.IndexEntry
}

// clear removes what an earlier run wrote, the index first, so that a run that fails leaves a build without documents rather
// than one with some.
func (w *writer) clear() error {
	for _, pattern := range []string{"index.json", "types.gob", "*.zst"} {
		old, err := filepath.Glob(filepath.Join(w.dir, pattern))
		if err != nil {
			return err
		}
		for _, file := range old {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// document writes both forms of one document; path is "v2" or the path below /openapi/v3.
func (w *writer) document(path string, asJSON, asProto []byte) error {
	file := strings.ReplaceAll(path, "/", "__")
	if err := w.compress(file+".json.zst", asJSON); err != nil {
		return err
	}
	if err := w.compress(file+".pb.zst", asProto); err != nil {
		return err
	}
	w.hashes = append(w.hashes, api.IndexEntry{Path: path, File: file, ETag: api.ETag(asJSON)})
	return nil
}

func (w *writer) compress(name string, data []byte) error {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, name), encoder.EncodeAll(data, nil), 0o644)
}

// index comes last: its presence says that all the others are complete.
func (w *writer) index() error {
	data, err := json.MarshalIndent(w.hashes, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "index.json"), data, 0o644)
}
