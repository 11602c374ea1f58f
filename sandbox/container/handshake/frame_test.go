package handshake_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/sandbox/container/handshake"
)

func TestSetupTravels(t *testing.T) {
	score := 5
	want := handshake.Setup{
		Root: &handshake.Root{
			Path: "/r", Readonly: true, Hostname: "box", Sysctl: []handshake.Setting{{Name: "a.b", Value: "c"}},
			Mounts: []handshake.Mount{{Destination: "/x", Type: "bind", Source: "/y", Recursive: true, Set: 1 << 40, Data: []string{"size=1"}}},
			Masked: []string{"/m"},
		},
		Process: handshake.Process{
			Args: []string{"a", "b\xffc\n"}, Env: []string{"X=ü"}, Cwd: "/", UID: 3, Umask: -1, Groups: []int{4, 5}, NoNewPrivs: true, OOMScoreAdj: &score,
			Caps: handshake.Capabilities{Bounding: 1<<63 | 1}, Rlimits: []handshake.Rlimit{{Resource: 7, Soft: 1, Hard: ^uint64(0)}},
			Seccomp: []byte{1, 2, 3, 255},
		},
	}
	var wire bytes.Buffer
	if err := handshake.Write(&wire, handshake.SetUp, &want); err != nil {
		t.Fatal(err)
	}
	var got handshake.Setup
	if err := handshake.Expect(&wire, handshake.SetUp, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestFailureComesInsteadOfWhatWasExpected(t *testing.T) {
	var wire bytes.Buffer
	sent := handshake.Failure{Text: "mount: no", Reason: handshake.NotFound}
	if err := handshake.Write(&wire, handshake.Failed, &sent); err != nil {
		t.Fatal(err)
	}
	var got *handshake.Failure
	if err := handshake.Expect(&wire, handshake.Ready, nil); !errors.As(err, &got) || *got != sent || err.Error() != "mount: no" {
		t.Errorf("error %v, want %+v", err, sent)
	}
}

func TestTheEndIsToldFromATornFrame(t *testing.T) {
	frame := append(handshake.Header(handshake.Failed, 4), "{}"...)
	for n, want := range map[int]error{0: io.EOF, 3: io.ErrUnexpectedEOF, 5: io.ErrUnexpectedEOF, 7: io.ErrUnexpectedEOF} {
		if _, _, err := handshake.Read(bytes.NewReader(frame[:n])); !errors.Is(err, want) {
			t.Errorf("after %d bytes: %v, want %v", n, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("R\x00\x00\x00\x00"))
	f.Add([]byte("F\x00\x00\x00\x02\x00\x00"))
	f.Add([]byte("S\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bytes.NewReader(wire)
		kind, body, err := handshake.Read(r)
		if err == nil && (kind != handshake.Kind(wire[0]) || len(body)+r.Len()+5 != len(wire)) {
			t.Errorf("read %c with %d bytes, %d left of %d", kind, len(body), r.Len(), len(wire))
		}
		var s handshake.Setup
		_ = handshake.Expect(bytes.NewReader(wire), handshake.SetUp, &s)
	})
}
