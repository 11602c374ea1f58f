package image_test

import (
	"bytes"
	"testing"

	"drydock/sandbox/image"
)

// FuzzImport changes one byte of a good archive, or cuts it: the import fails and leaves nothing, or it gives images that
// can be unpacked.
func FuzzImport(f *testing.F) {
	f.Add(100, byte('x'), 1<<20)
	f.Add(512, byte(0), 5000)
	f.Add(8000, byte('B'), 1<<20)
	f.Fuzz(func(t *testing.T, at int, to byte, length int) {
		data := oneImage(t, "mine")
		data[max(0, at)%len(data)] = to
		data = data[:max(0, min(length, len(data)))]
		s := open(t, image.Options{Root: t.TempDir()})
		imgs, err := s.Import(t.Context(), bytes.NewReader(data))
		if err != nil {
			if left := tags(t, s); len(left) > 0 {
				t.Fatalf("half-applied: %v", left)
			}
			return
		}
		for _, img := range imgs {
			if _, err := s.Unpack(t.Context(), img); err != nil {
				t.Fatal(err)
			}
		}
	})
}
