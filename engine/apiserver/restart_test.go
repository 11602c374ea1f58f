package apiserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"path/filepath"
	"testing"

	"drydock/engine/apiserver"
	"drydock/engine/decision"
	"drydock/engine/store"
)

func TestRestartKeepsWhatIsThere(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "journal.db")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var revision int64
	for start := range 3 {
		st, err := store.Open(store.Options{Path: journal})
		if err != nil {
			t.Fatal(err)
		}
		_, err = apiserver.New(apiserver.Options{Store: st, Recorder: decision.NewRing(10), ServiceAccountKey: key, AdvertiseURL: "https://172.30.0.1:6443"})
		if err != nil {
			t.Fatalf("start %d: %v", start, err)
		}
		if start > 0 && st.Revision() != revision {
			t.Errorf("start %d wrote: revision %d → %d", start, revision, st.Revision())
		}
		revision = st.Revision()
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
