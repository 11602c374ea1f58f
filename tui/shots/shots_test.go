package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPicturesAreCurrent draws each picture again and compares it with the one in docs.
func TestPicturesAreCurrent(t *testing.T) {
	for _, sh := range shots() {
		t.Run(sh.file, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("..", "..", "docs", sh.file))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				if got := draw(t.Context(), sh, 100*time.Millisecond); got != string(want) {
					t.Error("the picture is out of date: go run ./tui/shots")
				}
			})
		})
	}
}

func TestPictureIsXML(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := xml.NewDecoder(strings.NewReader(draw(t.Context(), shots()[1], 100*time.Millisecond)))
		texts := 0
		for {
			tok, err := d.Token()
			if err == io.EOF { //nolint:errorlint // the decoder's own end
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if el, ok := tok.(xml.StartElement); ok && el.Name.Local == "text" {
				texts++
			}
		}
		if texts < 50 {
			t.Errorf("the picture holds %d texts", texts)
		}
	})
}
